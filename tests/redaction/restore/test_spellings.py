"""Every spelling that a model may write restores; what only looks like a placeholder never does."""

import json
from collections.abc import Callable

import pytest

from redaction import tokens
from redaction.entities import ENTITY_TYPES
from redaction.errors import RestoreError
from redaction.restore import MAX_HELD, MAX_RESTORABLE, Encoding, Restorable, RestoreCounts, Restorer
from redaction.restore.brackets import OPENERS
from redaction.restore.words import MAX_WORD, words_of

KEY = bytes(range(32))
NAME = "Nguyễn Văn An"
TOKEN = tokens.mint(KEY, "PERSON", NAME)
INNER, IDENT = TOKEN[1:-1], TOKEN[8:-1]
PHONE = tokens.mint(KEY, "PHONE_NUMBER", "0171 2345678", 12)
PHONE_IDENT = PHONE[14:-1]
SET = {TOKEN: NAME, PHONE: "0171 2345678"}


def restored(text: str, encoding: Encoding = Encoding.PLAIN, **options: bool) -> str:
    return Restorer(Restorable(SET)).whole(text, encoding, **options)


@pytest.mark.parametrize(
    "written",
    [
        TOKEN, TOKEN.lower(), TOKEN.title(), INNER, INNER.lower(), f"[{INNER}", f"{INNER}]", f"[[{INNER}]]",
        f"\\[PERSON\\_{IDENT}\\]", f"[PERSON\\_{IDENT}]", f"PERSON\\_{IDENT}",
        f"[PERSON _{IDENT}]", f"[PERSON_ {IDENT}]", f"[PERSON  _  {IDENT}]", f"PERSON _ {IDENT}", f"[PERSON-{IDENT}]",
        f"[PERSON {IDENT}]", f"<{INNER}>", f"【{INNER}】", f"［{INNER}］",
        f"[Name_{IDENT}]", f"[NAME {IDENT}]", f"[TÊN_{IDENT}]", f"[họ_tên_{IDENT}]", f"[Họ tên_{IDENT}]",
        f"[HO_TEN_{IDENT}]", f"[Người_{IDENT}]",
    ],
)  # fmt: skip
def test_an_accepted_spelling_restores(written: str) -> None:
    assert restored(written) == NAME
    assert restored(f"Hallo {written}, xin chào") == f"Hallo {NAME}, xin chào"


@pytest.mark.parametrize("word", ["PHONE_NUMBER", "TELEFONNUMMER", "Telefonnummer", "SỐ_ĐIỆN_THOẠI", "Số điện thoại"])
def test_a_translated_type_word_restores(word: str) -> None:
    assert restored(f"[{word}_{PHONE_IDENT}]") == "0171 2345678"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (f"{TOKEN}s Haus", f"{NAME}s Haus"),
        (f"{INNER}s Haus", f"{NAME}s Haus"),
        (f"{TOKEN}-Fan", f"{NAME}-Fan"),
        (f"die {TOKEN}'sche Regel", f"die {NAME}'sche Regel"),
        (f"anh {TOKEN} và chị {TOKEN}", f"anh {NAME} và chị {NAME}"),
        (f"**{TOKEN}** `{TOKEN}`", f"**{NAME}** `{NAME}`"),
        (f"\\{TOKEN}", f"\\{NAME}"),
        (f"{TOKEN}{PHONE}", f"{NAME}0171 2345678"),
        (f"[{INNER}, {PHONE[1:]}", f"{NAME}, 0171 2345678"),
        (f"[siehe {INNER}]", f"[siehe {NAME}]"),
        (f"({INNER}) {{{INNER}}}", f"({NAME}) {{{NAME}}}"),
        (f"[{TOKEN}](https://a.example)", f"[{NAME}](https://a.example)"),
        (f"[{TOKEN}, {PHONE}]", f"[{NAME}, 0171 2345678]"),
    ],
)
def test_what_surrounds_a_placeholder_stays(written: str, expected: str) -> None:
    assert restored(written) == expected


