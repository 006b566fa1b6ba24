"""The writer's statements, compiled once for each dialect and run on the driver.

SQLAlchemy makes the text and keeps the transaction; between a row and the driver it would cost more than the database
itself (a third of an append, measured), and an append is the one place where that counts. Rows are tuples in the order
of a statement's parameters.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.engine.interfaces import DBAPICursor

from audit.sums.tables import ADDED, holder
from audit.tables import entry, finding, reference, subject, tile, transfer, tree

type Row = tuple[Any, ...]

_AT_ONCE = (64, 32, 16, 8, 4, 2, 1)
"""Rows of one INSERT on SQLite: its driver offers the interpreter to other threads at each statement, two hundred
times for a batch of 64. Beside the loop and the publisher appends took 7 to 12 % less CPU so; alone it is the same."""


class Statement:
    """One statement that takes many rows. names: its parameters, in their order."""

    def __init__(self, statement: sa.Insert | sa.Update | sa.Select[Any], dialect: sa.Dialect) -> None:
        assert dialect.dbapi is not None, "the dialect of a database that is open"
        self._error = dialect.dbapi.Error
        if dialect.name == "postgresql":
            # Parameters by position, as SQLite has them.
            dialect = psycopg.PGDialect_psycopg(paramstyle="format")  # type: ignore[no-untyped-call]
        compiled = statement.compile(dialect=dialect)
        self._text = str(compiled)
        self.names = tuple(compiled.positiontup or ())
        self._texts = _at_once(self._text, len(self.names)) if dialect.name == "sqlite" else {}

    def run(self, connection: sa.Connection, rows: Sequence[Row]) -> None:
        """Runs it for every row; does nothing for none."""
        if not rows:
            return
        with self._cursor(connection) as cursor:
            if len(rows) == 1:
                cursor.execute(self._text, rows[0])
            elif not self._texts:
                cursor.executemany(self._text, rows)
            else:
                at = 0
                for size in _AT_ONCE:
                    while len(rows) - at >= size:
                        cursor.execute(self._texts[size], tuple(chain.from_iterable(rows[at : at + size])))
                        at += size

    def ask(self, connection: sa.Connection, row: Row = ()) -> list[Row]:
        """Runs it once, for its answer."""
        with self._cursor(connection) as cursor:
            cursor.execute(self._text, row)
            return cast("list[Row]", cursor.fetchall())

    @contextmanager
    def _cursor(self, connection: sa.Connection) -> Iterator[DBAPICursor]:
        """The driver's own. Its errors leave as SQLAlchemy's, without parameters."""
        cursor = connection.connection.cursor()
        try:
            yield cursor
        except self._error as error:
            raise sa.exc.DBAPIError.instance(self._text, None, error, self._error, hide_parameters=True) from None
        finally:
            cursor.close()


def _at_once(text: str, parameters: int) -> dict[int, str]:
    """The text of an INSERT for so many rows; empty for what is none."""
    row = f"({', '.join('?' * parameters)})"
    before, values, after = text.partition(f"VALUES {row}")
    return {size: f"{before}VALUES {', '.join([row] * size)}{after}" for size in _AT_ONCE} if values else {}


class Statements:
    """Everything that the writer says to one database."""

    def __init__(self, dialect: sa.Dialect) -> None:
        plain = (entry, tile, transfer, finding, subject)
        self.insert = {table.name: Statement(sa.insert(table), dialect) for table in plain}
        # Idempotent: a process that lost its way to the writer sends what it made once more.
        once = _insert(reference, dialect).on_conflict_do_nothing()
        self.insert[reference.name] = Statement(once, dialect)
        self.add = {table.name: Statement(_adding(table, dialect), dialect) for table in ADDED}
        self.know = Statement(_insert(holder, dialect).on_conflict_do_nothing(index_elements=[holder.c.id]), dialect)
        self.close = Statement(_closing(), dialect)
        self.state = Statement(
            sa.select(tree.c.origin, tree.c.size, tree.c.peaks, tree.c.erasures, tree.c.summed, tree.c.checkpoint),
            dialect,
        )
        changed = ("size", "peaks", "checkpoint", "at", "summed")
        grown: dict[str, Any] = {name: sa.bindparam(f"to_{name}") for name in changed}
        self.grow = Statement(sa.update(tree).values(grown), dialect)
        self.taken = Statement(_of_ids(dialect), dialect)


def _of_ids(dialect: sa.Dialect) -> sa.Select[Any]:
    """Transfers of some ids, given as one JSON array so that the text is always the same."""
    columns = ("id", "attempt", "outcome_idx", "idx", "day", "findings", "bytes_in", "bytes_out")
    given = sa.bindparam("ids", type_=sa.Text)
    if dialect.name == "sqlite":
        ids: sa.Select[Any] = sa.select(sa.column("value")).select_from(sa.func.json_each(given))
    else:
        ids = sa.select(sa.func.json_array_elements_text(sa.cast(given, postgresql.JSON)))
    return sa.select(*(transfer.c[name] for name in columns)).where(transfer.c.id.in_(ids))


def _closing() -> sa.Update:
    """Writes an outcome beside its transfer; parameters in the order of `rows`."""
    columns = ("outcome_idx", "state", "status", "ended", "tokens_in", "tokens_out")
    this = (transfer.c.id == sa.bindparam("of_id")) & (transfer.c.attempt == sa.bindparam("of_attempt"))
    return sa.update(transfer).where(this).values({name: sa.bindparam(f"to_{name}") for name in columns})


def _adding(table: sa.Table, dialect: sa.Dialect) -> sa.Insert:
    """An INSERT that adds its sums to a row that exists; what is first or last is kept as such."""
    insert = _insert(table, dialect)
    least, most = (sa.func.min, sa.func.max) if dialect.name == "sqlite" else (sa.func.least, sa.func.greatest)
    kept: dict[str, Any] = {"first": least, "last": most, "newest": most}
    sums: dict[str, Any] = {}
    for column in table.columns:
        given = insert.excluded[column.name]
        if not column.primary_key:
            sums[column.name] = kept[column.name](column, given) if column.name in kept else column + given
    if not sums:
        return insert.on_conflict_do_nothing()
    return insert.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=sums)


def _insert(table: sa.Table, dialect: sa.Dialect) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that may say what to do with a row that exists; both dialects spell it alike."""
    return sqlite.insert(table) if dialect.name == "sqlite" else postgresql.insert(table)
