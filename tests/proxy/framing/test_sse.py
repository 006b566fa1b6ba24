"""Server-sent events: cut anywhere, every byte comes out once, and the payloads are those of the standard's parser."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import FormatError
from proxy.framing import events as framing
from proxy.framing.events import Event, to_bytes
from proxy.framing.sse import SseEvent, SseFramer

LINES = ["data: a", "data:b", "data", "data:", "data:  c", ": comment", "event: x", "id: 1", "retry: 5", "other", "",
         "data: {\"a\": \"ü🙂\"}", "datax: no", " data: no", "data : no", "\ufeffdata: late"]  # fmt: skip
streams = st.lists(
    st.one_of(st.sampled_from(LINES), st.text(alphabet="dat: x\u2028\x85\0", max_size=8)), max_size=12
).flatmap(
    lambda lines: st.lists(st.sampled_from(["\n", "\r\n", "\r", "\n\n"]), min_size=len(lines), max_size=len(lines)).map(
        lambda ends: "".join(line + end for line, end in zip(lines, ends, strict=True)).encode()
    )
)
cuts = st.lists(st.integers(0, 200), max_size=10)


def framed(raw: bytes, cuts: list[int]) -> list[Event]:
    framer = SseFramer()
    places = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
    return [*(event for start, end in pairwise(places) for event in framer.feed(raw[start:end])), *framer.finish()]


def dispatched(raw: bytes) -> list[str]:
    """The data of every event, by the interpretation steps of WHATWG HTML 9.2.6; also of one that is not ended."""
    text = raw.decode().removeprefix("\ufeff")
    found: list[str] = []
    data: list[str] = []
    for line in [*re.split(r"\r\n|\n|\r", text), ""]:
        if not line:
            found += ["\n".join(data)] if data else []
            data = []
        name, _, value = line.partition(":")
        if name == "data":
            data.append(value.removeprefix(" "))
    return found


@given(streams, cuts)
def test_any_cut_gives_the_same_events_and_every_byte(raw, cuts):
    whole, cut = framed(raw, []), framed(raw, cuts)
    assert b"".join(event.raw for event in cut) == raw
    assert [event.data for event in cut if event.data is not None] == dispatched(raw)
    assert [event.data for event in whole if event.data is not None] == dispatched(raw)


@given(streams)
def test_a_byte_order_mark_belongs_to_no_field(raw):
    marked = b"\xef\xbb\xbf" + raw
    assert [event.data for event in framed(marked, []) if event.data is not None] == dispatched(marked)


@given(st.binary(max_size=80), cuts)
def test_any_bytes_come_out_as_they_came(raw, cuts):
    assert b"".join(event.raw for event in framed(raw, cuts)) == raw
    again = [event.raw if event.data is None else event.spelled(event.data) for event in framed(raw, cuts)]
    assert b"".join(again) == raw


@pytest.mark.parametrize("end", ["", "\n", "\r"])
def test_an_event_that_the_provider_did_not_end_ends_only_before_another(end):
    (event,) = framed(f"data: a{end}".encode(), [])
    assert event.spelled("b") == f"data: b{end}".encode()
    assert dispatched(event.spelled("b") + event.added("c")) == ["b", "c"]


@given(streams, st.lists(st.text(st.characters(exclude_characters="\r\n", codec="utf-8"), max_size=5), min_size=1))
def test_another_payload_is_read_back_and_the_rest_stays(raw, lines):
    new = "\n".join(lines)
    for number, event in enumerate(framed(raw, [])):
        if event.data is None:
            continue
        spelled = event.spelled(new)
        assert dispatched((b"\n" if number else b"") + spelled) == [new] or (event.data.count("\n") > new.count("\n"))
        others = [line for line in re.split(rb"\r\n|\n|\r", event.raw) if line and not line.startswith(b"data")]
        assert all(line in spelled for line in others if line.isascii())


def test_fewer_lines_than_before_leave_empty_data_lines():
    (event,) = framed(b"data: a\ndata: b\ndata: c\n\n", [])
    assert event.spelled("x") == b"data: x\ndata: \ndata: \n\n"


def test_an_event_is_out_as_soon_as_its_blank_line_came():
    framer = SseFramer()
    assert [event.data for event in framer.feed(b"data: 1\n\nda")] == ["1"]
    assert framer.feed(b"ta: 2\n") == []
    assert [event.data for event in framer.feed(b"\n")] == ["2"]
    assert [event.data for event in framer.feed(b"data: 3\r\n\r")] == ["3"]
    assert [event.raw for event in framer.feed(b"\ndata: 4\r\r")] == [b"\n", b"data: 4\r\r"]


def test_fields_that_are_not_data_are_kept_byte_for_byte():
    raw = b"id: 7\r\n: keep-alive\r\nevent: x\r\ndata:old\r\nretry: 3\r\n\r\n"
    (event,) = framed(raw, [])
    assert isinstance(event, SseEvent)
    assert event.spelled("new") == raw.replace(b"old", b"new")


def test_bytes_that_are_no_utf8_survive():
    (event,) = framed(b"data: \xff\xfe\xc3\n\n", [])
    assert event.spelled(event.data or "") == b"data: \xff\xfe\xc3\n\n"
    assert to_bytes("\ud83d") == b"?"


def test_an_endless_event_is_refused(monkeypatch):
    monkeypatch.setattr("proxy.framing.sse.MAX_EVENT", 1000)
    framer = SseFramer()
    with pytest.raises(FormatError) as caught:
        for _ in range(1001):
            framer.feed(b"x")
    assert (caught.value.code, caught.value.status) == ("upstream_unreadable", 502)
    assert framing.MAX_EVENT > 20 << 20
