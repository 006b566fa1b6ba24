"""JSON lines and the streamed array: cut anywhere, every byte comes out once, every payload as soon as it is whole."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import FormatError
from proxy.framing.events import Event, Framer
from proxy.framing.lines import ArrayFramer, LineFramer

values = st.recursive(
    st.one_of(st.text(max_size=5), st.integers(), st.booleans(), st.none(), st.floats(allow_nan=False)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text('a"\\]},', max_size=3), inner)),
    max_leaves=5,
)
blanks = st.text(alphabet=" \t\r\n", max_size=2)
cuts = st.lists(st.integers(0, 200), max_size=10)


def framed(framer: Framer, raw: bytes, cuts: list[int]) -> list[Event]:
    places = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
    return [*(event for start, end in pairwise(places) for event in framer.feed(raw[start:end])), *framer.finish()]


@given(st.lists(values, max_size=6), st.sampled_from(["\n", "\r\n", "\n\n"]), st.booleans(), cuts)
def test_lines_come_out_whole(items, end, ended, cuts):
    raw = end.join(json.dumps(item, ensure_ascii=False) for item in items).encode() + (end.encode() if ended else b"")
    found = framed(LineFramer(), raw, cuts)
    assert b"".join(event.raw for event in found) == raw
    assert [json.loads(event.data) for event in found if event.data is not None] == items
    assert b"".join(event.raw if event.data is None else event.spelled(event.data) for event in found) == raw


@given(st.lists(values, max_size=6), blanks, blanks, blanks, cuts)
def test_elements_of_an_array_come_out_whole(items, first, middle, last, cuts):
    inner = f"{middle},{middle}".join(json.dumps(item, ensure_ascii=False) for item in items)
    raw = f"{first}[{first}{inner}{last}]{last}".encode()
    found = framed(ArrayFramer(), raw, cuts)
    assert b"".join(event.raw for event in found) == raw
    assert [json.loads(event.data) for event in found if event.data is not None] == items
    spelled = b"".join(event.raw if event.data is None else event.spelled('"x"') for event in found)
    assert json.loads(spelled) == ["x"] * len(items)


@given(st.one_of(st.binary(max_size=60), st.text('[]{}",:\\ a1', max_size=40).map(str.encode)), cuts)
def test_any_bytes_come_out_as_they_came(raw, cuts):
    for make in (LineFramer, ArrayFramer):
        assert b"".join(event.raw for event in framed(make(), raw, cuts)) == raw


def test_an_element_is_out_when_its_last_byte_came():
    framer = ArrayFramer()
    assert framer.feed(b'[{"a": "]') == []
    assert [event.data for event in framer.feed(b'}"}')] == ['{"a": "]}"}']
    assert [event.data for event in framer.feed(b', {"b": 1}, 2')] == ['{"b": 1}']
    assert [event.data for event in framer.feed(b"3]")] == ["23", None]


def test_brackets_that_close_nothing_do_not_stop_the_framer():
    assert b"".join(event.raw for event in framed(ArrayFramer(), b"[:1}:[ }]}, 2]}", [3, 5])) == b"[:1}:[ }]}, 2]}"


def test_an_added_element_keeps_the_array_an_array():
    framer = ArrayFramer()
    (first,) = framer.feed(b'[{"a":1}')
    rest = framer.feed(b',{"a":2}]')
    raw = first.raw + first.added('{"a":9}') + b"".join(event.raw for event in rest)
    assert json.loads(raw) == [{"a": 1}, {"a": 9}, {"a": 2}]


def test_an_added_line_is_a_line():
    (first,) = LineFramer().feed(b'{"a":1}\r\n')
    assert first.raw + first.added('{"a":2}') == b'{"a":1}\r\n{"a":2}\r\n'
    (last,) = framed(LineFramer(), b'{"a":1}', [])
    assert last.added('{"a":2}') == b'{"a":2}\n'


@pytest.mark.parametrize("make", [LineFramer, ArrayFramer])
def test_an_endless_element_is_refused(monkeypatch, make):
    monkeypatch.setattr("proxy.framing.lines.MAX_EVENT", 1000)
    framer = make()
    with pytest.raises(FormatError) as caught:
        for _ in range(1002):
            framer.feed(b"[")
    assert caught.value.code == "upstream_unreadable"


@given(
    st.lists(st.one_of(values, st.sampled_from([{}, [], {"a": ["{", "]"]}])), min_size=1, max_size=4),
    st.sampled_from([None, 1]), st.sampled_from(["\n", "\r\n"]), cuts,
)  # fmt: skip
def test_a_document_over_several_lines_is_one_payload(items, indent, end, cuts):
    raw = end.join(json.dumps(item, indent=indent).replace("\n", end) for item in items).encode()
    found = framed(LineFramer(), raw, cuts)
    assert b"".join(event.raw for event in found) == raw
    assert [json.loads(event.data) for event in found] == items


def test_what_only_begins_like_a_document_stays_lines():
    raw = b'{\n"a": "no end\n[1]\n{"b":\n\n2}\n[[\n]]]\n{'
    found = framed(LineFramer(), raw, [4])
    assert [event.data for event in found] == ["{", '"a": "no end', "[1]", '{"b":\n\n2}', "[[", "]]]", "{"]
    assert b"".join(event.raw for event in found) == raw
