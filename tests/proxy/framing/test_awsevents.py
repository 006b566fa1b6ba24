"""AWS event streams: botocore reads what is written here, any cut gives the same, and every checksum is right again."""

import json
from itertools import pairwise

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import FormatError
from proxy.framing.awsevents import AwsFramer, encoded_headers, headers_of, message

NAMES = st.text(alphabet="abc:-", min_size=1, max_size=9)
HEADERS = st.dictionaries(NAMES, st.text(max_size=20), max_size=4)
VALUES = st.dictionaries(st.text(max_size=5), st.one_of(st.text(max_size=20), st.integers()), max_size=4)
KINDS = st.sampled_from(["messageStart", "contentBlockDelta", "chunk", "metadata"])


def theirs(raw):
    """What botocore makes of the bytes."""
    buffer = EventStreamBuffer()
    buffer.add_data(raw)
    return [(event.headers, event.payload) for event in buffer]


def one(kind, payload):
    return message(encoded_headers({":event-type": kind, ":message-type": "event"}), payload)


@given(HEADERS, st.binary(max_size=200))
def test_botocore_reads_a_message_as_it_was_written(headers, payload):
    head = encoded_headers(headers)
    assert theirs(message(head, payload)) == [(headers, payload)]
    assert headers_of(head) == headers


@given(st.lists(st.tuples(KINDS, VALUES), max_size=5), st.lists(st.integers(0, 600), max_size=6))
def test_any_cut_gives_the_same_events_and_the_same_bytes(values, cuts):
    raw = b"".join(one(kind, json.dumps(value).encode()) for kind, value in values)
    places = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
    framer = AwsFramer()
    events = [event for start, end in pairwise(places) for event in framer.feed(raw[start:end])]
    assert framer.finish() == []
    assert b"".join(event.raw for event in events) == raw
    for event, (kind, value) in zip(events, values, strict=True):
        told = json.loads(event.data)
        assert told == ({"type": kind, **value} if "type" not in value else {**value, "type": value["type"]})
        assert event.spelled(event.data) == event.raw


def test_a_new_text_gets_new_checksums_and_keeps_its_headers():
    raw = one("contentBlockDelta", b'{"delta":{"text":"x"},"p":"abc"}')
    (event,) = AwsFramer().feed(raw)
    written = event.spelled(event.data.replace('"x"', '"Jürgen"'))
    ((headers, payload),) = theirs(written)
    assert headers == {":event-type": "contentBlockDelta", ":message-type": "event"}
    assert json.loads(payload) == {"delta": {"text": "Jürgen"}, "p": "abc"}


def test_a_chunk_shows_what_its_base64_says():
    raw = one("chunk", b'{"bytes":"eyJnZW5lcmF0aW9uIjoieCJ9","p":"abc"}')
    (event,) = AwsFramer().feed(raw)
    assert event.data == '{"generation":"x"}'
    ((_, payload),) = theirs(event.spelled('{"generation":"Hạnh"}'))
    assert (payload[:10], payload[-12:]) == (b'{"bytes":"', b'","p":"abc"}')


@given(st.integers(0, 200), st.integers(1, 255))
def test_a_damaged_message_ends_the_transfer(at, change):
    raw = bytearray(one("contentBlockDelta", b'{"delta":{"text":"x"}}'))
    raw[at % len(raw)] ^= change
    framer = AwsFramer()
    with pytest.raises(FormatError):
        framer.feed(bytes(raw))
        raise FormatError("it waits for the rest of a message that says to be longer")


def test_half_a_message_is_passed_on_as_it_is():
    raw = one("messageStop", b"{}")
    framer = AwsFramer()
    assert framer.feed(raw[:-3]) == []
    assert [event.raw for event in framer.finish()] == [raw[:-3]]
