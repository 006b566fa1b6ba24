"""Splicing changes the texts that were replaced and not one byte beside them, whatever the body looks like."""

import base64
import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from proxy.errors import FormatError
from proxy.formats.jsonscan import Form, scan, string_of
from proxy.formats.shape import UNKNOWN

ANY = "/any/thing"
CHAT = "/v1/chat/completions"
TEXTS = st.text(st.characters(codec=None, exclude_categories=()), max_size=12)
PATHS = [
    (ANY, "application/json"),
    (ANY, "text/plain"),
    (CHAT, "application/json"),
    ("/v1/messages", "application/json"),
    ("/v1beta/models/m:generateContent", "application/json"),
]


def leaves(raw: str) -> list[tuple[Form, str]]:
    return [(leaf.form, raw[leaf.start : leaf.end]) for leaf in scan(raw, UNKNOWN).leaves]


def skeleton(raw: str) -> str:
    """The text without its leaves."""
    parts, done = [], 0
    for leaf in scan(raw, UNKNOWN).leaves:
        parts.append(raw[done : leaf.start])
        done = leaf.end
    return "\0".join([*parts, raw[done:]])


@given(st.data())
def test_only_the_chosen_literals_change(read, documents, data):
    raw: str = data.draw(documents)
    one = read(ANY, raw.encode())
    visible = [number for number, (form, text) in enumerate(leaves(raw)) if form is Form.NUMBER or text != '""']
    assume(len(visible) == len(one.texts))  # a string that is itself JSON has segments of its own
    chosen: dict[int, str] = {}
    replacements: dict[str, str] = {}
    for number, pointer in zip(visible, one.texts, strict=True):
        if leaves(raw)[number][0] is not Form.NUMBER and data.draw(st.booleans()):
            chosen[number] = replacements[pointer] = data.draw(TEXTS.filter(bool))
    assume(not any("#" in pointer for pointer in one.texts))
    out = one.splice(replacements).decode()
    assert skeleton(out) == skeleton(raw)
    for number, (before, after) in enumerate(zip(leaves_of(raw), leaves_of(out), strict=True)):
        assert (string_of(after) == chosen[number]) if number in chosen else (after == before)


def leaves_of(raw: str) -> list[str]:
    """The literals of all strings, keys and numbers, empty strings included."""
    found, done = [], 0
    decoder = json.JSONDecoder()
    while done < len(raw):
        if raw[done] in '"-0123456789':
            _, end = decoder.raw_decode(raw, done)
            literal, is_key = raw[done:end], raw[end:].lstrip(" \t\r\n")[:1] == ":"
            if (is_key or literal != '""') and (literal[0] == '"' or sum(map(str.isdigit, literal)) >= 5):
                found.append(literal)
            done = end
        else:
            done += 1
    return found


@given(st.data())
def test_without_a_replacement_the_very_same_bytes_leave(read, documents, data):
    path, kind = data.draw(st.sampled_from(PATHS))
    raw = data.draw(documents).encode()
    try:
        one = read(path, raw, kind)
    except FormatError:
        assume(False)
    assert one.splice({}) is raw
    assert one.splice({"/no/such/pointer": "x"}) == raw


@given(st.one_of(st.binary(max_size=60), st.text(max_size=30).map(str.encode)), st.sampled_from(PATHS))
def test_any_bytes_are_read_or_refused(read, raw, where):
    path, kind = where
    try:
        one = read(path, raw, kind)
    except FormatError as error:
        assert error.code in {"invalid_json", "invalid_encoding"}  # noqa: PT017 (both outcomes are right)
    else:
        assert one.splice({}) == raw


@given(TEXTS.filter(bool), st.lists(st.booleans(), max_size=5), TEXTS)
def test_json_in_strings_in_json_is_written_back_through_every_layer(read, text, layers, new):
    value: Any = {"person": text}
    for ascii_only in layers:
        value = {"arguments": json.dumps(value, ensure_ascii=ascii_only), "n": 1}
    one = read(ANY, json.dumps(value, ensure_ascii=True).encode())
    pointer = "/arguments#" * len(layers) + "/person"
    assume(pointer in one.texts)
    assert one.texts[pointer] == text
    out = json.loads(one.splice({pointer: new}))
    for _ in layers:
        assert out.keys() == {"arguments", "n"}
        out = json.loads(out["arguments"])
    assert out == {"person": new}


def test_strings_nested_too_deep_are_refused(read):
    value: Any = {"person": "Anna"}
    for _ in range(7):
        value = {"a": json.dumps(value)}
    with pytest.raises(FormatError) as caught:
        read(ANY, value)
    assert caught.value.code == "too_deep"


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_every_unicode_encoding_is_read_and_written_in_itself(read, codec):
    body = json.dumps({"a": "Jürgen 🙂", "b": "x"}, ensure_ascii=False)
    one = read(ANY, body.encode(codec))
    assert one.texts["/a"] == "Jürgen 🙂"
    out = one.splice({"/a": "[PERSON_1] ß"})
    assert out.decode(codec) == body.replace("Jürgen 🙂", "[PERSON_1] ß")
    assert out[:4] == body.encode(codec)[:4]


