"""What several door workers answer together: many connections at once, against direct and the bare door, interleaved.

Clients and upstreams are processes of their own, on cores of their own where there are enough; where they share the
cores with what is measured, only ratios of one run mean something. How busy both were is said, for whoever is busy all
the time is the bound.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from multiprocessing import get_context
from statistics import median
from threading import Thread

from proxy.bench.cores import Cores
from proxy.bench.gateway import PATH, Server, dragoman, free_port, placed, spawn
from proxy.bench.load import Connection, chat_body, cpu_of_each, cpu_seconds, request_bytes
from proxy.bench.texts import seen_text

PER_WORKER = 8
"""Connections for each worker of the largest number, for all servers alike: what shares a commit waits together."""


@dataclass(frozen=True, slots=True)
class Throughput:
    """One row: requests per second over all connections, and as ratios; `ratio_first` to the first number of workers.

    cpu_ms: of all its processes, for one request; each: the same of each process. busiest, busiest_cpu_ms: the process
    that would be the bound if every process had a core for itself: no more than 1,000 / busiest_cpu_ms requests per
    second. client_busy, upstream_busy: the part of the time that those processes computed, 1 for always.
    """

    case: str
    server: str
    per_second: float
    ratio_first: float | None
    ratio_direct: float
    ratio_bare: float
    cpu_ms: float
    busiest: str
    busiest_cpu_ms: float
    client_busy: float
    upstream_busy: float
    each: dict[str, float]


def run(
    counts: Sequence[int],
    blocks: int = 5,
    seconds: float = 2.0,
    *,
    cores: int = 0,
    tell: Callable[[str], None] = lambda _said: None,
) -> list[Throughput]:
    """Each server in turn, `blocks` times, for so many seconds each; medians.

    cores: for what is measured, 0 for what client and upstream leave; tell: of who has which.
    """
    connections = PER_WORKER * max(counts)
    with ExitStack() as stack:
        places = placed(stack, cores)
        tell(places.words())
        upstreams, servers = _started(stack, counts, places)
        processes = max(2, len(places.client)) if places.apart else 2
        pool = stack.enter_context(get_context("spawn").Pool(processes))
        work = [connections // processes + (n < connections % processes) for n in range(processes)]
        taken = {name: _Taken() for name in servers}
        for block in range(blocks + 1):
            for name, server in servers.items():
                before, upstream_s = cpu_of_each(server.pids), cpu_seconds(upstreams)
                asked = pool.starmap(_ask, [(server, seconds, share) for share in work], chunksize=1)
                if block:  # the first block warms up
                    busy_s = sum(cpu_s for _, cpu_s in asked), cpu_seconds(upstreams) - upstream_s
                    taken[name].add(sum(n for n, _ in asked), seconds, before, cpu_of_each(server.pids), busy_s)
        return rows(taken, f"2 kB, seen before, {connections} connections", processes, len(upstreams))


def _started(stack: ExitStack, counts: Sequence[int], places: Cores) -> tuple[list[int], dict[str, Server]]:
    """Process ids of the upstreams, and what is measured by its name."""
    upstream, bare = free_port(), free_port()
    to, mine = f"127.0.0.1:{upstream}", places.measured
    upstreams = [
        spawn(stack, "-m", "proxy.bench.bare", "upstream", str(upstream), ready="ready", cores=places.upstream)
        for _ in range(len(places.upstream) if places.apart else 1)
    ]
    pid = spawn(stack, "-m", "proxy.bench.bare", "gateway", str(bare), to, ready="ready", cores=mine)
    servers = {"direct": Server("direct", upstream, PATH, []), "bare": Server("bare", bare, f"/openai{PATH}", [pid])}
    for count in counts:
        name = f"dragoman, {count} workers"
        pid, port = dragoman(stack, f"http://{to}", workers=count, cores=mine)
        servers[name] = Server(name, port, f"/openai{PATH}", [pid])
    return upstreams, servers


@dataclass(slots=True)
class _Taken:
    """rates: per second, of each block. cpu_s: by what a process does and its number. The rest: CPU of the others."""

    rates: list[float] = field(default_factory=list)
    asked: int = 0
    seconds: float = 0.0
    cpu_s: Counter[str] = field(default_factory=Counter)
    client_s: float = 0.0
    upstream_s: float = 0.0

    def add(
        self,
        asked: int,
        seconds: float,
        before: Mapping[str, float],
        after: Mapping[str, float],
        others_s: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        """One block. others_s: CPU of clients and upstreams."""
        self.rates.append(asked / seconds)
        self.asked += asked
        self.seconds += seconds
        self.cpu_s.update({name: cpu_s - before.get(name, 0.0) for name, cpu_s in after.items()})
        self.client_s += others_s[0]
        self.upstream_s += others_s[1]


def rows(taken: Mapping[str, _Taken], case: str = "", clients: int = 1, upstreams: int = 1) -> list[Throughput]:
    """One for each server. clients, upstreams: how many processes those were."""
    rates = {name: median(one.rates) for name, one in taken.items()}
    first = next((rates[name] for name in taken if name not in {"direct", "bare"}), None)
    found = []
    for name, one in taken.items():
        busiest, cpu_s = max(one.cpu_s.items(), key=lambda item: item[1], default=("", 0.0))
        found.append(
            Throughput(
                case,
                name,
                rates[name],
                rates[name] / first if first and name not in {"direct", "bare"} else None,
                rates[name] / rates["direct"],
                rates[name] / rates["bare"],
                one.cpu_s.total() * 1000 / one.asked,
                busiest,
                cpu_s * 1000 / one.asked,
                one.client_s / one.seconds / clients,
                one.upstream_s / one.seconds / upstreams,
                {name: cpu_s * 1000 / one.asked for name, cpu_s in one.cpu_s.most_common()},
            )
        )
    return found


def _ask(server: Server, seconds: float, connections: int) -> tuple[int, float]:
    """Requests that so many connections got answered, and the CPU that it took here. In a process of its own."""
    counted, failed = [0] * connections, []
    request = request_bytes(server.port, server.path, chat_body([seen_text(2000)]))
    until, before = time.perf_counter() + seconds, time.process_time()

    def ask(number: int) -> None:
        try:
            connection = Connection(server.port)
            while time.perf_counter() < until:
                if connection.ask(request) != 200:
                    raise ConnectionError
                counted[number] += 1
            connection.close()
        except OSError:
            failed.append(number)

    threads = [Thread(target=ask, args=(number,)) for number in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed or not all(counted):
        raise ConnectionError("a request of the bench was not answered with 200")
    return sum(counted), time.process_time() - before