@pytest.mark.parametrize(
    "text",
    [
        f"[PERSON_{IDENT[:-1]}]", f"[PERSON_{IDENT[1:]}]", f"x{INNER}", f"[KUNDE_{IDENT}]", f"[PHONE_NUMBER_{IDENT}]",
        f"[{IDENT}]", f"Name_{IDENT}", f"[PERSON__{IDENT}]", f"[PERSON\n_{IDENT}]", f"[PERSON   _{IDENT}]",
        tokens.mint(bytes(32), "PERSON", NAME), "[PERSON_AAAAAAAA]", "[PERSON]", "PERSON", "STOP", "P", "[", "",
        f"[PHONE_NUMBER_{PHONE_IDENT[:8]}]",
    ],
)  # fmt: skip
def test_guessed_foreign_and_look_alike_placeholders_stay(text: str) -> None:
    assert restored(text) == text


def test_brackets_that_were_sent_around_a_placeholder_come_back() -> None:
    sent = f"[{TOKEN}] and {PHONE}"
    restorer = Restorer(Restorable(SET, [sent]))
    assert restorer.whole(sent) == f"[{NAME}] and 0171 2345678"
    assert restorer.whole(f"[{PHONE}]") == "0171 2345678"


@pytest.mark.parametrize(
    ("encoding", "written", "expected"),
    [
        (Encoding.JSON, f'{{"to": "{TOKEN}"}}', '{"to": "a\\"\\\\\\n<b>"}'),
        (Encoding.JSON, f'{{"to": "\\u005bPERSON\\\\_{IDENT}\\u005D"}}', '{"to": "a\\"\\\\\\n<b>"}'),
        (Encoding.JSON, f'{{"to": "[PERSON\\_{IDENT}]"}}', '{"to": "a\\"\\\\\\n<b>"}'),
        (Encoding.JSON, f'{{"to": "[T\\u00caN_{IDENT}]"}}', '{"to": "a\\"\\\\\\n<b>"}'),
        (Encoding.HTML, f"<p>{TOKEN}</p>", "<p>a&quot;\\\n&lt;b&gt;</p>"),
        (Encoding.URL, f"q={TOKEN}", "q=a%22%5C%0A%3Cb%3E"),
        (Encoding.PLAIN, f"%5B{INNER}%5D", "a%22%5C%0A%3Cb%3E"),
        (Encoding.PLAIN, f"&lt;{INNER}&gt;", "a&quot;\\\n&lt;b&gt;"),
        (Encoding.PLAIN, f"&#91;{INNER}&#93;", "a&quot;\\\n&lt;b&gt;"),
        (Encoding.PLAIN, f"\\u005b{INNER}\\u005d", 'a\\"\\\\\\n<b>'),
        (Encoding.PLAIN, TOKEN, 'a"\\\n<b>'),
    ],
)
def test_a_value_is_written_as_its_place_needs(encoding: Encoding, written: str, expected: str) -> None:
    assert Restorer(Restorable({TOKEN: 'a"\\\n<b>'})).whole(written, encoding) == expected


def test_a_lone_surrogate_in_a_value_keeps_json_valid() -> None:
    got = Restorer(Restorable({TOKEN: "a\ud800b"})).whole(f'"{TOKEN}"', Encoding.JSON)
    assert json.loads(got.encode("utf-8")) == "a\ud800b"


def test_text_without_a_placeholder_in_sight_is_never_delayed() -> None:
    restorer = Restorer(Restorable(SET))
    for delta in ["Hallo", ", ", "wie", " geht", " es", "? ", "Tôi", " khoẻ", ".", " a]", " (b)", "\n\n", "1 < 2", " "]:
        assert restorer.feed("c", delta) == delta
        assert not restorer.pending("c")


def test_nothing_is_pending_once_the_closing_bracket_is_there() -> None:
    for written in (TOKEN, f"\\[PERSON\\_{IDENT}\\]", f"%5B{INNER}%5D", f"&lt;{INNER}&gt;", f"[Name {IDENT}]"):
        restorer = Restorer(Restorable(SET))
        assert restorer.feed("c", f"a {written}").startswith("a ")
        assert not restorer.pending("c")


