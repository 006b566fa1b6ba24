"""The published log: tiles, bundles and checkpoint as files, written from the database after the fact.

Files come first and the checkpoint last, each durable before the next, so that whoever reads the checkpoint finds
everything it covers. Partial tiles are written for published checkpoints only and go when their full tile is there.
"""

import os
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa

from audit.checkpoint import unverified
from audit.cosigned import FILE, newest_cosigned
from audit.errors import AuditError, StoreError
from audit.home import Home
from audit.ids import new_id
from audit.ledger.recovery import read_published
from audit.signing import fsync_directory
from audit.store import Store
from audit.stored import StoredTiles, newest_checkpoint, tiles_left
from audit.tiles import ENTRIES, TileId, TileSource, encode_bundle, partial_tiles, tiles_of


def write_tiles(source: TileSource, tiles: Sequence[TileId], directory: Path) -> None:
    """Writes tiles and bundles under a directory, durably. What exists already is left as it is."""
    touched: set[Path] = set()
    for tile in tiles:
        path = directory / tile.path
        if path.exists():
            continue
        data = encode_bundle(source.bundle(tile)) if tile.level == ENTRIES else source.hashes(tile)
        write_file(path, data)
        parent = path.parent
        while parent not in touched:
            touched.add(parent)
            if parent != directory:
                parent = parent.parent
    for parent in sorted(touched, reverse=True):
        fsync_directory(parent)


def write_file(path: Path, data: bytes) -> None:
    """Writes a file under its name at once and durably; the directory is the caller's to sync."""
    draft = path.with_name(f"{path.name}.{new_id()}.new")
    try:
        file = draft.open("xb")
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = draft.open("xb")
    with file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def publish(home: Home, store: Store, roots: dict[TileId, bytes] | None = None) -> int:
    """Brings the published log up to the newest checkpoint; returns its size.

    roots: over full tiles, as far as they are known; others are added. Only the serving process calls this, so nothing
    can put an older checkpoint over a newer one.
    """
    before = read_published(home)
    since = 0 if before is None else before.size
    with store.read() as connection:
        note = newest_checkpoint(connection)
        if note is None:
            return 0
        size = unverified(note).size
        if before is not None and since == size:
            _publish_cosigned(home.log, newest_cosigned(connection))
            return size
        write_tiles(StoredTiles(connection, roots), tiles_left(connection, size, since=since), home.log)
        witnessed = newest_cosigned(connection)
    write_file(home.log / "checkpoint", note)
    _publish_cosigned(home.log, witnessed)
    fsync_directory(home.log)
    _drop_covered(home.log, since, size)
    return size


def _publish_cosigned(directory: Path, note: bytes | None) -> None:
    path = directory / FILE
    if note is not None and (not path.exists() or path.read_bytes() != note):
        write_file(path, note)


def _drop_covered(directory: Path, since: int, size: int) -> None:
    """Removes the partial tiles of the checkpoint before, now that wider ones are published."""
    now = set(tiles_of(size, since=since))
    for tile in partial_tiles(since):
        if tile in now:
            continue
        old = directory / tile.path
        old.unlink(missing_ok=True)
        if TileId(tile.level, tile.number) in now:
            shutil.rmtree(old.parent, ignore_errors=True)


MAX_ROOTS = 1_024
"""Roots that are remembered; the tiles of a log that are not full cover at most 255 full ones on each level."""


class Publisher:
    """Publishes at most once in `every_s` seconds, in a thread of its own, never in the way of an append."""

    def __init__(self, home: Home, store: Store, *, every_s: float, roots: dict[TileId, bytes]) -> None:
        self._home, self._store, self._every_s, self._roots = home, store, every_s, roots
        self._due, self._ending = threading.Event(), threading.Event()
        self.error: AuditError | None = None
        self._due.set()
        self._thread = threading.Thread(target=self._run, name="audit-publisher", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Says that there is a newer checkpoint."""
        self._due.set()

    def close(self) -> None:
        """Publishes the newest checkpoint and ends."""
        self._ending.set()
        self._due.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            self._due.wait()
            ending = self._ending.is_set()
            self._due.clear()
            try:
                publish(self._home, self._store, self._roots)
                self.error = None
                if len(self._roots) > MAX_ROOTS:
                    self._roots.clear()
            except AuditError as error:
                self.error = error
            except (OSError, sa.exc.SQLAlchemyError) as error:
                # A database that is away comes back; the thread that publishes has to be there then.
                self.error = StoreError(f"the log could not be published ({type(error).__name__})", code="publish")
            if ending:
                return
            self._ending.wait(self._every_s)
            if self._ending.is_set():
                self._due.set()
