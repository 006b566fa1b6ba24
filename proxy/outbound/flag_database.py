"""What persons said about the use of their data, asked of a database of the company with one prepared statement.

Identifiers enter as bound values, never as text of the statement; flags come back and are kept for at most 60 seconds.
The connection can only read and gives up in time; whatever goes wrong makes everybody unknown, which the policy's rules
have to speak about.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import sqlalchemy as sa

from policies.declared import SubjectSource
from policies.model import SubjectFacts
from proxy.config import secret
from proxy.errors import ConfigError
from proxy.identity import Subject
from proxy.steps.flag_facts import Remembered

TIMEOUT_S = 2.0
"""A transfer waits for it; an answer that takes longer is none."""
CONNECTIONS = 4
FLAGS = ("consent", "objected", "minor")
_STEPS = 10_000  # of SQLite's virtual machine between two looks at the clock; well under a millisecond


class FlagDatabase:
    """One row per person, with columns `consent`, `objected`, `minor`, or some of them.

    databases: name -> reference of a URL (`postgresql://` or `sqlite:///`). observe: counts what went wrong.
    """

    def __init__(
        self,
        databases: Mapping[str, str],
        observe: Callable[[str, str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._databases, self._observe = databases, observe
        self._engines: dict[str, sa.Engine] = {}
        self._known = Remembered(clock)
        self._threads = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="flags")

    async def look_up(
        self, source: SubjectSource, subjects: Sequence[Subject], purpose: str
    ) -> tuple[SubjectFacts, ...]:
        """The facts of each subject, in order."""

        async def ask(identifiers: Sequence[str]) -> Mapping[str, Any]:
            try:
                async with asyncio.timeout(TIMEOUT_S):
                    loop = asyncio.get_running_loop()
                    return await loop.run_in_executor(self._threads, self._ask, source, identifiers, purpose)
            except (sa.exc.SQLAlchemyError, ConfigError, TimeoutError, ValueError):
                # Its text may quote the statement's values.
                self._observe("flags_unreadable", "sql")
                return {}

        return await self._known.facts(source, subjects, purpose, ask)

    def close(self) -> None:
        """Ends the connections; waits for statements that run, at most as long as they may."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        for engine in self._engines.values():
            engine.dispose()

    def _ask(self, source: SubjectSource, identifiers: Sequence[str], purpose: str) -> Mapping[str, Any]:
        statement, until = sa.text(source.query), time.monotonic() + TIMEOUT_S
        values = {"purpose": purpose} if "purpose" in statement.compile().params else {}
        found: dict[str, Any] = {}
        with self._engine(source.at).connect() as connection:
            for one in identifiers:
                rows = connection.execute(statement, {"subject": one, **values}).mappings().fetchmany(2)
                # Two rows could say different things, so they say nothing.
                found[one] = _entry(rows[0]) if len(rows) == 1 else None
                if time.monotonic() > until:
                    raise TimeoutError
            connection.rollback()
        return found

    def _engine(self, name: str) -> sa.Engine:
        engine = self._engines.get(name)
        if engine is None:
            engine = self._engines.setdefault(name, reading_engine(name, self._databases))
        return engine


def reading_engine(name: str, databases: Mapping[str, str]) -> sa.Engine:
    """An engine whose connections cannot write. Raises ConfigError, which never shows the URL."""
    if name not in databases:
        raise ConfigError(f"there is no database '{name[:60]}' among `flag_databases`")
    try:
        url = sa.make_url(secret(databases[name]))
    except sa.exc.ArgumentError:
        raise ConfigError(f"flag_databases: {name}: write postgresql://USER:PASSWORD@HOST/DATABASE") from None
    pool: dict[str, Any] = {"pool_size": CONNECTIONS, "max_overflow": 0, "pool_timeout": TIMEOUT_S}
    if url.get_backend_name() == "sqlite":
        file = sa.make_url("sqlite:///").set(database=f"file:{url.database}", query={"mode": "ro", "uri": "true"})
        engine = sa.create_engine(file, poolclass=sa.QueuePool, **pool)
        sa.event.listen(engine, "connect", _sqlite_reads)
        sa.event.listen(engine, "before_cursor_execute", _sqlite_ends)
        return engine
    if url.get_backend_name() not in {"postgresql", "postgres"}:
        raise ConfigError(f"flag_databases: {name}: only PostgreSQL and SQLite are read")
    patience = {
        "connect_timeout": "2",
        "options": f"-c default_transaction_read_only=on -c statement_timeout={int(TIMEOUT_S * 1000)}",
    }
    url = url.set(drivername="postgresql+psycopg").update_query_dict(patience)
    try:
        # Prepared at its first use, not at its fifth; a connection that went away is noticed before it is used.
        return sa.create_engine(url, connect_args={"prepare_threshold": 0}, pool_pre_ping=True, **pool)
    except ImportError:
        raise ConfigError(
            "flag_databases: the driver for PostgreSQL is missing; install dragoman[postgresql]"
        ) from None


def _entry(row: sa.RowMapping) -> dict[str, Any]:
    """A row's flags; databases without a boolean type say 0 and 1."""
    entry = {name: row[name] for name in FLAGS if name in row}
    return {
        name: bool(value) if name != "consent" and isinstance(value, int) else value for name, value in entry.items()
    }


def _sqlite_reads(connection: Any, _: object) -> None:
    connection.execute("PRAGMA query_only=ON")
    connection.execute("PRAGMA busy_timeout=1000")


def _sqlite_ends(connection: Any, *_: object) -> None:
    """A statement that takes too long is ended, so that its thread comes back."""
    until = time.monotonic() + TIMEOUT_S
    connection.connection.dbapi_connection.set_progress_handler(lambda: int(time.monotonic() > until), _STEPS)
