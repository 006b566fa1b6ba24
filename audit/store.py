"""The database behind the log: opening it, bringing its schema up to date, and the two ways into it.

`write()` holds the one lock under which indices are assigned (SQLite: BEGIN IMMEDIATE; PostgreSQL: an advisory lock),
so any number of processes may append. `read()` never waits for it. Error texts never hold parameters.
"""

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from audit.engines import close_engine, create_file, is_busy, reading_engine, writing_engine
from audit.errors import StoreError
from audit.sums.kept import Kept
from audit.tables import REVISION
from audit.trouble import why


class BusyError(StoreError):
    """The lock or the server was not to be had; nothing was written, and trying again can help."""

    code = "store_busy"


class Store:
    """One audit database. url: an SQLAlchemy URL. read_only: never creates, migrates or writes."""

    def __init__(self, url: str, *, read_only: bool = False) -> None:
        self.url = sa.make_url(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        kept = Kept()
        self._reader = reading_engine(self.url, kept, read_only=read_only)
        self._writer: sa.Engine | None = None
        self._idle: list[sa.Connection] = []
        self._closed = False
        if not read_only:
            self._writer = writing_engine(self.url, kept)

    @classmethod
    def open(cls, url: str, *, read_only: bool = False, migrate: bool = True) -> "Store":
        """Opens the database. migrate: create it, or bring its schema up to date; only for whoever serves the log.

        Raises StoreError, `store_schema` where the schema is another one and may not be changed.
        """
        migrate = migrate and not read_only
        if migrate:
            create_file(url)
        store = cls(url, read_only=read_only)
        try:
            found = store.revision()
            if found != REVISION:
                if not migrate or (found is not None and found > REVISION):
                    raise StoreError(other_schema(found), code="store_schema")
                store._migrate()
        except sa.exc.SQLAlchemyError as error:
            store.close()
            raise StoreError(f"the audit database cannot be opened ({why(error)}): {store.where}") from None
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
                if is_busy(error):
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


def revision_of(url: str) -> str | None:
    """The schema's revision of a database that is left as it is; None where there is none. Raises StoreError."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").exists():
        return None
    store = Store(url, read_only=True)
    try:
        return store.revision()
    except sa.exc.SQLAlchemyError as error:
        raise StoreError(f"the audit database cannot be opened ({why(error)}): {store.where}", code="store") from None
    finally:
        store.close()


def other_schema(found: str | None) -> str:
    """What to do about a database whose schema is not this release's."""
    text = f"the audit database has schema {found or 'none'}, this release reads {REVISION}"
    if found is None or found > REVISION:
        return f"{text}; start the version that wrote it, or restore a backup"
    return f"{text}; `dragoman run` brings it there when it starts, or `dragoman audit migrate`"
