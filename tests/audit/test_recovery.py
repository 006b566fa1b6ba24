"""Starts after everything that can end a process: what was acknowledged is there, and no fork is ever signed."""

import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from audit.canonical import facts
from audit.errors import LedgerError, StoreError
from audit.home import Home
from audit.ledger.marks import Marks, previous
from audit.ledger.recovery import read_published
from audit.log import Ledger
from audit.query import entries
from audit.signing import KeyFile
from audit.store import Store
from audit.tables import tree
from audit.verify import verify_folder, verify_store

ROOT = Path(__file__).parents[2]


KILLED = -signal.SIGKILL
REFUSED = 9
SENDERS = 24


def run_until_it_dies(
    home: Path, how: str, count: int, *, marks: bool = False, senders: int = 1, ended: int = KILLED, disk: int = 0
) -> tuple[list[str], set[str]]:
    """Lets another process append until it dies so; returns the ids that it was acknowledged, and what it was refused
    with. disk: KiB of a disk of its own that the home lies on meanwhile."""
    program = [sys.executable, str(Path(__file__).with_name("dying.py"))]
    call = [*program, str(home), how, str(count), "marks" if marks else "none", str(senders)]
    if disk:
        home.mkdir()
        small = f'mount -t tmpfs -o size={disk}k tmpfs "$1.disk" && shift && "$@"; code=$?; cp -a "$0.disk/." "$0"; exit $code'
        (home.parent / f"{home.name}.disk").mkdir()
        call[2] = f"{home}.disk"
        call = ["unshare", "--map-root-user", "--mount", "sh", "-c", small, str(home), str(home), *call]
    done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == ended, done.stderr
    return done.stdout.split(), set(done.stderr.split())


def recovered(home: Path, acknowledged: list[str], in_flight: int) -> list[str]:
    """Starts again and checks that nothing acknowledged is lost, that what more there is was in flight and is closed, and
    that the log goes on from what was signed; returns the ids of all transfers in their order."""
    published = read_published(Home(home))
    ledger = Ledger.open(home)
    found = all_facts(ledger)
    sent = [one["id"] for one in found if one["kind"] == "transfer"]
    assert set(acknowledged) <= set(sent)
    assert len(set(sent)) == len(sent) <= len(acknowledged) + in_flight
    outcomes = [one for one in found if one["kind"] == "outcome"]
    assert [one["id"] for one in outcomes] == sent
    assert {one["state"] for one in outcomes} <= {"interrupted"}
    (gap,) = (one for one in found if one["kind"] == "gap")
    assert (gap["cause"], gap["interrupted"]) == ("crash", len(sent))
    vkey = ledger.home.read_vkey()
    assert verify_store(ledger.store, [vkey]).open == 0
    if published is not None:
        kept = published.signed(ledger.home.load_signer())
        assert verify_store(ledger.store, [vkey], kept=kept).open == 0
    ledger.close()
    verify_folder(home / "log", [vkey])
    return sent


def all_facts(ledger: Ledger) -> list[dict[str, Any]]:
    with ledger.store.read() as connection:
        return [facts(body) for _, body in entries(connection)]


STEPS = pytest.mark.parametrize("step", ["locked", "signed", "written", "committed"])


@STEPS
def test_a_process_killed_at_any_step_of_an_append_loses_nothing_acknowledged(home: Path, step: str) -> None:
    acknowledged, _ = run_until_it_dies(home, step, 8)
    assert len(acknowledged) == 6, "the first commit holds the key"
    sent = recovered(home, acknowledged, 1)
    assert sent[:6] == acknowledged
    assert len(sent) == (7 if step == "committed" else 6)


@STEPS
def test_killed_under_load_it_loses_nothing_acknowledged(home: Path, step: str) -> None:
    acknowledged, _ = run_until_it_dies(home, step, 40, senders=SENDERS)
    recovered(home, acknowledged, SENDERS)


def test_killed_again_and_again_it_goes_on_with_one_history(home: Path) -> None:
    everything: list[str] = []
    for step in ("committed", "written", "committed"):
        acknowledged, _ = run_until_it_dies(home, step, 6, senders=SENDERS)
        everything += acknowledged
    ledger = Ledger.open(home)
    found = all_facts(ledger)
    assert set(everything) <= {one["id"] for one in found if one["kind"] == "transfer"}
    assert len([one for one in found if one["kind"] == "gap"]) == 3
    assert verify_store(ledger.store, [ledger.home.read_vkey()]).open == 0
    ledger.close()


