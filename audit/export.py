"""Exports of the whole log as C2SP tlog-tiles, complete or not there at all.

Written beside its place under another name, made durable, and then renamed; so a half export never looks like one.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import batched
from pathlib import Path

from audit.checkpoint import unverified
from audit.cosigned import FILE, newest_cosigned
from audit.errors import AuditError, unwritable
from audit.ids import new_id
from audit.ledger.publish import write_file, write_tiles
from audit.progress import Progress, silent
from audit.signing import VerifierKey, fsync_directory
from audit.store import Store
from audit.stored import StoredTiles, newest_checkpoint, sealed_below
from audit.tiles import ENTRIES, WIDTH, TileId, each_tile

TRUST = "witness.policy"
"""Name of the C2SP tlog-policy in an export; what an auditor trusts comes on another way."""
CHUNK = 64
"""Tiles between two signs of progress."""


class ExportError(AuditError):
    """The export cannot be written where it was asked for."""

    code = "export"


def export_tiles(
    store: Store,
    vkey: VerifierKey,
    out: Path,
    *,
    trust: bytes | None = None,
    cosigned: bool = False,
    progress: Progress = silent,
) -> int:
    """Writes `checkpoint`, `tile/…` and `vkey` to a new folder; returns the number of entries.

    trust: the C2SP tlog-policy that goes with it. cosigned: the log as it stood under the newest checkpoint that
    witnesses cosigned. Raises ExportError.
    """
    with new_folder(out) as draft:
        if trust is not None:
            write_file(draft / TRUST, trust)
        return write_log(store, vkey, draft, cosigned=cosigned, progress=progress)


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """A folder to write into that takes the name `out` when it is whole, and is gone when it is not."""
    out = out.absolute()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ExportError(f"{out} exists and is not an empty folder")
    draft = out.with_name(f".{out.name}.{new_id()}.part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        draft.mkdir(mode=0o750)
        yield draft
        if out.exists():
            out.rmdir()
        draft.rename(out)
        fsync_directory(out.parent)
    except OSError as error:
        raise ExportError(unwritable(out, error)) from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def write_log(
    store: Store,
    vkey: VerifierKey,
    draft: Path,
    *,
    span: tuple[int, int] | None = None,
    cosigned: bool = False,
    progress: Progress = silent,
) -> int:
    """Writes a log into a folder; returns its size. span: the entries to write, else all that were not sealed away;
    of the others the hashes are there. cosigned: see `export_tiles`."""
    with store.read() as connection:
        witnessed = newest_cosigned(connection)
        note = witnessed if cosigned else newest_checkpoint(connection)
        if note is None:
            raise ExportError(
                "no witness has cosigned this log yet" if cosigned else "there is no log in this database yet"
            )
        size = unverified(note).size
        first, end = span or (sealed_below(connection), size)
        source, done, whole = StoredTiles(connection), 0, sum(1 for _ in _tiles(size, first, end))
        for tiles in batched(_tiles(size, first, end), CHUNK):
            write_tiles(source, tiles, draft)
            done += len(tiles)
            progress(done, whole)
    write_file(draft / "checkpoint", note)
    if witnessed is not None:
        write_file(draft / FILE, witnessed)
    write_file(draft / "vkey", f"{vkey}\n".encode())
    fsync_directory(draft)
    return size


def _tiles(size: int, first: int, end: int) -> Iterator[TileId]:
    """All tiles of the tree, and the bundles whose entries are to be written."""
    return (tile for tile in each_tile(size) if tile.level != ENTRIES or first <= tile.number * WIDTH < end)
