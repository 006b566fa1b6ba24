"""The HTTP server under the gateway, towards clients that take nothing: by small buffers on real sockets."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

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
