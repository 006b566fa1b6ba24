"""Retention: a closed period becomes an archive that proves itself; the rest of the log goes on proving itself too."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from audit import query, sealing
from audit.cli import app
from audit.errors import VerifyError
from audit.export import ExportError, export_tiles
from audit.ids import now_ms
from audit.ledger.publish import publish
from audit.log import Ledger
from audit.prove import check, prove
from audit.query import Question
from audit.record import OutcomeRecord
from audit.reports import NAMES
from audit.reports.base import build
from audit.reports.document import document
from audit.reports.html import page
from audit.reports.texts import Language
from audit.stored import newest_checkpoint, sealed_below
from audit.sums.summed import Summed
from audit.sums.tables import daily
from audit.tables import FINDINGS_OF, entry, finding, subject, transfer
from audit.tiles import decode_bundle
from audit.verify import verify_archive, verify_folder, verify_store
from tests.audit.conftest import exchange_record

DAY = 86_400_000
NOW = now_ms()
LATER = NOW + 2 * DAY
"""Entries of NOW are older than it, those of three days on are not."""
DATE = datetime.fromtimestamp(LATER / 1000, UTC).date().isoformat()
ANNA = "anna.schmidt@example.com"
VERIFIER = Path(__file__).parents[2] / ".venv-outside" / "bin" / "aics-tlog"


def fill(ledger: Ledger, count: int, at: int, *, finished: bool = True) -> None:
    """Transfers of that time, each with its outcome."""
    ref = ledger.references.subject(ANNA)
    sent = [exchange_record(at=at, subject=ref) for _ in range(count)]
    ends = [OutcomeRecord(id=one.id, at=at, state="complete") for one in sent]  # type: ignore[arg-type]
    ledger._append_all([record for pair in zip(sent, ends, strict=True) for record in pair] if finished else sent)


def seal(ledger: Ledger, out: Path, until: int) -> sealing.Archive:
    archive = sealing.write_archive(ledger.store, ledger.home.read_vkey(), out, until)
    ledger.append_blocking(sealing.record(archive, sealed=True, actor="system"))
    return archive


def begun(home: Path, database: str | None = None) -> Ledger:
    """A log with 600 entries of now and 400 of three days on."""
    ledger = Ledger.open(home, database_url=database)
    fill(ledger, 300, NOW)
    fill(ledger, 200, NOW + 3 * DAY)
    return ledger


@pytest.fixture
def old(home: Path) -> Iterator[Ledger]:
    ledger = begun(home)
    yield ledger
    ledger.close()


@pytest.fixture
def anywhere(home: Path, database: str) -> Iterator[Ledger]:
    """The same on either database."""
    ledger = begun(home, database)
    yield ledger
    ledger.close()


def test_an_archive_proves_itself_and_so_does_the_log_without_it(anywhere: Ledger, tmp_path: Path) -> None:
    vkey = anywhere.home.read_vkey()
    with anywhere.store.read() as connection:
        kept = newest_checkpoint(connection)
        days = counted(connection)
    archive = seal(anywhere, tmp_path / "archive", LATER)
    assert (archive.span, archive.since, archive.until) == ((0, 512), NOW, archive.until)
    assert sealing.remove_sealed(anywhere.store, anywhere.home) == 511, "all but the key"
    found = verify_archive(tmp_path / "archive", [vkey], sealing.read_archive(tmp_path / "archive").span)
    assert (found.kinds["transfer"], found.first, found.end) == (256, 0, 512)
    left = verify_store(anywhere.store, [vkey], kept=kept)
    assert (left.first, left.kinds["transfer"], left.checkpoint.size) == (512, 500 - 256, 1002)
    with anywhere.store.read() as connection:
        for table in (entry, subject, transfer):
            kinds = (entry.c.kind != "key",) if table is entry else ()
            assert connection.execute(sa.select(sa.func.min(table.c.idx)).where(*kinds)).scalar() >= 512
        needed = {*connection.execute(sa.select(FINDINGS_OF).where(transfer.c.findings > 0)).scalars()}
        assert {*connection.execute(sa.select(finding.c.idx)).scalars()} == needed
        assert counted(connection) == days
        proof = prove(connection, 3)
    bodies = decode_bundle((tmp_path / "archive" / "tile/entries/000").read_bytes())
    assert check(proof, bodies[3], [vkey]).size == 1002, "later proofs of sealed entries still work"


def counted(connection: sa.Connection) -> int:
    """Transfers and refusals in the sums by day."""
    return int(connection.execute(sa.select(sa.func.sum(Summed(connection).of(daily).c.transfers))).scalar_one())


def test_the_log_goes_on_after_sealing(home: Path, database: str, anywhere: Ledger, tmp_path: Path) -> None:
    seal(anywhere, tmp_path / "one", LATER)
    sealing.remove_sealed(anywhere.store, anywhere.home)
    anywhere.close()
    ledger = Ledger.open(home, database_url=database)
    fill(ledger, 300, NOW + 5 * DAY)
    second = seal(ledger, tmp_path / "two", NOW + 4 * DAY)
    assert second.span == (512, 768)
    sealing.remove_sealed(ledger.store, ledger.home)
    vkey = ledger.home.read_vkey()
    assert verify_archive(tmp_path / "two", [vkey], second.span).first == 512
    assert verify_store(ledger.store, [vkey]).first == 768
    export_tiles(ledger.store, vkey, tmp_path / "export")
    publish(ledger.home, ledger.store)
    for folder in (tmp_path / "export", home / "log"):
        found = verify_folder(folder, [vkey])
        assert (found.first, found.end) == (768, ledger.size)
        assert not (folder / "tile/entries/000").exists()
    ledger.close()


def test_a_begin_that_is_missing_without_a_record_is_not_believed(old: Ledger, tmp_path: Path) -> None:
    export_tiles(old.store, old.home.read_vkey(), tmp_path / "export")
    (tmp_path / "export/tile/entries/000").unlink()
    with pytest.raises(VerifyError, match="no record says") as raised:
        verify_folder(tmp_path / "export", [old.home.read_vkey()])
    assert (raised.value.code, raised.value.index) == ("entry_missing", 0)
    seal(old, tmp_path / "archive", LATER)
    sealing.remove_sealed(old.store, old.home)
    export_tiles(old.store, old.home.read_vkey(), tmp_path / "later")
    (tmp_path / "later/tile/entries/002").unlink()
    with pytest.raises(VerifyError, match="no record says"):
        verify_folder(tmp_path / "later", [old.home.read_vkey()])


def test_what_stayed_in_the_database_must_be_what_was_signed(old: Ledger, tmp_path: Path) -> None:
    seal(old, tmp_path / "archive", LATER)
    sealing.remove_sealed(old.store, old.home)
    with old.store.write() as connection:
        connection.execute(sa.update(entry).where(entry.c.idx == 0).values(body=b"{}"))
    with pytest.raises(VerifyError) as raised:
        verify_store(old.store, [old.home.read_vkey()])
    assert (raised.value.code, raised.value.index) == ("entry_differs", 0)


def test_nothing_is_removed_that_no_record_allows(old: Ledger, tmp_path: Path) -> None:
    archive = sealing.write_archive(old.store, old.home.read_vkey(), tmp_path / "copy", LATER)
    old.append_blocking(sealing.record(archive, sealed=False, actor="system"))
    assert sealing.remove_sealed(old.store, old.home) == 0
    assert verify_store(old.store, [old.home.read_vkey()]).first == 0


def test_a_removal_that_was_cut_off_verifies_and_is_gone_on_with(
    old: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "CHUNK", 256)
    seal(old, tmp_path / "archive", LATER)

    def cut(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sealing.remove_sealed(old.store, old.home, progress=cut)
    verify_store(old.store, [old.home.read_vkey()])
    assert sealing.remove_sealed(old.store, old.home) == 256
    assert sealing.remove_sealed(old.store, old.home) == 0
    verify_store(old.store, [old.home.read_vkey()])


def test_a_transfer_without_an_outcome_keeps_what_follows_it(ledger: Ledger, tmp_path: Path) -> None:
    fill(ledger, 100, NOW)
    fill(ledger, 1, NOW, finished=False)
    fill(ledger, 300, NOW)
    with ledger.store.read() as connection:
        assert sealing.closed(connection, LATER) == (0, 0)
    with pytest.raises(ExportError) as raised:
        sealing.write_archive(ledger.store, ledger.home.read_vkey(), tmp_path / "archive", LATER)
    assert raised.value.code == "nothing_to_seal"
    assert not (tmp_path / "archive").exists()


def test_an_archive_that_does_not_verify_is_not_there(
    old: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = sealing.write_log

    def spoil(*arguments, **more):  # type: ignore[no-untyped-def]
        size = whole(*arguments, **more)
        bundle = arguments[2] / "tile/entries/000"
        bundle.write_bytes(bundle.read_bytes().replace(b"messenger", b"messongar", 1))
        return size

    monkeypatch.setattr(sealing, "write_log", spoil)
    with pytest.raises(VerifyError):
        sealing.write_archive(old.store, old.home.read_vkey(), tmp_path / "archive", LATER)
    assert not (tmp_path / "archive").exists()


def test_after_removal_the_person_is_not_found_in_the_sealed_period(old: Ledger, tmp_path: Path) -> None:
    refs = (old.references.subject(ANNA),)
    with old.store.read() as connection:
        assert len(list(query.transfers(connection, Question({}, NOW, LATER, refs)))) == 300
    seal(old, tmp_path / "archive", LATER)
    sealing.remove_sealed(old.store, old.home)
    with old.store.read() as connection:
        assert len(list(query.transfers(connection, Question({}, NOW, LATER, refs)))) == 300 - 256
        assert sealed_below(connection) == 512
        report = build(connection, NAMES["art15"], Question(refs=refs))
    assert report.facts["covered"]["sealed_below"] == 512
    assert "NOT COVERED: entries 0 to 511" in page(document(report, Language.EN))
    said = CliRunner().invoke(app, ["who", "--subject", ANNA, "--home", str(old.home.path)])
    assert said.stdout.startswith("NOT COVERED: entries 0 to 511 were sealed into archives.")


def test_the_command_archives_removes_and_verifies(home: Path, tmp_path: Path) -> None:
    ledger = Ledger.open(home)
    fill(ledger, 300, NOW)
    out = str(tmp_path / "archive")

    def run(*arguments: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, [*arguments, "--home", str(home)])
        assert done.exit_code == code, done.output
        return done.output

    run("export", "--format", "archive", "--out", out, code=2)
    run("export", "--until", DATE, "--out", out, code=2)
    run("export", "--remove", "--out", out, code=2)
    said = run("export", "--format", "archive", "--until", DATE, "--remove", "--out", out)
    assert "entries 0 to 511" in said
    assert "511 removed" in said
    assert "read: entries 0 to 511; of the others, the hashes" in run("verify", "--archive", out)
    facts = json.loads(run("verify", "--json"))
    assert (facts["first"], facts["holds"]) == (512, True)
    assert "sealed into an archive" in run("prove", "--index", "5", code=2)
    assert {path.name for path in Path(out).iterdir()} == {
        "checkpoint", "tile", "vkey", "archive.json", "record.md", "record.schema.json", "README.md",
    }  # fmt: skip
    (Path(out) / "archive.json").unlink()
    assert "has no readable archive.json" in run("verify", "--archive", out, code=1)
    ledger.close()


@pytest.mark.outside
def test_the_foreign_verifier_reads_an_archive(ledger: Ledger, tmp_path: Path) -> None:
    if not VERIFIER.exists():
        pytest.skip("the foreign verifier is not installed; run: make outside")
    fill(ledger, 300, NOW)
    seal(ledger, tmp_path / "archive", LATER)
    (tmp_path / "key").write_text(f"{ledger.home.read_vkey()}\n")
    shutil.rmtree(ledger.home.log)
    for index, good in (("0", 0), ("511", 0)):
        call = [VERIFIER, "verify-inclusion", "--vkey-file", tmp_path / "key", "--tiles", tmp_path / "archive"]
        more = ["--index", index, "--entry-out", tmp_path / index]
        done = subprocess.run([*call, *more], capture_output=True, check=False, env={"PATH": os.environ["PATH"]})
        assert done.returncode == good, done.stderr
        assert (tmp_path / index).stat().st_size > 50
