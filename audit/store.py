"""The database behind the log: opening it, bringing its schema up to date, and the two ways into it.

`write()` holds the one lock under which indices are assigned (SQLite: BEGIN IMMEDIATE; PostgreSQL: an advisory lock),
so any number of processes may append. `read()` never waits for it. Error texts never hold parameters.
"""

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import orjson
import sqlalchemy as sa

from audit.errors import StoreError, VerifyError
from audit.kept import KEPT, Kept
from audit.merkle import full_root
from audit.statements import Statement
from audit.tables import ACTS, REVISION, entry, tile, tree
from audit.tiles import ENTRIES, WIDTH, TileId, split, tiles_of

BUSY_MS = 5_000
"""How long one process waits for another's transaction; a batch holds the lock for milliseconds."""
_ADVISORY_LOCK = 0x64726167  # "drag": the same number in every process that appends to one PostgreSQL database


class BusyError(StoreError):
    """The lock or the server was not to be had; nothing was written, and trying again can help."""

    code = "store_busy"


class Store:
    """One audit database. url: an SQLAlchemy URL. read_only: never creates, migrates or writes."""

    def __init__(self, url: str, *, read_only: bool = False) -> None:
        self.url = sa.make_url(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        kept = Kept()
        self._reader = _engine(self.url, kept, begin="BEGIN" if self.sqlite else None, read_only=read_only)
        self._writer: sa.Engine | None = None
        self._idle: list[sa.Connection] = []
        self._closed = False
        if not read_only:
            begin = "BEGIN IMMEDIATE" if self.sqlite else f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"
            self._writer = _engine(self.url, kept, begin=begin, read_only=False)

    @classmethod
    def open(cls, url: str, *, read_only: bool = False, migrate: bool = True) -> "Store":
        """Opens the database. migrate: create it, or bring its schema up to date; only for whoever serves the log.

        Raises StoreError, `store_schema` where the schema is another one and may not be changed.
        """
        migrate = migrate and not read_only
        if migrate:
            _create_file(url)
        store = cls(url, read_only=read_only)
        try:
            found = store.revision()
            if found != REVISION:
                if not migrate or (found is not None and found > REVISION):
                    raise StoreError(other_schema(found), code="store_schema")
                store._migrate()
        except sa.exc.SQLAlchemyError as error:
            store.close()
            raise StoreError(f"the audit database cannot be opened ({type(error).__name__}): {store.where}") from None
        except StoreError:
            store.close()
            raise
        return store

    @property
    def where(self) -> str:
        """The database in words that hold no password."""
        return self.url.render_as_string(hide_password=True)

    @property
    def dialect(self) -> sa.Dialect:
        """The database's kind, to compile statements for."""
        return self._reader.dialect

    def revision(self) -> str | None:
        """The schema's revision, None where there is no schema."""
        with self._reader.connect() as connection:
            if not sa.inspect(connection).has_table("alembic_version"):
                return None
            return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()

    def _migrate(self) -> None:
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        config.set_main_option("path_separator", "os")
        with self.write() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A transaction under the lock; commits at its end. Raises BusyError where nothing began."""
        if self._writer is None:
            raise StoreError("the audit database is open for reading only", code="store_read_only")
        with contextlib.ExitStack() as stack:
            try:
                connection = self._connect()
                stack.callback(connection.close)
                begun = connection.begin()
            except sa.exc.OperationalError as error:
                if _is_busy(error):
                    raise BusyError("another process keeps the audit database locked") from None
                if not self.sqlite:
                    # Before the transaction began: nothing is written, and the server may come back.
                    raise BusyError("the audit database does not answer") from None
                raise
            with begun:
                yield connection
            if self.sqlite:
                # To take one out of a pool and to give it back takes longer than to begin and to commit. A server may
                # go away meanwhile, which the pool finds out; a file does not.
                stack.pop_all()
                self._idle.append(connection)
                if self._closed:
                    self._close_idle()

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A transaction that sees one state and changes nothing."""
        with self._reader.connect() as connection, connection.begin():
            yield connection

    def forget_freed_pages(self) -> None:
        """Removes what was deleted from SQLite's write-ahead log as well; PostgreSQL's is the operator's to keep."""
        if self.sqlite and self._writer is not None:
            connection = self._writer.raw_connection()
            try:
                connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                connection.close()

    def close(self) -> None:
        """Gives every connection back."""
        self._closed = True
        self._close_idle()
        for engine in (self._reader, self._writer):
            if engine is not None:
                close_engine(engine)

    def _connect(self) -> sa.Connection:
        assert self._writer is not None
        try:
            return self._idle.pop()
        except IndexError:
            return self._writer.connect()

    def _close_idle(self) -> None:
        with contextlib.suppress(IndexError):  # another thread has taken it, and closes it
            while True:
                self._idle.pop().close()


_SPAN = (entry.c.idx >= sa.bindparam("start"), entry.c.idx < sa.bindparam("end"))
_LEAVES = sa.select(entry.c.leaf).where(*_SPAN).order_by(entry.c.idx)
_BODIES = sa.select(entry.c.body).where(*_SPAN).order_by(entry.c.idx)
_TILE = sa.select(tile.c.hashes).where(tile.c.level == sa.bindparam("level"), tile.c.number == sa.bindparam("number"))


class StoredTiles:
    """Tiles and bundles out of the database; full tiles are rows, the partial ones are made from what they cover.

    roots: of full tiles below partial ones, which never change; for whoever asks again and again as the log grows.
    """

    def __init__(self, connection: sa.Connection, roots: dict[TileId, bytes] | None = None) -> None:
        self._connection = connection
        self._bodies = Statement(_BODIES, connection.dialect)
        self._roots = {} if roots is None else roots

    def hashes(self, tile_id: TileId) -> bytes:
        """See TileSource."""
        start = tile_id.number * WIDTH
        if tile_id.width == WIDTH:
            found = self._connection.execute(_TILE, {"level": tile_id.level, "number": tile_id.number}).scalar()
            data = b"" if found is None else bytes(found)
        elif tile_id.level == 0:
            span = {"start": start, "end": start + tile_id.width}
            data = b"".join(self._connection.execute(_LEAVES, span).scalars())
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


def revision_of(url: str) -> str | None:
    """The schema's revision of a database that is left as it is; None where there is none. Raises StoreError."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").exists():
        return None
    store = Store(url, read_only=True)
    try:
        return store.revision()
    except sa.exc.SQLAlchemyError as error:
        raise StoreError(
            f"the audit database cannot be opened ({type(error).__name__}): {store.where}", code="store"
        ) from None
    finally:
        store.close()


def sqlite_url(path: Path) -> str:
    """The URL of an SQLite file."""
    return sa.URL.create("sqlite", database=str(path)).render_as_string(hide_password=False)


def close_engine(engine: sa.Engine) -> None:
    """Closes every connection, also those that come back later."""
    sa.event.listen(engine, "checkin", _close_late)
    engine.dispose()


def _close_late(_: object, record: sa.pool.ConnectionPoolEntry) -> None:
    # A thread that was at work when its store was closed gives its connection back to a pool that nobody empties.
    record.invalidate()


def _is_busy(error: sa.exc.OperationalError) -> bool:
    return isinstance(error.orig, sqlite3.OperationalError) and error.orig.sqlite_errorcode & 0xFF in {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
    }


def other_schema(found: str | None) -> str:
    """What to do about a database whose schema is not this release's."""
    text = f"the audit database has schema {found or 'none'}, this release reads {REVISION}"
    older = found is not None and found < REVISION
    return f"{text}; `dragoman run` brings it there when it starts, or `dragoman audit migrate`" if older else text


def _create_file(url: str) -> None:
    """Creates an SQLite file that only its owner may read; the -wal and -shm files take over its mode."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        os.close(os.open(parsed.database, os.O_RDWR | os.O_CREAT, 0o600))


def _engine(url: sa.URL, kept: Kept, *, begin: str | None, read_only: bool) -> sa.Engine:
    options = {KEPT: kept}
    if url.get_backend_name() == "sqlite":
        engine = _sqlite_engine(url, options, read_only=read_only)
    else:
        # Reading sees one state, as on SQLite; writing has to see what was committed while it waited for the lock.
        level = "READ COMMITTED" if begin else "REPEATABLE READ"
        engine = sa.create_engine(
            url, isolation_level=level, hide_parameters=True, pool_pre_ping=True, pool_size=4, execution_options=options
        )
    if begin is not None:
        statement = begin
        if url.get_backend_name() == "sqlite":
            sa.event.listen(engine, "begin", lambda connection: _begin(connection, statement))
        else:
            sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(statement))
    return engine


def _begin(connection: sa.Connection, statement: str) -> None:
    """Says it to the driver: through SQLAlchemy it takes as long as a lonely commit's whole work in the database."""
    try:
        connection.connection.driver_connection.execute(statement)  # type: ignore[union-attr]
    except sqlite3.Error as error:
        raise sa.exc.DBAPIError.instance(statement, None, error, sqlite3.Error, hide_parameters=True) from None


def _sqlite_engine(url: sa.URL, options: dict[str, Kept], *, read_only: bool) -> sa.Engine:
    path = Path(url.database or "").absolute()

    def connect() -> sqlite3.Connection:
        mode = "ro" if read_only else "rw"
        connection = sqlite3.connect(
            f"{path.as_uri()}?mode={mode}", uri=True, isolation_level=None, check_same_thread=False
        )
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        if not read_only:
            use_wal(connection)
            for pragma in PRAGMAS:
                connection.execute(pragma)
        return connection

    return sa.create_engine(
        "sqlite://",
        creator=connect,
        poolclass=sa.QueuePool,
        pool_size=4,
        hide_parameters=True,
        execution_options=options,
    )


def use_wal(connection: sqlite3.Connection) -> None:
    """Turns write-ahead logging on, which a file remembers. Raises sqlite3.OperationalError.

    Here SQLite does not wait for a lock, whatever `busy_timeout` says: of processes that open a new file together one
    fails now and then.
    """
    until = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


PRAGMAS = (
    # FULL: a commit returns when the log is on the disk, which is what an acknowledged record means.
    "PRAGMA synchronous = FULL",
    # Four times the default: hot pages are copied back once for 16 MB of log instead of once for 4 MB, which takes a
    # third off the slowest lonely appends (p99 11.9 to 7.9 ms, interleaved) and a fifth off the median batch of 64.
    "PRAGMA wal_autocheckpoint = 4000",
    # A destroyed reference must not live on in free pages.
    "PRAGMA secure_delete = ON",
    "PRAGMA cache_size = -32768",
)
