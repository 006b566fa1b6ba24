"""JSON in strings of JSON, quoted in prose or not: what is filled in is escaped as often as its place asks, for any
original, any depth and any cut."""

import json
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from redaction import tokens
from redaction.restore import Encoding, Restorable, Restorer
from redaction.restore.nesting import MAX_STRINGS, Nesting

type Pieces = Callable[[str, list[int]], list[str]]

KEY = bytes(range(32))
TOKEN = tokens.mint(KEY, "PERSON", "anybody")
AWKWARD = st.text(st.sampled_from('ab"\\/\n\t\x01üß\u2028🙂\ud83d{}[]:,'), max_size=8)
ORIGINALS = st.one_of(AWKWARD, st.sampled_from(['C:\\new\\"x"', "\\", '"', "\\u00fc", "O'Neil", '{"a": "b"}']))
WORDS = st.text(st.sampled_from('ab "\\{}[]:,\nü🙂'), max_size=6)
CUTS = st.lists(st.integers(0, 600), max_size=12)
PROSE = st.sampled_from(
    ["", "Here: ", "{name} and [1], [2] {a: 1} ", "```json\n", 'It says "no" [', '["x"] and ', "{{"]
)


@st.composite
def documents(draw: st.DrawFn, inner: str) -> str:
    """A document with a string in it, among others."""
    value: object = inner
    for _ in range(draw(st.integers(1, 3))):
        others = draw(st.lists(st.one_of(st.none(), st.booleans(), st.floats(0, 9), WORDS), max_size=2))
        value = [*others, value, *others] if draw(st.booleans()) else {draw(WORDS) + "k": others, "v": value}
    return json.dumps(value, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 1])))


@st.composite
def nested(draw: st.DrawFn, depth: int) -> str:
    """A document in a string of a document, and so on, with `TOKEN` in the innermost string."""
    text = "x" + draw(WORDS) + TOKEN + draw(WORDS)  # with a letter before it, as it might begin a document itself
    for _ in range(depth):
        text = draw(documents(text))
    return text


def streamed(original: str, parts: list[str], encoding: Encoding, sent: tuple[str, ...] = ()) -> str:
    restorer = Restorer(Restorable({TOKEN: original}, sent))
    return "".join(restorer.feed("c", part, encoding) for part in parts) + restorer.flush("c")


def read_down(text: str, depth: int) -> str:
    """The innermost string."""
    for _ in range(depth):
        value = json.loads(text)
        while not isinstance(value, str):
            value = next(one for one in (value.values() if isinstance(value, dict) else value) if has(one))
        text = value
    return text


def has(value: object) -> bool:
    if isinstance(value, dict | list):
        return any(map(has, value.values() if isinstance(value, dict) else value))
    return isinstance(value, str) and "\ue000" in value


@given(st.data(), st.integers(1, 4), ORIGINALS)
@settings(max_examples=120, deadline=None)
def test_an_original_in_json_in_json_is_escaped_as_often_as_it_stands_deep(
    pieces: Pieces, data: st.DataObject, depth: int, original: str
) -> None:
    original = f"\ue000{original}"
    text = data.draw(nested(depth))
    got = streamed(original, pieces(text, data.draw(CUTS)), Encoding.JSON)
    assert got == Restorer(Restorable({TOKEN: original})).whole(text, Encoding.JSON)
    whole = json.loads(json.dumps(read_down(got, depth)))
    assert original in whole
    # Nothing else changed: with a name that needs no escape the two differ only there.
    plain = streamed("\ue000", pieces(text, []), Encoding.JSON)
    assert whole.replace(original, "\ue000") == read_down(plain, depth)


@given(st.data(), st.integers(0, 3), ORIGINALS, PROSE)
@settings(max_examples=120, deadline=None)
def test_json_that_prose_quotes_stays_json(
    pieces: Pieces, data: st.DataObject, depth: int, original: str, before: str
) -> None:
    original = f"\ue000{original}"
    text = data.draw(nested(depth))
    after = data.draw(WORDS)
    got = streamed(original, pieces(before + text + after, data.draw(CUTS)), Encoding.PLAIN)
    assert got == Restorer(Restorable({TOKEN: original})).whole(before + text + after)
    if not depth:
        return
    begin = len(before)
    value, _ = json.JSONDecoder().raw_decode(got, begin)
    assert original in read_down(json.dumps(value), depth)


