"""Clients of the HTTPS proxy that send a byte now and then: each step has its time, and nothing of them leaves.

By a clock of the test's own, to the second, it is in `proxy/network/test_clients`; slow heads over HTTP/1 and slow
clients of the gateway are in `test_faults`.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import h2.connection
import h2.events
import pytest

from proxy.config import Limits
from tests.integration.test_faults import MAIL, WAIT_S, dripped, rest_of

NAME = "api.openai.com"


def hello() -> bytes:
    """A real ClientHello."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname=NAME)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


async def tunnel(it: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A CONNECT that was answered; asked again where the machine was too slow for the limit of the test."""
    async with asyncio.timeout(WAIT_S):
        while True:
            reader, writer = await asyncio.open_connection(*it.addresses.network[0])
            writer.write(f"CONNECT {NAME}:{it.fakes['openai'].port} HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
                return reader, writer
            writer.close()


async def until_blocked(it: Any, reason: str) -> dict[str, Any]:
    """The record of what was refused, when it is there."""
    async with asyncio.timeout(WAIT_S):
        while True:
            found = [one for one in it.records("blocked") if one["reason"] == reason]
            if found:
                return dict(found[0])
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("sends", ["nothing", "a tunnel and nothing", "a tunnel and half a hello", "a hello by bytes"])
async def test_a_connection_on_which_no_request_begins_is_ended(stand: Any, sends: str) -> None:
    async with stand(door="network", settings={"limits": Limits(drain_s=5, handshake_s=1.0)}) as it:
        if sends == "nothing":
            reader, writer = await asyncio.open_connection(*it.addresses.network[0])
        else:
            reader, writer = await tunnel(it)
        cut = asyncio.create_task(rest_of(reader))
        if sends == "a tunnel and half a hello":
            writer.write(hello()[:100])
        elif sends == "a hello by bytes":
            await dripped(writer, hello()[:-1], cut)
        assert await asyncio.wait_for(cut, WAIT_S) == b""
        writer.close()
        assert it.app.ways_in.network.counts["too_slow:handshake"] >= 1
        assert it.received() == it.records("transfer") == []


async def test_a_handshake_that_is_not_brought_to_its_end_is_recorded(stand: Any) -> None:
    """The client has said where it wants to go, so the log says who did not come."""
    async with stand(door="network", settings={"limits": Limits(drain_s=5, handshake_s=1.0)}) as it:
        reader, writer = await tunnel(it)
        writer.write(hello())
        await asyncio.wait_for(rest_of(reader), WAIT_S)
        writer.close()
        record = await until_blocked(it, "handshake_too_slow")
        assert record["host"].startswith(NAME)
        assert it.received() == it.records("transfer") == []


async def within_tls(it: Any, *alpn: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await tunnel(it)
    context = ssl.create_default_context(cafile=it.ca)
    context.set_alpn_protocols(list(alpn))
    await writer.start_tls(context, server_hostname=NAME)
    return reader, writer


SLOW = {"limits": Limits(drain_s=5, request_s=0.5)}


async def test_a_body_that_comes_byte_by_byte_is_refused_in_words(stand: Any) -> None:
    async with stand(door="network", settings=SLOW) as it:
        reader, writer = await within_tls(it, "http/1.1")
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {NAME}:{it.fakes['openai'].port}\r\n"
        writer.write(f"{head}Content-Length: 100000\r\n\r\n".encode())
        answer = asyncio.create_task(reader.readuntil(b"\r\n\r\n"))
        await dripped(writer, b'{"' + MAIL.encode() * 4_000, answer)
        got = await asyncio.wait_for(answer, WAIT_S)
        assert got.startswith(b"HTTP/1.1 408 ")
        assert b"dragoman-reason: body_too_slow" in got.lower()
        await asyncio.wait_for(rest_of(reader), WAIT_S)  # the connection ends, whether or not the client goes on
        writer.close()
        await until_blocked(it, "body_too_slow")
        assert it.received() == it.records("transfer") == []


class Http2:
    """A client of HTTP/2 that says what it is told to, when it is told to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.h2 = h2.connection.H2Connection()
        self.h2.initiate_connection()
        self.events: list[h2.events.Event] = []
        self.flush()

    def flush(self) -> None:
        self.writer.write(self.h2.data_to_send())

    def head(self, stream: int, method: str, path: str, port: int, *, end: bool) -> bytes:
        names = [(":method", method), (":scheme", "https"), (":authority", f"{NAME}:{port}"), (":path", path)]
        self.h2.send_headers(stream, names, end_stream=end)
        data: bytes = self.h2.data_to_send()
        return data

    async def heard(self, kind: type[h2.events.Event], stream: int) -> Any:
        """The event of that kind, when it has come. None where the connection ended before."""
        while True:
            for one in self.events:
                if isinstance(one, kind) and getattr(one, "stream_id", stream) == stream:
                    return one
            data = await self.reader.read(65_536)
            if not data:
                return None
            self.events += self.h2.receive_data(data)
            self.flush()


@asynccontextmanager
async def over_http2(stand: Any) -> AsyncIterator[tuple[Any, Http2]]:
    async with stand(door="network", settings=SLOW) as it:
        reader, writer = await within_tls(it, "h2")
        assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"
        client = Http2(reader, writer)
        await asyncio.wait_for(client.heard(h2.events.SettingsAcknowledged, 0), WAIT_S)
        yield it, client
        writer.close()


async def test_a_head_over_http2_that_comes_byte_by_byte_ends_the_connection(stand: Any) -> None:
    async with over_http2(stand) as (it, client):
        head = client.head(1, "POST", f"/v1/chat/completions?user={MAIL}{'x' * 20_000}"[:16_000], 443, end=False)
        cut = asyncio.create_task(rest_of(client.reader))
        sent = await dripped(client.writer, head[:-1], cut)
        await asyncio.wait_for(cut, WAIT_S)
        assert sent < len(head) - 1
        assert it.app.ways_in.network.counts["too_slow:head"] == 1
        assert it.received() == it.records("transfer") == it.records("blocked") == []


async def test_a_body_over_http2_that_comes_byte_by_byte_is_refused_and_others_go_on(stand: Any) -> None:
    async with over_http2(stand) as (it, client):
        port = it.fakes["openai"].port
        client.writer.write(client.head(1, "POST", "/v1/chat/completions", port, end=False))
        refused = asyncio.create_task(client.heard(h2.events.ResponseReceived, 1))
        while not refused.done():
            client.h2.send_data(1, b"a")
            client.flush()
            await asyncio.wait({refused}, timeout=0.005)
        fields = dict((await refused).headers)
        assert (fields[b":status"], fields[b"dragoman-reason"]) == (b"408", b"body_too_slow")
        await asyncio.wait_for(client.heard(h2.events.StreamReset, 1), WAIT_S)
        client.writer.write(client.head(3, "GET", "/v1/models", port, end=True))
        answer = await asyncio.wait_for(client.heard(h2.events.ResponseReceived, 3), WAIT_S)
        assert dict(answer.headers)[b":status"] == b"200"
        await until_blocked(it, "body_too_slow")
        assert [call.path for call in it.received()] == ["/v1/models"]
