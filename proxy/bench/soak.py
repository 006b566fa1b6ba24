"""Many requests through a whole dragoman: what each of its processes holds in memory and files, and how it grows.

Seen and new texts in three languages, whole answers and streams, several at a time. The upstream and the clients are in
this process, which is not measured; every answer has to be a 200 that restores what was asked.
"""

import asyncio
import itertools
import math
import random
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import orjson

from proxy.bench.gateway import dragoman
from proxy.bench.load import name_of
from proxy.bench.texts import new_text, seen_text
from proxy.fakes.server import FakeProvider

CLIENTS = 8
SAMPLES = 40
WARM = 0.5
"""Of the samples; until then caches fill, which is no leak: the one of scopes is full after 40,000 requests."""
TEXT = 400
MIB = 1024.0
PER = 10_000


@dataclass(frozen=True, slots=True)
class Growth:
    """One process, or `all`. Resident memory in MiB and open files: after warming up, at the end, and the slope of a
    straight line through all samples between them, per 10,000 requests. Shared pages count in each process."""

    process: str
    requests: int
    warm_mib: float
    end_mib: float
    mib_per_10k: float
    warm_files: int
    end_files: int
    files_per_10k: float


@dataclass(frozen=True, slots=True)
class _Sample:
    """After so many requests: process id -> (KiB resident, open files)."""

    requests: int
    processes: dict[int, tuple[int, int]]


def run(
    requests: int, *, workers: int, progress: Callable[[int, int], None], limit_s: float = math.inf
) -> list[Growth]:
    """Sends them, or as many as can be sent in a time; about 50 a second on two cores.

    Raises ConnectionError where an answer is not what it has to be.
    """
    with ExitStack() as stack:
        return asyncio.run(_soak(stack, requests, workers, progress, limit_s))


async def _soak(
    stack: ExitStack, requests: int, workers: int, progress: Callable[[int, int], None], limit_s: float
) -> list[Growth]:
    async with FakeProvider("openai", keep=False, chunk=16) as fake:
        pid, port = await asyncio.to_thread(dragoman, stack, fake.url, workers)
        samples: list[_Sample] = []
        numbers = iter(range(requests))
        every = max(1, requests // SAMPLES)
        until, sent = time.monotonic() + limit_s, 0
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:

            async def ask_many(seed: int) -> None:
                nonlocal sent
                rng = random.Random(seed)  # noqa: S311 (the bench must be the same each time)
                for number in numbers:
                    if time.monotonic() > until:
                        return
                    await _ask(client, number, rng)
                    sent += 1
                    if number % every == 0:
                        samples.append(_Sample(number, _processes(pid)))
                        progress(number, requests)

            await asyncio.gather(*(ask_many(seed) for seed in range(CLIENTS)))
        samples.append(_Sample(sent, _processes(pid)))
        names = {one: name_of(one) for one in samples[-1].processes}
    ordered = sorted(samples, key=lambda one: one.requests)
    return _growth(ordered[int(len(ordered) * WARM) :], names)


async def _ask(client: aiohttp.ClientSession, number: int, rng: random.Random) -> None:
    """One of four kinds in turn: seen or new, whole or streamed."""
    language = ("en", "de", "vi")[number // 4 % 3]
    mail = f"anna{number if number % 4 > 1 else 0}@example.com"
    text = f"{mail} {new_text(TEXT, language, rng) if number % 4 > 1 else seen_text(TEXT)}"
    body = {"model": "fake-echo", "stream": bool(number % 2), "messages": [{"role": "user", "content": text}]}
    headers = {"content-type": "application/json", "authorization": "Bearer sk-bench"}
    async with client.post("/openai/v1/chat/completions", data=orjson.dumps(body), headers=headers) as answer:
        got = await answer.read()
        if answer.status != 200:
            raise ConnectionError(f"request {number} was answered with {answer.status}")
    if mail not in _said(got, streamed=bool(number % 2)):
        raise ConnectionError(f"the answer to request {number} is not restored")


def _said(body: bytes, *, streamed: bool) -> str:
    if not streamed:
        return str(orjson.loads(body)["choices"][0]["message"]["content"])
    events = [line[6:] for line in body.split(b"\n") if line.startswith(b"data: {")]
    choices = [choice for event in events for choice in orjson.loads(event)["choices"]]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


def _processes(pid: int) -> dict[int, tuple[int, int]]:
    """A process and everything beneath it (Linux /proc)."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))
        found = {pid: (resident, sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()))}
        tasks = [(task / "children").read_text().split() for task in Path(f"/proc/{pid}/task").iterdir()]
    except (OSError, StopIteration):
        return {}  # it has ended meanwhile
    for child in itertools.chain.from_iterable(tasks):
        found |= _processes(int(child))
    return found


def _growth(samples: Sequence[_Sample], names: dict[int, str]) -> list[Growth]:
    """A row for each process that was there all the time, and one for all."""
    kept = [pid for pid in names if all(pid in one.processes for one in samples)]
    rows = [_row(names[pid], [(one.requests, *one.processes[pid]) for one in samples]) for pid in kept]
    sums = [
        (one.requests, sum(kib for kib, _ in one.processes.values()), sum(n for _, n in one.processes.values()))
        for one in samples
    ]
    return [*rows, _row("all", sums)]


def _row(name: str, points: Sequence[tuple[int, int, int]]) -> Growth:
    first, last = points[0], points[-1]
    return Growth(
        name,
        last[0],
        first[1] / MIB,
        last[1] / MIB,
        _slope([(n, kib / MIB) for n, kib, _ in points]),
        first[2],
        last[2],
        _slope([(n, float(files)) for n, _, files in points]),
    )


def _slope(points: Sequence[tuple[int, float]]) -> float:
    """Least squares, per 10,000 requests."""
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return PER * sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0
