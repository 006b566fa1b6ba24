"""What several door workers answer together: many connections at once, against direct and the bare door, interleaved.

Clients are processes of their own, so that they do not share an interpreter; still they share the machine's cores with
what is measured, so only ratios of one run mean something.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from multiprocessing import get_context
from statistics import median

from proxy.bench.gateway import Server, Stage
from proxy.bench.load import Connection, chat_body, cpu_of_each, request_bytes
from proxy.bench.texts import seen_text

CLIENTS = 8


@dataclass(frozen=True, slots=True)
class Throughput:
    """One row: requests per second over all connections, and as ratios.

    cpu_ms: of all its processes, for one request. busiest, busiest_cpu_ms: the process that would be the bound if every
    process had a core for itself: no more than 1,000 / busiest_cpu_ms requests per second.
    """

    case: str
    server: str
    per_second: float
    ratio_direct: float
    ratio_bare: float
    cpu_ms: float
    busiest: str
    busiest_cpu_ms: float


def run(counts: Sequence[int], blocks: int = 5, seconds: float = 2.0) -> list[Throughput]:
    """Each server in turn, `blocks` times, for so many seconds each; medians."""
    with ExitStack() as stack:
        stages = [Stage(stack, workers) for workers in counts]
        direct, bare = stages[0].servers[:2]
        servers = {"direct": direct, "bare": bare}
        servers |= {f"dragoman, {n} workers": stage.servers[2] for n, stage in zip(counts, stages, strict=True)}
        pool = stack.enter_context(get_context("spawn").Pool(CLIENTS))
        taken = {name: _Taken() for name in servers}
        for block in range(blocks + 1):
            for name, server in servers.items():
                before = cpu_of_each(server.pids)
                asked = sum(pool.starmap(_ask, [(server, seconds)] * CLIENTS))
                if block:  # the first block warms up
                    taken[name].add(asked, seconds, before, cpu_of_each(server.pids))
    return rows(taken)


@dataclass(slots=True)
class _Taken:
    """rates: per second, of each block. cpu_s: by what a process does and its number."""

    rates: list[float] = field(default_factory=list)
    asked: int = 0
    cpu_s: Counter[str] = field(default_factory=Counter)

    def add(self, asked: int, seconds: float, before: Mapping[str, float], after: Mapping[str, float]) -> None:
        """One block."""
        self.rates.append(asked / seconds)
        self.asked += asked
        self.cpu_s.update({name: cpu_s - before.get(name, 0.0) for name, cpu_s in after.items()})


def rows(taken: Mapping[str, _Taken]) -> list[Throughput]:
    """One for each server."""
    rates = {name: median(one.rates) for name, one in taken.items()}
    found = []
    for name, one in taken.items():
        busiest, cpu_s = max(one.cpu_s.items(), key=lambda item: item[1], default=("", 0.0))
        found.append(
            Throughput(
                f"2 kB, seen before, {CLIENTS} connections",
                name,
                rates[name],
                rates[name] / rates["direct"],
                rates[name] / rates["bare"],
                one.cpu_s.total() * 1000 / one.asked,
                busiest,
                cpu_s * 1000 / one.asked,
            )
        )
    return found


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
