"""Questions of a log of many transfers, measured: `dragoman bench audit --transfers N`.

The transfers are made up, in a folder of its own. Each question is asked of several persons or values and of the
whole; what is reported is the slowest median.
"""

import os
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from audit import query
from audit.bench.appending import Row
from audit.bench.made_up import DAY_MS, END, RARE, fill, finish, person
from audit.export import export_tiles
from audit.home import Home
from audit.interpreter import uncollected
from audit.log import Ledger
from audit.progress import Progress, silent
from audit.query import Question
from audit.questions import holders
from audit.references import Space
from audit.store import Store
from audit.verify import verify_store

PAGE = 50
PAGES: tuple[dict[str, str], ...] = (
    {},
    {"application": "app-03", "destination": "own"},
    {"model": "mistral-large"},
    {"state": "interrupted"},
    {"state": "open"},
    {"entity_type": RARE},
    {"country": "FR"},
    {"operator": "keep", "purpose": "search"},
    {"kind": "blocked", "application": "app-11"},
)
NOTHING: tuple[dict[str, str], ...] = ({"model": "none"}, {"country": "JP"}, {"rule": "none"}, {"network": "none"})
"""What no transfer is."""
GROUPS: tuple[tuple[str, ...], ...] = (
    ("destination",), ("destination", "day"), ("application", "action"), ("purpose", "entity", "day"), ("entity_type",),
    ("model",), ("role",), ("language",), ("provider", "entity_type", "day"), ("state", "day"),
    ("application", "entity_type", "day"), ("kind", "application", "entity_type", "destination", "operator"),
)  # fmt: skip


def run(transfers: int, *, keep: Path | None = None, progress: Progress = silent) -> list[Row]:
    """Fills a log and asks. keep: a home to fill or, where it is filled, to ask; else a temporary one."""
    if keep is None:
        with TemporaryDirectory(prefix="dragoman-bench-") as folder:
            return list(_measure(Path(folder) / "home", transfers, progress))
    return list(_measure(keep, transfers, progress))


def _measure(home: Path, transfers: int, progress: Progress) -> Iterator[Row]:
    ledger = Ledger.open(home, publish_every_s=3_600)
    try:
        if ledger.size < transfers:
            start = time.perf_counter()
            fill(ledger, transfers, progress=progress)
            yield Row("fill", transfers / (time.perf_counter() - start), "transfers per second")
        finish(ledger)
        yield from _questions(ledger, transfers)
        yield from _export(home)
        for name, workers in (("one process", 1), ("a process for each core", len(os.sched_getaffinity(0)))):
            with uncollected():
                start = time.perf_counter()
                found = verify_store(ledger.store, [ledger.home.read_vkey()], workers=workers)
                rate = found.checkpoint.size / (time.perf_counter() - start)
            yield Row(f"verify, {name}", rate, "entries per second")
    finally:
        ledger.close()


def _questions(ledger: Ledger, transfers: int) -> Iterator[Row]:
    persons = max(10, transfers // 20)
    with ledger.store.read() as connection:

        def look_up(number: int) -> object:
            refs = ledger.references.known(Space.SUBJECT, person(number))
            return list(query.transfers(connection, Question(refs=refs), limit=PAGE))

        def page(values: dict[str, str]) -> object:
            return list(query.transfers(connection, Question(values=values), limit=PAGE))

        def group(by: Sequence[str], days: int) -> object:
            return list(query.groups(connection, Question(since=END - days * DAY_MS), by))

        some = [persons * part // 100 for part in (0, 1, 10, 50, 90)]
        yield _slowest("a person's transfers", [(str(number), look_up, (number,)) for number in some])
        yield _slowest(f"page of {PAGE}, filtered", [(str(values), page, (values,)) for values in PAGES])
        yield _slowest("page of nothing", [(str(values), page, (values,)) for values in NOTHING])
        for days in (30, 365):
            yield _slowest(f"group by, {days} days", [(",".join(by), group, (by, days)) for by in GROUPS])
        yield _slowest("who holds what", [("all", lambda: holders.who(connection, Question()), ())])
        of_one = Question(refs=ledger.references.known(Space.SUBJECT, person(0)))
        yield _slowest("transfers without a person", [("all", lambda: holders.completeness(connection, of_one), ())])
        yield _slowest("statistics", [("all", lambda: query.statistics(connection), ())])


def _slowest(case: str, asked: Sequence[tuple[str, Callable[..., object], tuple[object, ...]]]) -> Row:
    """The slowest of some questions by its median of three."""
    found = []
    for name, ask, arguments in asked:
        seconds = []
        for _ in range(3):
            start = time.perf_counter()
            ask(*arguments)
            seconds.append(time.perf_counter() - start)
        found.append((sorted(seconds)[1] * 1e3, name))
    slowest, name = max(found)
    return Row(case, slowest, "ms, slowest median", against=name)


def _export(home: Path) -> Iterator[Row]:
    """Reads and exports everything, in a process of its own: what was asked before took memory that hides this."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        reading, exporting, rate = pool.submit(_exported, home).result()
    yield Row("memory that reading all entries adds", reading / 1024, "MiB", against="the first tenth")
    yield Row("memory that the export adds", exporting / 1024, "MiB", against="the first tenth")
    yield Row("export as tiles", rate, "entries per second")


def _exported(path: Path) -> tuple[int, int, float]:
    """What memory reading all entries takes beyond a tenth of them (KiB), what an export takes beyond it, and how
    many entries it writes in a second."""
    home = Home(path)
    store = Store.open(home.database_url, read_only=True)
    with store.read() as connection:
        for _ in islice(query.entries(connection), query.size(connection) // 10):
            pass
        tenth = _peak()
        for _ in query.entries(connection):
            pass
    whole = _peak()
    with TemporaryDirectory(dir=path.parent) as folder:
        start = time.perf_counter()
        size = export_tiles(store, home.read_vkey(), Path(folder) / "export")
        rate = size / (time.perf_counter() - start)
    store.close()
    return whole - tenth, _peak() - tenth, rate


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
