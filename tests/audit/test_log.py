"""The ledger: acknowledged means durable and signed; what fails, fails closed and for good."""

import asyncio
import contextlib
import sqlite3
import stat
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from audit.canonical import facts
from audit.checkpoint import open_checkpoint
from audit.errors import LedgerError, RecordError, SigningKeyError, StoreError
from audit.ledger.waiting import Waiting
from audit.ledger.writer import Draft
from audit.log import Ledger, Receipt
from audit.merkle import verify_inclusion
from audit.prove import check, prove
from audit.query import entries
from audit.tables import transfer as transfers
from audit.verify import verify_folder, verify_store


def all_facts(ledger: Ledger) -> list[dict[str, Any]]:
    with ledger.store.read() as connection:
        return [facts(body) for _, body in entries(connection)]


def kinds(ledger: Ledger) -> list[str]:
    return [found["kind"] for found in all_facts(ledger)]


async def test_an_append_returns_index_and_signed_checkpoint(ledger: Ledger, transfer) -> None:
    first, second = await ledger.append(transfer()), await ledger.append(transfer())
    assert (first.index, second.index) == (1, 2), "the key record is entry 0"
    checkpoint = open_checkpoint(second.checkpoint, [ledger.home.read_vkey()])
    assert checkpoint.size == second.tree_size == 3


async def test_what_waits_together_is_committed_under_one_checkpoint(ledger: Ledger, transfer) -> None:
    receipts = await asyncio.gather(*(ledger.append(transfer()) for _ in range(300)))
    assert sorted(receipt.index for receipt in receipts) == list(range(1, 301))
    assert len({receipt.checkpoint for receipt in receipts}) < 150
    verify_store(ledger.store, [ledger.home.read_vkey()])


def test_threads_and_event_loops_append_to_one_log(ledger: Ledger, transfer) -> None:
    def loop() -> None:
        async def some() -> None:
            for _ in range(10):
                await ledger.append(transfer())

        asyncio.run(some())

    def plain() -> None:
        for _ in range(10):
            ledger.append_blocking(transfer())

    threads = [threading.Thread(target=target) for target in (loop, plain, loop, plain)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ledger.size == 41
    assert verify_store(ledger.store, [ledger.home.read_vkey()]).kinds["transfer"] == 40


async def test_sequence_numbers_count_the_entries_of_this_start(ledger: Ledger, transfer) -> None:
    await asyncio.gather(*(ledger.append(transfer()) for _ in range(5)))
    assert [found["node_seq"] for found in all_facts(ledger)] == list(range(6))


async def test_a_second_record_of_one_attempt_is_refused_and_costs_the_others_nothing(
    ledger: Ledger, transfer, outcome
) -> None:
    sent = transfer()
    answers = await asyncio.gather(
        *(ledger.append(record) for record in (sent, transfer(), sent, transfer())), return_exceptions=True
    )
    assert [type(answer).__name__ for answer in answers] == ["Receipt", "Receipt", "RecordError", "Receipt"]
    await ledger.append(outcome(sent))
    for again in (sent, outcome(sent)):
        with pytest.raises(RecordError) as raised:
            await ledger.append(again)
        assert raised.value.code == "duplicate"
    assert (await ledger.append(transfer(id=sent.id, attempt=2))).index == 5


async def test_a_cancelled_append_leaves_the_ledger_working(ledger: Ledger, transfer) -> None:
    task = asyncio.create_task(ledger.append(transfer()))
    await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await ledger.append(transfer())
    verify_store(ledger.store, [ledger.home.read_vkey()])


def test_the_state_is_for_its_owner_only(ledger: Ledger, transfer) -> None:
    ledger.append_blocking(transfer())
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in ledger.home.path.rglob("*") if path.is_file()}
    private = {name: mode for name, mode in modes.items() if name.startswith("audit.db") or name.endswith(".key")}
    assert len(private) >= 4
    assert set(private.values()) == {0o600}
    assert stat.S_IMODE(ledger.home.path.stat().st_mode) == 0o700


