"""The gateway's way to the upstream: each request goes once, also where a kept connection ends under it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from proxy.doors.translate import head_of
from proxy.messages import Headers, Origin, Outgoing
from proxy.transport import Transport, UpstreamError

type Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def provider(serve: Serve) -> AsyncIterator[Origin]:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield Origin("http", "127.0.0.1", server.sockets[0].getsockname()[1])


@asynccontextmanager
async def sending() -> AsyncIterator[Transport]:
    transport = Transport(connect_s=60, idle_s=60)
    try:
        yield transport
    finally:
        await transport.close()


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
async def test_no_request_is_sent_twice_where_a_kept_connection_ends(method: str) -> None:
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers the first request of a connection and closes on the next, as a server does that has just given up."""
        try:
            seen.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
            seen.append(await reader.readuntil(b"\r\n\r\n"))
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    async with provider(serve) as origin, sending() as transport:
        request = Outgoing(origin, method, b"/v1/files", Headers(((b"host", b"provider"),)), b"")
        async with transport.send(request) as answer:
            assert [piece async for piece in answer.pieces()] == [b"ok"]
        with pytest.raises(UpstreamError) as caught:
            async with transport.send(request):
                pass
    assert caught.value.reached
    assert len(seen) == 2, "no third one"


@pytest.mark.parametrize("said", ["J\u00fcrgen.pdf".encode(), "\U0001f44b chào".encode(), b"plain"])
async def test_a_field_of_a_request_and_of_an_answer_leaves_with_the_bytes_it_came_with(said: bytes) -> None:
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nx-file: " + said + b"\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    async with provider(serve) as origin, sending() as transport:
        fields = Headers(((b"host", b"provider"), (b"x-file", said)))
        async with transport.send(Outgoing(origin, "GET", b"/", fields, b"")) as answer:
            assert dict(answer.headers)[b"x-file"] == said
            told = head_of(200, answer.headers, web.Response).headers
    assert b"\r\nx-file: " + said + b"\r\n" in heads[0]
    assert told["x-file"].encode() == said, "the library writes UTF-8"


OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"


@pytest.mark.parametrize("pieces", [(OK + b"no",), (OK[:-9],), (OK, b"no")], ids=["whole", "half a head", "in pieces"])
async def test_what_a_provider_says_unasked_answers_nobody(pieces: tuple[bytes, ...]) -> None:
    """A kept connection is anybody's next: an answer too many would reach another application."""
    speak, ended = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(OK + b"ok")
            await speak.wait()
            for piece in pieces:
                writer.write(piece)
            await reader.readuntil(b"\r\n\r\n")
        ended.set()
        writer.close()

    async with provider(serve) as origin, sending() as transport:
        request = Outgoing(origin, "GET", b"/v1/models", Headers(((b"host", b"provider"),)), b"")
        async with transport.send(request) as answer:
            assert [piece async for piece in answer.pieces()] == [b"ok"]
        speak.set()
        await asyncio.wait_for(ended.wait(), 25)  # the library's own time for a kept connection is 30
        async with transport.send(request) as answer:
            assert [piece async for piece in answer.pieces()] == [b"ok"]


async def test_what_comes_behind_an_answer_answers_nobody() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(OK + b"ok" + OK + b"no")
        writer.close()

    async with provider(serve) as origin, sending() as transport:
        request = Outgoing(origin, "GET", b"/v1/models", Headers(((b"host", b"provider"),)), b"")
        for _ in range(2):
            async with transport.send(request) as answer:
                assert [piece async for piece in answer.pieces()] == [b"ok"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_session_is_opened_where_the_provider_points_to(status: int) -> None:
    went: list[str] = []

    async def elsewhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        went.append("elsewhere")
        writer.close()

    async with provider(elsewhere) as other:

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            went.append("provider")
            await reader.readuntil(b"\r\n\r\n")
            place = f"http://{other.authority}/taken".encode()
            writer.write(b"HTTP/1.1 %d Moved\r\nlocation: %s\r\ncontent-length: 0\r\n\r\n" % (status, place))
            writer.close()

        async with provider(serve) as origin, sending() as transport:
            request = Outgoing(origin, "GET", b"/v1/realtime", Headers(((b"x-api-key", b"secret"),)), b"")
            with pytest.raises(UpstreamError) as caught:
                await transport.open_session(request, message_bytes=1000)
    assert (went, caught.value.code) == (["provider"], "upstream_refused")
