"""Which days a question is about, and the sums that cover them: whole months by month, what is left by day."""

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa

from audit.sums.summed import Summed
from audit.sums.summing import month_of

type Days = tuple[int | None, int | None]
"""First day, and the one after the last, as days since 1970; None for no end."""
type Choice = Callable[[sa.FromClause], sa.ColumnElement[bool]]

_NEXT_MONTH = 31


def within(table: sa.FromClause, days: Days) -> list[sa.ColumnElement[bool]]:
    """The days as conditions on a table."""
    since, until = days
    found = [] if since is None else [table.c.day >= since]
    return found if until is None else [*found, table.c.day < until]


def parts(days: Days) -> tuple[Days | None, list[Days]]:
    """The whole months in these days, from the first day of one to that of another, and the days beside them."""
    since, until = days
    first = None if since is None else since if month_of(since) == since else month_of(month_of(since) + _NEXT_MONTH)
    last = None if until is None else month_of(until)
    if first is not None and last is not None and first >= last:
        return None, [days]
    beside: list[Days] = []
    if since is not None and first != since:
        beside.append((since, first))
    if until is not None and last != until:
        beside.append((last, until))
    return (first, last), beside


def spread(
    summed: Summed, by_day: sa.Table, by_month: sa.Table, days: Days, where: Sequence[Choice] = ()
) -> sa.Subquery:
    """Rows that together cover these days once: from the table by month, and by day where there is no whole month.

    where: what chooses rows, for either table. The columns are those of the table by month, without the day.
    """
    months, beside = parts(days)
    names = [column.name for column in by_month.columns if column.name != "day"]

    def rows(of: sa.Table, some: Days) -> sa.Select[Any]:
        table = summed.of(of)
        chosen = [*within(table, some), *(choose(table) for choose in where)]
        return sa.select(*(table.c[name] for name in names)).where(*chosen)

    selects = [] if months is None else [rows(by_month, months)]
    return sa.union_all(*selects, *(rows(by_day, some) for some in beside)).subquery("spread")
