"""The vault's database: connections, transactions and the schema's version. SQLite embedded, PostgreSQL shared.

Alembic is only imported when the schema is not current. Whatever the database raises leaves as VaultError, without
the statement and its values.
"""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from redaction.errors import VaultError

REVISION: Final = "0004"
"""The newest schema; a test holds it against the migrations."""
VERSION_TABLE: Final = "vault_version"
_WAIT_MS: Final = 10_000  # for another process's transaction; ours take milliseconds
_WORDS: Final = {
    sqlite3.SQLITE_FULL: "no room is left on its disk",
    sqlite3.SQLITE_IOERR: "its disk is full or fails",  # SQLite says so as well where no room is left for its journal
    sqlite3.SQLITE_READONLY: "it may not be written",
    sqlite3.SQLITE_CANTOPEN: "its file cannot be opened",
    sqlite3.SQLITE_CORRUPT: "its file is damaged",
    sqlite3.SQLITE_NOTADB: "its file is no database",
    sqlite3.SQLITE_BUSY: "another process keeps it locked",
}
_MIGRATION_LOCK: Final = 0x6472_6167_7661_756C  # "dragvaul", PostgreSQL's advisory lock while migrating


class Database:
    """One vault database. url: an SQLAlchemy URL. Raises VaultError `unavailable` or `schema` when opened."""

    def __init__(self, url: str) -> None:
        self._url = sa.make_url(url)
        self.sqlite = self._url.get_backend_name() == "sqlite"
        if self.sqlite:
            self._create_file()
        self._engine = sa.create_engine(self._url, pool_pre_ping=not self.sqlite, hide_parameters=True)
        if self.sqlite:
            sa.event.listen(self._engine, "connect", _sqlite_connect)
            sa.event.listen(self._engine, "begin", _sqlite_begin)
        # Reading needs no transaction: each statement sees one state.
        self._reader = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        try:
            self._bring_up_to_date()
        except BaseException:
            self.close()
            raise

    @property
    def where(self) -> str:
        """The database in words that hold no password."""
        return self._url.render_as_string(hide_password=True)

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection for single statements that change nothing."""
        with self._told(), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A transaction; durable when it ends, undone when it raises."""
        with self._told(), self._engine.begin() as connection:
            yield connection

    def forget_freed_pages(self) -> None:
        """Remove what was deleted from SQLite's write-ahead log as well; PostgreSQL's is the operator's to keep."""
        if self.sqlite:
            with self.read() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Give every connection back."""
        sa.event.listen(self._engine, "checkin", _close_late)
        self._engine.dispose()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.SQLAlchemyError as error:
            raise VaultError(f"the vault does not answer ({_why(error)}): {self.where}", code="unavailable") from None

    def _create_file(self) -> None:
        """The database file, for its owner alone; SQLite gives its journal files the same mode."""
        if not self._url.database or self._url.database == ":memory:":
            return
        path = Path(self._url.database)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            reason = f"{type(error).__name__}: {error.strerror}"
            raise VaultError(f"the vault cannot be opened ({reason}): {path}", code="unavailable") from None

    def _bring_up_to_date(self) -> None:
        with self.read() as connection:
            found = _revision(connection)
        if found == REVISION:
            return
        if found is not None and found > REVISION:
            raise VaultError(
                f"the vault has schema {found}, this release knows {REVISION}: use a newer release", code="schema"
            )
        self._migrate()

    def _migrate(self) -> None:
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        config.set_main_option("path_separator", "os")
        with self.write() as connection:
            if not self.sqlite:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
            if _revision(connection) != REVISION:  # another process may have been faster
                config.attributes["connection"] = connection
                command.upgrade(config, "head")


def _why(error: sa.exc.SQLAlchemyError) -> str:
    """What is known about it in words for whoever has to mend it; its own may hold anything."""
    cause = getattr(error, "orig", None) or error
    if not isinstance(cause, sqlite3.Error) or not hasattr(cause, "sqlite_errorcode"):
        return type(cause).__name__
    return _WORDS.get(cause.sqlite_errorcode & 0xFF, cause.sqlite_errorname)


def _close_late(_: object, record: sa.pool.ConnectionPoolEntry) -> None:
    # A thread that was at work when its store was closed gives its connection back to a pool that nobody empties.
    record.invalidate()


def insert_if_free(connection: sa.Connection, table: sa.Table) -> sa.Insert:
    """INSERT that leaves a row alone which is there already, another transaction's included."""
    return _if_free(connection.dialect.name, table)


@lru_cache(maxsize=32)
def _if_free(dialect: str, table: sa.Table) -> sa.Insert:
    """Kept, because making one costs as much as running it."""
    if dialect == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing()
    return postgresql.insert(table).on_conflict_do_nothing()


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(sa.select(sa.column("version_num")).select_from(sa.table(VERSION_TABLE))).scalar()


def _sqlite_connect(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where we say so
    cursor = connection.cursor()
    _use_wal(cursor)
    for pragma in (
        f"busy_timeout={_WAIT_MS}",
        "synchronous=FULL",  # a placeholder that left must still be known after a power cut
        "foreign_keys=ON",
        "secure_delete=ON",  # shredded keys do not stay in freed pages
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _use_wal(cursor: sqlite3.Cursor) -> None:
    # Here SQLite does not wait for a lock, whatever `busy_timeout` says: of processes that open a new file together one
    # fails now and then.
    until = time.monotonic() + _WAIT_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def _sqlite_begin(connection: sa.Connection) -> None:
    # At once for writing: a transaction that begins by reading would fail instead of waiting.
    # (SQLite itself cannot say that a connection commits by itself; the option we opened it with can.)
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
