"""The bench measures what it says: durable appends that verify, each beside the disk's own figure."""

import rfc8785

from audit.bench.appending import run, typical_record
from audit.canonical import Stamp, entry, facts


def test_every_case_is_measured_and_appends_stand_beside_the_disk() -> None:
    rows = {row.case: row for row in run(128)}
    assert [name.split(",")[0].split(":")[0] for name in rows] == [
        "record", "bare SQLite", "bare SQLite", "append", "append", "append", "verify",
    ]  # fmt: skip
    assert all(row.value > 0 for row in rows.values())
    for waiters, against in ((1, "bare SQLite, 1 row a commit"), (64, "bare SQLite, 64 rows a commit")):
        row = rows[f"append, {waiters} waiting"]
        assert row.against == against in rows
        assert row.ratio is not None
        assert row.p50_ms is not None
        assert row.p99_ms is not None
        assert 0 < row.p50_ms <= row.p99_ms


def test_the_typical_record_is_an_ordinary_entry() -> None:
    data = entry(typical_record(), Stamp("local", "A" * 26, 0))
    assert rfc8785.dumps(facts(data)) == data
    assert 2_500 < len(data) < 3_500