def test_a_plain_answer_gets_originals_as_they_are() -> None:
    for text in (
        TOKEN,
        f'{{name}} said "{TOKEN}"',
        f'[1] "{TOKEN}"',
        f'{{"a": 1}} and "{TOKEN}"',
        f'"{TOKEN}"',
        f"{{{TOKEN}}}",
    ):
        assert streamed('a"\\b', [text], Encoding.PLAIN) == text.replace(TOKEN, 'a"\\b')


@given(st.data(), st.integers(1, 3), AWKWARD)
@settings(max_examples=100, deadline=None)
def test_what_was_found_in_quoted_json_is_written_there_as_it_was_found(
    pieces: Pieces, data: st.DataObject, depth: int, original: str
) -> None:
    spelled = original
    for _ in range(depth):
        spelled = json.dumps(spelled)[1:-1]
    text = "See this: " + data.draw(nested(depth))
    assert streamed(spelled, pieces(text, data.draw(CUTS)), Encoding.PLAIN, (text,)) == text.replace(TOKEN, spelled)


@given(st.data(), st.booleans(), CUTS)
@settings(max_examples=120, deadline=None)
def test_the_depth_is_that_of_the_text_however_it_came(
    pieces: Pieces, data: st.DataObject, as_json: bool, cuts: list[int]
) -> None:
    noise = st.sampled_from(
        [
            '{"',
            '["',
            '":',
            '",',
            '"}',
            '"]',
            "\\",
            '\\"',
            "\\u00",
            "1",
            "-",
            "e5",
            "tr",
            "ue",
            "\x1e",
            " ",
            "\n",
            "[",
            "{",
            "x",
            "9" * 50,
        ]
    )
    text = "".join(data.draw(st.lists(noise, max_size=14)))
    whole, cut = Nesting(json=as_json), Nesting(json=as_json)
    whole.append(text)
    for part in pieces(text, cuts):
        cut.append(part)
        cut.depth()
    assert cut.depth() == whole.depth()
    whole.append_token()
    cut.append_token()
    assert cut.depth() == whole.depth() <= MAX_STRINGS


def test_depth_and_size_of_what_a_provider_sends_are_bounded() -> None:
    nesting = Nesting(json=False)
    for text in ("[" * 100_000, '["', "\\" * 100_000, '["' + "9" * 100_000, '{"a":' * 5000):
        nesting.append(text)
        assert nesting.depth() <= MAX_STRINGS
    deep = "x"
    for _ in range(12):
        deep = json.dumps([deep])
    nesting = Nesting(json=False)
    nesting.append(deep[: deep.index("x")])
    assert nesting.depth() == MAX_STRINGS


@given(st.data(), st.integers(1, 3), st.sampled_from(["Jürgen", "a/b", "Nguyễn 🙂", 'ü"\\']), st.booleans())
@settings(max_examples=100, deadline=None)
def test_a_quoted_document_has_its_originals_in_the_spelling_of_the_app(
    pieces: Pieces, data: st.DataObject, depth: int, original: str, in_prose: bool
) -> None:
    # As an app sent it: a document within others, each of them opened, in ASCII, the innermost with escaped slashes.
    written, sent, echoes = f"Grüße an {original}, x", f"Grüße an {TOKEN}, x", dict[str, str]()
    for layer in range(depth):
        written, sent = (json.dumps({"an": ["x", one]}) for one in (written, sent))
        written = written if layer else written.replace("/", "\\/")
        echoes[sent] = written
    before, encoding = ("Hier: ", Encoding.PLAIN) if in_prose else ("", Encoding.JSON)
    restorer = Restorer(Restorable({TOKEN: original}).with_sent([sent], echoes))
    parts = pieces(before + sent + in_prose * " Gut?", data.draw(CUTS))
    got = "".join(restorer.feed("c", part, encoding) for part in parts) + restorer.flush("c")
    assert got == before + written + in_prose * " Gut?"


def test_words_of_its_own_are_spelled_as_ever() -> None:
    document, sent = json.dumps({"name": "Jürgen"}), json.dumps({"name": TOKEN})
    restorable = Restorable({TOKEN: "Jürgen"}).with_sent([sent], {sent: document})
    answer = json.dumps({"recipient": TOKEN})
    assert Restorer(restorable).whole(answer, Encoding.JSON) == '{"recipient": "Jürgen"}'
