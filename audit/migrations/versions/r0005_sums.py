"""Sums by month, by kind of data, by state and status, and of the entries; all sums are counted anew from the rows."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from audit.statements import Statements
from audit.sums.summing import OF_FINDING, Sums
from audit.tables import transfer

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_NAME = sa.String(length=128)
_WORD = sa.String(length=16)
type _Key = dict[str, sa.types.TypeEngine[Any]]
_COUNTED_ANEW = ("daily", "daily_finding", "daily_value", "holder", "daily_holder", "daily_holder_finding")
_LATER = {"daily_application", "finding_block", "entries_by_kind"}
"""Sums that a later migration makes."""
_PAGE = 20_000
_columns = [sa.column(one.name, one.type) for one in transfer.columns if one.name != "findings_of"]
_transfer = sa.table("transfer", *_columns)
_finding = sa.table("finding", *(sa.column(name) for name in ("idx", "row", "n", "entity_type", *OF_FINDING)))
"""As they were then."""


def upgrade() -> None:
    number = sa.BigInteger()
    day: _Key = {"day": sa.Integer()}
    what: _Key = {"entity_type": sa.String(length=48), "operator": _WORD}
    held = ("transfers", "with_subject", "first", "last", "newest")
    _sums("daily_type", day | {"kind": _WORD, "destination": _NAME, "provider": _NAME} | what, ("n",))
    holder: _Key = {"holder": number}
    place: _Key = {"kind": _WORD, "environment": _WORD, "application": _NAME, "destination": _NAME, "provider": _NAME}
    _sums("monthly_finding", day | place | what, ("n",))
    _sums("monthly_holder", day | holder, held)
    _sums("monthly_holder_finding", day | holder | what, ("n",))
    _sums("kinds", {"kind": _WORD}, ("entries",))
    op.drop_index("transfer_unsent", "transfer")
    unusual = sa.text("state <> 'complete' AND state <> 'blocked'")
    op.create_index("transfer_state", "transfer", ["state", "idx"], sqlite_where=unusual, postgresql_where=unusual)
    connection = op.get_bind()
    for name in _COUNTED_ANEW:
        connection.exec_driver_sql(f"DELETE FROM {name}")  # noqa: S608 (names from above)
    op.add_column("daily_holder", sa.Column("with_subject", number, nullable=False, server_default="0"))
    say = Statements(connection.dialect)
    for sums in _of_rows(connection):
        tables, lines = sums.rows()
        say.know.run(connection, lines)
        for table in tables.keys() - _LATER:
            say.add[table].run(connection, tables[table])
    connection.exec_driver_sql("INSERT INTO kinds SELECT kind, COUNT(*) FROM entry GROUP BY kind")


def _sums(name: str, key: _Key, counts: tuple[str, ...]) -> None:
    op.create_table(
        name,
        *(sa.Column(one, kind, autoincrement=False, nullable=False) for one, kind in key.items()),
        *(sa.Column(one, sa.BigInteger(), nullable=False) for one in counts),
        sa.PrimaryKeyConstraint(*key),
        sqlite_with_rowid=False,
    )


def _of_rows(connection: sa.Connection) -> Iterator[Sums]:
    """The sums of all rows that are there, some thousand transfers at a time; kinds of entries are not counted."""
    at = -1
    while True:
        page = sa.select(_transfer).where(_transfer.c.idx > at).order_by(_transfer.c.idx).limit(_PAGE)
        rows = connection.execute(page).all()
        if not rows:
            return
        last = rows[-1].idx
        what = [_finding.c[name] for name in ("entity_type", *OF_FINDING)]
        said = sa.select(_finding.c.idx, _finding.c.n, *what).where(_finding.c.idx > at, _finding.c.idx <= last)
        by_index: dict[int, list[Any]] = {}
        for one in connection.execute(said.order_by(_finding.c.idx, _finding.c.row)):
            by_index.setdefault(one.idx, []).append(one)
        sums = Sums()
        for row in rows:
            found = by_index.get(row.idx, [])
            sums.add(tuple(row), tuple(tuple(one[2:]) for one in found), [one.n for one in found])
        yield sums
        at = last
