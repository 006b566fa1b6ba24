"""An export on disk as a source of tiles: what is missing, cut or too large is named, and nothing else is trusted."""

from collections.abc import Sequence
from pathlib import Path

from audit.errors import VerifyError
from audit.tiles import ENTRIES, HEIGHT, WIDTH, TileId, decode_bundle, width_at

MAX_BUNDLE_BYTES = WIDTH * (2 + 65_535)


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

    def first(self, size: int) -> int:
        """Index of the first entry that is there; a log may begin later once its begin was sealed into an archive."""
        numbers = range(-(-size // WIDTH))
        paths = ((number, TileId(ENTRIES, number, width_at(size, ENTRIES, number)).path) for number in numbers)
        return next((number * WIDTH for number, path in paths if (self.path / path).exists()), 0)

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
