"""Any text, any cut, any interleaving of channels: the result is leftmost-longest replacement on the whole text."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redaction import tokens
from redaction.restore import Encoding, Restorable, Restorer

type Pieces = Callable[[str, list[int]], list[str]]

OPEN = [
    "[", "[[", "\\[", "\\u005b", "\\u005B", "%5B", "%5b", "&#91;", "&#x5B;", "&lsqb;", "&LBRACK;", "<", "&lt;",
    "%3C", "&#60;", "\\u003c", "［", "【", "", "(", "x", " ", "[[[",
]  # fmt: skip
CLOSE = [
    "]", "]]", "\\]", "\\u005d", "%5D", "%5d", "&#93;", "&#x5D;", "&rsqb;", "&rbrack;", ">", "&gt;", "%3E",
    "&#62;", "\\u003e", "］", "】", "", ")", "s", "-", "]]](", "]\n",
]  # fmt: skip
WORDS = [
    "PERSON", "person", "Name", "HỌ_TÊN", "họ tên", "Ho Ten", "PHONE_NUMBER", "Phone\\_Number", "TELEFONNUMMER",
    "SỐ_ĐIỆN_THOẠI", "so dien thoai", "E-Mail-Adresse", "EMAIL_ADDRESS", "URL", "link", "perſon", "KUNDE", "",
]  # fmt: skip
JOINTS = ["_", "\\_", " _", "_ ", "  _  ", "   _", "-", " ", "&#95;", "%5F", "\\u005f", ""]
NOISE = [
    "[", "]", "(", "P", "PE", "Person ", "\\", "&", "&#", "%", "<b>", "\n", "Anh ", "s Haus", "'", '"', "ĐIỆN",
    "[[", "u",
]  # fmt: skip
URLS = [
    "https://crm.example/u/", "https://", "](", "](<", ") ", '<img src="', "' ", '"', "mailto:", "evil.com/",
    "www.", "?q=", "@db/x ", ".example", "/", " ", "url(", "a b ",
]  # fmt: skip


@st.composite
def spelled(draw: st.DrawFn, idents: list[str]) -> str:
    ident = draw(st.sampled_from(idents))
    ident = draw(st.sampled_from([ident, ident.lower(), ident[:-1], ident[:5], ident + "A", ident.replace("0", "O")]))
    parts = (OPEN, WORDS, JOINTS)
    return "".join(draw(st.sampled_from(part)) for part in parts) + ident + draw(st.sampled_from(CLOSE))


def texts(idents: list[str], *more: list[str]) -> st.SearchStrategy[str]:
    noise = st.sampled_from([piece for part in (NOISE, *more) for piece in part])
    return st.lists(st.one_of(spelled(idents), noise, st.text(max_size=3)), max_size=8).map("".join)


cuts = st.lists(st.integers(0, 500), max_size=12)


@pytest.fixture(scope="session")
def idents(minted: dict[str, str]) -> list[str]:
    return [tokens.parse(token).ident for token in minted]  # type: ignore[union-attr]


def whole_and_cut(restorable: Restorable, parts: list[str], encoding: Encoding, strict: bool) -> tuple[str, str]:
    whole, streamed = Restorer(restorable), Restorer(restorable)
    text = whole.whole("".join(parts), encoding, strict=strict)
    pieces = "".join(streamed.feed("c", part, encoding, strict=strict) for part in parts) + streamed.flush("c")
    assert whole.counts == streamed.counts
    return text, pieces


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_any_cut_gives_leftmost_longest_replacement(
    minted: dict[str, str], idents: list[str], oracle: Callable[..., str], pieces: Pieces, data: st.DataObject
) -> None:
    originals = {token: f"<{place}>" for place, token in enumerate(minted)}
    # Without `](`, which opens a URL: URLs have their own tests.
    text = data.draw(texts(idents)).replace("](", "] (").replace("url(", "url (")
    whole, streamed = whole_and_cut(Restorable(originals), pieces(text, data.draw(cuts)), Encoding.PLAIN, strict=False)
    assert streamed == whole
    assert _decoded(whole) == _decoded(oracle(text, originals))


def _decoded(text: str) -> str:
    """Values in the encoding of their brackets read back: the oracle does not encode."""
    for place in range(4):
        for encoded in (f"%3C{place}%3E", f"&lt;{place}&gt;"):
            text = text.replace(encoded, f"<{place}>")
    return text


@given(st.data(), st.sampled_from(Encoding), st.booleans())
@settings(max_examples=400, deadline=None)
def test_any_cut_gives_the_same_with_urls_encodings_and_strictness(
    minted: dict[str, str], idents: list[str], pieces: Pieces, data: st.DataObject, encoding: Encoding, strict: bool
) -> None:
    text = data.draw(texts(idents, URLS, list(minted), ["\\n", '\\"', "\\ud83d\\ude00", "\\\\", "\\ud83d", "\\u00"]))
    sent = data.draw(st.sampled_from([[], [text], [text[: len(text) // 2], text[len(text) // 2 :]]]))
    whole, streamed = whole_and_cut(Restorable(minted, sent), pieces(text, data.draw(cuts)), encoding, strict)
    assert streamed == whole


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_a_long_text_gives_the_same_wherever_it_is_cut(
    minted: dict[str, str], idents: list[str], pieces: Pieces, data: st.DataObject
) -> None:
    # Longer than what the URL context keeps, so that its work in portions is cut differently.
    filler = st.sampled_from(["word " * 700, "x" * 5000, "[a " * 100, '<img src="' + "y " * 3000, "a.b" * 2000 + "/"])
    text = "".join(data.draw(st.lists(st.one_of(filler, texts(idents, URLS, list(minted))), min_size=3, max_size=6)))
    places = data.draw(st.lists(st.integers(0, len(text)), max_size=30))
    whole, streamed = whole_and_cut(Restorable(minted, [text]), pieces(text, places), Encoding.PLAIN, strict=False)
    assert streamed == whole


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_channels_do_not_see_each_other(
    minted: dict[str, str], idents: list[str], pieces: Pieces, data: st.DataObject
) -> None:
    restorable = Restorable(minted)
    written = {name: data.draw(texts(idents, URLS)) for name in "abc"}
    waiting = {name: pieces(text, data.draw(cuts)) for name, text in written.items()}
    restorer, got = Restorer(restorable), dict.fromkeys(written, "")
    while any(waiting.values()):
        name = data.draw(st.sampled_from([name for name, parts in waiting.items() if parts]))
        got[name] += restorer.feed(name, waiting[name].pop(0))
    for name in written:
        got[name] += restorer.flush(name)
    assert got == {name: Restorer(restorable).whole(text) for name, text in written.items()}


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_at_most_64_characters_are_held_back(minted: dict[str, str], idents: list[str], data: st.DataObject) -> None:
    text = data.draw(texts(idents, URLS, list(minted)))
    restorer = Restorer(Restorable(minted, [text]))
    for char in text:
        restorer.feed("c", char)
        assert len(restorer._channels["c"].held) <= 64
        assert restorer.pending("c") == bool(restorer._channels["c"].held)
    restorer.flush("c")
    assert not restorer.pending("c")


@given(st.data(), st.booleans())
@settings(max_examples=200, deadline=None)
def test_a_json_document_stays_one_and_its_strings_are_restored(
    minted: dict[str, str], idents: list[str], pieces: Pieces, data: st.DataObject, ascii_only: bool
) -> None:
    text = data.draw(texts(idents, list(minted)))
    document = json.dumps({"a": [text, {"b": text}], "n": 1}, ensure_ascii=ascii_only)
    restorable = Restorable(minted)
    restorer = Restorer(restorable)
    got = "".join(restorer.feed("c", part, Encoding.JSON) for part in pieces(document, data.draw(cuts)))
    read = json.loads(got + restorer.flush("c"))
    # In the document each string is followed by its quote, which no spelling contains.
    assert read["a"][0] == Restorer(restorable).whole('"' + text + '"')[1:-1]


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_what_is_found_in_a_text_of_an_app_is_what_restore_would_replace(
    minted: dict[str, str], idents: list[str], data: st.DataObject
) -> None:
    text = data.draw(texts(idents, list(minted))).replace("](", "] (")
    marked = {token: f"\ue000{place}" for place, token in enumerate(minted)}
    restorable = Restorable(marked)
    out, position = "", 0
    for span in restorable.spans(text):
        out += text[position : span.start] + marked[span.token]
        position = span.end
    # A closing bracket that was left over after lost brackets is restore's own business.
    whole = Restorer(restorable).whole(text).replace("%EE%80%80", "\ue000")
    assert (out + text[position:]).replace("]", "") == whole.replace("]", "")


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_a_tool_that_gets_no_originals_gets_every_piece_as_it_comes(
    minted: dict[str, str], idents: list[str], pieces: Pieces, data: st.DataObject
) -> None:
    text = data.draw(texts(idents))
    encoding = data.draw(st.sampled_from(list(Encoding)))
    restorable = Restorable(minted)
    whole, streamed, plain = (Restorer(restorable, may_restore=lambda tool: tool == "b") for _ in range(3))
    assert whole.whole(text, encoding, tool="a") == text
    parts = pieces(text, data.draw(cuts))
    assert [streamed.feed("c", part, encoding, tool="a") for part in parts] == parts
    assert not streamed.pending("c")
    assert streamed.flush("c") == ""
    assert streamed.counts == whole.counts
    for tool in ("b", None):
        assert plain.whole(text, encoding, tool=tool) == Restorer(restorable).whole(text, encoding)
    assert whole.counts.restored == 0
    seen = plain.counts
    assert 2 * whole.counts.withheld == seen.restored + seen.withheld


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_a_channel_that_changes_its_tool_loses_nothing(
    minted: dict[str, str], idents: list[str], pieces: Pieces, data: st.DataObject
) -> None:
    parts = pieces(data.draw(texts(idents)), data.draw(cuts))
    at = data.draw(st.integers(0, len(parts)))
    both = Restorer(Restorable(minted), may_restore=lambda tool: tool == "b")
    first = Restorer(Restorable(minted))
    got = [both.feed("c", part, tool="b" if n < at else "a") for n, part in enumerate(parts)] + [both.flush("c")]
    began = [first.feed("c", part) for part in parts[:at]]
    assert got[:at] == began
    if at < len(parts):
        # What was held back when the other tool came stays as it was written.
        held = first.pending("c")
        rest = "".join(parts[at:])
        assert "".join(got[at:]).endswith(rest)
        assert held or "".join(got[at:]) == rest
