"""Key rotation: signed by both keys, followed by whoever holds either, finished after a crash, never half."""

import asyncio
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from audit.canonical import facts
from audit.cli import app
from audit.errors import LedgerError, VerifyError
from audit.export import export_tiles
from audit.log import Ledger
from audit.query import entries
from audit.signing import KeyFile, VerifierKey, open_note
from audit.stored import newest_checkpoint
from audit.verify import verify_folder, verify_store


def note(ledger: Ledger) -> bytes:
    with ledger.store.read() as connection:
        return newest_checkpoint(connection) or b""


async def test_whoever_holds_any_key_of_the_log_can_follow(ledger: Ledger, transfer, tmp_path: Path) -> None:
    keys = [ledger.home.read_vkey()]
    kept = []
    for _ in range(2):
        await asyncio.gather(*(ledger.append(transfer()) for _ in range(20)))
        kept.append(note(ledger))
        keys.append(await asyncio.to_thread(ledger.rotate))
        both = open_note(note(ledger), keys)[1]
        assert set(both) == set(keys[-2:]), "old and new sign the checkpoint of the rotation"
    await ledger.append(transfer())
    assert open_note(note(ledger), keys)[1] == (keys[-1],), "from then on the new one signs alone"
    assert len({str(key) for key in keys}) == 3
    export_tiles(ledger.store, ledger.home.read_vkey(), tmp_path / "export")
    for key in keys:
        for checkpoint in kept:
            assert set(verify_folder(tmp_path / "export", [key], kept=checkpoint).keys) == set(keys)
    with pytest.raises(VerifyError):
        verify_folder(tmp_path / "export", [KeyFile.from_seed(keys[0].name, bytes(32)).verifier])


def test_the_next_start_goes_on_with_the_new_key(home: Path, transfer) -> None:
    ledger = Ledger.open(home)
    old, new = ledger.home.read_vkey(), ledger.rotate()
    ledger.close()
    again = Ledger.open(home)
    again.append_blocking(transfer())
    assert again.home.read_vkey() == new
    assert open_note(note(again), [old, new])[1] == (new,)
    verify_store(again.store, [old])
    again.close()


def test_a_rotation_cut_off_after_its_commit_is_finished_by_the_next_start(home: Path, transfer) -> None:
    ledger = Ledger.open(home)
    old = (home / "keys" / "audit-log.vkey").read_text()
    new = ledger.rotate()
    ledger.close()
    (home / "keys" / "audit-log.vkey").write_text(old)
    again = Ledger.open(home)
    assert again.home.read_vkey() == new
    again.append_blocking(transfer())
    assert verify_store(again.store, [VerifierKey.parse(old)]).kinds["key"] == 2
    again.close()


@pytest.mark.parametrize("step", ["locked", "signed", "written"])
def test_a_rotation_that_fails_before_its_commit_leaves_the_old_key(home: Path, transfer, step: str) -> None:
    armed: list[bool] = []

    def fail(at: str) -> None:
        if armed and at == step:
            raise OSError("disk full")

    ledger = Ledger.open(home, probe=fail)
    old = ledger.home.read_vkey()
    armed.append(True)
    with pytest.raises(LedgerError) as raised:
        ledger.rotate()
    assert raised.value.code == "ledger_failed"
    with pytest.raises(LedgerError):
        ledger.append_blocking(transfer())
    ledger.close()
    again = Ledger.open(home)
    assert again.home.read_vkey() == old
    again.append_blocking(transfer())
    verify_store(again.store, [old])
    again.close()


def test_a_process_with_the_old_key_cannot_append_any_more(ledger: Ledger, transfer) -> None:
    beside = Ledger.join(ledger.home.path)
    beside.append_blocking(transfer())
    ledger.rotate()
    with pytest.raises(LedgerError):
        beside.append_blocking(transfer())
    beside.close()
    ledger.append_blocking(transfer())
    verify_store(ledger.store, [ledger.home.read_vkey()])


def test_only_the_process_that_serves_the_log_rotates(ledger: Ledger) -> None:
    beside = Ledger.join(ledger.home.path)
    with pytest.raises(LedgerError) as raised:
        beside.rotate()
    assert raised.value.code == "ledger_in_use"
    beside.close()


def test_a_machine_that_does_not_have_the_new_key_says_which_file_to_bring(
    home: Path, postgres_url: str, tmp_path: Path
) -> None:
    first = Ledger.open(home, database_url=postgres_url)
    shutil.copytree(home / "keys", tmp_path / "second" / "keys")
    vkey = first.rotate()
    with pytest.raises(LedgerError, match=f"audit-log-{vkey.id.hex()}.key") as raised:
        Ledger.open(tmp_path / "second", database_url=postgres_url)
    assert raised.value.code == "ledger_key"
    first.close()


def test_the_command_rotates_while_dragoman_is_stopped(home: Path) -> None:
    Ledger.open(home).close()
    before = CliRunner().invoke(app, ["key", "--home", str(home)]).stdout
    done = CliRunner().invoke(app, ["key", "--rotate", "--home", str(home)])
    assert done.exit_code == 0
    assert done.stdout != before
    assert done.stdout == CliRunner().invoke(app, ["key", "--home", str(home)]).stdout
    ledger = Ledger.open(home)
    refused = CliRunner().invoke(app, ["key", "--rotate", "--home", str(home)])
    assert (refused.exit_code, "another process already serves" in refused.stderr) == (2, True)
    with ledger.store.read() as connection:
        rotated = [facts(body) for _, body in entries(connection, kinds=("key",))][-1]
    assert (rotated["event"], len(rotated["actor"])) == ("rotated", 22)
    ledger.close()
