"""`dragoman audit verify|prove|export|key`: the commands that prove."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import orjson
import typer

from audit.commands.reading import (
    DatabaseOption,
    HomeOption,
    JsonOption,
    home_path,
    moment,
    os_user,
    plural,
    read_keys,
    read_trust,
    reading,
    told,
)
from audit.commands.receipt import check_receipt
from audit.errors import unwritable
from audit.formats import NAMES
from audit.ids import now_ms
from audit.progress import Progress, silent
from audit.values import ExportFormat
from audit.values import Question as Asked

if TYPE_CHECKING:
    from audit.commands.reading import Reader
    from audit.formats.base import LineFormat
    from audit.signing import VerifierKey


FORMS = ("tiles", "archive", "parquet", *NAMES)
"""What `export` writes."""


@contextlib.contextmanager
def progress_bar(title: str) -> Iterator[Progress]:
    """A progress bar on a terminal, nothing in a pipe."""
    if not sys.stderr.isatty():
        yield silent
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def verify(
    export: Annotated[Path | None, typer.Option(help="Folder with an export; without it, the database.")] = None,
    vkey: Annotated[list[str] | None, typer.Option(help="Verifier key, or a file with keys; may repeat.")] = None,
    kept: Annotated[Path | None, typer.Option(help="A checkpoint you kept: is all it covered still there?")] = None,
    archive: Annotated[Path | None, typer.Option(help="Folder with a sealed archive.")] = None,
    receipt: Annotated[Path | None, typer.Option(help="A receipt: a dragoman-receipt header, or a tlog-proof.")] = None,
    entry: Annotated[Path | None, typer.Option(help="With --receipt: the entry itself.")] = None,
    policy: Annotated[
        Path | None, typer.Option(help="Of an export: whom to trust (C2SP tlog-policy), witnesses included.")
    ] = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
    database: DatabaseOption = None,
) -> None:
    """Check every entry against the signed root; name the first one that is not what was signed.

    With --receipt alone that one proof, offline; with --export as well, that the export still holds what it proves.
    """
    from audit.cosigned import check_witnessed
    from audit.home import Home
    from audit.interpreter import uncollected
    from audit.sealing import read_archive
    from audit.verify import Verified, verify_archive, verify_folder, verify_store

    if receipt is not None:
        check_receipt(receipt, entry, vkey or [], home, export=export, as_json=as_json)
        return
    with told():
        try:
            earlier = None if kept is None else kept.read_bytes()
        except OSError as error:
            raise typer.BadParameter(f"the kept checkpoint cannot be read ({error.strerror})") from None
        if policy is not None and export is None:
            raise typer.BadParameter("--policy goes with --export")
        trust = read_trust(policy)
        keys = read_keys(vkey or []) or ([] if trust is None else list(trust.logs))
        workers = len(os.sched_getaffinity(0))
        with progress_bar("verifying") as progress, uncollected():
            found: Verified
            if not keys and (export is not None or archive is not None):
                keys = [Home(home_path(home)).read_vkey()]
            if archive is not None:
                found = verify_archive(archive, keys, read_archive(archive).span, progress=progress, workers=workers)
            elif export is not None:
                found = verify_folder(export, keys, kept=earlier, progress=progress, workers=workers)
            else:
                with reading(home, database) as log:
                    published = Home(home_path(home)).log if database is None else None
                    found = verify_store(
                        log.store,
                        keys or [log.vkey],
                        kept=earlier,
                        published=published,
                        progress=progress,
                        workers=workers,
                    )
        witnessed = None if trust is None or export is None else check_witnessed(export, found, trust).size
        root = found.checkpoint.root.hex()
        if as_json:
            facts = {"holds": True, "log": found.checkpoint.origin, "entries": found.checkpoint.size, "root": root}
            facts |= {"first": found.first, "end": found.end, "witnessed": witnessed}
            typer.echo(orjson.dumps({**facts, "kinds": found.kinds, "gaps": found.gaps, "open": found.open}).decode())
            return
        typer.echo(f"holds: {found.checkpoint.size} entries of {found.checkpoint.origin}, root {root}")
        if (found.first, found.end) != (0, found.checkpoint.size):
            typer.echo(f"  read: entries {found.first} to {found.end - 1}; of the others, the hashes")
        if witnessed is not None:
            typer.echo(f"  witnesses cosigned its first {witnessed} entries, as the policy asks")
        typer.echo("  " + ", ".join(f"{n} {kind}" for kind, n in sorted(found.kinds.items())))
        gaps, unended = plural(found.gaps, "gap"), plural(found.open, "transfer")
        typer.echo(f"  {gaps}, {unended} without an outcome yet")


def export(
    out: Annotated[Path | None, typer.Option(help="New folder, or file for lines (default: stdout).")] = None,
    named: Annotated[str, typer.Option("--format", metavar=f"<{'|'.join(FORMS)}>", help="How to write it.")] = "tiles",
    until: Annotated[str | None, typer.Option(help="Of an archive: what is older; 2026-01-01 or 365d.")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Then remove what was archived from the database.")] = False,
    cosigned: Annotated[
        bool, typer.Option("--cosigned", help="Of tiles: as of the newest checkpoint that witnesses cosigned.")
    ] = False,
    home: HomeOption = None,
    database: DatabaseOption = None,
) -> None:
    """Copy the log out: as C2SP tlog-tiles that any tool for such logs can verify, as JSON lines, or as OCSF events.

    An archive holds a closed period with everything that proves it; with --remove the period leaves the database.
    """
    from audit.checkpoint import unverified
    from audit.events import ExportRecord
    from audit.export import export_tiles
    from audit.stored import newest_checkpoint

    if named not in FORMS:
        raise typer.BadParameter(f"--format takes {', '.join(FORMS)}")
    form = ExportFormat(named)
    if (form is ExportFormat.ARCHIVE) != (until is not None) or (remove and form is not ExportFormat.ARCHIVE):
        raise typer.BadParameter("--format archive needs --until; --until and --remove are for archives alone")
    if form in {ExportFormat.TILES, ExportFormat.ARCHIVE} and out is None:
        raise typer.BadParameter(f"--format {form} needs --out")
    if form is ExportFormat.ARCHIVE and out is not None:
        _archive(home, database, out, until, remove=remove)
        return
    with reading(home, database) as log, progress_bar("exporting") as progress:
        with log.store.read() as connection:
            signed = unverified(newest_checkpoint(connection) or b"")
        log.leave(
            lambda actor: ExportRecord(
                at=now_ms(),
                format=form,
                tree_size=signed.size,
                root=signed.root.hex(),
                entries=signed.size,
                actor=actor,
            )
        )
        if form is ExportFormat.TILES and out is not None:
            trust = log.trust()
            size = export_tiles(log.store, log.vkey, out, trust=trust, cosigned=cosigned, progress=progress)
            typer.echo(f"{size} entries in {out}", err=True)
        elif form is ExportFormat.PARQUET:
            _write_parquet(log, out)
        else:
            _write_lines(log, NAMES[form], out)


def _archive(home: Path | None, database: str | None, out: Path, until: str | None, *, remove: bool) -> None:
    """Writes and records an archive; removes only what a durable record allows."""
    from audit import sealing
    from audit.log import Ledger

    with reading(home, database) as log, progress_bar("archiving") as progress:
        archive = sealing.write_archive(log.store, log.vkey, out, moment(until) or 0, progress=progress)
        ledger = Ledger.join(log.home.path, database_url=database)
        try:
            actor = ledger.references.actor(os_user())
            ledger.append_blocking(sealing.record(archive, sealed=remove, actor=actor))
            gone = sealing.remove_sealed(ledger.store, log.home, progress=progress) if remove else 0
        finally:
            ledger.close()
    typer.echo(f"entries {archive.first} to {archive.end - 1} in {out}; {gone} removed from the database", err=True)


def _write_lines(log: "Reader", form: "LineFormat", out: Path | None) -> None:
    from audit import query as ask
    from audit.export import ExportError
    from audit.formats.base import Place
    from audit.merkle import leaf_hash

    try:
        stream = sys.stdout.buffer if out is None else out.open("xb")
    except OSError as error:
        raise ExportError(unwritable(out, error)) from None
    with log.store.read() as connection, contextlib.nullcontext(stream) if out is None else stream:
        for index, body in ask.entries(connection):
            line = form.line(body, Place(log.vkey.name, index, leaf_hash(body).hex()))
            if line is not None:
                stream.write(line + b"\n")


def _write_parquet(log: "Reader", out: Path | None) -> None:
    from audit import query as ask
    from audit.commands import parquet

    with log.store.read() as connection, parquet.opened(out) as stream:
        parquet.write(map(parquet.entry_row, ask.entries(connection)), parquet.ENTRIES, stream)


def key(
    rotate: Annotated[
        bool, typer.Option("--rotate", help="First give the log a new key (dragoman is stopped).")
    ] = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
    database: DatabaseOption = None,
) -> None:
    """Print the verifier key (vkey) of the log: what an auditor keeps. A rotation is a record signed by both keys."""
    from audit.home import Home

    with told():
        vkey = Home(home_path(home)).read_vkey()
        if rotate:
            vkey = _rotate(home_path(home), database)
        if as_json:
            typer.echo(orjson.dumps({"vkey": str(vkey), "name": vkey.name, "id": vkey.id.hex()}).decode())
        else:
            typer.echo(str(vkey))


def _rotate(home: Path, database: str | None) -> "VerifierKey":
    from audit.log import Ledger

    ledger = Ledger.open(home, database_url=database)
    try:
        return ledger.rotate(ledger.references.actor(os_user()))
    finally:
        ledger.close()


def prove(
    transfer_id: Annotated[str | None, typer.Argument(help="Id of the transfer.")] = None,
    index: Annotated[int | None, typer.Option(min=0, help="Or an entry by its index.")] = None,
    entry_out: Annotated[Path | None, typer.Option("--entry", help="Also write the entry itself here.")] = None,
    home: HomeOption = None,
    database: DatabaseOption = None,
) -> None:
    """Print a C2SP tlog-proof that a record stands in the log; checked with the entry and the key alone."""
    from audit import prove as proofs
    from audit import query as ask
    from audit.questions.conditions import QueryError

    with reading(home, database) as log:
        with log.store.read() as connection:
            if index is None:
                entries = ask.exchange(connection, transfer_id or "")
                if not entries:
                    raise QueryError("no transfer has this id")
                index = entries[0][0]
            proof = proofs.prove(connection, index)
            found, body = next(ask.entries(connection, since=index), (-1, b""))
        if found != index:
            raise QueryError(f"entry {index} was sealed into an archive; prove it from there")
        proofs.check(proof, body, [log.vkey])
        if entry_out is not None:
            entry_out.write_bytes(body)
        sys.stdout.buffer.write(proof.text())
        log.asked(Asked.PROVE, 1)


COMMANDS: dict[str, tuple[Callable[..., None], str]] = {
    "verify": (verify, "dragoman audit verify --export ./log-2026 --vkey auditor.vkey --kept old.txt"),
    "export": (export, "dragoman audit export --format tiles --out ./log-2026-11-24"),
    "key": (key, "dragoman audit key > auditor.vkey"),
    "prove": (prove, "dragoman audit prove 01KB8Q0W3Z8V6T4R2N1M0K9J8H > transfer.tlog-proof"),
}
