"""Engines on SQLite and PostgreSQL: how a connection to the audit database is opened, and how a transaction begins."""

import os
import sqlite3
import time
from pathlib import Path
from typing import Literal

import sqlalchemy as sa

from audit.sums.kept import KEPT, Kept

BUSY_MS = 5_000
"""How long one process waits for another's transaction; a batch holds the lock for milliseconds."""
_ADVISORY_LOCK = 0x64726167  # "drag": the same number in every process that appends to one PostgreSQL database


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


def is_busy(error: sa.exc.OperationalError) -> bool:
    """Whether SQLite says that somebody else has the lock."""
    return isinstance(error.orig, sqlite3.OperationalError) and error.orig.sqlite_errorcode & 0xFF in {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
    }


def create_file(url: str) -> None:
    """Creates an SQLite file that only its owner may read; the -wal and -shm files take over its mode."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        os.close(os.open(parsed.database, os.O_RDWR | os.O_CREAT, 0o600))


def reading_engine(url: sa.URL, kept: Kept, *, read_only: bool) -> sa.Engine:
    """For transactions that see one state. read_only: the file is opened so."""
    if url.get_backend_name() != "sqlite":
        return _server_engine(url, kept, "REPEATABLE READ")
    engine = _sqlite_engine(url, kept, read_only=read_only)
    sa.event.listen(engine, "begin", lambda connection: _begin(connection, "BEGIN"))
    return engine


def writing_engine(url: sa.URL, kept: Kept) -> sa.Engine:
    """For transactions of which one is open at a time, whatever process begins them."""
    if url.get_backend_name() != "sqlite":
        # Reading sees one state; writing has to see what was committed while it waited for the lock.
        engine = _server_engine(url, kept, "READ COMMITTED")
        lock = f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"
        sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(lock))
        return engine
    engine = _sqlite_engine(url, kept, read_only=False)
    sa.event.listen(engine, "begin", lambda connection: _begin(connection, "BEGIN IMMEDIATE"))
    return engine


def _server_engine(url: sa.URL, kept: Kept, level: Literal["READ COMMITTED", "REPEATABLE READ"]) -> sa.Engine:
    return sa.create_engine(
        url,
        isolation_level=level,
        hide_parameters=True,
        pool_pre_ping=True,
        pool_size=4,
        execution_options={KEPT: kept},
    )


def _begin(connection: sa.Connection, statement: str) -> None:
    """Says it to the driver: through SQLAlchemy it takes as long as a lonely commit's whole work in the database."""
    try:
        connection.connection.driver_connection.execute(statement)  # type: ignore[union-attr]
    except sqlite3.Error as error:
        raise sa.exc.DBAPIError.instance(statement, None, error, sqlite3.Error, hide_parameters=True) from None


def _sqlite_engine(url: sa.URL, kept: Kept, *, read_only: bool) -> sa.Engine:
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
        execution_options={KEPT: kept},
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
