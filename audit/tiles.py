"""Tiles and entry bundles (C2SP tlog-tiles): the tree and its entries as small files that any static server can serve.

A tile holds up to 256 hashes, a bundle up to 256 entries. Full ones never change; partial ones belong to one size of
the tree. Everything here is derived: from a database, from a directory, or from appends as they come.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from audit.errors import VerifyError
from audit.merkle import HASH_BYTES, Frontier, NodeSource, fold, full_root, root_of

HEIGHT = 8
WIDTH = 1 << HEIGHT
MAX_LEVELS = 6
"""256^6 entries are more than any log will have."""


@dataclass(frozen=True, slots=True, order=True)
class TileId:
    """Which tile: level, number, and width 1 to 256 (less than 256 is partial). Level -1 is an entry bundle."""

    level: int
    number: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Path in an export, `tile/0/x001/067` or `tile/entries/000.p/5`."""
        groups = [f"{self.number % 1000:03d}"]
        rest = self.number // 1000
        while rest:
            groups.append(f"x{rest % 1000:03d}")
            rest //= 1000
        level = "entries" if self.level == ENTRIES else str(self.level)
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{level}/{'/'.join(reversed(groups))}{partial}"


ENTRIES = -1


class TileSource(Protocol):
    """Where tiles and bundles come from. Raises VerifyError where one is missing."""

    def hashes(self, tile: TileId) -> bytes:
        """The hashes of a tile, 32 bytes each."""
        ...

    def bundle(self, tile: TileId) -> Sequence[bytes]:
        """The entries of a bundle."""
        ...


def level_size(size: int, level: int) -> int:
    """How many hashes level `level` has in a tree of that size: subtrees of 256^level leaves that are full."""
    return size >> (HEIGHT * level)


def width_at(size: int, level: int, number: int) -> int:
    """Width of a tile in a tree of that size, 0 where it has none. Bundles are as wide as tiles of level 0."""
    return max(0, min(WIDTH, level_size(size, max(level, 0)) - number * WIDTH))


def tiles_of(size: int, *, since: int = 0) -> list[TileId]:
    """Every tile and bundle of a tree, less those that were already full when it had `since` entries."""
    return list(each_tile(size, since=since))


def each_tile(size: int, *, since: int = 0) -> Iterator[TileId]:
    """The same one by one: a log of ten million entries has eighty thousand."""
    for level in (ENTRIES, *range(MAX_LEVELS)):
        at = max(level, 0)
        first, last = level_size(since, at) // WIDTH, -(-level_size(size, at) // WIDTH)
        for number in range(first, last):
            yield TileId(level, number, width_at(size, level, number))


def partial_tiles(size: int) -> list[TileId]:
    """The tiles and the bundle of a tree that are not full: at most one for each level."""
    found = []
    for level in (ENTRIES, *range(MAX_LEVELS)):
        number, width = divmod(level_size(size, max(level, 0)), WIDTH)
        if width:
            found.append(TileId(level, number, width))
    return found


def split(hashes: bytes) -> list[bytes]:
    """Hashes of 32 bytes that lie one after another."""
    return [hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)]


def encode_bundle(entries: Iterable[bytes]) -> bytes:
    """An entry bundle: for each entry its length in two bytes, big-endian, then the entry."""
    parts: list[bytes] = []
    for entry in entries:
        parts += len(entry).to_bytes(2, "big"), entry
    return b"".join(parts)


def decode_bundle(data: bytes) -> list[bytes]:
    """The entries of a bundle. Raises VerifyError where it is cut or too long."""
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if end > len(data) or at + 2 > len(data) or len(entries) == WIDTH:
            raise VerifyError("an entry bundle is cut or too long", code="bundle_malformed")
        entries.append(data[at + 2 : end])
        at = end
    return entries


def node_source(source: TileSource, size: int) -> NodeSource:
    """The hashes of full subtrees, for proofs in a tree of that size; each tile is read once."""
    read: dict[TileId, list[bytes]] = {}

    def node(level: int, index: int) -> bytes:
        up, inside = divmod(level, HEIGHT)
        start = index << inside
        number, offset = divmod(start, WIDTH)
        tile = TileId(up, number, width_at(size, up, number))
        if tile not in read:
            read[tile] = split(source.hashes(tile))
        return root_of(read[tile][offset : offset + (1 << inside)])

    return node


def _peaks(row: Sequence[bytes]) -> tuple[bytes, ...]:
    frontier = Frontier()
    for item in row:
        frontier.append(item)
    return frontier.peaks


@dataclass(slots=True)
class TileBuilder:
    """The hashes of every tile that is not full yet, level by level; hands out tiles as they become full."""

    size: int = 0
    levels: list[list[bytes]] = field(default_factory=list)

    def append(self, leaf: bytes, roots: Sequence[bytes] = ()) -> list[tuple[TileId, bytes]]:
        """Adds the hash of one more leaf; returns the tiles that it completes, with their hashes.

        roots: over those tiles, where they are known, as `Frontier.append` returns them for `HEIGHT`.
        """
        self.size += 1
        if self.levels and len(self.levels[0]) < WIDTH - 1:
            self.levels[0].append(leaf)
            return []
        return self._add(0, leaf, roots)

    def append_bundle(self, root: bytes) -> list[tuple[TileId, bytes]]:
        """Adds 256 leaves at once by the root over them, where the size is a multiple of 256; returns the tiles above
        the leaves that it completes."""
        if self.size % WIDTH:
            raise ValueError("a bundle goes where a bundle ends")
        self.size += WIDTH
        return self._add(1, root)

    def _add(self, level: int, item: bytes, roots: Sequence[bytes] = ()) -> list[tuple[TileId, bytes]]:
        full: list[tuple[TileId, bytes]] = []
        while True:
            while level >= len(self.levels):
                self.levels.append([])
            row = self.levels[level]
            row.append(item)
            if len(row) < WIDTH:
                return full
            full.append((TileId(level, level_size(self.size, level) // WIDTH - 1), b"".join(row)))
            item = roots[level] if level < len(roots) else full_root(row)
            row.clear()
            level += 1

    def root(self) -> bytes:
        """The root of the tree as it stands: the peaks of each level's hashes, the highest level first."""
        return fold([peak for row in reversed(self.levels) for peak in _peaks(row)])

    @classmethod
    def load(cls, source: TileSource, size: int) -> "TileBuilder":
        """The builder of a tree that exists."""
        levels = []
        for level in range(MAX_LEVELS):
            number = level_size(size, level) // WIDTH
            width = width_at(size, level, number)
            levels.append(split(source.hashes(TileId(level, number, width))) if width else [])
        return cls(size, levels)

    def copy(self) -> "TileBuilder":
        """Another builder of the same state."""
        return TileBuilder(self.size, [list(row) for row in self.levels])
