"""How often each value of a field stood in transfers, by day: what one more roll-up says about all fields at once.

It answers "by model", "by language" without reading a transfer, says at once that nothing has a value, and where to
look for what few have. Kept by the writer's transaction; a row speaks of one field alone, so it names nobody.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from audit.questions.spans import within
from audit.sums.summed import Summed
from audit.sums.summing import OF_FINDING, OF_TRANSFER
from audit.sums.tables import daily_value

RARE = 10_000
"""Transfers with a value below which they are looked for day by day; above it a walk from the newest comes to a page
sooner."""


type Condition = Callable[[sa.FromClause], sa.ColumnElement[bool]]


def known(values: Mapping[str, str]) -> dict[str, Condition]:
    """Of some conditions those that the roll-up knows, as conditions on its rows."""
    fields = set(OF_TRANSFER + OF_FINDING)
    # `state=open` is no value: it asks for transfers that have none, which have an index of their own.
    told = {name: value for name, value in values.items() if name in fields and (name, value) != ("state", "open")}
    found: dict[str, Condition] = {name: partial(_equal, value) for name, value in told.items()}
    if "country" in values:
        found["countries"] = partial(_contains, f" {values['country']} ")
    return found


def _equal(value: str, table: sa.FromClause) -> sa.ColumnElement[bool]:
    return table.c.value == value


def _contains(part: str, table: sa.FromClause) -> sa.ColumnElement[bool]:
    return table.c.value.contains(part, autoescape=True)


def ranges(
    connection: sa.Connection, values: Mapping[str, str], days: tuple[int | None, int | None], before: int | None
) -> list[tuple[int, int]] | None:
    """Where transfers of these conditions can be, as ranges of indices, the newest first; None for anywhere.

    days: first day, and the one after the last. Of several conditions the rarest says it; a rare one day by day.
    """
    conditions = known(values)
    if not conditions:
        return None
    found: list[list[tuple[int, int, int]]] = []
    table = Summed(connection).of(daily_value)
    there, first = sa.func.sum(table.c.transfers), sa.func.min(table.c.first)
    for name, condition in conditions.items():
        rows = sa.select(there, first, sa.func.max(table.c.last)).where(table.c.name == name, condition(table))
        rows = rows.where(*within(table, days)).group_by(table.c.day, table.c.value).having(there > 0)
        if before is not None:
            rows = rows.having(first < before)
        found.append([(int(row[0]), row[1], row[2]) for row in connection.execute(rows)])
    rarest = min(found, key=lambda those: sum(n for n, _, _ in those))
    if sum(n for n, _, _ in rarest) > RARE:
        return [(min(first for _, first, _ in rarest), max(last for _, _, last in rarest))]
    return _apart(rarest)


def _apart(those: Iterable[tuple[int, int, int]]) -> list[tuple[int, int]]:
    """The ranges, the newest first; those that overlap (machines' clocks differ) as one, so that none is read twice."""
    found: list[tuple[int, int]] = []
    for _, first, last in sorted(those, key=itemgetter(2), reverse=True):
        if found and last >= found[-1][0]:
            found[-1] = min(first, found[-1][0]), found[-1][1]
        else:
            found.append((first, last))
    return found


def alone(by: Sequence[str], values: Mapping[str, str]) -> str | None:
    """The one field, beside the day, that a group is asked by, where no other is asked for."""
    names = {*by, *values} - {"day"}
    name = next(iter(names), "")
    return name if len(names) == 1 and name in by and name in OF_TRANSFER + OF_FINDING else None


def groups(
    summed: Summed, name: str, by: Sequence[str], value: str | None, days: tuple[int | None, int | None]
) -> sa.Select[Any]:
    """How many transfers, findings and bytes for each value of a field (and day), the most frequent first.

    Of a field of findings only these. days: as in `ranges`.
    """
    table = summed.of(daily_value)
    columns = [table.c.value if one == name else table.c.day for one in by]
    sums = ("findings",) if name in OF_FINDING else ("transfers", "findings", "bytes_in", "bytes_out")
    counted = [sa.func.sum(table.c[one]).label(one) for one in sums]
    named = [column.label(one) for column, one in zip(columns, by, strict=True)]
    rows = sa.select(*named, *counted).where(table.c.name == name, *within(table, days))
    if value is not None:
        rows = rows.where(table.c.value == ("" if (name, value) == ("state", "open") else value))
    return rows.group_by(*columns).having(counted[0] > 0).order_by(counted[0].desc(), *columns)
