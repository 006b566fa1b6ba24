"""Up to which entry the tables of sums have been added to, and what the entries after it add.

Adding to the sums touches forty pages and more, and a lone append would wait for all of them. So the writer adds once
in `FOLD` entries, in the transaction of a batch, and `tree.summed` says which entries the tables cover. Whoever reads
them sees through `Summed` what the few entries after those add, made from the entries by the code that the writer
uses: each answer is that of the log as it stands, also after a crash, and whoever writes next adds what is missing.
"""

from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from audit.statements import Statements
from audit.sums.kept import KEPT, Added, Kept
from audit.sums.rows import Rows, counted_of
from audit.sums.summing import Sums
from audit.sums.tables import holder
from audit.tables import entry, transfer, tree

FOLD = 512
"""Entries from which on the sums are added to. Reading as many takes some ten milliseconds, adding them as long."""


def tail(connection: sa.Connection, start: int, end: int) -> Sums:
    """What the entries from `start` up to `end` add to the sums."""
    rows = sa.select(entry.c.idx, entry.c.body).where(entry.c.idx >= start, entry.c.idx < end).order_by(entry.c.idx)
    found = [(row.idx, orjson.loads(row.body)) for row in connection.execute(rows)]
    ended = {facts["id"] for _, facts in found if facts["kind"] == "outcome"}
    of = sa.select(transfer).where(transfer.c.id.in_(ended), transfer.c.kind == "transfer")
    known = {(row.id, row.attempt): counted_of(tuple(row)) for row in connection.execute(of)} if ended else {}
    read = Rows(counted=known)
    for index, facts in found:
        read.add(index, facts)
    return read.sums


def add(connection: sa.Connection, say: Statements, sums: Sums) -> None:
    """Adds to the tables."""
    tables, lines = sums.rows()
    say.know.run(connection, lines)
    for name, rows in tables.items():
        say.add[name].run(connection, rows)


def fold(connection: sa.Connection) -> None:
    """Brings the tables up to the newest entry; for whoever changes what was summed, under the writer's lock."""
    row = connection.execute(sa.select(tree.c.summed, tree.c.size)).one()
    add(connection, Statements(connection.dialect), tail(connection, row.summed, row.size))
    connection.execute(sa.update(tree).values(summed=row.size))


class Unsummed:
    """What a writer remembers of the entries that the tables do not cover yet; used under the writer's lock.

    Where another process has written some of them they are read from the log again, but only when they are added.
    """

    def __init__(self) -> None:
        self._sums = Sums()
        self._span: tuple[int, int] | None = (0, 0)
        self._known = self._due = False

    def begin(self, connection: sa.Connection, summed: int, size: int, coming: int) -> Sums:
        """Where to add up a batch of at most `coming` entries, in a log of that size."""
        self._due = size + coming - summed >= FOLD
        self._known = self._due or self._span == (summed, size)
        if self._span != (summed, size):
            self._sums = tail(connection, summed, size) if self._due else Sums()
        self._span = None
        return self._sums

    def write(self, connection: sa.Connection, say: Statements, summed: int, size: int) -> int:
        """Adds to the tables where it is time; returns up to which entry they now go."""
        if not self._due:
            return summed
        add(connection, say, self._sums)
        return size

    def committed(self, summed: int, size: int) -> None:
        """Says that the transaction has ended well; before that nothing is remembered."""
        if self._due:
            self._sums = Sums()
        self._span = (summed, size) if self._known else None


class Summed:
    """The tables of sums as of the newest entry that a transaction sees; nothing is read until a table is asked for."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._added: Added | None = None

    def of(self, table: sa.Table) -> sa.FromClause:
        """The rows of a table and those to add to them, under its columns; a key may stand in several rows."""
        if self._added is None:
            self._added = _added(self._connection)
        added = self._added.get(table.name)
        if not added:
            return table
        given = sa.bindparam(None, orjson.dumps(added).decode(), type_=sa.Text)
        return sa.union_all(sa.select(*table.columns), self._rows(table, given)).subquery(f"all_{table.name}")

    def _rows(self, table: sa.Table, given: sa.BindParameter[str]) -> sa.Select[Any]:
        """Rows that are given as one JSON text."""
        columns = enumerate(table.columns)
        taken: list[sa.ColumnElement[Any]]
        if self._connection.dialect.name == "sqlite":
            rows = sa.func.json_each(given).table_valued("value", name="added")
            taken = [sa.func.json_extract(rows.c.value, f"$[{at}]", type_=one.type) for at, one in columns]
        else:
            rows = sa.func.json_array_elements(sa.cast(given, postgresql.JSON)).table_valued("value", name="added")
            row = sa.type_coerce(rows.c.value, postgresql.JSON)
            taken = [sa.cast(row[at].astext, one.type) for at, one in columns]
        return sa.select(*(one.label(column.name) for one, column in zip(taken, table.columns, strict=True)))


def _added(connection: sa.Connection) -> Added:
    """What the entries after `tree.summed` add; kept for the next question about the log of the same checkpoint."""
    row = connection.execute(sa.select(tree.c.summed, tree.c.size, tree.c.checkpoint)).first()
    if row is None or row.summed == row.size:
        return {}
    key = row.summed, bytes(row.checkpoint)
    kept: Kept = connection.get_execution_options()[KEPT]
    added = kept.get(key)
    if added is None:
        tables, lines = tail(connection, row.summed, row.size).rows()
        added = {**tables, holder.name: lines}
        kept.put(key, added)
    return added