@pytest.mark.parametrize("senders", [1, SENDERS])
def test_where_files_may_not_grow_it_refuses_and_loses_nothing_acknowledged(home: Path, senders: int) -> None:
    acknowledged, said = run_until_it_dies(home, "file_size", 1000, senders=senders, ended=REFUSED)
    assert said == {"ledger_failed"}
    assert acknowledged
    recovered(home, acknowledged, senders)


@pytest.mark.parametrize("senders", [1, SENDERS])
def test_on_a_full_disk_it_refuses_and_loses_nothing_acknowledged(home: Path, senders: int) -> None:
    acknowledged, said = run_until_it_dies(home, "disk", 0, senders=senders, ended=REFUSED, disk=2_000)
    assert said == {"ledger_failed"}
    assert acknowledged
    recovered(home, acknowledged, senders)


@pytest.mark.parametrize("senders", [1, SENDERS])
def test_after_a_failed_fsync_nothing_more_is_acknowledged(home: Path, senders: int) -> None:
    """The error is never tried away: the kernel may have dropped the pages that it could not write."""
    acknowledged, said = run_until_it_dies(home, "fsync", 5, senders=senders, ended=REFUSED)
    assert said == {"ledger_failed"}
    assert 5 <= len(acknowledged) <= 5 * senders
    recovered(home, acknowledged, senders)


def test_a_mark_tells_what_was_surely_not_sent(home: Path) -> None:
    acknowledged, _ = run_until_it_dies(home, "locked", 8, marks=True)
    ledger = Ledger.open(home, sending_marks=True)
    states = {one["id"]: one["state"] for one in all_facts(ledger) if one["kind"] == "outcome"}
    assert [states[one] for one in acknowledged] == ["interrupted", "not_sent"] * 3
    ledger.close()