def test_a_closed_ledger_refuses_and_may_be_closed_again(ledger: Ledger, transfer) -> None:
    ledger.close()
    with pytest.raises(LedgerError) as raised:
        ledger.append_blocking(transfer())
    assert raised.value.code == "ledger_closed"
    ledger.close()


def test_closing_writes_what_waits(home: Path, transfer) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def hold(step: str) -> None:
        if step == "locked" and armed:
            entered.set()
            go_on.wait(30)

    armed = False
    ledger = Ledger.open(home, probe=hold)
    armed = True
    waiting = [threading.Thread(target=ledger.append_blocking, args=(transfer(),)) for _ in range(5)]
    waiting[0].start()
    assert entered.wait(30)
    for thread in waiting[1:]:
        thread.start()
    closing = threading.Thread(target=ledger.close)
    armed = False
    wait_for(lambda: len(ledger._queue) == 4)
    closing.start()
    go_on.set()
    for thread in (*waiting, closing):
        thread.join(30)
    again = Ledger.open(home)
    assert kinds(again).count("transfer") == 5
    again.close()


def wait_for(condition: Callable[[], bool]) -> None:
    """Waits for another thread, without guessing how long it takes."""
    turn = threading.Event()
    for _ in range(100_000):
        if condition():
            return
        turn.wait(0.001)
    raise AssertionError("it never happened")


def test_more_than_may_wait_is_pushed_back(home: Path, transfer, monkeypatch: pytest.MonkeyPatch) -> None:
    entered, go_on = threading.Event(), threading.Event()
    armed: list[bool] = []

    def hold(step: str) -> None:
        if step == "locked" and armed:
            entered.set()
            go_on.wait(30)

    ledger = Ledger.open(home, probe=hold)
    armed.append(True)
    monkeypatch.setattr("audit.ledger.queue.MAX_WAITING", 2)
    threads = [threading.Thread(target=ledger.append_blocking, args=(transfer(),)) for _ in range(3)]
    threads[0].start()
    assert entered.wait(30)
    for thread in threads[1:]:
        thread.start()
    wait_for(lambda: len(ledger._queue) == 2)
    with pytest.raises(LedgerError) as raised:
        ledger.append_blocking(transfer())
    assert raised.value.code == "ledger_full"
    armed.clear()
    go_on.set()
    for thread in threads:
        thread.join(30)
    assert ledger.refusal is None
    ledger.append_blocking(transfer())
    ledger.close()


@pytest.mark.parametrize("step", ["locked", "signed", "written", "committed"])
async def test_a_failure_at_any_step_closes_the_ledger_for_everybody_who_waits(home: Path, transfer, step: str) -> None:
    armed: list[bool] = []

    def fail(at: str) -> None:
        if armed and at == step:
            raise sa.exc.OperationalError("INSERT", {"secret": "anna@example.com"}, OSError("disk I/O error"))

    ledger = Ledger.open(home, probe=fail)
    await ledger.append(transfer())
    armed.append(True)
    answers = await asyncio.gather(*(ledger.append(transfer()) for _ in range(20)), return_exceptions=True)
    assert {(type(answer), getattr(answer, "code", "")) for answer in answers} == {(LedgerError, "ledger_failed")}
    assert len({id(answer) for answer in answers}) == 20, "each waiter has an error of its own"
    armed.clear()
    with pytest.raises(LedgerError) as raised:
        await ledger.append(transfer())
    assert raised.value.code == "ledger_failed"
    assert "anna" not in str(raised.value)
    assert ledger.refusal is not None
    ledger.close()
    again = Ledger.open(home)
    verify_store(again.store, [again.home.read_vkey()])
    assert (await again.append(transfer())).tree_size == again.size
    again.close()


