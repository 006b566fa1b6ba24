"""Every row of the table through both doors: nothing planted reaches the provider in any spelling, the structure of a
request is untouched, and the app gets byte for byte what it would have got without us, as early as it would have."""

from typing import Any
from urllib.parse import unquote_plus

import httpx
import pytest

from proxy.fakes.apis import respond
from proxy.fakes.hold import Hold
from proxy.fakes.leaks import assert_no_leak
from proxy.fakes.traffic import Received
from proxy.messages import Headers
from tests.integration.conformance.conftest import Bench
from tests.integration.conformance.reading import events_of, same_words, skeleton, underived
from tests.integration.conformance.shapes import CASES, Case
from tests.integration.conformance.table import DOORS, JSON, Row, rows

pytestmark = pytest.mark.asyncio(loop_scope="module")
OWN = {"host", "accept-encoding", "content-length", "connection", "transfer-encoding"}
EXCHANGES = [pytest.param(row, door, id=f"{row.name} by {door}") for row in rows() for door in row.doors]
# An echo's pieces stand under a key that grows in no API; in one piece it is compared like every other answer.
STREAMS = [one for one in EXCHANGES if one.values[0].streams and one.values[0].api != "echo"]
FIRST = [one for one in EXCHANGES if one.values[0].kind == "streamed"]


async def sent(it: Bench, door: str, row: Row) -> httpx.Response:
    """A row's request by one way."""
    url = it.url("network" if door == "direct" else door, row.destination) + row.path
    return await it.clients[door].post(url, content=row.content, headers={**JSON, **row.headers})


@pytest.mark.parametrize(("row", "door"), EXCHANGES)
async def test_an_exchange_is_the_one_that_it_would_have_been(bench: Bench, row: Row, door: str) -> None:
    fake = bench.set(row.destination, api=row.api)
    direct = await sent(bench, "direct", row)
    (wanted,) = fake.received
    fake.received.clear()
    through = await sent(bench, door, row)
    assert len(fake.received) == 1, through.text
    (came,) = fake.received
    assert_no_leak([came], row.planted)
    assert (came.method, came.target) == (wanted.method, wanted.target)
    assert skeleton(came.body, row.planted) == skeleton(wanted.body, row.planted)
    theirs = {(name.lower(), value) for name, value in wanted.headers if name.decode().lower() not in OWN}
    assert theirs <= {(name.lower(), value) for name, value in came.headers}
    assert (through.status_code, through.headers["content-type"]) == (
        direct.status_code,
        direct.headers["content-type"],
    )
    if "eventstream" in direct.headers["content-type"]:
        same_words(events_of(through), events_of(direct))
    else:
        assert underived(through.content) == underived(direct.content)
    assert any(one in unquote_plus(direct.text) for one in row.planted), (
        "the answer quotes nothing, so it shows nothing"
    )


@pytest.mark.parametrize(("row", "door"), STREAMS)
async def test_a_stream_says_the_same_however_it_is_cut(bench: Bench, row: Row, door: str) -> None:
    fake = bench.set(row.destination, api=row.api, chunk=3, wire=7)
    direct, through = await sent(bench, "direct", row), await sent(bench, door, row)
    assert_no_leak(fake.received[1:], row.planted)
    same_words(events_of(through), events_of(direct))


@pytest.mark.parametrize(("row", "door"), FIRST)
async def test_the_first_words_are_there_before_the_provider_sends_its_next(bench: Bench, row: Row, door: str) -> None:
    fake = bench.set(row.destination, api=row.api, chunk=5)
    events = respond(fake.api, Received("POST", row.path.encode(), Headers(), row.content), fake.play).events
    words = b"Gr" if fake.api != "echo" else b"data:"
    early = next(number for number, event in enumerate(events, 1) if words in event)
    fake.hold = hold = Hold()
    hold.release(early)
    url = bench.url(door, row.destination) + row.path
    async with bench.clients[door].stream("POST", url, content=row.content, headers={**JSON, **row.headers}) as answer:
        seen = b""
        async for piece in answer.aiter_raw():
            seen += piece
            if words in seen and hold.passed == early:
                await hold.reached(early)
                assert hold.passed == early
                hold.open()
    assert words in seen


WHOLE = [pytest.param(case, door, id=f"{case.name} by {door}") for case in CASES for door in DOORS]


@pytest.mark.parametrize(("case", "door"), WHOLE)
async def test_words_of_every_shape_with_the_whole_detection(
    bench: Bench, whole_engine: Any, case: Case, door: str
) -> None:
    destination, _, rest = case.path[1:].partition("/")
    headers = {**JSON, "authorization": "Bearer sk-x", **case.headers}
    fake = bench.set(destination)
    direct = await bench.clients["direct"].request(
        case.method, f"{bench.url('network', destination)}/{rest}", content=case.content, headers=headers
    )
    fake.received.clear()
    bench.detection.engine = whole_engine
    try:
        through = await bench.clients[door].request(
            case.method, f"{bench.url(door, destination)}/{rest}", content=case.content, headers=headers
        )
    finally:
        bench.detection.engine = bench.detection.patterns
    assert len(fake.received) == 1, through.text
    assert_no_leak(fake.received, case.planted)
    assert through.status_code == direct.status_code
    if direct.is_success:
        assert underived(through.content) == underived(direct.content)