def test_marks_are_not_believed_after_the_machine_was_down(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_until_it_dies(home, "locked", 4, marks=True)
    monkeypatch.setattr("audit.ledger.marks.kernel_boot_id", lambda: "another")
    ledger = Ledger.open(home, sending_marks=True)
    assert Counter(one["state"] for one in all_facts(ledger) if one["kind"] == "outcome") == {"interrupted": 2}
    ledger.close()


def test_a_slot_that_was_taken_over_proves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audit.ledger.marks.SLOTS", 4)
    marks = Marks(tmp_path / "marks", create=True)
    marks.set(5)
    marks.close()
    found = previous(tmp_path / "marks")
    assert found is not None
    assert [found.proves_unsent(index) for index in (1, 5, 9, 6)] == [False, False, True, True]
    found.close()
    (tmp_path / "marks").write_bytes(b"short")
    assert previous(tmp_path / "marks") is None


def test_a_clean_stop_is_said_to_be_one(home: Path, transfer, outcome) -> None:
    ledger = Ledger.open(home)
    sent = transfer()
    ledger._append_all([sent, outcome(sent)])
    ledger.close()
    again = Ledger.open(home)
    (gap,) = (one for one in all_facts(again) if one["kind"] == "gap")
    assert (gap["cause"], gap["interrupted"], gap["not_sent"]) == ("clean_stop", 0, 0)
    again.close()


def test_a_first_start_that_was_cut_off_begins_again_with_the_same_key(home: Path) -> None:
    with pytest.raises(LedgerError):
        Ledger.open(home, probe=lambda step: (_ for _ in ()).throw(OSError(step)))
    again = Ledger.open(home)
    assert next(one["kind"] for one in all_facts(again)) == "key"
    assert verify_store(again.store, [again.home.read_vkey()]).kinds["key"] == 1
    again.close()


def test_a_restored_backup_is_detected_and_nothing_is_signed_on_it(home: Path, transfer, tmp_path: Path) -> None:
    ledger = Ledger.open(home)
    ledger._append_all(transfer() for _ in range(5))
    ledger.close()
    shutil.copy(home / "audit.db", tmp_path / "backup.db")
    ledger = Ledger.open(home)
    ledger._append_all(transfer() for _ in range(5))
    ledger.close()
    shutil.copy(tmp_path / "backup.db", home / "audit.db")
    kept = (home / "audit.db").read_bytes()
    with pytest.raises(LedgerError, match="restored from an older backup") as raised:
        Ledger.open(home)
    assert raised.value.code == "ledger_fork"
    assert (home / "audit.db").read_bytes() == kept


def test_another_history_of_the_same_length_is_a_fork(home: Path, transfer, tmp_path: Path) -> None:
    ledger = Ledger.open(home)
    ledger.close()
    shutil.copytree(home, tmp_path / "other")
    for place in (home, tmp_path / "other"):
        ledger = Ledger.open(place)
        ledger._append_all(transfer() for _ in range(5))
        ledger.close()
    shutil.copy(tmp_path / "other" / "audit.db", home / "audit.db")
    with pytest.raises(LedgerError) as raised:
        Ledger.open(home)
    assert raised.value.code == "ledger_fork"


def replace_checkpoint(connection: sa.Connection) -> None:
    name = connection.execute(sa.select(tree.c.origin)).scalar_one()
    note = connection.execute(sa.select(tree.c.checkpoint)).scalar_one()
    text = note.decode().partition("\n\n")[0] + "\n"
    stranger = KeyFile.from_seed(name, bytes(32))
    forged = text.encode() + b"\n" + sign_line(stranger, text)
    connection.execute(sa.update(tree).values(checkpoint=forged))


def sign_line(signer: KeyFile, text: str) -> bytes:
    from audit.signing import sign_note

    return sign_note(text, [signer]).rpartition(b"\n\n")[2]


def sql(text: str) -> Callable[[sa.Connection], None]:
    return lambda connection: connection.exec_driver_sql(text) and None


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (sql("UPDATE entry SET leaf = x'" + "00" * 32 + "' WHERE idx = 270"), "ledger_corrupt"),
        (sql("DELETE FROM entry WHERE idx = 270"), "ledger_corrupt"),
        (sql("DELETE FROM tile"), "ledger_corrupt"),
        (sql("UPDATE tree SET size = 200"), "ledger_corrupt"),
        (sql("UPDATE tree SET peaks = x'00'"), "ledger_corrupt"),
        (sql("UPDATE tree SET checkpoint = x'00'"), "ledger_key"),
        (sql("DELETE FROM tree"), "ledger_fork"),
        (replace_checkpoint, "ledger_key"),
    ],
)
def test_a_database_that_is_not_what_was_signed_is_not_gone_on_from(
    home: Path, transfer, damage: Callable[[sa.Connection], None], code: str
) -> None:
    ledger = Ledger.open(home)
    ledger._append_all(transfer() for _ in range(300))
    ledger.close()
    store = Store.open(ledger.home.database_url)
    with store.write() as connection:
        damage(connection)
    store.close()
    with pytest.raises(LedgerError) as raised:
        Ledger.open(home)
    assert raised.value.code == code


def test_a_lost_database_of_a_log_that_was_begun_is_not_begun_anew(home: Path) -> None:
    Ledger.open(home).close()
    for path in home.glob("audit.db*"):
        path.unlink()
    with pytest.raises(LedgerError) as raised:
        Ledger.open(home)
    assert raised.value.code == "ledger_fork"


def test_an_unreadable_published_checkpoint_stops_the_start(home: Path) -> None:
    Ledger.open(home).close()
    (home / "log" / "checkpoint").write_bytes(b"\n")
    with pytest.raises(LedgerError) as raised:
        Ledger.open(home)
    assert raised.value.code == "ledger_corrupt"


def test_a_torn_database_file_is_refused_in_words(home: Path, transfer) -> None:
    ledger = Ledger.open(home)
    ledger._append_all(transfer() for _ in range(300))
    ledger.close()
    whole = (home / "audit.db").read_bytes()
    (home / "audit.db").write_bytes(whole[: len(whole) // 2])
    with pytest.raises((StoreError, LedgerError)) as raised:
        Ledger.open(home)
    assert raised.value.code in {"store", "ledger_corrupt"}