@pytest.mark.parametrize("raw", [b'{"a": "\xff"}', b"\xff\xfe\x00", b"\xed\xa0\x80", "{'ä'}".encode("latin-1")])
def test_bytes_that_are_no_text_are_refused_without_being_quoted(read, raw):
    with pytest.raises(FormatError) as caught:
        read(ANY, raw)
    assert caught.value.code in {"invalid_encoding", "invalid_json"}
    assert caught.value.__context__ is None


@pytest.mark.parametrize("raw", ['"Anna"', "[]", "null", "12", "1e400", '["Anna", ["Anna"]]', "  {}  "])
def test_a_body_that_is_no_object_is_read_as_well(read, raw):
    one = read(CHAT, raw.encode())
    assert list(one.texts.values()) == ["Anna"] * raw.count("Anna")
    assert one.splice(dict.fromkeys(one.texts, "X")).decode() == raw.replace("Anna", "X")


def test_duplicate_keys_have_pointers_of_their_own(read):
    one = read(CHAT, b'{"user": "a", "user": "b", "user": "c"}')
    assert [text for text in one.texts.values() if text in "abc"] == ["a", "b", "c"]
    pointer = next(pointer for pointer, text in one.texts.items() if text == "b")
    assert one.splice({pointer: "X"}) == b'{"user": "a", "user": "X", "user": "c"}'


def test_an_ascii_body_stays_ascii_where_it_took_the_trouble(read):
    one = read(ANY, b'{"a": "J\\u00fcrgen", "b": "Anna"}')
    assert one.splice({"/a": "Ü🙂", "/b": "Ü"}) == b'{"a": "\\u00dc\\ud83d\\ude42", "b": "\xc3\x9c"}'


@pytest.mark.parametrize("url_safe", [False, True])
@pytest.mark.parametrize("text", ["Anna Schmidt ??>>", "Jürgen", "Nguyễn Thị Hạnh, 18 giờ"])
def test_text_in_base64_is_read_and_written_in_its_alphabet(read, text, url_safe):
    coded = (base64.urlsafe_b64encode if url_safe else base64.b64encode)(text.encode()).decode()
    part = {"inlineData": {"mimeType": "text/plain", "data": coded}}
    one = read("/v1beta/models/m:generateContent", {"contents": [{"role": "user", "parts": [part]}]})
    pointer = "/contents/0/parts/0/inlineData/data"
    assert one.texts == {pointer: text}
    out = json.loads(one.splice({pointer: "X??>>~~"}))["contents"][0]["parts"][0]["inlineData"]["data"]
    assert base64.b64decode(out, altchars=b"-_") == b"X??>>~~" or base64.b64decode(out) == b"X??>>~~"
    if set(coded) & set("-_"):
        assert not set(out) & set("+/")


@pytest.mark.parametrize("kind", ["data:text/plain;base64,", "data:text/csv;charset=utf-8;base64,", "DATA:;base64,"])
def test_a_data_url_that_holds_text_is_opened(read, kind):
    url = kind + base64.b64encode(b"Anna Schmidt").decode()
    one = read(CHAT, {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]})
    assert "Anna Schmidt" in one.texts.values()
    (pointer,) = (pointer for pointer, text in one.texts.items() if text == "Anna Schmidt")
    out = json.loads(one.splice({pointer: "X"}))["messages"][0]["content"][0]["image_url"]["url"]
    assert out == kind + base64.b64encode(b"X").decode()


def test_a_percent_encoded_data_url_is_opened(read):
    one = read(ANY, {"u": "data:text/plain,Anna%20Schmidt"})
    assert one.texts["/u"] == "Anna Schmidt"
    assert json.loads(one.splice({"/u": "[P]"})) == {"u": "data:text/plain,%5BP%5D"}


def test_an_image_is_media_and_long_base64_of_nothing_known_is_uninspected(read):
    png = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(40)).decode()
    blob = base64.b64encode(bytes(range(256)) * 3).decode()
    one = read(ANY, {"a": f"data:image/png;base64,{png}", "b": blob})
    assert [(part.pointer, part.media_type, part.size) for part in one.inspected.media] == [("/a", "image/png", 48)]
    assert [(part.pointer, part.size) for part in one.inspected.uninspected] == [("/b", 768)]
    assert {"/a", "/b"}.isdisjoint(one.texts)


def test_a_number_becomes_a_string_only_in_data_of_the_app(read):
    body = b'{"metadata": {"phone": 491711234567}, "top": 491711234567}'
    one = read(CHAT, body)
    assert one.texts["/metadata/phone"] == "491711234567"
    assert one.splice({"/metadata/phone": "[N]"}) == body.replace(b"491711234567", b'"[N]"', 1)
    with pytest.raises(FormatError) as caught:
        one.splice({"/top": "[N]"})
    assert caught.value.code == "number_not_replaceable"
