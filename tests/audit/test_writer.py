"""Batches on both databases: one transaction, one checkpoint, several writers on one log, roll-ups that add up."""

import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from audit.canonical import facts
from audit.errors import LedgerError, RecordError
from audit.ledger.writer import Draft, Receipt, Writer
from audit.log import Ledger
from audit.query import entries
from audit.signing import KeyFile
from audit.stored import newest_checkpoint
from audit.sums import summed
from audit.sums.rows import Rows
from audit.sums.summed import Summed
from audit.sums.tables import DAILY, DAILY_FINDING, daily, daily_finding
from audit.tables import FINDINGS_OF, entry, finding, tree
from audit.tables import transfer as transfers
from audit.verify import verify_store


def draft(record: Any) -> Draft:
    return Draft(record.kind, record.facts())


def state(ledger: Ledger) -> tuple[int, bytes | None, int]:
    with ledger.store.read() as connection:
        size = connection.execute(sa.select(tree.c.size)).scalar_one()
        rows = connection.execute(sa.select(sa.func.count()).select_from(entry)).scalar_one()
        return size, newest_checkpoint(connection), rows


def test_a_log_on_either_database_verifies_and_is_recovered(home: Path, database: str, transfer, outcome) -> None:
    for _ in range(2):
        ledger = Ledger.open(home, database_url=database)
        sent = [transfer() for _ in range(300)]
        ledger._append_all(sent)
        ledger._append_all(outcome(one) for one in sent)
        found = verify_store(ledger.store, [ledger.home.read_vkey()])
        ledger.close()
    assert found.kinds == {"key": 1, "transfer": 600, "outcome": 600, "gap": 1}
    assert found.open == 0


def test_several_machines_write_one_log(home: Path, postgres_url: str, transfer, tmp_path: Path) -> None:
    first = Ledger.open(home, database_url=postgres_url, node="one")
    shutil.copytree(home / "keys", tmp_path / "second" / "keys")
    second = Ledger.open(tmp_path / "second", database_url=postgres_url, node="two")
    receipts: list[Receipt] = []

    def append(ledger: Ledger) -> None:
        receipts.extend(ledger.append_blocking(transfer()) for _ in range(40))

    threads = [threading.Thread(target=append, args=(ledger,)) for ledger in (first, second, first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(receipt.index for receipt in receipts) == list(range(1, 161))
    found = verify_store(first.store, [first.home.read_vkey()])
    assert found.kinds["transfer"] == 160
    with first.store.read() as connection:
        nodes = [facts(body)["node"] for _, body in entries(connection, kinds=("transfer",))]
    assert (nodes.count("one"), nodes.count("two")) == (80, 80)
    second.close()
    first.close()


def test_a_record_that_may_not_enter_costs_its_neighbours_nothing(ledger: Ledger, transfer) -> None:
    writer = Writer(ledger.store, ledger.home.load_signer(), ledger.references, "local", transfer().id)
    sent = transfer()
    answers = writer.commit([draft(sent), draft(transfer()), draft(sent), draft(transfer())])
    assert [type(answer) for answer in answers] == [Receipt, Receipt, RecordError, Receipt]
    assert [answer.index for answer in answers if isinstance(answer, Receipt)] == [1, 2, 3]
    verify_store(ledger.store, [ledger.home.read_vkey()])


@pytest.mark.parametrize("step", ["locked", "signed", "written"])
def test_a_batch_that_fails_before_its_commit_leaves_nothing(home: Path, database: str, transfer, step: str) -> None:
    def fail(at: str) -> None:
        if at == step:
            raise OSError("disk full")

    ledger = Ledger.open(home, database_url=database)
    before = state(ledger)
    writer = Writer(ledger.store, ledger.home.load_signer(), ledger.references, "local", transfer().id, fail)
    with pytest.raises(OSError, match="disk full"):
        writer.commit([draft(transfer())])
    assert state(ledger) == before
    ledger.append_blocking(transfer())
    verify_store(ledger.store, [ledger.home.read_vkey()])
    ledger.close()


def test_a_writer_with_the_key_of_another_log_writes_nothing(ledger: Ledger, transfer) -> None:
    before = state(ledger)
    stranger = KeyFile.from_seed("audit.example.com/another", bytes(32))
    writer = Writer(ledger.store, stranger, ledger.references, "local", transfer().id)
    with pytest.raises(LedgerError) as raised:
        writer.commit([draft(transfer())])
    assert raised.value.code == "ledger_key"
    assert state(ledger) == before


def test_roll_ups_are_the_sums_of_the_rows(home: Path, database: str, transfer, blocked) -> None:
    ledger = Ledger.open(home, database_url=database)
    for number in range(3):
        ledger._append_all(
            [
                transfer(at=number * 86_400_000, application="feed", subject="S" * 22),
                transfer(at=number * 86_400_000, model=None, purpose=None),
                blocked(at=number * 86_400_000, destination=None, provider=None),
                transfer(at=5, findings=()),
            ]
        )
    with ledger.store.write() as connection:
        summed.fold(connection)
        rolled = {tuple(row[: len(DAILY)]): tuple(row[len(DAILY) :]) for row in connection.execute(sa.select(daily))}
        blank = [transfers.c.day, *(sa.func.coalesce(transfers.c[name], "") for name in DAILY[1:])]
        key = [column.label(name) for name, column in zip(DAILY, blank, strict=True)]
        sums = [sa.func.sum(transfers.c[name]) for name in ("findings", "bytes_in", "bytes_out")]
        persons = sa.func.sum(sa.case((transfers.c.subjects > 0, 1), else_=0))
        rows = connection.execute(sa.select(*key, sa.func.count(), persons, *sums).group_by(*blank))
        assert rolled == {tuple(row[: len(DAILY)]): tuple(row[len(DAILY) :]) for row in rows}
        counted = connection.execute(sa.select(sa.func.sum(daily_finding.c.n))).scalar_one()
        of_rows = sa.select(sa.func.sum(finding.c.n)).select_from(transfers).join(finding, finding.c.idx == FINDINGS_OF)
        assert counted == connection.execute(of_rows).scalar_one() == 27
    ledger.close()


def test_derived_rows_can_be_built_again_from_entries(ledger: Ledger, transfer, blocked) -> None:
    ledger._append_all([transfer(subject="S" * 22), blocked(), transfer(application="feed")])
    again = Rows()
    with ledger.store.read() as connection:
        for index, body in entries(connection):
            again.add(index, facts(body))
        stored = connection.execute(sa.select(transfers).order_by(transfers.c.idx)).mappings().all()
        rolled = connection.execute(sa.select(Summed(connection).of(daily_finding))).mappings().all()
    assert again.transfers == [tuple(row.values()) for row in stored]
    key = sorted(tuple(row[name] for name in DAILY_FINDING) for row in rolled)
    assert key == sorted(row[: len(DAILY_FINDING)] for row in again.sums.rows()[0]["daily_finding"])
