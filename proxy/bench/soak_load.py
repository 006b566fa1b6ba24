"""The clients and the upstreams of the soak: processes of their own, which are not measured.

Seen and new texts in three languages, whole answers and streams, several at a time. What was answered and what was
received is counted in memory that the bench reads; every answer has to be a 200 that restores what was asked.
"""

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.context import SpawnProcess
from typing import Any

import aiohttp
import orjson

from proxy.bench.cores import Cores, stay
from proxy.bench.texts import new_text, seen_text
from proxy.fakes.server import FakeProvider

AT_ONCE = 8
"""Requests that a client has open."""
TEXT = 400
START_S = 60.0
ANSWER_S = 120.0
_CONTEXT = get_context("spawn")


@dataclass(frozen=True, slots=True)
class Counted:
    """By process: answered as they have to be, and not; requests that an upstream got."""

    answered: list[Any]
    failed: list[Any]
    received: list[Any]

    @property
    def sums(self) -> tuple[int, int, int]:
        """Answered, failed, received, of all."""
        kinds = (self.answered, self.failed, self.received)
        answered, failed, received = (sum(one.value for one in each) for each in kinds)
        return answered, failed, received


@dataclass(slots=True)
class Load:
    """The processes. stop: no client begins another request."""

    counted: Counted
    clients: list[SpawnProcess]
    stop: Any

    @property
    def asking(self) -> bool:
        """Whether a client is still at it."""
        return any(client.is_alive() for client in self.clients)


@contextmanager
def upstreams(port: int, processes: int, cores: Cores) -> Iterator[list[Any]]:
    """Fake providers on one port, counted; they end with the block."""
    counts = [_CONTEXT.Value("q", 0) for _ in range(processes)]
    ready, end = _CONTEXT.Semaphore(0), _CONTEXT.Event()
    started = [_CONTEXT.Process(target=_serve, args=(port, one, ready, end), daemon=True) for one in counts]
    for process in started:
        process.start()
        stay(process.pid or 0, cores.upstream)
    try:
        for _ in started:
            if not ready.acquire(timeout=START_S):
                raise ConnectionError("an upstream of the soak did not start")
        yield counts
    finally:
        end.set()
        _ended(started)


@contextmanager
def clients(port: int, requests: int, processes: int, cores: Cores, received: list[Any]) -> Iterator[Load]:
    """Clients that send so many requests together, counted; they end with the block."""
    answered, failed = ([_CONTEXT.Value("q", 0) for _ in range(processes)] for _ in range(2))
    stop = _CONTEXT.Event()
    started = [
        _CONTEXT.Process(
            target=_ask_all,
            args=(port, range(requests * n // processes, requests * (n + 1) // processes), *counts, stop),
            daemon=True,
        )
        for n, counts in enumerate(zip(answered, failed, strict=True))
    ]
    for process in started:
        process.start()
        stay(process.pid or 0, cores.client)
    try:
        yield Load(Counted(answered, failed, received), started, stop)
    finally:
        stop.set()
        _ended(started)


def _ended(processes: list[SpawnProcess]) -> None:
    for process in processes:
        process.join(ANSWER_S)
        if process.is_alive():
            process.kill()
            process.join()


def _serve(port: int, received: Any, ready: Any, end: Any) -> None:
    """A process: the fake provider."""

    def count(_: object) -> None:
        received.value += 1  # nobody else writes it

    async def serve() -> None:
        fake = FakeProvider("openai", keep=False, chunk=16, port=port, shared=True, on_received=count)
        async with fake:
            ready.release()
            await asyncio.to_thread(end.wait)

    asyncio.run(serve())


def _ask_all(port: int, numbers: range, answered: Any, failed: Any, stop: Any) -> None:
    """A process: several requests at a time until all numbers are through, or until it has to stop."""
    left = iter(numbers)

    async def ask_many(client: aiohttp.ClientSession, seed: int) -> None:
        rng = random.Random(seed)  # noqa: S311 (the bench must be the same each time)
        for number in left:
            if stop.is_set():
                return
            try:
                await _ask(client, number, rng)
            except (aiohttp.ClientError, TimeoutError, ConnectionError):
                failed.value += 1
            else:
                answered.value += 1

    async def ask() -> None:
        waits, at_once = aiohttp.ClientTimeout(total=ANSWER_S), aiohttp.TCPConnector(limit=AT_ONCE)
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", connector=at_once, timeout=waits) as client:
            await asyncio.gather(*(ask_many(client, numbers.start * AT_ONCE + n) for n in range(AT_ONCE)))

    asyncio.run(ask())


async def _ask(client: aiohttp.ClientSession, number: int, rng: random.Random) -> None:
    """One of four kinds in turn: seen or new, whole or streamed. Raises ConnectionError where the answer is wrong."""
    turn = number // 4
    language = ("en", "de", "vi")[turn % 3]
    mail = f"anna{number if number % 4 > 1 else 0}@example.com"
    text = f"{mail} {new_text(TEXT, language, rng) if number % 4 > 1 else seen_text(TEXT)}"
    body = {"model": "fake-echo", "stream": bool(number % 2), "messages": [{"role": "user", "content": text}]}
    headers = {"content-type": "application/json", "authorization": "Bearer sk-bench"}
    async with client.post("/openai/v1/chat/completions", data=orjson.dumps(body), headers=headers) as answer:
        got = await answer.read()
        if answer.status != 200:
            raise ConnectionError(f"request {number} was answered with {answer.status}")
    if mail not in said(got, streamed=bool(number % 2)):
        raise ConnectionError(f"the answer to request {number} is not restored")


def said(body: bytes, *, streamed: bool) -> str:
    """The assistant's text."""
    if not streamed:
        return str(orjson.loads(body)["choices"][0]["message"]["content"])
    events = [line[6:] for line in body.split(b"\n") if line.startswith(b"data: {")]
    choices = [choice for event in events for choice in orjson.loads(event)["choices"]]
    return "".join(choice["delta"].get("content") or "" for choice in choices)
