"""The sums of *who holds what*, made again from the rows that are left after a period was sealed away."""

from collections.abc import Iterable
from itertools import batched
from typing import Any

import sqlalchemy as sa

from audit.questions.spans import within
from audit.sums.summing import holder_id, month_of
from audit.sums.tables import (
    HOLDER,
    daily_holder,
    daily_holder_finding,
    holder,
    monthly_holder,
    monthly_holder_finding,
)
from audit.tables import FINDINGS_OF, finding, transfer

_BATCH = 500
_NEXT_MONTH = 31


def rebuild(connection: sa.Connection, days: Iterable[int]) -> None:
    """Replaces the sums of these days by what the rows say, and those of their months; the lines themselves stay."""
    months = set()
    for some in batched(days, _BATCH):
        months |= {month_of(day) for day in some}
        for table in (daily_holder, daily_holder_finding):
            connection.execute(sa.delete(table).where(table.c.day.in_(some)))
        _fill(connection, (transfer.c.day.in_(some), transfer.c.kind == "transfer"))
    for month in months:
        for table, by_month in ((daily_holder, monthly_holder), (daily_holder_finding, monthly_holder_finding)):
            connection.execute(sa.delete(by_month).where(by_month.c.day == month))
            _add_up(connection, table, by_month, month)


def _add_up(connection: sa.Connection, table: sa.Table, by_month: sa.Table, month: int) -> None:
    """Makes a month's sums from those of its days."""
    kept: dict[str, Any] = {"first": sa.func.min, "last": sa.func.max, "newest": sa.func.max}
    key = [column for column in table.primary_key.columns if column.name != "day"]
    numbers = [column for column in table.columns if not column.primary_key]
    sums = [kept.get(column.name, sa.func.sum)(column) for column in numbers]
    days = within(table, (month, month_of(month + _NEXT_MONTH)))
    rows = sa.select(sa.literal(month), *key, *sums).where(*days).group_by(*key)
    names = ["day", *(column.name for column in (*key, *numbers))]
    connection.execute(sa.insert(by_month).from_select(names, rows))


def _fill(connection: sa.Connection, where: tuple[sa.ColumnElement[bool], ...]) -> None:
    key = [transfer.c[name] for name in HOLDER]
    counted = {
        "transfers": sa.func.count(),
        "with_subject": sa.func.sum(sa.case((transfer.c.subjects > 0, 1), else_=0)),
        "first": sa.func.min(transfer.c.at),
        "last": sa.func.max(transfer.c.at),
        "newest": sa.func.max(transfer.c.idx),
    }
    columns = [column.label(name) for name, column in counted.items()]
    lines = sa.select(*key, transfer.c.day, *columns).where(*where).group_by(*key, transfer.c.day)
    known: set[int] = set(connection.execute(sa.select(holder.c.id)).scalars())
    rows: list[dict[str, Any]] = []
    new: dict[int, dict[str, Any]] = {}
    for row in connection.execute(lines).mappings():
        line = tuple(row[name] for name in HOLDER)
        found = holder_id(line)
        if found not in known:
            new[found] = {"id": found, **dict(zip(HOLDER, line, strict=True))}
        rows.append({"day": row["day"], "holder": found, **{name: row[name] for name in counted}})
    what = (finding.c.entity_type, finding.c.operator)
    kinds = sa.select(*key, transfer.c.day, *what, sa.func.sum(finding.c.n).label("n"))
    joined = kinds.join(finding, finding.c.idx == FINDINGS_OF).where(*where).group_by(*key, transfer.c.day, *what)
    sums = [
        {
            "day": row["day"],
            "holder": holder_id(tuple(row[name] for name in HOLDER)),
            "entity_type": row["entity_type"],
            "operator": row["operator"],
            "n": row["n"],
        }
        for row in connection.execute(joined).mappings()
    ]
    for table, values in ((holder, list(new.values())), (daily_holder, rows), (daily_holder_finding, sums)):
        if values:
            connection.execute(sa.insert(table), values)
