"""What each door costs next to the same door without the gate, and next to direct; and what an open stream holds.

Gateway and network door (reverse mode, no TLS on either side, so that the gate is what differs) in one process of ours,
blocks of requests to each in turn. The transparent door stands on a router made of network namespaces; next to it are
the same three machines with a bare engine on the router, and with nothing. The text was seen before. Streams: how long
until the first event is there, and how much memory 200 of them take that are open at the same time.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from proxy.bench.bare import HELD
from proxy.bench.cores import Cores
from proxy.bench.gateway import PATH, Server, dragoman, free_port, placed, spawn
from proxy.bench.load import chat_body, cpu_seconds, request_bytes
from proxy.bench.machines import DOOR, PROVIDER, MachinesError, row
from proxy.bench.texts import seen_text
from proxy.bench.wire import ASKED

STREAMS = 200
EVENTS = 20
HELD_S = 8.0
"""How long an upstream holds the streams that are open together; memory is read in the middle of it."""


@dataclass(frozen=True, slots=True)
class DoorFigures:
    """One row. Milliseconds per request. added_*: to direct, CPU to the bare door. ratio_*: of requests per second.

    first_event_ms: from the request to the first event of a stream. stream_kb: memory per open stream.
    """

    server: str
    p50_ms: float
    p99_ms: float
    added_p50_ms: float
    cpu_ms: float
    added_cpu_ms: float | None
    ratio_direct: float
    ratio_bare: float | None
    first_event_ms: float
    added_first_ms: float
    stream_kb: float | None
    added_stream_kb: float | None


@dataclass(slots=True)
class _Taken:
    """Seconds of each request and until each first event; CPU seconds of the requests; bytes per stream."""

    seconds: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    cpu_s: float = 0.0
    stream_kb: float | None = None


DIRECT, ROUTED, BARE_TRANSPARENT, TRANSPARENT = "direct", "direct, routed", "bare transparent", "transparent"
BARE = {"gateway": "bare gateway", "network": "bare network", TRANSPARENT: BARE_TRANSPARENT}
NEXT_TO = {BARE_TRANSPARENT: ROUTED, TRANSPARENT: ROUTED}
"""The direct way that a server is compared with, where it is not the one over loopback."""


def silent(_said: str) -> None:
    """Nobody is told."""


def run(
    blocks: int = 12, per_block: int = 25, *, cores: int = 0, tell: Callable[[str], None] = silent
) -> list[DoorFigures]:
    """All doors; two minutes. Raises ConnectionError where an answer is not what it has to be.

    cores: for what is measured, 0 for what client and upstream leave. tell: of cores, and of doors that cannot be here.
    """
    with ExitStack() as stack:
        places = placed(stack, cores)
        tell(places.words())
        servers = _started(stack, places)
        try:
            servers += _routed(stack, places)
        except MachinesError as error:
            tell(f"no transparent door here: {error}")
        return asyncio.run(_measured(servers, blocks, per_block))


def _started(stack: ExitStack, places: Cores) -> tuple[Server, ...]:
    upstream, gateway, network, door = (free_port() for _ in range(4))
    mine = places.measured
    spawn(stack, "-m", "proxy.bench.bare", "upstream", str(upstream), ready="ready", cores=places.upstream)
    to = f"127.0.0.1:{upstream}"
    bare = spawn(stack, "-m", "proxy.bench.bare", "gateway", str(gateway), to, ready="ready", cores=mine)
    mode = f"reverse:http://{to}@127.0.0.1:{network}"
    lean = spawn(stack, "-m", "proxy.bench.bare_network", mode, ready="ready", cores=mine)
    pid, port = dragoman(stack, f"http://{to}", mode=f"reverse:http://{to}@127.0.0.1:{door}", cores=mine)
    return (
        Server(DIRECT, upstream, PATH, []),
        Server("bare gateway", gateway, f"/openai{PATH}", [bare]),
        Server("gateway", port, f"/openai{PATH}", [pid]),
        Server("bare network", network, PATH, [lean]),
        Server("network", door, PATH, [pid]),
    )


def _routed(stack: ExitStack, places: Cores) -> tuple[Server, ...]:
    """Nothing, a lean engine and dragoman on the router, each in a row of its own. Raises MachinesError."""
    port, found = free_port(), []
    rows = [(name, row(stack, str(number))) for number, name in enumerate((ROUTED, BARE_TRANSPARENT, TRANSPARENT))]
    for name, machines in rows:
        address, router = f"{PROVIDER}:{port}", machines.router
        bare = ("-m", "proxy.bench.bare", "upstream", address)
        spawn(stack, *bare, ready="ready", cores=places.upstream, inside=machines.provider)
        pids: list[int] = []
        if name != ROUTED:
            machines.capture()
        if name == BARE_TRANSPARENT:
            lean = ("-m", "proxy.bench.bare_network", f"transparent@{DOOR}")
            pids = [spawn(stack, *lean, ready="ready", cores=places.measured, inside=router)]
        elif name == TRANSPARENT:
            mode = f"transparent@:{DOOR}"
            pids = [dragoman(stack, f"http://{address}", mode=mode, cores=places.measured, inside=router)[0]]
        found.append(Server(name, port, PATH, pids, machines.app))
    return tuple(found)


async def _measured(servers: Sequence[Server], blocks: int, per_block: int) -> list[DoorFigures]:
    body = chat_body([seen_text(2000)])
    taken = {server.name: _Taken() for server in servers}
    for block in range(blocks + 1):
        for server in servers:
            whole, streams = await _block(server, body, per_block)
            if block:  # the first block warms up
                one = taken[server.name]
                one.seconds += whole[0]
                one.cpu_s += whole[1]
                one.first += streams
    for server in servers:
        if server.pids:
            taken[server.name].stream_kb = await _held(server, body)
    return rows(taken)


async def _opened(server: Server) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if server.inside is None:
        return await asyncio.open_connection(server.host, server.port)
    connected = await asyncio.to_thread(server.inside.connected, server.host, server.port)
    return await asyncio.open_connection(sock=connected)


async def _block(server: Server, body: bytes, per_block: int) -> tuple[tuple[list[float], float], list[float]]:
    reader, writer = await _opened(server)
    request, stream = request_bytes(server.port, server.path, body, server.host), _streamed(server, body)
    before, seconds, first = cpu_seconds(server.pids), [], []
    for _ in range(per_block):
        seconds.append((await _ask(reader, writer, request))[1])
    cpu_s = cpu_seconds(server.pids) - before
    for _ in range(max(1, per_block // 5)):
        first.append((await _ask(reader, writer, stream))[0])
    await _hung_up(writer)
    return (seconds, cpu_s), first


def _streamed(server: Server, body: bytes, held: bool = False) -> bytes:
    fields = f"{ASKED}: openai_chat.{EVENTS}\r\n" + (f"{HELD}: {HELD_S:g}\r\n" if held else "")
    head, _, rest = request_bytes(server.port, server.path, body, server.host).partition(b"\r\n\r\n")
    return head + b"\r\n" + fields.encode() + b"\r\n" + rest


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> tuple[float, float]:
    """Seconds until the first bytes of the answer's body, and until its last."""
    began = time.perf_counter()
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if not head.startswith(b"http/1.1 200"):
        raise ConnectionError("a request of the bench was not answered with 200")
    if b"\r\ntransfer-encoding: chunked" not in head:
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"content-length"))
        await reader.readexactly(length)
        return time.perf_counter() - began, time.perf_counter() - began
    first = 0.0
    while size := int(await reader.readline(), 16):
        await reader.readexactly(size + 2)
        first = first or time.perf_counter() - began
    await reader.readline()
    return first, time.perf_counter() - began


