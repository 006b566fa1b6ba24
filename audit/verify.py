"""Whether a log is what its key signed: offline, from an export or a database, with nothing but a public key.

Every entry is hashed again, every tile compared, the root rebuilt, and what the entries say of themselves checked
(canonical form, sequence numbers, outcomes that belong to a transfer). The first bad entry is named.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from audit.canonical import facts as facts_of
from audit.checkpoint import Checkpoint, open_checkpoint, rotation_text, unverified
from audit.errors import VerifyError
from audit.merkle import consistency_proof, leaf_hash, verify_consistency
from audit.progress import Progress, silent
from audit.signing import VerifierKey
from audit.store import Store, StoredTiles, newest_checkpoint
from audit.tables import transfer
from audit.tiles import (
    ENTRIES,
    HEIGHT,
    WIDTH,
    TileBuilder,
    TileId,
    TileSource,
    decode_bundle,
    level_size,
    node_source,
    split,
    width_at,
)

MAX_BUNDLE_BYTES = WIDTH * (2 + 65_535)


@dataclass(frozen=True, slots=True)
class Verified:
    """What holds. entries: how many; keys: the verifier keys that signed, the newest last; gaps: `gap` entries;
    open: transfers without an outcome yet (in flight, or waiting for the next start)."""

    checkpoint: Checkpoint
    keys: tuple[VerifierKey, ...]
    kinds: dict[str, int]
    gaps: int
    open: int


class Folder:
    """Tiles and bundles out of an export."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def checkpoint(self) -> bytes:
        """The signed note. Raises VerifyError where there is none."""
        return self._read("checkpoint", 65_536)

    def hashes(self, tile: TileId) -> bytes:
        """See TileSource."""
        data = self._widest(tile, WIDTH * 32)[: tile.width * 32]
        if len(data) != tile.width * 32:
            raise VerifyError(f"{tile.path} is cut", code="tile_cut", index=_first(tile))
        return data

    def bundle(self, tile: TileId) -> Sequence[bytes]:
        """See TileSource."""
        try:
            entries = decode_bundle(self._widest(tile, MAX_BUNDLE_BYTES))
        except VerifyError as error:
            raise VerifyError(f"{tile.path}: {error.message}", code=error.code, index=_first(tile)) from None
        if len(entries) < tile.width:
            missing = _first(tile) + len(entries)
            raise VerifyError(f"{tile.path} ends before entry {missing}", code="entry_missing", index=missing)
        return entries[: tile.width]

    def _widest(self, tile: TileId, longest: int) -> bytes:
        """The tile, or the full one that has replaced a partial one."""
        if tile.width < WIDTH and not (self.path / tile.path).exists():
            full = TileId(tile.level, tile.number)
            if (self.path / full.path).exists():
                tile = full
        return self._read(tile.path, longest, index=_first(tile))

    def _read(self, name: str, longest: int, index: int | None = None) -> bytes:
        try:
            with (self.path / name).open("rb") as file:
                data = file.read(longest + 1)
        except OSError as error:
            raise VerifyError(f"{name} cannot be read ({error.strerror})", code="missing", index=index) from None
        if len(data) > longest:
            raise VerifyError(f"{name} is too large", code="too_large", index=index)
        return data


def _first(tile: TileId) -> int:
    """Index of the first entry that a tile or bundle covers."""
    return tile.number << (HEIGHT * (max(tile.level, 0) + 1))


def verify_folder(
    path: Path, keys: Sequence[VerifierKey], *, kept: bytes | None = None, progress: Progress = silent
) -> Verified:
    """Verifies an export. keys: what the auditor holds. kept: an earlier checkpoint. Raises VerifyError."""
    folder = Folder(path)
    return verify(folder, folder.checkpoint(), keys, kept=kept, progress=progress)


