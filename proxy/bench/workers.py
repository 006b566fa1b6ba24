"""What several door workers answer together: many connections at once, against direct and the bare door, interleaved.

Clients are processes of their own, so that they do not share an interpreter; still they share the machine's cores with
what is measured, so only ratios of one run mean something.
"""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from statistics import median

from proxy.bench.gateway import Server, Stage
from proxy.bench.load import Connection, chat_body, request_bytes
from proxy.bench.texts import seen_text

CLIENTS = 4


@dataclass(frozen=True, slots=True)
class Throughput:
    """One row: requests per second over all connections, and as ratios."""

    case: str
    server: str
    per_second: float
    ratio_direct: float
    ratio_bare: float


def run(counts: Sequence[int], blocks: int = 5, seconds: float = 2.0) -> list[Throughput]:
    """Each server in turn, `blocks` times, for so many seconds each; medians."""
    with ExitStack() as stack:
        stages = [Stage(stack, workers) for workers in counts]
        direct, bare = stages[0].servers[:2]
        servers = {"direct": direct, "bare": bare}
        servers |= {f"dragoman, {n} workers": stage.servers[2] for n, stage in zip(counts, stages, strict=True)}
        pool = stack.enter_context(get_context("spawn").Pool(CLIENTS))
        found: dict[str, list[float]] = {name: [] for name in servers}
        for block in range(blocks + 1):
            for name, server in servers.items():
                asked = pool.starmap(_ask, [(server, seconds)] * CLIENTS)
                if block:  # the first block warms up
                    found[name].append(sum(asked) / seconds)
    rates = {name: median(values) for name, values in found.items()}
    case = f"2 kB, seen before, {CLIENTS} connections"
    return [Throughput(case, name, rate, rate / rates["direct"], rate / rates["bare"]) for name, rate in rates.items()]


def _ask(server: Server, seconds: float) -> int:
    """Requests that one connection got answered."""
    connection = Connection(server.port)
    request = request_bytes(server.port, server.path, chat_body([seen_text(2000)]))
    until, asked = time.perf_counter() + seconds, 0
    while time.perf_counter() < until:
        if connection.ask(request) != 200:
            raise ConnectionError("a request of the bench was not answered with 200")
        asked += 1
    connection.close()
    return asked
