"""Whether a log is what its key signed: offline, from an export or a database, with nothing but a public key.

Every entry is hashed again, every tile compared, the root rebuilt, and what the entries say of themselves checked
(canonical form, sequence numbers, outcomes that belong to a transfer). The first bad entry is named.
"""

import base64
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from audit.checkpoint import Checkpoint, open_checkpoint, rotation_text, unverified
from audit.errors import SigningKeyError, VerifyError
from audit.examine import OUT_OF_SEQUENCE, AtDatabase, AtFolder, Exchange, Place, Said, Stretch, stretches
from audit.folder import Folder
from audit.merkle import consistency_proof, leaf_hash, verify_consistency
from audit.progress import Progress, silent
from audit.signing import VerifierKey
from audit.store import Store
from audit.stored import StoredTiles, newest_checkpoint, sealed_below
from audit.tables import entry, transfer
from audit.tiles import (
    WIDTH,
    TileBuilder,
    TileId,
    TileSource,
    level_size,
    node_source,
    split,
)


@dataclass(frozen=True, slots=True)
class Verified:
    """What holds. keys: the verifier keys that signed, the newest last; gaps: `gap` entries;
    open: transfers without an outcome yet (in flight, or waiting for the next start);
    first, end: the entries that were there to be read; of those before and after, only the hashes were."""

    checkpoint: Checkpoint
    keys: tuple[VerifierKey, ...]
    kinds: dict[str, int]
    gaps: int
    open: int
    first: int
    end: int


def verify_folder(
    path: Path,
    keys: Sequence[VerifierKey],
    *,
    kept: bytes | None = None,
    progress: Progress = silent,
    workers: int = 1,
) -> Verified:
    """Verifies an export. keys: what the auditor holds. kept: an earlier checkpoint. Raises VerifyError."""
    folder = Folder(path)
    note = folder.checkpoint()
    first, place = folder.first(unverified(note).size), AtFolder(path)
    return verify(folder, note, keys, first=first, kept=kept, progress=progress, place=place, workers=workers)


def verify_archive(
    path: Path,
    keys: Sequence[VerifierKey],
    span: tuple[int, int],
    *,
    progress: Progress = silent,
    workers: int = 1,
) -> Verified:
    """Verifies a sealed archive: the entries of `span` against the tree that they are a part of. Raises VerifyError."""
    folder = Folder(path)
    note, place = folder.checkpoint(), AtFolder(path)
    return verify(folder, note, keys, first=span[0], end=span[1], progress=progress, place=place, workers=workers)


def verify_store(
    store: Store,
    keys: Sequence[VerifierKey],
    *,
    kept: bytes | None = None,
    published: Path | None = None,
    progress: Progress = silent,
    workers: int = 1,
) -> Verified:
    """Verifies a database, and that what its questions are answered from agrees with its entries in number.

    published: the folder that was published from it; what stands there has to be in the database still.
    """
    told = None if published is None else _newest_in(published)  # read first: a writer may publish meanwhile
    with store.read() as connection:
        note = newest_checkpoint(connection)
        if note is None:
            raise VerifyError("there is no log in this database", code="missing")
        first = sealed_below(connection)
        tiles, place = StoredTiles(connection), AtDatabase(store.url.render_as_string(hide_password=False))
        found = verify(tiles, note, keys, first=first, kept=kept, progress=progress, place=place, workers=workers)
        if told is not None:
            check_kept(tiles, found.checkpoint, told, found.keys)
        _check_left(connection, first, found.checkpoint.size)
        # Below `first` a removal may have been cut off; what it left is checked entry by entry above.
        count = sa.select(sa.func.count()).select_from(transfer).where(transfer.c.idx >= first)
        rows = connection.execute(count).scalar_one()
        if rows != found.kinds.get("transfer", 0) + found.kinds.get("blocked", 0):
            raise VerifyError("the table of transfers does not agree with the log", code="index_differs")
    return found


def _newest_in(published: Path) -> bytes | None:
    try:
        return (published / "checkpoint").read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise VerifyError(f"{published / 'checkpoint'} cannot be read ({error.strerror})", code="missing") from None


def verify(
    source: TileSource,
    note: bytes,
    keys: Sequence[VerifierKey],
    *,
    first: int = 0,
    end: int | None = None,
    kept: bytes | None = None,
    progress: Progress = silent,
    place: Place | None = None,
    workers: int = 1,
) -> Verified:
    """Verifies a log from its tiles and its newest checkpoint. Raises VerifyError, which names the first bad entry.

    first: entries before it are not there, which a record in the log must say; end: those from it on are not, as in
    an archive. Both are multiples of 256. place, workers: other processes may share the work (see `examine`).
    A key that was rotated away is as good as the newest one: the rotation stands in the log, signed by both.
    """
    size = unverified(note).size
    last = size if end is None else min(end, size)
    content = Content(first)
    # Closed here also where an entry does not hold: what shares the work must end before the interpreter does.
    with closing(stretches(source, size, range(first, last), place=place, workers=workers)) as parts:
        root = _hash_all(source, size, content, parts, progress)
    chain = trusted_keys(keys, content.rotations)
    checkpoint = open_checkpoint(note, chain)
    if checkpoint.root != root:
        raise VerifyError(
            "the entries do not give the root that was signed: entries and tiles were replaced together, or the "
            "checkpoint belongs to another log",
            code="root_differs",
        )
    if content.fault is not None:
        raise content.fault
    if end is None and first > content.sealed:
        raise VerifyError(
            f"entries 0 to {first - 1} are not here, and no record says that they were sealed into an archive",
            code="entry_missing",
            index=0,
        )
    if kept is not None:
        check_kept(source, checkpoint, kept, chain)
    return Verified(checkpoint, chain, content.kinds, content.kinds.get("gap", 0), len(content.unfinished), first, last)


