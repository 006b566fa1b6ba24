"""What each wire format costs: CPU per kilobyte of a request and per event of a stream, next to the bare door.

Every format's requests carry the same texts, which dragoman has seen before; a small and a big one of each go out in
turn, and what the big one takes more is the cost of its size. Events arrive together, so that what is measured is the
format and not how often a socket was read. CPU is that of the whole process tree, counted over all blocks.
"""

import asyncio
import random
import tempfile
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from proxy.bench.gateway import dragoman, free_port, spawn
from proxy.bench.load import cpu_seconds
from proxy.bench.texts import new_text
from proxy.bench.wire import ASKED, CASES, Case

TEXT = 500
SMALL, BIG = 4, 36
"""Texts of about 500 bytes in a request."""
FEW, MANY = 10, 410
"""Events of an answer."""
PER_BLOCK = 10
BASE = "openai_chat"

_POLICY = """\
version: 1
name: bench
environment: test
unknown_applications: allow
destinations:
  openai: {{operator: us, hosts: [openai.example], formats: []}}
{destinations}
rules:
  - {{id: all, when: {{entity: any}}, do: tokenize}}
  - {{id: rest, when: {{entity: none}}, do: allow}}
media: {{image: refuse, document: refuse, audio: refuse, video: refuse, sensor: refuse, other: refuse}}
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """One row. Microseconds of CPU; `times_*`: how often that of OpenAI's chat. None where it has no stream."""

    format: str
    bare_us_per_kb: float
    us_per_kb: float
    times_kb: float
    bare_us_per_event: float | None
    us_per_event: float | None
    times_event: float | None


@dataclass(frozen=True, slots=True)
class _Door:
    """A gateway that is measured."""

    name: str
    port: int
    pid: int


@dataclass(slots=True)
class _Taken:
    """CPU seconds and requests of one door, format, size and number of events."""

    cpu_s: float = 0.0
    requests: int = 0

    @property
    def us(self) -> float:
        return self.cpu_s / self.requests * 1e6


@dataclass(slots=True)
class _Counts:
    """(door, format, texts, events) -> what was taken."""

    taken: dict[tuple[str, str, int, int], _Taken] = field(default_factory=dict)

    def slope(self, door: str, case: Case, big: tuple[int, int], per: float) -> float:
        """What the big request takes more than the small one, by `per`."""
        more = self.taken[door, case.format, *big].us - self.taken[door, case.format, SMALL, FEW].us
        return more / per


def run(blocks: int = 12) -> list[Cost]:
    """All formats, a minute or two. Raises ConnectionError where an answer is not what it has to be."""
    with ExitStack() as stack:
        upstream, bare = free_port(), free_port()
        spawn(stack, "-m", "proxy.bench.bare", "upstream", str(upstream), ready="ready")
        to = f"127.0.0.1:{upstream}"
        bare_pid = spawn(stack, "-m", "proxy.bench.bare", "gateway", str(bare), to, ready="ready")
        policy = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dragoman-bench-"))) / "policy.yaml"
        policy.write_text(_POLICY.format(destinations="\n".join(map(_destination, CASES))), encoding="utf-8")
        upstreams = [word for case in CASES for word in ("--upstream", f"{_name(case)}=http://{to}")]
        pid, port = dragoman(stack, f"http://{to}", "--policy", str(policy), *upstreams)
        doors = (_Door("bare", bare, bare_pid), _Door("dragoman", port, pid))
        return _rows(asyncio.run(_measured(doors, blocks)))


def _destination(case: Case) -> str:
    formats = f"[{{path: /, format: {case.format}}}]"
    return f"  {_name(case)}: {{operator: us, hosts: [{_name(case)}.example], formats: {formats}}}"


def _name(case: Case) -> str:
    return case.format.replace("_", "-")


async def _measured(doors: tuple[_Door, ...], blocks: int) -> _Counts:
    rng = random.Random(20261126)  # noqa: S311 (the bench must be the same each time)
    texts = [new_text(TEXT, ("en", "de", "vi")[n % 3], rng) for n in range(BIG)]
    counts = _Counts()
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=120)))
        for block in range(blocks + 1):
            for case in CASES:
                for size, events in ((SMALL, FEW), (BIG, FEW), (SMALL, MANY)):
                    if events == MANY and not case.content_type:
                        continue
                    for door in doors:
                        before = cpu_seconds([door.pid])
                        await _ask(client, door, case, case.request(texts[:size]), events)
                        if block:  # the first one warms up
                            taken = counts.taken.setdefault((door.name, case.format, size, events), _Taken())
                            taken.cpu_s += cpu_seconds([door.pid]) - before
                            taken.requests += PER_BLOCK
    return counts


async def _ask(client: aiohttp.ClientSession, door: _Door, case: Case, body: bytes, events: int) -> None:
    """Some requests one after another, or messages of one session. Raises ConnectionError."""
    url = f"http://127.0.0.1:{door.port}/{_name(case)}{case.path}"
    headers = {ASKED: f"{case.format}.{events}", "Content-Type": "application/json"}
    if case.session:
        async with client.ws_connect(url, headers=headers) as socket:
            for _ in range(PER_BLOCK):
                await socket.send_str(body.decode())
                for number in range(events):
                    if (await socket.receive_str()) != case.said(number):
                        raise ConnectionError(f"{case.format}: the session said something else than was sent")
        return
    for _ in range(PER_BLOCK):
        async with client.post(url, data=body, headers=headers) as answer:
            if await answer.read() != case.answer(events):
                raise ConnectionError(f"{case.format}: the answer is not the one that was sent ({answer.status})")


def _rows(counts: _Counts) -> list[Cost]:
    """Sizes are those of the texts: what a format writes around them is its own cost."""

    def per_kb(door: str, case: Case) -> float:
        return counts.slope(door, case, (BIG, FEW), (BIG - SMALL) * TEXT / 1000)

    def per_event(door: str, case: Case) -> float | None:
        return counts.slope(door, case, (SMALL, MANY), MANY - FEW) if case.content_type else None

    base = next(case for case in CASES if case.format == BASE)
    chat_kb, chat_event = per_kb("dragoman", base), per_event("dragoman", base)
    assert chat_event is not None
    rows = []
    for case in CASES:
        kb, event = per_kb("dragoman", case), per_event("dragoman", case)
        rows.append(
            Cost(
                case.format, per_kb("bare", case), kb, kb / chat_kb, per_event("bare", case), event,
                event / chat_event if event is not None else None,
            )
        )  # fmt: skip
    return rows
