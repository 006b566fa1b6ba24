"""The bench of formats asks and answers every format as the format itself reads it, and its ratios are those of its sums."""

import pytest

from proxy.bench import formats
from proxy.bench.wire import CASES, Case, asked_for
from proxy.formats import ALL
from proxy.formats.base import RequestHead
from proxy.formats.selection import Formats
from proxy.messages import Headers
from redaction.restore import Restorable, Restorer

TEXTS = ["Frau Lindner", "chị Hạnh", "Mrs Whitfield"]


def test_every_format_has_its_row() -> None:
    assert [case.format for case in CASES] == [item.name for item in ALL]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.format)
def test_a_row_is_a_request_and_a_stream_of_its_format(case: Case) -> None:
    path, _, query = case.path.partition("?")
    headers = Headers(((b"content-type", b"application/json"),))
    head = RequestHead("GET" if case.session else "POST", "h", path, query, headers, upgrade=case.session)
    chosen, endpoint = Formats().select(head, case.format)
    assert chosen.name == case.format
    body = case.request(TEXTS)
    inspected = endpoint.session.read(body) if endpoint.session else chosen.read(endpoint, head, body)
    assert set(TEXTS) <= {segment.text for segment in inspected.segments}
    assert not inspected.uninspected
    if case.session:
        assert endpoint.session is not None
        session = endpoint.session.reader(Restorer(Restorable({})))
        assert [b"".join(session.message(case.said(n).encode())) for n in range(3)] == [
            case.said(n).encode() for n in range(3)
        ]
        assert session.facts.texts
        return
    answer = case.answer(3)
    kind = case.content_type or "application/json"
    reader = chosen.reader(endpoint, 200, Headers(((b"content-type", kind.encode()),)), Restorer(Restorable({})))
    assert reader.feed(answer) + reader.finish() == answer
    # Events whose pieces the format joins: what the bench measures is the way of a stream, not that of unknown bytes.
    assert reader.facts.events == (3 if case.content_type else 0)
    said = list(reader.facts.texts.values())
    assert said == ([] if case.format in ("openai_other", "mcp") else [3 * " and the next few words of an answer"])


def test_the_upstream_answers_what_the_header_asks_for() -> None:
    case, events = asked_for("anthropic.7")
    assert (case.format, events) == ("anthropic", 7)
    with pytest.raises(StopIteration):
        asked_for("nobody.1")


def test_costs_are_what_the_bigger_request_takes_more() -> None:
    counts = formats._Counts()
    for case in CASES:
        twice = 2 if case.format == "generic" else 1
        for door, share in (("bare", 0.1), ("dragoman", 1.0)):
            for size, events in ((4, 10), (36, 10), (4, 410)):
                # A millisecond in any case, 100 µs a kilobyte, 10 µs an event; ten requests.
                us = 1000 + twice * share * (100 * size * 0.5 + 10 * events)
                counts.taken[door, case.format, size, events] = formats._Taken(us * 10 / 1e6, 10)
    rows = {row.format: row for row in formats._rows(counts)}
    chat, generic, other = rows["openai_chat"], rows["generic"], rows["openai_other"]
    assert (chat.us_per_kb, chat.times_kb, chat.us_per_event) == pytest.approx((100, 1, 10))
    assert (chat.bare_us_per_kb, chat.bare_us_per_event) == pytest.approx((10, 1))
    assert (generic.us_per_kb, generic.times_kb, generic.times_event) == pytest.approx((200, 2, 2))
    assert (other.us_per_event, other.times_event) == (None, None)
    assert list(rows) == [case.format for case in CASES]
