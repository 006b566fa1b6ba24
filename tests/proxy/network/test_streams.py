"""A streamed answer: early, restored, and honest about its end, whoever ends it."""

import asyncio

import httpx
import pytest

from proxy.exchange import Ending

BOTH = pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])


def body_of(events: list[bytes]) -> bytes:
    return b"".join(b"data: " + event + b"\n\n" for event in events)


@BOTH
async def test_the_first_event_arrives_before_the_second_is_sent(running, gate, upstream, http2):
    arrived = asyncio.Event()

    async def stream(call):
        await call.begin_stream()
        await call.event(b"[PERSON_1] one")
        await arrived.wait()
        await call.event(b"two")
        await call.event(b"[DONE]")
        await call.end_stream()

    upstream.respond = stream
    async with (
        running.client(http2=http2) as client,
        client.stream("POST", f"https://api.example:{upstream.port}/", content=b"Anna") as answer,
    ):
        pieces = answer.aiter_raw()
        assert await anext(pieces) == body_of([b"Anna one"])
        arrived.set()
        assert b"".join([piece async for piece in pieces]) == body_of([b"two", b"[DONE]"])
    assert await gate.outcome() is Ending.COMPLETE


@BOTH
async def test_a_stream_that_cannot_be_restored_ends_with_the_providers_error_and_nothing_more(
    running, gate, upstream, http2, no_text_in_logs
):
    gate.format.boom = b"BOOM"

    async def stream(call):
        await call.begin_stream()
        await call.event(b"[PERSON_1] one")
        await call.event(b"BOOM")
        await call.event(b"never seen")
        await call.until_hung_up()

    upstream.respond = stream
    received = bytearray()
    with pytest.raises(httpx.RemoteProtocolError):
        async with (
            running.client(http2=http2) as client,
            client.stream("POST", f"https://api.example:{upstream.port}/", content=b"Anna") as answer,
        ):
            async for piece in answer.aiter_raw():
                received += piece
    assert bytes(received) in (
        body_of([b"Anna one"]) + b"event: error\ndata: upstream_unreadable\n\n",
        b"event: error\ndata: upstream_unreadable\n\n",  # both events came in one piece
    )
    assert await gate.outcome() is Ending.CUT
    assert running.door.counts["failed:stream"] == 1


@BOTH
async def test_an_answer_that_fails_at_its_very_end_is_cut_as_well(running, gate, upstream, http2, monkeypatch):
    async def stream(call):
        await call.begin_stream()
        await call.event(b"one")
        await call.end_stream()

    upstream.respond = stream

    def finish(_reader):
        raise RuntimeError("secret-in-the-text")

    monkeypatch.setattr("proxy.exchange.Exchange.finish", finish)
    with pytest.raises(httpx.RemoteProtocolError):
        async with running.client(http2=http2) as client:
            await client.post(f"https://api.example:{upstream.port}/", content=b"Anna")
    assert await gate.outcome() is Ending.CUT


async def test_an_upstream_that_breaks_off_is_an_error_event_and_a_cut_connection(running, gate, upstream):
    async def stream(call):
        await call.begin_stream()
        await call.event(b"[PERSON_1] one")
        call.reset()

    upstream.respond = stream
    received = bytearray()
    with pytest.raises(httpx.RemoteProtocolError):
        async with (
            running.client() as client,
            client.stream("POST", f"https://api.example:{upstream.port}/", content=b"Anna") as answer,
        ):
            async for piece in answer.aiter_raw():
                received += piece
    assert bytes(received).endswith(b"event: error\ndata: upstream_cut\n\n")
    assert await gate.outcome() is Ending.UPSTREAM_ERROR


@BOTH
async def test_an_app_that_leaves_in_the_middle_frees_the_upstream(running, gate, upstream, http2):
    async def stream(call):
        await call.begin_stream()
        await call.event(b"one")
        await call.until_hung_up()

    upstream.respond = stream
    client = running.client(http2=http2)
    async with client.stream("POST", f"https://api.example:{upstream.port}/", content=b"Anna") as answer:
        await anext(answer.aiter_raw())
    await client.aclose()
    assert await gate.outcome() is Ending.CLIENT_GONE
    await asyncio.wait_for(upstream.gone.wait(), 60)


