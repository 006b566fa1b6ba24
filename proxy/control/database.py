"""The database behind the control store: SQLite in the home folder, or a PostgreSQL that several machines share.

`read` and `write` are the two ways in; what the driver says in an error goes no further than its kind, because it may
name hosts and users. The schema is brought up to date when the database is opened.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from audit.engines import close_engine, use_wal
from audit.trouble import why
from proxy.errors import ConfigError, UnavailableError

HEAD = "0009"
"""The newest schema; a test holds it against the migrations."""
_READS = "dragoman_reads"
"""Execution option of connections that change nothing."""
_MIGRATION_LOCK = 0x64726163  # one number in every process that brings one PostgreSQL database up to date


class ControlDatabase:
    """One control database. url: SQLAlchemy's. Synchronous, safe between threads and processes."""

    def __init__(self, url: str) -> None:
        self._url = sa.make_url(url)
        self.sqlite = self._url.get_backend_name() == "sqlite"
        if self.sqlite and self._url.database:
            _create_file(Path(self._url.database))
        self._engine = sa.create_engine(self._url, hide_parameters=True, pool_pre_ping=not self.sqlite, pool_size=4)
        if self.sqlite:
            sa.event.listen(self._engine, "connect", _sqlite_settings)
            sa.event.listen(self._engine, "begin", _sqlite_begin)
        self._reader = self._engine.execution_options(**{_READS: True})
        try:
            self._migrate()
        except BaseException:
            self.close()
            raise

    @property
    def version_table(self) -> str:
        """Where the schema's revision stands; a PostgreSQL database may hold the log's beside it."""
        return "alembic_version" if self.sqlite else "control_alembic_version"

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection that sees one state. Raises UnavailableError."""
        with self._told(), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A transaction; durable when it ends. Raises UnavailableError, and then nothing was written."""
        with self._told(), self._engine.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close every connection."""
        close_engine(self._engine)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.SQLAlchemyError as error:
            where = self._url.render_as_string(hide_password=True)
            text = f"the control database does not answer ({why(error)}): {where}"
            raise UnavailableError(text, code="control_away") from None

    def _migrate(self) -> None:
        """Bring the schema up to date; costs one query when it is (loading Alembic takes 0.2 s)."""
        with self.read() as connection:
            if self._is_current(connection):
                return
        with self.write() as connection:
            if not self.sqlite:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
            if not self._is_current(connection):  # another process may have been faster
                _upgrade(connection, self.version_table)

    def _is_current(self, connection: sa.Connection) -> bool:
        if not sa.inspect(connection).has_table(self.version_table):
            return False
        version = sa.select(sa.column("version_num", sa.String)).select_from(sa.table(self.version_table))
        return connection.execute(version).scalar() == HEAD


def file_url(home: Path) -> str:
    """The URL of the file in a home folder, which is made when it is not there."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    return sa.URL.create("sqlite", database=str(home / "control.db")).render_as_string(hide_password=False)


def insert_if_free(connection: sa.Connection, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """INSERT that leaves a row alone which is there already, another transaction's included; its `rowcount` says so.

    Without being asked SQLAlchemy forgets the count of an INSERT, which on PostgreSQL then is -1.
    """
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    return insert(table).on_conflict_do_nothing().execution_options(preserve_rowcount=True)


def _create_file(path: Path) -> None:
    """For its owner only; SQLite gives its journal the mode of the database."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    path.chmod(0o600)


def _upgrade(connection: sa.Connection, version_table: str) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", "proxy.control:migrations")
    config.attributes["connection"] = connection
    config.attributes["version_table"] = version_table
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise ConfigError(
            "the control database was written by a newer dragoman; start that version, or restore a backup"
        ) from error


def _sqlite_settings(connection: sqlite3.Connection, _: object) -> None:
    # Transactions begin where we say so: by itself Python's driver begins none for what changes a schema, and a
    # migration that a full disk broke off stayed half done for good.
    connection.isolation_level = None
    use_wal(connection)
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA busy_timeout=5000")
    cursor.close()


def _sqlite_begin(connection: sa.Connection) -> None:
    # At once for writing: a transaction that begins by reading would fail instead of waiting.
    connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get(_READS) else "BEGIN IMMEDIATE")
