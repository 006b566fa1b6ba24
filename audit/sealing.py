"""Retention: a closed period becomes an archive that proves itself, and its transfers may then leave the database.

The archive is written, verified from what is on the disk, and recorded; only then anything is removed. The tree goes
on: hashes stay, so every later proof still works, and a log without its begin verifies because a signed record says
that the begin was sealed. Keys, erasures and other acts stay readable; the sums by day stay as well, they name nobody.
"""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from audit import schema
from audit.checkpoint import Checkpoint, unverified
from audit.errors import VerifyError
from audit.events import ExportRecord
from audit.export import ExportError, new_folder, write_log
from audit.home import Home
from audit.ids import now_ms
from audit.ledger.publish import write_file
from audit.progress import Progress, silent
from audit.signing import VerifierKey, fsync_directory
from audit.store import Store
from audit.stored import sealed_below
from audit.sums import summed
from audit.sums.alike import SPAN
from audit.sums.rebuilding import rebuild
from audit.sums.tables import kinds
from audit.tables import entry, finding, subject, transfer, tree
from audit.tiles import ENTRIES, WIDTH, TileId
from audit.values import ExportFormat
from audit.verify import verify_archive

LEAVES = ("transfer", "blocked", "outcome", "query")
"""Kinds that leave the database; they are all that speaks of persons, but for erasures, which must be kept."""
CHUNK = 16 * WIDTH
"""Entries removed in one transaction: appends wait a fraction of a second for each."""
MANIFEST = "archive.json"


@dataclass(frozen=True, slots=True)
class Archive:
    """The entries from `first` up to `end` (both multiples of 256), under the checkpoint they were exported with."""

    first: int
    end: int
    tree_size: int
    root: str
    origin: str
    since: int
    until: int

    @property
    def span(self) -> tuple[int, int]:
        """What `verify_archive` takes."""
        return self.first, self.end


def closed(connection: sa.Connection, until: int) -> tuple[int, int]:
    """The entries that a sealing at that time (ms) covers: from where the last one ended, whole bundles only, none
    that is younger, and none at or after a transfer without an outcome. Empty where the second is not larger."""
    first = sealed_below(connection)
    size = connection.execute(sa.select(tree.c.size)).scalar() or 0
    younger = sa.select(sa.func.min(entry.c.idx)).where(entry.c.at >= until, entry.c.idx >= first)
    unfinished = sa.select(sa.func.min(transfer.c.idx)).where(transfer.c.state.is_(None))
    ends = [connection.execute(statement).scalar() for statement in (younger, unfinished)]
    end = min([size, *(end for end in ends if end is not None)])
    return first, end // WIDTH * WIDTH


def write_archive(store: Store, vkey: VerifierKey, out: Path, until: int, *, progress: Progress = silent) -> Archive:
    """Writes a self-contained archive to a new folder and verifies it there. Raises ExportError, VerifyError."""
    with store.read() as connection:
        first, end = closed(connection, until)
        if end <= first:
            raise ExportError(
                f"nothing to seal: entries are sealed in whole bundles of {WIDTH}, older than the time given, and none "
                "from the first transfer without an outcome on",
                code="nothing_to_seal",
            )
        covered = entry.c.idx.between(first, end - 1)
        times = connection.execute(sa.select(sa.func.min(entry.c.at), sa.func.max(entry.c.at)).where(covered)).one()
    with new_folder(out) as draft:
        write_log(store, vkey, draft, span=(first, end), progress=progress)
        signed = unverified((draft / "checkpoint").read_bytes())
        archive = Archive(first, end, signed.size, signed.root.hex(), signed.origin, int(times[0]), int(times[1]))
        write_file(draft / MANIFEST, (json.dumps(asdict(archive), indent=2) + "\n").encode())
        write_file(draft / "record.schema.json", (json.dumps(schema.schema(), indent=2) + "\n").encode())
        write_file(draft / "record.md", schema.page().encode())
        write_file(draft / "README.md", _guide(archive, signed).encode())
        fsync_directory(draft)
        verify_archive(draft, [vkey], archive.span)
    return archive