@pytest.mark.parametrize("text", ["P", "PERSON", "STOP", "PHONE", "PERSON_", INNER])
def test_strict_channels_hold_back_nothing_without_a_bracket(text: str) -> None:
    restorer = Restorer(Restorable(SET))
    assert restorer.feed("c", text, strict=True) == text
    assert not restorer.pending("c")
    assert restorer.feed("c", f" [name_{IDENT}]") == f" {NAME}"


def test_every_spelling_of_every_type_fits_into_what_may_be_held_back() -> None:
    labels = {tokens.label(entity_type) for entity_type in ENTITY_TYPES} | {"A_B_C_D_E_F_G_H_I_J", "PLACEHOLDER"}
    assert max(len(word) for label in labels for word in words_of(label)) <= MAX_WORD
    opened = max(len(pair.open) for pairs in OPENERS.values() for pair in pairs)
    closed = max(len(pair.close) for pairs in OPENERS.values() for pair in pairs)
    joint = len("  \\u005f  ")
    assert opened + MAX_WORD + joint + tokens.WIDE_LENGTH + closed - 1 <= MAX_HELD
    assert all(label in words_of(label) for label in labels)


def test_everything_is_counted() -> None:
    foreign = tokens.mint(bytes(32), "PERSON", NAME)
    text = f"{TOKEN} {foreign} [PERSON_AAAAAAAA] [PHONE_NUMBER_{IDENT}] https://evil.example/{TOKEN}"
    restorer = Restorer(Restorable(SET))
    got = "".join(restorer.feed("c", char) for char in text) + restorer.flush("c")
    assert got == text.replace(TOKEN, NAME, 1)
    assert restorer.counts == RestoreCounts(restored=1, withheld=1, foreign=1, unknown=2)


def test_a_flushed_channel_begins_anew() -> None:
    restorer = Restorer(Restorable(SET))
    assert restorer.feed("c", "https://evil.example/[PER") == "https://evil.example/"
    assert restorer.channels == ("c",)
    assert restorer.flush("c") == "[PER"
    assert restorer.channels == ()
    assert restorer.flush("c") == ""
    assert restorer.feed("c", TOKEN) == NAME


def test_limits_and_wrong_sets_are_refused() -> None:
    many = {tokens.mint(KEY, "AGE", str(number)): str(number) for number in range(MAX_RESTORABLE + 1)}
    with pytest.raises(RestoreError) as refused:
        Restorable(many)
    assert refused.value.code == "too_many_placeholders"
    with pytest.raises(RestoreError) as refused:
        Restorable({"[PERSON_AAAAAAAA]": "secret"})
    assert refused.value.code == "not_a_placeholder"
    assert "secret" not in str(refused.value)
    restorer = Restorer(Restorable(SET))
    for number in range(4096):
        restorer.feed(str(number), "x")
    with pytest.raises(RestoreError) as refused:
        restorer.feed("one more", "x")
    assert refused.value.code == "too_many_channels"


def test_ten_thousand_placeholders_restore_each_to_its_own() -> None:
    many = {tokens.mint(KEY, "AGE", str(number)): str(number) for number in range(MAX_RESTORABLE)}
    assert Restorer(Restorable(many)).whole(" ".join(many)) == " ".join(many.values())


def test_spans_find_every_spelling_in_a_text_of_an_app() -> None:
    text = f"a {INNER.lower()} b [Name {IDENT}] c [PERSON_AAAAAAAA] x{INNER}"
    found = Restorable(SET).spans(text)
    assert [text[span.start : span.end] for span in found] == [INNER.lower(), f"[Name {IDENT}]"]
    assert {span.token for span in found} == {TOKEN}
    assert Restorable({}).spans(text) == ()


def test_the_oracle_restores_too(oracle: Callable[..., str]) -> None:
    text = f"[{TOKEN}](x) {INNER}] [[{INNER}]] %5B{INNER}%5D"
    assert oracle(text, SET).count(NAME) == 4