async def test_an_app_that_leaves_after_the_last_event_has_a_complete_answer(running, gate, upstream):
    async def stream(call):
        await call.begin_stream()
        await call.event(b"[DONE]")
        await call.until_hung_up()

    upstream.respond = stream
    client = running.client()
    async with client.stream("POST", f"https://api.example:{upstream.port}/", content=b"Anna") as answer:
        assert await anext(answer.aiter_raw()) == body_of([b"[DONE]"])
    await client.aclose()
    assert await gate.outcome() is Ending.COMPLETE


async def test_an_upstream_that_closes_before_it_answers_is_a_bad_gateway(running, gate, upstream):
    async def leave(call):
        call.reset()

    upstream.respond = leave
    async with running.client() as client:
        answer = await client.post(f"https://api.example:{upstream.port}/", content=b"Anna")
    assert (answer.status_code, answer.json()) == (502, {"provider_error": "upstream_broken"})
    assert await gate.outcome() is Ending.UPSTREAM_ERROR


async def test_a_whole_answer_that_cannot_be_restored_is_a_proper_error(running, gate, upstream, no_text_in_logs):
    gate.format.boom = b"BOOM"

    async def answer_boom(call):
        await call.answer(b"[PERSON_1] BOOM")

    upstream.respond = answer_boom
    async with running.client() as client:
        answer = await client.post(f"https://api.example:{upstream.port}/", content=b"Anna")
        assert (answer.status_code, answer.json()) == (502, {"provider_error": "upstream_unreadable"})
        assert await gate.outcome() is Ending.CUT
        gate.format.boom = b""
        assert (await client.post(f"https://api.example:{upstream.port}/", content=b"Anna")).content == b"Anna BOOM"


async def test_an_upstream_that_switches_protocols_unasked_is_refused(running, gate, upstream):
    async def switch(call):
        call.writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        await call.until_hung_up()

    upstream.respond = switch
    async with running.client() as client:
        answer = await client.get(f"https://api.example:{upstream.port}/")
    assert (answer.status_code, answer.json()) == (502, {"provider_error": "upstream_broken"})
    assert await gate.outcome() is Ending.CUT


async def test_an_answer_with_two_framings_is_refused(running, gate, upstream):
    async def both(call):
        call.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")

    upstream.respond = both
    async with running.client() as client:
        answer = await client.get(f"https://api.example:{upstream.port}/")
    assert (answer.status_code, answer.json()) == (502, {"provider_error": "upstream_broken"})
    assert await gate.outcome() is Ending.UPSTREAM_ERROR


@pytest.mark.parametrize(
    ("host", "code"), [("nowhere.example", "upstream_unreachable"), ("unproven.example", "upstream_untrusted")]
)
async def test_an_upstream_that_is_not_there_or_proves_nothing_gets_nothing(running, gate, upstream, host, code):
    gate.open_hosts = {host}
    async with running.client() as client:
        answer = await client.post(f"https://{host}:{upstream.port}/", content=b"Anna")
    assert (answer.status_code, answer.json()) == (502, {"provider_error": code})
    assert upstream.received == b""
    assert await gate.outcome() is Ending.NOT_SENT
    assert gate.sent == []


async def test_an_upstream_that_does_not_accept_in_time_gets_nothing(start_door, gate, listen):
    async def mute(reader, writer):
        with_hello.set()
        await reader.read()

    with_hello = asyncio.Event()
    port = await listen(mute)
    running = await start_door(connect_s=0.05)
    async with running.client() as client:
        answer = await client.post(f"https://api.example:{port}/", content=b"Anna")
    assert answer.status_code in {502, 504}
    await asyncio.wait_for(with_hello.wait(), 60)  # on a busy machine it is taken after it was given up
    assert await gate.outcome() is Ending.NOT_SENT
    assert running.door.counts["connect_timeout"] == 1


@BOTH
async def test_an_app_that_leaves_while_the_gate_thinks_has_sent_nothing(running, gate, upstream, http2):
    gate.hold = asyncio.Event()
    async with running.client(http2=http2) as client:
        sending = asyncio.create_task(client.post(f"https://api.example:{upstream.port}/", content=b"Anna"))
        await gate.entered.wait()
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
    gate.hold.set()
    assert await gate.outcome() is Ending.NOT_SENT
    assert upstream.connections == 0