def check_kept(source: TileSource, checkpoint: Checkpoint, kept: bytes, keys: Sequence[VerifierKey]) -> None:
    """Checks that the log still begins with all that an earlier checkpoint covered. Raises VerifyError."""
    earlier = open_checkpoint(kept, keys)
    if earlier.origin != checkpoint.origin:
        raise VerifyError("the kept checkpoint is of another log", code="checkpoint_origin")
    if earlier.size > checkpoint.size:
        raise VerifyError(
            f"the log was shortened: it has {checkpoint.size} entries, and had {earlier.size} before",
            code="log_shortened",
            index=checkpoint.size,
        )
    node = node_source(source, checkpoint.size)
    if earlier.size == 0:
        return
    proof = consistency_proof(node, earlier.size, checkpoint.size)
    if not verify_consistency(earlier.size, earlier.root, checkpoint.size, checkpoint.root, proof):
        raise VerifyError(
            f"the log was rewritten: its first {earlier.size} entries are not those of the kept checkpoint",
            code="log_forked",
        )


@dataclass(slots=True)
class Content:
    """What the entries say of themselves, gathered stretch by stretch. first: index of the first that is here."""

    first: int = 0
    sealed: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    rotations: list[dict[str, Any]] = field(default_factory=list)
    unfinished: set[Exchange] = field(default_factory=set)
    fault: VerifyError | None = None
    _expected: dict[str, int] = field(default_factory=dict)

    def take(self, said: Said) -> None:
        """Adds a stretch; keeps the first fault, because a wrong hash counts for more."""
        faults = [] if said.fault is None else [said.fault]
        for boot, (index, least, following) in said.counted.items():
            # A start of the process may have begun before the first entry that is here.
            if least != self._expected.get(boot, least if self.first else 0):
                faults.append(VerifyError(OUT_OF_SEQUENCE.format(index), code="sequence", index=index))
            self._expected[boot] = following
        if self.fault is None and faults:
            self.fault = min(faults, key=lambda fault: fault.index or 0)
        for kind, n in said.kinds.items():
            self.kinds[kind] = self.kinds.get(kind, 0) + n
        self.unfinished -= said.ended
        self.unfinished |= said.begun
        for facts in said.facts:
            if facts["kind"] == "export":
                sealed = facts.get("sealed", 0)
                self.sealed = max(self.sealed, sealed if isinstance(sealed, int) else 0)
            elif facts.get("event") == "rotated":
                self.rotations.append(facts)


def _check_left(connection: sa.Connection, first: int, size: int) -> None:
    """Entries of other kinds stay in the database when transfers are sealed; each must still be the one signed."""
    node = node_source(StoredTiles(connection), size)
    for row in connection.execute(sa.select(entry.c.idx, entry.c.body).where(entry.c.idx < first)):
        if node(0, row.idx) != leaf_hash(row.body):
            raise VerifyError(f"entry {row.idx} is not the one that was signed", code="entry_differs", index=row.idx)


def _hash_all(source: TileSource, size: int, content: Content, parts: Iterable[Stretch], progress: Progress) -> bytes:
    """Builds the tree from what was hashed again and compares every tile; returns the root that the entries give.

    Tiles of the leaves are compared in `examine`."""
    builder = TileBuilder()
    for part in parts:
        for root in part.roots:
            for tile, hashes in builder.append_bundle(root):
                _compare(source, tile, hashes)
        for leaf in part.leaves:
            builder.append(leaf)
        content.take(part.said)
        if part.fault is not None:
            raise part.fault
        progress(builder.size, size)
    for level, row in enumerate(builder.levels):
        if row:
            _compare(source, TileId(level, level_size(size, level) // WIDTH, len(row)), b"".join(row))
    return builder.root()


def _compare(source: TileSource, tile: TileId, hashes: bytes) -> None:
    """Compares a tile above the leaves with what its entries give; a difference names the entries below it."""
    if tile.level == 0:
        return
    for position, (said, found) in enumerate(zip(split(source.hashes(tile)), split(hashes), strict=True)):
        if said != found:
            covers = WIDTH**tile.level
            index = (tile.number * WIDTH + position) * covers
            text = f"{tile.path} does not follow from entries {index} to {index + covers - 1}"
            raise VerifyError(text, code="tile_differs", index=index)


def trusted_keys(keys: Sequence[VerifierKey], rotations: Sequence[dict[str, Any]]) -> tuple[VerifierKey, ...]:
    """The given keys and those that they hand over to (or took over from), each rotation signed by both."""
    found = list(keys)
    for rotation in (*rotations, *reversed(rotations)):
        try:
            old, new = VerifierKey.parse(rotation["old_vkey"]), VerifierKey.parse(rotation["new_vkey"])
            signatures = [base64.b64decode(rotation[name]) for name in ("old_signature", "new_signature")]
        except (AttributeError, KeyError, SigningKeyError, TypeError, ValueError):
            continue  # hands nothing over: a key that nobody handed over is then not trusted
        text = rotation_text(old, new)
        if all(key.verifies(signature, text) for key, signature in zip((old, new), signatures, strict=True)):
            known = [key for key in (old, new) if key in found]
            found += [key for key in (old, new) if known and key not in found]
    return tuple(found)