def verify_store(
    store: Store, keys: Sequence[VerifierKey], *, kept: bytes | None = None, progress: Progress = silent
) -> Verified:
    """Verifies a database, and that what its questions are answered from agrees with its entries in number."""
    with store.read() as connection:
        note = newest_checkpoint(connection)
        if note is None:
            raise VerifyError("there is no log in this database", code="missing")
        found = verify(StoredTiles(connection), note, keys, kept=kept, progress=progress)
        rows = connection.execute(sa.select(sa.func.count()).select_from(transfer)).scalar_one()
        if rows != found.kinds.get("transfer", 0) + found.kinds.get("blocked", 0):
            raise VerifyError("the table of transfers does not agree with the log", code="index_differs")
    return found


def verify(
    source: TileSource,
    note: bytes,
    keys: Sequence[VerifierKey],
    *,
    kept: bytes | None = None,
    progress: Progress = silent,
) -> Verified:
    """Verifies a log from its tiles and its newest checkpoint. Raises VerifyError, which names the first bad entry.

    A key that was rotated away is as good as the newest one: the rotation stands in the log, signed by both.
    """
    content = Content()
    size = unverified(note).size
    root = _hash_all(source, size, content, progress)
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
    if kept is not None:
        check_kept(source, checkpoint, kept, chain)
    return Verified(checkpoint, chain, content.kinds, content.kinds.get("gap", 0), len(content.unfinished))


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
    """What the entries say of themselves, gathered while they pass."""

    kinds: dict[str, int] = field(default_factory=dict)
    rotations: list[dict[str, Any]] = field(default_factory=list)
    unfinished: set[tuple[str, int]] = field(default_factory=set)
    fault: VerifyError | None = None
    _seqs: dict[str, int] = field(default_factory=dict)

    def add(self, index: int, data: bytes) -> None:
        """Looks at one entry; keeps the first fault, because a wrong hash counts for more."""
        try:
            self._add(facts_of(data))
        except VerifyError as error:
            if self.fault is None:
                self.fault = VerifyError(f"entry {index}: {error.message}", code=error.code, index=index)

    def _add(self, facts: dict[str, Any]) -> None:
        kind = facts["kind"]
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        expected = self._seqs.get(facts["boot"], 0)
        self._seqs[facts["boot"]] = facts["node_seq"] + 1
        if facts["node_seq"] != expected:
            raise VerifyError("its sequence number does not follow the one before", code="sequence")
        if kind == "transfer":
            self.unfinished.add((facts["id"], facts["attempt"]))
        elif kind == "outcome":
            self.unfinished.discard((facts["id"], facts["attempt"]))
        elif kind == "key" and facts["event"] == "rotated":
            self.rotations.append(facts)


def _hash_all(source: TileSource, size: int, content: Content, progress: Progress) -> bytes:
    """Hashes every entry again and compares every tile; returns the root that the entries give."""
    builder = TileBuilder()
    for number in range(-(-size // WIDTH)):
        width = width_at(size, 0, number)
        said = split(source.hashes(TileId(0, number, width)))
        for offset, data in enumerate(source.bundle(TileId(ENTRIES, number, width))):
            index, leaf = number * WIDTH + offset, leaf_hash(data)
            if leaf != said[offset]:
                raise VerifyError(f"entry {index} is not the one that was signed", code="entry_differs", index=index)
            content.add(index, data)
            for tile, hashes in builder.append(leaf):
                _compare(source, tile, hashes)
        progress(number * WIDTH + width, size)
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
        old, new = VerifierKey.parse(rotation["old_vkey"]), VerifierKey.parse(rotation["new_vkey"])
        text = rotation_text(old, new)
        signatures = (base64.b64decode(rotation[name]) for name in ("old_signature", "new_signature"))
        if all(key.verifies(signature, text) for key, signature in zip((old, new), signatures, strict=True)):
            known = [key for key in (old, new) if key in found]
            found += [key for key in (old, new) if known and key not in found]
    return tuple(found)