async def test_a_lock_that_another_process_keeps_fails_the_batch_and_not_the_ledger(
    home: Path, transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audit.engines.BUSY_MS", 50)
    ledger = Ledger.open(home)
    other = sqlite3.connect(home / "audit.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerError) as raised:
        await ledger.append(transfer())
    assert raised.value.code == "ledger_busy"
    other.execute("ROLLBACK")
    other.close()
    assert (await ledger.append(transfer())).index == 1
    ledger.close()


def test_two_processes_do_not_serve_one_home(ledger: Ledger) -> None:
    with pytest.raises(LedgerError) as raised:
        Ledger.open(ledger.home.path)
    assert raised.value.code == "ledger_in_use"


def test_another_process_may_append_beside_the_one_that_serves(ledger: Ledger, transfer) -> None:
    for _ in range(3):
        ledger.append_blocking(transfer())
        beside = Ledger.join(ledger.home.path)
        beside.append_blocking(transfer())
        beside.append_blocking(transfer())
        beside.close()
    ledger.append_blocking(transfer())
    found = verify_store(ledger.store, [ledger.home.read_vkey()])
    assert (found.checkpoint.size, found.open) == (11, 10), "nobody closed the transfers that are in flight"


def test_who_joins_leaves_the_schema_of_the_one_that_serves_as_it_is(ledger: Ledger) -> None:
    with ledger.store.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0005'")
    with pytest.raises(StoreError, match="dragoman audit migrate") as raised:
        Ledger.join(ledger.home.path)
    assert raised.value.code == "store_schema"
    assert ledger.store.revision() == "0005"


def test_there_is_nothing_to_join_where_no_log_was_begun(tmp_path: Path) -> None:
    with pytest.raises(LedgerError) as raised:
        Ledger.join(tmp_path)
    assert raised.value.code == "ledger_missing"


async def test_every_append_has_a_proof_under_the_newest_checkpoint(ledger: Ledger, transfer) -> None:
    receipts = await asyncio.gather(*(ledger.append(transfer()) for _ in range(600)))
    with ledger.store.read() as connection:
        for receipt in (receipts[0], receipts[254], receipts[255], receipts[599]):
            proof = prove(connection, receipt.index)
            body = next(entries(connection, since=receipt.index))[1]
            found = check(proof, body, [ledger.home.read_vkey()])
            assert verify_inclusion(receipt.leaf, receipt.index, found.size, proof.hashes, found.root)


def test_the_published_log_is_whole_and_holds_only_the_partial_tiles_of_its_checkpoint(home: Path, transfer) -> None:
    for count in (10, 250, 700):
        ledger = Ledger.open(home)
        ledger._append_all(transfer() for _ in range(count))
        ledger.close()
    vkey = ledger.home.read_vkey()
    found = verify_folder(ledger.home.log, [vkey])
    assert found.kinds["transfer"] == 960
    partial = [path for path in ledger.home.log.rglob("*.p") if path.is_dir()]
    assert sorted(str(path.relative_to(ledger.home.log)) for path in partial) == [
        f"tile/0/{found.checkpoint.size // 256:03d}.p",
        "tile/1/000.p",
        f"tile/entries/{found.checkpoint.size // 256:03d}.p",
    ]
    assert all(len(list(path.iterdir())) == 1 for path in partial)


async def test_an_outcome_shares_the_commit_of_the_next_record(
    ledger: Ledger, transfer, outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audit.ledger.queue.OUTCOME_S", 60.0)
    first = transfer()
    await ledger.append(first)
    ended = asyncio.create_task(ledger.append(outcome(first)))
    await asyncio.sleep(0)
    receipt = await ledger.append(transfer())
    assert (await ended).tree_size == receipt.tree_size


async def test_of_one_commit_what_is_to_be_sent_is_told_before_outcomes(
    ledger: Ledger, transfer, outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audit.ledger.queue.OUTCOME_S", 60.0)
    first, told = transfer(), list[str]()
    await ledger.append(first)
    drafts = [Draft(record.kind, record.facts()) for record in (outcome(first), transfer())]
    waiting = [ledger.submit(draft) for draft in drafts]
    for draft, future in zip(drafts, waiting, strict=True):
        future.add_done_callback(lambda _, kind=draft.kind: told.append(kind))
    await asyncio.gather(*waiting)
    assert told == ["transfer", "outcome"]


async def test_outcomes_are_written_where_no_record_comes(
    ledger: Ledger, transfer, outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audit.ledger.queue.OUTCOME_S", 0.001)
    first, second, third = transfer(), transfer(), transfer()
    await ledger.append(first)
    ended = asyncio.create_task(ledger.append(outcome(first)))
    await asyncio.sleep(0)
    await asyncio.gather(ledger.append(second), ledger.append(third))  # the outcome's timer may not have fired yet
    await ended
    for one in (second, third):
        assert (await ledger.append(outcome(one))).tree_size == ledger.size


def test_outcomes_are_written_in_a_second_event_loop_when_the_first_is_gone(
    ledger: Ledger, transfer, outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audit.ledger.queue.OUTCOME_S", 0.001)

    first, second = transfer(), transfer()
    ledger._append_all([first, second])

    async def left() -> None:
        ledger.submit(Draft("outcome", outcome(first).facts()))

    async def waited_for() -> int:
        return (await ledger.append(outcome(second))).tree_size

    asyncio.run(left())
    assert asyncio.run(waited_for()) == ledger.size


def test_a_log_that_is_closed_writes_the_outcomes_that_wait(
    home: Path, transfer, outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audit.ledger.queue.OUTCOME_S", 60.0)
    ledger, sent = Ledger.open(home), transfer()
    ledger.append_blocking(sent)
    waiting: Future[Receipt] = Future()
    ledger._queue.put(Waiting(Draft("outcome", outcome(sent).facts()), waiting))
    ledger.close()
    assert waiting.result(0).index == 2


def test_outcomes_close_their_transfer(ledger: Ledger, transfer, blocked, outcome) -> None:
    sent = transfer()
    ledger._append_all([sent, blocked(), outcome(sent, state="cut", tokens_out=9)])
    with ledger.store.read() as connection:
        rows = connection.execute(sa.select(transfers).order_by(transfers.c.idx)).all()
    assert [(row.kind, row.state, row.tokens_out) for row in rows] == [
        ("transfer", "cut", 9),
        ("blocked", "blocked", None),
    ]


def test_a_database_of_another_schema_is_not_opened(home: Path) -> None:
    Ledger.open(home).close()
    with contextlib.closing(sqlite3.connect(home / "audit.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError) as raised:
        Ledger.open(home)
    assert raised.value.code == "store_schema"


def test_a_file_that_is_no_database_is_refused_in_words(home: Path) -> None:
    Ledger.open(home).close()
    (home / "audit.db").write_bytes(b"anna@example.com " * 1000)
    with pytest.raises(StoreError) as raised:
        Ledger.open(home)
    assert "anna" not in str(raised.value)


def test_a_lost_index_key_is_never_replaced(home: Path) -> None:
    Ledger.open(home).close()
    (home / "keys" / "audit-index.key").unlink()
    with pytest.raises(SigningKeyError) as raised:
        Ledger.open(home)
    assert raised.value.code == "key_missing"


def test_the_origin_is_chosen_once(home: Path) -> None:
    ledger = Ledger.open(home, origin="audit.example.com/one")
    assert ledger.home.read_vkey().name == "audit.example.com/one"
    ledger.close()
    Ledger.open(home, origin="audit.example.com/one").close()
    with pytest.raises(LedgerError) as raised:
        Ledger.open(home, origin="audit.example.com/two")
    assert raised.value.code == "ledger_key"
