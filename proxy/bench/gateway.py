"""What the gate costs at the gateway: dragoman against the same door without a gate and against direct, interleaved.

Blocks of requests go to each of the three in turn, so that a neighbour's load hits all alike; the medians over blocks
are compared. CPU is that of the whole process tree (detection workers included).
"""

import random
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from proxy.bench.cores import Cores, allowed, free, shared_out, stay
from proxy.bench.load import Connection, Sample, chat_body, measure, request_bytes
from proxy.bench.machines import PROVIDER, Machine
from proxy.bench.texts import new_text, seen_text
from proxy.errors import ConfigError

PATH = "/v1/chat/completions"
END_S = 60.0
"""Several workers end in order; what is killed instead leaves transfers without an end."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One row. Times in milliseconds per request; ratios of requests per second to direct and to the bare door."""

    case: str
    server: str
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    ratio_direct: float
    ratio_bare: float
    added_p50_ms: float


@dataclass(frozen=True, slots=True)
class Server:
    """A process that is measured. inside: the machine on which whoever asks it stands, None for this one."""

    name: str
    port: int
    path: str
    pids: list[int]
    inside: Machine | None = None

    @property
    def host(self) -> str:
        """Where it is asked."""
        return PROVIDER if self.inside is not None else "127.0.0.1"