def read_archive(path: Path) -> Archive:
    """What an archive says of itself; `verify_archive` says whether it holds. Raises VerifyError."""
    try:
        return Archive(**json.loads((path / MANIFEST).read_bytes()))
    except (OSError, ValueError, TypeError) as error:
        raise VerifyError(f"{path} has no readable {MANIFEST} ({type(error).__name__})", code="missing") from None


def record(archive: Archive, *, sealed: bool, actor: str) -> ExportRecord:
    """The record of an archive. sealed: its transfers leave the database now."""
    return ExportRecord(
        at=now_ms(),
        format=ExportFormat.ARCHIVE,
        tree_size=archive.tree_size,
        root=archive.root,
        entries=archive.end - archive.first,
        first=archive.first,
        sealed=archive.end if sealed else None,
        actor=actor,
    )


def remove_sealed(store: Store, home: Home, *, progress: Progress = silent) -> int:
    """Removes what the log says was sealed from the database and from the published log; returns how many entries.

    Does nothing that a record does not allow, and goes on where an earlier call was cut off.
    """
    with store.read() as connection:
        end = sealed_below(connection)
    gone = 0
    for at in range(0, end, CHUNK):
        here = (at, min(at + CHUNK, end) - 1)
        with store.write() as connection:
            summed.fold(connection)  # what entries add has to be added before they leave
            touched = sa.select(transfer.c.day).where(transfer.c.idx.between(*here)).distinct()
            days = list(connection.execute(touched).scalars())
            for table in (subject, transfer):
                connection.execute(sa.delete(table).where(table.c.idx.between(*here)))
            _remove_findings(connection, here[1])
            gone += _remove_entries(connection, here)
            rebuild(connection, days)
        progress(here[1] + 1, end)
    for number in range(end // WIDTH):
        (home.log / TileId(ENTRIES, number).path).unlink(missing_ok=True)
    store.forget_freed_pages()
    return gone


def _remove_findings(connection: sa.Connection, last: int) -> None:
    """Removes the findings up to there that no transfer that is left needs."""
    begin = last // SPAN * SPAN
    left = transfer.c.idx.between(last + 1, begin + SPAN - 1)
    needed = sa.select(transfer.c.findings_of).where(left, transfer.c.findings_of.is_not(None))
    connection.execute(sa.delete(finding).where(finding.c.idx.between(begin, last), finding.c.idx.not_in(needed)))


def _remove_entries(connection: sa.Connection, here: tuple[int, int]) -> int:
    leaving = (entry.c.idx.between(*here), entry.c.kind.in_(LEAVES))
    counted = sa.select(entry.c.kind, sa.func.count().label("n")).where(*leaving).group_by(entry.c.kind)
    for row in connection.execute(counted).all():
        connection.execute(sa.update(kinds).where(kinds.c.kind == row.kind).values(entries=kinds.c.entries - row.n))
    return connection.execute(sa.delete(entry).where(*leaving)).rowcount


def _guide(archive: Archive, signed: Checkpoint) -> str:
    begin, last = (datetime.fromtimestamp(at / 1000, UTC).isoformat() for at in (archive.since, archive.until))
    return f"""# A sealed part of the audit log {archive.origin}

Entries {archive.first} to {archive.end - 1}, written between {begin} and {last},
of a log that had {signed.size} entries when this archive was made.

| | |
|---|---|
| `checkpoint` | the signed root (C2SP tlog-checkpoint) |
| `tile/` | all hashes, and the entries of this part (C2SP tlog-tiles) |
| `vkey` | the log's public key; trust the one that you were given on another way |
| `record.md`, `record.schema.json` | what every field means |
| `{MANIFEST}` | which entries these are |

Check it with `dragoman audit verify --archive . --vkey KEY`, or one entry with any tool for C2SP transparency logs,
for example `aics-tlog verify-inclusion --tiles . --vkey-file KEY --index {archive.first}`.

The entries are one JSON object each, in bundles of {WIDTH}: two bytes of length (big-endian), then the object.
References in them are personal data as long as the log's keys for them exist.
"""
