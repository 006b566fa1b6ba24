"""What the log costs, measured here: making a record, appending it durably, verifying what was written.

Every figure about the disk stands beside the disk's own in the same run, because a disk that acknowledges in 0.2 ms
one minute takes 4 ms the next: read the ratios. Writes to a folder of its own and removes it.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from audit.canonical import Stamp, entry
from audit.engines import PRAGMAS, use_wal
from audit.ids import new_id, now_ms
from audit.interpreter import settled, uncollected
from audit.log import Ledger
from audit.record import (
    DestinationFacts,
    Detector,
    FindingCount,
    PurposeFacts,
    StageTime,
    SubjectReference,
    TransferRecord,
)
from audit.values import (
    Action,
    Door,
    Environment,
    IdentifiedBy,
    Mode,
    Operator,
    SegmentKind,
    Stage,
    SubjectRole,
    TransferMechanism,
)
from audit.verify import verify_store

_DIGEST = "0123456789abcdef" * 4
_TYPES = ("PERSON", "EMAIL_ADDRESS", "PHONE_NUMBER", "LOCATION", "IBAN_CODE", "DATE_TIME")
BATCH = 64


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the answer. value: in `unit`; ratio: to the line it is measured against, None where there is none."""

    case: str
    value: float
    unit: str
    p50_ms: float | None = None
    p99_ms: float | None = None
    ratio: float | None = None
    against: str = ""


def typical_record() -> TransferRecord:
    """A transfer with six kinds of findings and everything else that a usual one has: an entry of about 2.9 kB."""
    findings = tuple(
        FindingCount(
            entity_type=name,
            operator=Operator.TOKENIZE,
            n=2,
            rule="people-become-placeholders",
            score_decile=8,
            language="de",
            recognizer="spacy_de",
            where="/messages/*/content",
            kind=SegmentKind.USER,
        )
        for name in _TYPES
    )
    return TransferRecord(
        id=new_id(),
        at=now_ms(),
        environment=Environment.PROD,
        application="messenger",
        identified_by=IdentifiedBy.CREDENTIAL,
        subjects=(SubjectReference(ref="A" * 22, role=SubjectRole.REQUESTER),),
        session="S" * 22,
        purpose=PurposeFacts(name="explain-conversations", controller="Example Social Ltd", basis="consent"),
        destination=DestinationFacts(
            name="openai",
            contracting_entity="OpenAI Ireland Ltd",
            role="processor",
            agreement="DPA-2026-014",
            transfer=TransferMechanism.SCC_M2,
            processing=("US",),
            storage=("US", "IE"),
            retention="30d",
            training="no",
            register_digest=_DIGEST,
        ),
        provider="openai",
        host="api.openai.com",
        endpoint="chat.completions",
        model="gpt-5",
        format="openai_chat",
        door=Door.GATEWAY,
        mode=Mode.GATEWAY,
        policy_digest=_DIGEST,
        policy_name="messenger",
        action=Action.TRANSFORM,
        rules=("people-become-placeholders",),
        findings=findings,
        bytes_in=2000,
        commitment_in=_DIGEST,
        detectors=(Detector(name="spacy_de", version="3.8.0"), Detector(name="patterns", version="0.1.0")),
        stages=tuple(StageTime(stage=stage, us=100) for stage in tuple(Stage)[:8]),
        bytes_out=2100,
        commitment_out=_DIGEST,
    )


def run(entries: int = 4_096) -> list[Row]:
    """Every measurement, about `entries` durable appends each for one and for 64 waiters (a tenth for one)."""
    with TemporaryDirectory(prefix="dragoman-bench-") as folder:
        return list(_measure(Path(folder), entries))


def _measure(folder: Path, entries: int) -> Iterator[Row]:
    stamp = Stamp("local", new_id(), 0)
    yield Row("record: build, check, encode", _cpu_us(lambda: entry(typical_record(), stamp), 500), "us of CPU")
    body = entry(typical_record(), stamp)
    alone = max(entries // 10, BATCH)
    bare_one = _bare(folder / "bare-1.db", body, alone, 1)
    bare_many = _bare(folder / "bare-64.db", body, entries, BATCH)
    one, many = "bare SQLite, 1 row a commit", f"bare SQLite, {BATCH} rows a commit"
    yield Row(one, alone / sum(bare_one), "per second", *_quantiles(bare_one))
    yield Row(many, entries / sum(bare_many), "per second", *_quantiles(bare_many))
    ledger = Ledger.open(folder / "home")
    try:
        for waiters, count, bare, against in ((1, alone, bare_one, one), (BATCH, entries, bare_many, many)):
            rate, latencies = asyncio.run(_appends(ledger, waiters, count))
            ratio = rate / (count / sum(bare))
            name = f"append, {waiters} waiting"
            yield Row(name, rate, "per second", *_quantiles(latencies), ratio, against)
        yield Row("append, 1 waiting: pages written", _pages(ledger, 32), "pages", against="2 of bare SQLite")
        with uncollected():  # as `dragoman audit verify` does
            start = time.perf_counter()
            found = verify_store(ledger.store, [ledger.home.read_vkey()])
            rate = found.checkpoint.size / (time.perf_counter() - start)
        yield Row("verify, one process", rate, "entries per second")
    finally:
        ledger.close()


def _cpu_us(call: Callable[[], object], times: int) -> float:
    """The best of five rounds: what others do on the machine only ever adds."""
    best = float("inf")
    for _ in range(5):
        start = time.process_time()
        for _ in range(times):
            call()
        best = min(best, (time.process_time() - start) / times)
    return best * 1e6


def _bare(path: Path, body: bytes, count: int, rows: int) -> list[float]:
    """Seconds of each commit of so many rows into a table of two columns, as durable as the log's own."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        use_wal(connection)
        for pragma in PRAGMAS:
            connection.execute(pragma)
        connection.execute("CREATE TABLE entry (idx INTEGER PRIMARY KEY, body BLOB NOT NULL)")
        seconds = []
        for at in range(0, count, rows):
            start = time.perf_counter()
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO entry VALUES (?, ?)", [(at + row, body) for row in range(rows)])
            connection.execute("COMMIT")
            seconds.append(time.perf_counter() - start)
        return seconds


async def _appends(ledger: Ledger, waiters: int, count: int) -> tuple[float, list[float]]:
    """Appends in a second, and the seconds that each took from call to acknowledgement."""
    records = iter([typical_record() for _ in range(count)])
    seconds: list[float] = []

    async def one() -> None:
        for record in records:
            start = time.perf_counter()
            await ledger.append(record)
            seconds.append(time.perf_counter() - start)

    with settled():  # as `dragoman run` is when it serves
        start = time.perf_counter()
        await asyncio.gather(*(one() for _ in range(waiters)))
        return count / (time.perf_counter() - start), seconds


def _pages(ledger: Ledger, count: int) -> float:
    """Pages that one lonely append adds to SQLite's write-ahead log, of `count` the mean; no more than fill it once."""
    ledger.store.forget_freed_pages()  # the next page goes to its begin
    wal = ledger.home.path / "audit.db-wal"
    for record in [typical_record() for _ in range(count)]:
        ledger.append_blocking(record)
    return wal.stat().st_size / (4_096 + 24) / count


def _quantiles(seconds: list[float]) -> tuple[float, float]:
    """Median and 99th percentile in milliseconds."""
    ordered = sorted(seconds)
    return ordered[len(ordered) // 2] * 1e3, ordered[len(ordered) * 99 // 100] * 1e3