def free_port() -> int:
    """A port of this machine that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Stage:
    """Upstream, bare gateway, one that commits a row, and dragoman as processes; ended when the stack is."""

    def __init__(self, stack: ExitStack, cores: Cores) -> None:
        upstream = free_port()
        spawn(stack, "-m", "proxy.bench.bare", "upstream", str(upstream), ready="ready", cores=cores.upstream)
        bare = free_port()
        to = f"127.0.0.1:{upstream}"
        mine = cores.measured
        bare_pid = spawn(stack, "-m", "proxy.bench.bare", "gateway", str(bare), to, ready="ready", cores=mine)
        floor, rows = free_port(), str(folder(stack))
        floor_pid = spawn(stack, "-m", "proxy.bench.floor", str(floor), to, rows, ready="ready", cores=mine)
        pid, port = dragoman(stack, f"http://{to}", cores=mine)
        self.servers = (
            Server("direct", upstream, PATH, []),
            Server("bare", bare, f"/openai{PATH}", [bare_pid]),
            Server("dragoman", port, f"/openai{PATH}", [pid]),
            Server("bare and a commit", floor, f"/openai{PATH}", [floor_pid]),
        )


def dragoman(
    stack: ExitStack,
    upstream: str,
    *more: str,
    mode: str = "none",
    workers: int = 1,
    detection: int = 1,
    home: Path | None = None,
    cores: Sequence[int] = (),
    inside: Machine | None = None,
) -> tuple[int, int]:
    """Process id and gateway port of a dragoman with a home of its own, ready; both end with the stack.

    upstream: of `openai`; more: further words of the command line; mode: of its network door; workers, detection: how
    many processes serve the doors, and look for personal data.
    """
    port = free_port()
    home = home or folder(stack)
    pid = spawn(
        stack,
        *("-c", "from proxy.cli import main; main()", "run", "--home", str(home), "--mode", mode),
        *("--listen", f"127.0.0.1:{port}", "--admin", f"127.0.0.1:{free_port()}", "--console", "off"),
        *("--detection-workers", str(detection), "--workers", str(workers)),
        *("--upstream", f"openai={upstream}"),
        *more,
        ready="dragoman is ready",
        cores=cores,
        inside=inside,
    )
    return pid, port


def folder(stack: ExitStack) -> Path:
    return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dragoman-bench-")))


def spawn(
    stack: ExitStack, *arguments: str, ready: str, cores: Sequence[int] = (), inside: Machine | None = None
) -> int:
    """Process id of one of our modules, once it has said that it is ready; it ends with the stack.

    cores: those it may use; inside: the machine made of a network namespace on which it runs.
    """
    command = [*(inside.enter if inside is not None else ()), sys.executable, *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # noqa: S603 (no shell)
    stack.callback(_end, process)
    if cores:
        stay(process.pid, cores)
    assert process.stdout is not None
    for line in process.stdout:
        if ready.encode() in line:
            return process.pid
    raise ConfigError("a process of the bench did not start")


def run(blocks: int = 12, per_block: int = 25, *, cores: int = 0) -> list[Figures]:
    """All cases; about a minute. cores: for what is measured, 0 for what client and upstream leave."""
    rng = random.Random(20261124)  # noqa: S311 (the bench must be the same each time)
    rows: list[Figures] = []
    with ExitStack() as stack:
        stage = Stage(stack, placed(stack, cores))
        connections = {server.name: Connection(server.port) for server in stage.servers}
        for connection in connections.values():
            stack.callback(connection.close)
        seen = chat_body([seen_text(2000)])
        rows += _case("2 kB, seen before", stage, connections, blocks, lambda: [seen] * per_block)
        rows += _case(
            "2 kB, new (English)",
            stage,
            connections,
            blocks,
            partial(_new, "en", rng),
        )
        for language in ("de", "vi"):
            rows += _case(
                f"2 kB, new ({language})",
                stage,
                connections,
                max(3, blocks // 2),
                partial(_new, language, rng),
            )
        for language in ("en", "de"):
            case = f"50 turns, 40 kB, last turn new ({language})"
            rows += _case(case, stage, connections, blocks, _conversations(rng, 5, language))
    return rows


def placed(stack: ExitStack, measured: int) -> Cores:
    """Who has which cores; this process, the client, stays on its own until the stack ends."""
    cores = shared_out(allowed(), measured)
    stack.callback(stay, 0, free())
    stay(0, cores.client)
    return cores


def _new(language: str, rng: random.Random) -> list[bytes]:
    return [chat_body([new_text(2000, language, rng)]) for _ in range(5)]


def _conversations(rng: random.Random, per_block: int, language: str) -> Callable[[], list[bytes]]:
    history = [new_text(800, ("en", "de", "vi")[n % 3], rng) for n in range(50)]

    def make() -> list[bytes]:
        bodies = []
        for _ in range(per_block):
            # Nothing but the last turn changes: who says what before it must stay, or the texts would count as new.
            history[-1] = new_text(800, language, rng)
            bodies.append(chat_body(history))
        return bodies

    return make


def _case(
    name: str, stage: Stage, connections: dict[str, Connection], blocks: int, bodies: Callable[[], list[bytes]]
) -> list[Figures]:
    samples: dict[str, list[Sample]] = {server.name: [] for server in stage.servers}
    for block in range(blocks + 1):
        drawn = bodies()
        for server in stage.servers:
            requests = [request_bytes(server.port, server.path, body) for body in drawn]
            sample = measure(connections[server.name], requests, server.pids)
            if block:  # the first block warms up
                samples[server.name].append(sample)
    return [_row(name, server.name, samples) for server in stage.servers]


def _row(case: str, server: str, samples: dict[str, list[Sample]]) -> Figures:
    def all_ms(name: str) -> list[float]:
        return sorted(value * 1000 for sample in samples[name] for value in sample.seconds)

    def per_second(name: str) -> float:
        return 1000 / median(all_ms(name))

    mine = all_ms(server)
    cpu = sum(sample.cpu_s for sample in samples[server]) * 1000 / max(1, len(mine))
    return Figures(
        case=case,
        server=server,
        p50_ms=median(mine),
        p99_ms=mine[min(len(mine) - 1, int(len(mine) * 0.99))],
        cpu_ms=cpu,
        ratio_direct=per_second(server) / per_second("direct"),
        ratio_bare=per_second(server) / per_second("bare"),
        added_p50_ms=median(mine) - median(all_ms("direct")),
    )


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    assert process.stdout is not None
    process.stdout.close()