async def _held(server: Server, body: bytes) -> float:
    """KiB per stream of many that are open together."""
    request, opened = _streamed(server, body, held=True), asyncio.Semaphore(0)
    before = resident_kib(server.pids)

    async def one() -> None:
        reader, writer = await _opened(server)
        try:
            writer.write(request)
            await reader.readuntil(b"data: ")
            opened.release()
            await reader.read()
        finally:
            await _hung_up(writer)

    tasks = [asyncio.create_task(one()) for _ in range(STREAMS)]
    try:
        async with asyncio.timeout(HELD_S):
            for _ in range(STREAMS):
                await opened.acquire()
        return (resident_kib(server.pids) - before) / STREAMS
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _hung_up(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


def resident_kib(pids: Sequence[int]) -> int:
    """Resident memory of these processes (Linux /proc), without their children: what detects holds no stream."""
    lines = (line for pid in pids for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def rows(taken: dict[str, _Taken]) -> list[DoorFigures]:
    """One for each server, next to direct and to its bare door."""
    found = []
    for name, one in taken.items():
        direct = taken[NEXT_TO.get(name, DIRECT)]
        bare = taken.get(BARE.get(name, ""))
        ordered, p50 = sorted(one.seconds), median(one.seconds)
        cpu_ms = _cpu_ms(one)
        kb, bare_kb = one.stream_kb, bare.stream_kb if bare else None
        found.append(
            DoorFigures(
                server=name,
                p50_ms=p50 * 1000,
                p99_ms=ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] * 1000,
                added_p50_ms=(p50 - median(direct.seconds)) * 1000,
                cpu_ms=cpu_ms,
                added_cpu_ms=cpu_ms - _cpu_ms(bare) if bare else None,
                ratio_direct=median(direct.seconds) / p50,
                ratio_bare=median(bare.seconds) / p50 if bare else None,
                first_event_ms=median(one.first) * 1000,
                added_first_ms=(median(one.first) - median(direct.first)) * 1000,
                stream_kb=kb,
                added_stream_kb=kb - bare_kb if kb is not None and bare_kb is not None else None,
            )
        )
    return found


def _cpu_ms(one: _Taken) -> float:
    return one.cpu_s * 1000 / len(one.seconds)
