"""Answers in a content coding, which nobody asked for: restored like others, a step at a time, and no bomb unfolds.

That others go on meanwhile is counted in turns of the event loop, which all transfers of a process share.
"""

import asyncio
import gzip
import random
import threading
from collections.abc import Callable
from typing import Any

import brotli
import httpx
import orjson
import pytest
import zstandard

from proxy.formats.answers import WholeReader
from proxy.formats.stream import StreamReader
from proxy.framing.coding import RATIO_FROM, STEP
from tests.integration.test_faults import EVENT, MAIL, behind, chunk, ended

CODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "br": lambda data: brotli.compress(data, quality=5),
    "zstd": zstandard.ZstdCompressor().compress,
}
CASES = pytest.mark.parametrize(
    ("coding", "kind"),
    [
        ("gzip", "stream"),
        ("gzip", "stream with a length"),
        ("gzip", "document"),
        ("br", "stream"),
        ("zstd", "document"),
    ],
)


def said(body: bytes) -> str:
    """What the provider got as the user's words."""
    text: str = orjson.loads(body.partition(b"\r\n\r\n")[2])["messages"][0]["content"]
    return text


def answer_of(words: str, kind: str) -> tuple[bytes, bytes]:
    """Content type and body of an answer of two megabytes that says these words at its beginning and its end."""
    filling = random.Random(7)  # words that do not pack to nothing, the same in every run
    texts = [words, *(f"{filling.getrandbits(64):x} " * 60 for _ in range(2_000)), words]
    if kind == "document":
        choices = [{"index": n, "message": {"role": "assistant", "content": text}} for n, text in enumerate(texts)]
        return b"application/json", orjson.dumps({"id": "c1", "object": "chat.completion", "choices": choices})
    events = [EVENT % orjson.dumps(text)[1:-1] for text in texts]
    return b"text/event-stream", b"".join([*events, b"data: [DONE]\n\n"])


def written(kind: str, content_type: bytes, coding: str, coded: bytes) -> bytes:
    """The answer on the wire, in one piece."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Encoding: %b\r\n" % (content_type, coding.encode())
    if kind == "stream":
        return head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk(coded) + b"0\r\n\r\n"
    return head + b"Content-Length: %d\r\n\r\n" % len(coded) + coded


class Turns:
    """Counts turns of the event loop."""

    def __init__(self) -> None:
        self.count = 0

    async def __aenter__(self) -> "Turns":
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            self.count += 1
            await asyncio.sleep(0)


@CASES
async def test_an_answer_in_a_coding_is_restored(
    each_door: Any, throwaway_ca: Any, chat: Any, coding: str, kind: str
) -> None:
    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        content_type, plain = answer_of(said(body), kind)
        writer.write(written(kind, content_type, coding, CODERS[coding](plain)))
        await reader.read()

    async with behind(each_door, throwaway_ca, answers) as (it, client, got):
        asked = chat(f"I am {MAIL}", stream=kind != "document")
        answer = await client.post("/v1/chat/completions", json=asked)
        assert answer.status_code == 200
        assert "content-encoding" not in answer.headers
        expected = answer_of(f"I am {MAIL}", kind)[1]
        assert len(expected) > 5 * STEP
        assert answer.content == expected
        assert (await ended(it))["state"] == "complete"
        assert MAIL.encode() not in got[0]


async def test_others_go_on_while_a_piece_is_unpacked(
    each_door: Any, throwaway_ca: Any, chat: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much one piece of the provider's comes to, no step reads more than others would at a time."""
    steps: list[tuple[int, int]] = []
    feed = StreamReader.feed

    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        plain = b"".join(EVENT % (b"word " * 160) for _ in range(5_000)) + b"data: [DONE]\n\n"
        coded = gzip.compress(plain)
        assert len(coded) < 64 * 1024 < 16 * STEP < len(plain)
        writer.write(written("stream", b"text/event-stream", "gzip", coded))
        await reader.read()

    async with Turns() as turns, behind(each_door, throwaway_ca, answers) as (it, client, _):

        def counted(reader: StreamReader, data: bytes) -> bytes:
            steps.append((turns.count, len(data)))
            return feed(reader, data)

        monkeypatch.setattr(StreamReader, "feed", counted)
        answer = await client.post("/v1/chat/completions", json=chat("hi", stream=True))
        assert answer.content.endswith(b"data: [DONE]\n\n")
        assert (await ended(it))["state"] == "complete"
    assert max(size for _, size in steps) <= STEP
    assert len({turn for turn, _ in steps}) > len(steps) // 2 >= 8  # what came in several pieces may share a turn


@CASES
async def test_a_bomb_does_not_unfold(each_door: Any, throwaway_ca: Any, chat: Any, coding: str, kind: str) -> None:
    bomb = CODERS[coding](bytes(4 * RATIO_FROM))

    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _body: bytes) -> None:
        content_type = b"application/json" if kind == "document" else b"text/event-stream"
        writer.write(written(kind, content_type, coding, bomb))
        await reader.read()

    async with behind(each_door, throwaway_ca, answers) as (it, client, got):
        text = b""
        try:
            asked = chat(MAIL, stream=kind != "document")
            async with client.stream("POST", "/v1/chat/completions", json=asked) as answer:
                async for piece in answer.aiter_bytes():
                    text += piece
            refused = answer.status_code == 502 and answer.headers["dragoman-reason"] == "upstream_unreadable"
            assert refused or (kind == "stream" and b"upstream_unreadable" in text)
        except httpx.RemoteProtocolError:
            assert it.door == "network"  # it had sent the head, so it cuts
        assert len(text) <= RATIO_FROM + STEP
        assert (await ended(it))["state"] in {"upstream_error", "cut"}
        assert MAIL.encode() not in got[0]


async def test_a_large_document_is_restored_off_the_loop(
    each_door: Any, throwaway_ca: Any, chat: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its end is one long step: the loop turns while it lasts."""
    finish, seen = WholeReader.finish, []
    turned = threading.Event()

    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        content_type, plain = answer_of(said(body), "document")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n" % (content_type, len(plain)))
        writer.write(plain)
        await reader.read()

    async with behind(each_door, throwaway_ca, answers) as (it, client, _):
        loop = asyncio.get_running_loop()

        def waits(reader: WholeReader) -> bytes:
            loop.call_soon_threadsafe(turned.set)
            seen.append(turned.wait(20))
            return finish(reader)

        monkeypatch.setattr(WholeReader, "finish", waits)
        answer = await client.post("/v1/chat/completions", json=chat(f"I am {MAIL}"))
        assert answer.content == answer_of(f"I am {MAIL}", "document")[1]
        assert (await ended(it))["state"] == "complete"
    assert seen == [True]
