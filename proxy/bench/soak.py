"""Many requests through a whole dragoman: what each of its processes holds in memory and files, and how it grows; and
whether app, provider and log count the same at the end.

Upstreams and clients are processes of their own (`soak_load`), on cores of their own where there are enough.
"""

import itertools
import json
import math
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import sqlalchemy as sa

from audit.home import Home
from audit.store import Store
from audit.tables import transfer
from audit.verify import verify_store
from proxy.bench.cores import Cores
from proxy.bench.gateway import dragoman, folder, free_port, placed
from proxy.bench.load import name_of
from proxy.bench.soak_load import Load, clients, upstreams

SAMPLES = 40
LOOK_S = 0.1
WARM = 0.5
"""Of the samples; until then caches fill, which is no leak: the one of scopes is full after 40,000 requests."""
QUARTERS = (0.25, 0.5, 0.75, 1.0)
MIB = 1024.0
PER = 10_000


@dataclass(frozen=True, slots=True)
class Growth:
    """One process, or `all`. Resident memory in MiB and open files after each quarter of the requests, and the slope of
    a straight line through all samples of the second half, per 10,000 requests. Shared pages count in each process."""

    process: str
    requests: int
    mib: tuple[float, ...]
    mib_per_10k: float
    files: tuple[int, ...]
    files_per_10k: float


@dataclass(frozen=True, slots=True)
class Sums:
    """Answered as they have to be, and not; requests that the provider got; the log's transfers, those that ended as
    complete, and those without an end. agree: no error, and all of them the same. seconds: of sending."""

    answered: int
    errors: int
    received: int
    transfers: int
    complete: int
    unfinished: int
    agree: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Soaked:
    """What came of it. sums: None while it goes on."""

    growth: list[Growth]
    sums: Sums | None


@dataclass(frozen=True, slots=True)
class _Sample:
    """After so many requests: process id -> (KiB resident, open files)."""

    requests: int
    processes: dict[int, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to run. limit_s: no request begins later. cores: for what is measured, 0 for what the others leave.

    out: a folder in which `soak.json` says at each sample how far it is, and at the end what came of it.
    """

    requests: int
    workers: int
    detection: int
    limit_s: float = math.inf
    cores: int = 0
    out: Path | None = None


def run(wanted: Wanted, progress: Callable[[int, int], None], tell: Callable[[str], None]) -> Soaked:
    """Sends them, or as many as can be sent in the time. Raises ConnectionError where something does not start."""
    with ExitStack() as stack:
        places = placed(stack, wanted.cores)
        tell(places.words())
        home, port = folder(stack), free_port()
        began = time.monotonic()
        with ExitStack() as running:
            received = running.enter_context(upstreams(port, _processes_on(places, places.upstream), places))
            pid, door = dragoman(
                running,
                f"http://127.0.0.1:{port}",
                workers=wanted.workers,
                detection=wanted.detection,
                home=home,
                cores=places.measured,
            )
            asking = clients(door, wanted.requests, _processes_on(places, places.client), places, received)
            load = running.enter_context(asking)
            began = time.monotonic()
            samples, names = _watched(wanted, load, pid, progress)
            seconds = time.monotonic() - began
        soaked = Soaked(growth(samples, names), _sums(home, load, seconds))
        _write(wanted.out, soaked, load, seconds)
        return soaked


def _processes_on(places: Cores, cores: Sequence[int]) -> int:
    return len(cores) if places.apart else 1


def _watched(
    wanted: Wanted, load: Load, pid: int, progress: Callable[[int, int], None]
) -> tuple[list[_Sample], dict[int, str]]:
    """Samples until every client has ended, and what each process does."""
    every, began = max(1, wanted.requests // SAMPLES), time.monotonic()
    samples: list[_Sample] = []
    names: dict[int, str] = {}
    while load.asking:
        answered, failed, _ = load.counted.sums
        if answered + failed >= every * len(samples):
            samples.append(_Sample(answered + failed, _processes(pid)))
            names |= _names(samples[-1], names)
            _write(wanted.out, Soaked(growth(samples, names), None), load, time.monotonic() - began)
        progress(answered + failed, wanted.requests)
        if time.monotonic() - began > wanted.limit_s:
            load.stop.set()
        time.sleep(LOOK_S)
    samples.append(_Sample(sum(load.counted.sums[:2]), _processes(pid)))
    return samples, names | _names(samples[-1], names)


def _names(sample: _Sample, known: dict[int, str]) -> dict[int, str]:
    found = {}
    for pid in sample.processes.keys() - known.keys():
        try:
            found[pid] = name_of(pid)
        except OSError:
            continue  # it has ended meanwhile
    return found


def _sums(home: Path, load: Load, seconds: float) -> Sums:
    """Of a dragoman that has ended. Raises VerifyError where its log does not hold."""
    answered, errors, received = load.counted.sums
    place = Home(home)
    store = Store.open(place.database_url, read_only=True)
    try:
        verify_store(store, [place.read_vkey()])
        with store.read() as connection:
            counted = sa.select(transfer.c.state, sa.func.count()).group_by(transfer.c.state)
            states: dict[str | None, int] = dict(connection.execute(counted).tuples().all())
    finally:
        store.close()
    transfers, complete = sum(states.values()), states.get("complete", 0)
    agree = not errors and answered == received == transfers == complete
    return Sums(answered, errors, received, transfers, complete, states.get(None, 0), agree, seconds)


def _write(out: Path | None, soaked: Soaked, load: Load, seconds: float) -> None:
    if out is None:
        return
    answered, errors, received = load.counted.sums
    done = {"seconds": seconds, "answered": answered, "errors": errors, "received": received, **asdict(soaked)}
    out.mkdir(parents=True, exist_ok=True)
    fresh = out / "soak.json.new"
    fresh.write_text(json.dumps(done, indent=1))
    fresh.replace(out / "soak.json")


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


def growth(samples: Sequence[_Sample], names: dict[int, str]) -> list[Growth]:
    """A row for each process that was there from the first quarter on, and one for all."""
    last = samples[-1].requests
    quarters = [next(one for one in samples if one.requests >= last * part) for part in QUARTERS]
    later = [one for one in samples if one.requests >= last * WARM]
    kept = [pid for pid in names if all(pid in one.processes for one in (*quarters, *later))]
    rows = [_row(names[pid], *([_point(one, (pid,)) for one in few] for few in (quarters, later))) for pid in kept]
    return [*rows, _row("all", *([_point(one, tuple(one.processes)) for one in few] for few in (quarters, later)))]


def _point(sample: _Sample, pids: tuple[int, ...]) -> tuple[int, float, int]:
    """Requests, MiB, open files."""
    held = [sample.processes[pid] for pid in pids]
    return sample.requests, sum(kib for kib, _ in held) / MIB, sum(files for _, files in held)


def _row(name: str, quarters: Sequence[tuple[int, float, int]], later: Sequence[tuple[int, float, int]]) -> Growth:
    return Growth(
        name,
        quarters[-1][0],
        tuple(mib for _, mib, _ in quarters),
        _slope([(n, mib) for n, mib, _ in later]),
        tuple(files for _, _, files in quarters),
        _slope([(n, float(files)) for n, _, files in later]),
    )


def _slope(points: Sequence[tuple[int, float]]) -> float:
    """Least squares, per 10,000 requests."""
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return PER * sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0
