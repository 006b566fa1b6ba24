"""The HTTP server under the gateway, towards clients that take nothing: by small buffers on real sockets."""

import asyncio
import gc
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from proxy.doors.proxy_protocol import NamedPeers
from proxy.doors.serving import Server, server_for

WAIT_S = 60.0
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n%b\r\n"


@asynccontextmanager
async def serving(size: int, idle_s: float) -> AsyncIterator[tuple[Server, socket.socket]]:
    """The server, and a client that takes next to nothing by itself. size: bytes of each answer."""

    async def handle(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=b"a" * size)

    server, _ = server_for(handle, None, None, request_s=WAIT_S, idle_s=idle_s)
    with socket.socket() as listening, socket.socket() as client:
        # Buffers are handed down to the connections that are accepted.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        listening.bind(("127.0.0.1", 0))
        site = await asyncio.get_running_loop().create_server(server, sock=listening)
        client.setblocking(False)
        await asyncio.get_running_loop().sock_connect(client, listening.getsockname())
        try:
            yield server, client
        finally:
            site.close()
            await server.shutdown(0)


async def until_gone(server: Server) -> None:
    async with asyncio.timeout(WAIT_S):
        while server.connections:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("size", "fields"),
    [
        (1_000_000, b""),
        (1_000_000, b"Connection: close\r\n"),
        # Less than the server waits for: it has closed, and the rest is still there.
        (50_000, b"Connection: close\r\n"),
    ],
)
async def test_a_client_that_takes_nothing_does_not_keep_its_connection(size: int, fields: bytes) -> None:
    async with serving(size, idle_s=0.3) as (server, client):
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(client, REQUEST % fields)
        head = await asyncio.wait_for(loop.sock_recv(client, 64), WAIT_S)
        assert head.startswith(b"HTTP/1.1 200")
        await until_gone(server)
        got = len(head)
        try:
            while piece := await asyncio.wait_for(loop.sock_recv(client, 65_536), WAIT_S):
                got += len(piece)
        except ConnectionResetError:
            pass  # it was told so, too
        assert got < size


async def test_a_client_that_asks_and_asks_and_reads_nothing_does_not_keep_its_connection() -> None:
    async with serving(2_000, idle_s=0.3) as (server, client):
        loop = asyncio.get_running_loop()
        with pytest.raises(ConnectionError):
            async with asyncio.timeout(WAIT_S):
                while True:
                    await loop.sock_sendall(client, REQUEST % b"" * 50)
        await until_gone(server)


async def test_a_client_that_takes_a_little_now_and_then_gets_everything() -> None:
    size = 400_000
    async with serving(size, idle_s=WAIT_S) as (server, client):
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(client, REQUEST % b"Connection: close\r\n")
        got = bytearray()
        while piece := await asyncio.wait_for(loop.sock_recv(client, 7_000), WAIT_S):
            got += piece
        assert got.partition(b"\r\n\r\n")[2] == b"a" * size
        await until_gone(server)


async def test_a_kept_connection_with_tls_behind_a_balancer_ends_without_a_word(throwaway_ca: Any) -> None:
    """Its TLS is beneath a protocol that was set later, and gone when the library's loop over requests ends."""
    told: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: told.append(context))

    async def handle(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=b"a")

    peers = NamedPeers(("127.0.0.7",))
    server, tls = server_for(handle, throwaway_ca.server("localhost"), peers, request_s=WAIT_S, idle_s=WAIT_S)
    site = await loop.create_server(server, "127.0.0.1", 0, ssl=tls)
    where = site.sockets[0].getsockname()
    reader, writer = await asyncio.open_connection(*where, ssl=throwaway_ca.client(), server_hostname="localhost")
    writer.write(REQUEST % b"")
    assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\na"), WAIT_S)).startswith(b"HTTP/1.1 200")
    writer.transport.abort()
    await until_gone(server)
    site.close()
    await server.shutdown(0)
    gc.collect()  # what a task raised is told when it is forgotten
    assert told == []
