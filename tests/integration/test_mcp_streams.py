"""A session of MCP over several requests: what one of them said is restored in the answer to another, and in what the
server says on a stream that was open before; nobody else's session gets it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import orjson

from proxy.config import parse_origin

MAIL, OTHER = "anna.schmidt@example.com", "ben.meyer@example.org"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
WAIT_S = 120


class Server:
    """Keeps what it is told, answers with all of it, and tells it on every stream that is open; one byte at a time."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.streams: list[asyncio.Queue[bytes]] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"GET"):
                await self._stream(writer)
            else:
                sizes = [line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                await self._answer(writer, await reader.readexactly(int(sizes[0])))
        writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, body: bytes) -> None:
        asked = orjson.loads(body)
        self.told.append(asked["params"]["arguments"]["note"])
        said = {"jsonrpc": "2.0", "id": asked["id"], "result": {"structuredContent": {"notes": self.told}}}
        answer = orjson.dumps(said)
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
        for stream in self.streams:
            note = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": self.told[-1]}}
            stream.put_nowait(b"data: " + orjson.dumps(note) + b"\n\n")
        writer.write(head % len(answer) + answer)
        await writer.drain()

    async def _stream(self, writer: asyncio.StreamWriter) -> None:
        events: asyncio.Queue[bytes] = asyncio.Queue()
        self.streams.append(events)
        writer.write(HEAD + b'data: {"jsonrpc": "2.0", "method": "ready"}\n\n')
        while True:
            await writer.drain()
            event = await events.get()
            for byte in event:
                writer.write(bytes([byte]))
                await writer.drain()


@asynccontextmanager
async def behind(each_door: Any, throwaway_ca: Any, server: Server) -> AsyncIterator[tuple[Any, httpx.AsyncClient]]:
    """dragoman in front of such a server, and a client of it."""
    network = each_door.keywords["door"] == "network"
    tasks: set[asyncio.Task[Any]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        await server(reader, writer)

    tls = throwaway_ca.server("api.openai.com") if network else None
    listening = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    port = listening.sockets[0].getsockname()[1]
    origin = {} if network else {"openai": parse_origin(f"http://127.0.0.1:{port}", what="openai")}
    try:
        async with each_door(upstreams=origin) as it, it.client("openai") as client:
            if network:
                client.base_url = f"https://api.openai.com:{port}"
            yield it, client
    finally:
        listening.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def call(client: httpx.AsyncClient, note: str, session: str) -> list[str]:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "n", "arguments": {"note": note}}}
    answer = await client.post("/mcp", json=body, headers={"mcp-session-id": session})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["result"]["structuredContent"]["notes"])


async def test_what_one_call_said_comes_back_in_the_answer_to_another(each_door: Any, throwaway_ca: Any) -> None:
    server = Server()
    async with behind(each_door, throwaway_ca, server) as (_, client):
        assert await call(client, f"to {MAIL}", "one") == [f"to {MAIL}"]
        assert await call(client, f"cc {OTHER}", "one") == [f"to {MAIL}", f"cc {OTHER}"]
        theirs = await call(client, f"cc {OTHER}", "two")
    assert theirs == [*server.told[:2], f"cc {OTHER}"], "another session gets nothing of it"
    assert MAIL not in str(server.told)
    assert OTHER not in str(server.told)


async def test_what_a_server_begins_is_restored_on_a_stream_that_was_open_before(
    each_door: Any, throwaway_ca: Any
) -> None:
    server = Server()
    async with behind(each_door, throwaway_ca, server) as (_, client), contextlib.AsyncExitStack() as open_streams:
        streams = []
        for session in ("one", "two"):
            headers = {"accept": "text/event-stream", "mcp-session-id": session}
            stream = await open_streams.enter_async_context(client.stream("GET", "/mcp", headers=headers))
            lines = stream.aiter_lines()
            assert "ready" in await anext(lines)
            await anext(lines)
            streams.append(lines)
        for note in (f"to {MAIL}", f"and {OTHER}"):
            await call(client, note, "one")
            mine, theirs = [await asyncio.wait_for(anext(lines), WAIT_S) for lines in streams]
            assert orjson.loads(mine.removeprefix("data: "))["params"]["data"] == note
            assert orjson.loads(theirs.removeprefix("data: "))["params"]["data"] == server.told[-1]
            for lines in streams:
                await anext(lines)
    assert MAIL not in str(server.told)
