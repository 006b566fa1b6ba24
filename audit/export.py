"""Exports of the whole log as C2SP tlog-tiles, complete or not there at all.

Written beside its place under another name, made durable, and then renamed; so a half export never looks like one.
"""

import shutil
from pathlib import Path

from audit.checkpoint import unverified
from audit.errors import AuditError
from audit.ids import new_id
from audit.progress import Progress, silent
from audit.publish import write_file, write_tiles
from audit.signing import VerifierKey, fsync_directory
from audit.store import Store, StoredTiles, newest_checkpoint
from audit.tiles import tiles_of

CHUNK = 64
"""Tiles between two signs of progress."""


class ExportError(AuditError):
    """The export cannot be written where it was asked for."""

    code = "export"


def export_tiles(store: Store, vkey: VerifierKey, out: Path, *, progress: Progress = silent) -> int:
    """Writes `checkpoint`, `tile/…` and `vkey` to a new folder; returns the number of entries. Raises ExportError."""
    out = out.absolute()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ExportError(f"{out} exists and is not an empty folder")
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = out.with_name(f".{out.name}.{new_id()}.part")
    try:
        draft.mkdir(mode=0o750)
        size = _write(store, vkey, draft, progress)
        if out.exists():
            out.rmdir()
        draft.rename(out)
        fsync_directory(out.parent)
    except OSError as error:
        raise ExportError(f"{out} cannot be written ({error.strerror})") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return size


def _write(store: Store, vkey: VerifierKey, draft: Path, progress: Progress) -> int:
    with store.read() as connection:
        note = newest_checkpoint(connection)
        if note is None:
            raise ExportError("there is no log in this database yet")
        size = unverified(note).size
        tiles = tiles_of(size)
        source = StoredTiles(connection)
        for at in range(0, len(tiles), CHUNK):
            write_tiles(source, tiles[at : at + CHUNK], draft)
            progress(min(at + CHUNK, len(tiles)), len(tiles))
    write_file(draft / "checkpoint", note)
    write_file(draft / "vkey", f"{vkey}\n".encode())
    fsync_directory(draft)
    return size
