"""The tree as the database holds it: its newest checkpoint, its tiles and bundles, and what was sealed away."""

from collections.abc import Sequence
from functools import lru_cache

import orjson
import sqlalchemy as sa

from audit.errors import VerifyError
from audit.merkle import full_root
from audit.statements import Statement
from audit.tables import ACTS, entry, tile, tree
from audit.tiles import ENTRIES, WIDTH, TileId, split, tiles_of

_SPAN = (entry.c.idx >= sa.bindparam("start"), entry.c.idx < sa.bindparam("end"))
_LEAVES = sa.select(entry.c.leaf).where(*_SPAN).order_by(entry.c.idx)
_BODIES = sa.select(entry.c.body).where(*_SPAN).order_by(entry.c.idx)
_TILE = sa.select(tile.c.hashes).where(tile.c.level == sa.bindparam("level"), tile.c.number == sa.bindparam("number"))


@lru_cache(maxsize=8)
def _statements(dialect: sa.Dialect) -> tuple[Statement, Statement, Statement]:
    """What reads a full tile, leaf hashes, entries. Through SQLAlchemy a tile took as long as hashing its entries."""
    return Statement(_TILE, dialect), Statement(_LEAVES, dialect), Statement(_BODIES, dialect)


class StoredTiles:
    """Tiles and bundles out of the database; full tiles are rows, the partial ones are made from what they cover.

    roots: of full tiles below partial ones, which never change; for whoever asks again and again as the log grows.
    """

    def __init__(self, connection: sa.Connection, roots: dict[TileId, bytes] | None = None) -> None:
        self._connection = connection
        self._tile, self._leaves, self._bodies = _statements(connection.dialect)
        self._roots = {} if roots is None else roots

    def hashes(self, tile_id: TileId) -> bytes:
        """See TileSource."""
        start = tile_id.number * WIDTH
        if tile_id.width == WIDTH:
            data = b"".join([hashes for (hashes,) in self._tile.ask(self._connection, (tile_id.level, tile_id.number))])
        elif tile_id.level == 0:
            span = start, start + tile_id.width
            data = b"".join([leaf for (leaf,) in self._leaves.ask(self._connection, span)])
        else:
            children = range(start, start + tile_id.width)
            data = b"".join([self._root(TileId(tile_id.level - 1, child)) for child in children])
        if len(data) != tile_id.width * 32:
            raise VerifyError(f"{tile_id.path} is missing from the database", code="tile_missing")
        return data

    def _root(self, full: TileId) -> bytes:
        root = self._roots.get(full)
        if root is None:
            root = self._roots[full] = full_root(split(self.hashes(full)))
        return root

    def bundle(self, tile_id: TileId) -> Sequence[bytes]:
        """See TileSource."""
        start = tile_id.number * WIDTH
        found = [body for (body,) in self._bodies.ask(self._connection, (start, start + tile_id.width))]
        if len(found) != tile_id.width:
            raise VerifyError(f"entries of {tile_id.path} are missing from the database", code="entry_missing")
        return found


def newest_checkpoint(connection: sa.Connection) -> bytes | None:
    """The signed note that the newest transaction wrote, None in a new database."""
    return connection.execute(sa.select(tree.c.checkpoint)).scalar()


def sealed_below(connection: sa.Connection) -> int:
    """The index below which transfers were sealed into archives, a multiple of 256; 0 where nothing was."""
    rows = sa.select(entry.c.body).where(ACTS, entry.c.kind == "export")
    return max((orjson.loads(body).get("sealed", 0) for body in connection.execute(rows).scalars()), default=0)


def tiles_left(connection: sa.Connection, size: int, *, since: int = 0) -> list[TileId]:
    """`tiles_of` for this database: without the bundles whose entries were sealed away."""
    tiles = tiles_of(size, since=since)
    if since // WIDTH == size // WIDTH:  # only whole bundles are ever sealed away
        return tiles
    sealed = sealed_below(connection)
    return [tile for tile in tiles if tile.level != ENTRIES or tile.number * WIDTH >= sealed]
