"""*Who holds what*: the lines of the answer, from sums by day where they suffice and from the transfers where not.

The sums by day and by month are kept by the writer's transaction; here they are read, and built again after a period
was sealed away.
What was surely not sent has no recipient: lines that count such a transfer are always made from the rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import batched
from typing import Any

import sqlalchemy as sa

from audit.conditions import in_country
from audit.query import Question, Row, entry_facts
from audit.rows import DAY_MS
from audit.spans import Choice, Days, spread, within
from audit.summing import holder_id, month_of
from audit.sums import (
    HOLDER,
    daily_holder,
    daily_holder_finding,
    holder,
    monthly_holder,
    monthly_holder_finding,
)
from audit.tables import UNUSUAL, finding, transfer

_BATCH = 500
_NEXT_MONTH = 31

type Line = Mapping[str, Any]
type Key = tuple[str | None, ...]
type Types = dict[Key, dict[tuple[str, str], int]]


@dataclass(frozen=True, slots=True)
class Holding:
    """Somebody who was sent something. facts: the destination as it stood at the newest transfer.

    types: kind of data and what was done to it, with counts; `keep` left as it was. agreement: from the entry.
    """

    facts: Row
    purpose: Row
    application: str
    transfers: int
    first: int
    last: int
    types: Mapping[tuple[str, str], int]


def who(connection: sa.Connection, question: Question) -> list[Holding]:
    """Who controls, stores and uses what left: one line for each recipient, application, purpose and set of facts."""
    if question.of_all and question.in_whole_days and set(question.values) <= {*HOLDER, "country"}:
        lines, types = from_sums(connection, question.values, question.days, question.applications)
    else:
        lines, types = from_rows(connection, question.conditions())
    return [_holding(connection, line, types.get(key_of(line), {})) for line in lines]


def _holding(connection: sa.Connection, line: Any, types: Mapping[tuple[str, str], int]) -> Holding:
    facts = entry_facts(connection, line["newest"])
    return Holding(
        facts=facts.get("destination", {}),
        purpose=facts.get("purpose", {}),
        application=line["application"],
        transfers=line["transfers"],
        first=line["first"],
        last=line["last"],
        types=types,
    )


def completeness(connection: sa.Connection, question: Question) -> tuple[int, int]:
    """How many transfers the question covers without its person, and how many of them carry no subject reference.

    Whole days are counted from the sums, and only what is left before and after them from the transfers.
    """
    others = replace(question, refs=None)
    if not others.of_all or not set(question.values) <= {*HOLDER, "country"}:
        return _counted(connection, others)
    whole, beside = _whole_days(others)
    found = [_counted(connection, one) for one in beside]
    if whole is not None:
        found.append(count(connection, others.values, whole, others.applications))
    return sum(total for total, _ in found), sum(without for _, without in found)


def _counted(connection: sa.Connection, question: Question) -> tuple[int, int]:
    rows = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(sa.case((transfer.c.subjects == 0, 1), else_=0)), 0))
    total, without = connection.execute(rows.where(*question.conditions(), transfer.c.kind == "transfer")).one()
    return int(total), int(without)


def _whole_days(question: Question) -> tuple[Days | None, list[Question]]:
    """The whole days that a question covers, and the question about what is left of others."""
    since, until = question.since, question.until
    first = None if since is None else -(-since // DAY_MS)
    last = None if until is None else until // DAY_MS
    if first is not None and last is not None and first >= last:
        return None, [question]
    beside = []
    if since is not None and first is not None and since % DAY_MS:
        beside.append(replace(question, until=first * DAY_MS))
    if until is not None and last is not None and until % DAY_MS:
        beside.append(replace(question, since=last * DAY_MS))
    return (first, last), beside


def key_of(line: "Line | sa.RowMapping") -> Key:
    """What makes a line one line."""
    return tuple(line[name] for name in HOLDER)


def from_rows(connection: sa.Connection, where: Sequence[sa.ColumnElement[bool]]) -> tuple[list[Line], Types]:
    """Lines with `newest`, `transfers`, `first` and `last`, the most frequent first, and their kinds of data."""
    columns = [transfer.c[name] for name in HOLDER]
    sent = [*where, transfer.c.kind == "transfer", transfer.c.state.is_distinct_from("not_sent")]
    counted = (
        sa.func.count().label("transfers"),
        sa.func.min(transfer.c.at).label("first"),
        sa.func.max(transfer.c.at).label("last"),
        sa.func.max(transfer.c.idx).label("newest"),
    )
    lines = sa.select(*columns, *counted).where(*sent).group_by(*columns)
    what = (finding.c.entity_type, finding.c.operator)
    kinds = sa.select(*columns, *what, sa.func.sum(finding.c.n).label("n"))
    joined = kinds.join(finding, finding.c.idx == transfer.c.idx).where(*sent).group_by(*columns, *what)
    types: Types = {}
    for row in connection.execute(joined).mappings():
        types.setdefault(key_of(row), {})[row["entity_type"], row["operator"]] = int(row["n"])
    return _ordered([_line(dict(row)) for row in connection.execute(lines).mappings()]), types


def from_sums(
    connection: sa.Connection,
    values: Mapping[str, str],
    days: Days,
    applications: Sequence[str] | None = None,
) -> tuple[list[Line], Types]:
    """The same for whole days, from the sums. values: for columns of a line, or `country`; applications: the only ones
    that count, None for all."""
    lines = _lines(values, applications)
    # Grouped by the id alone and joined here: grouping by eleven texts would cost ten times as much.
    held = spread(daily_holder, monthly_holder, days, _of(lines))
    by_id = {row["id"]: row for row in connection.execute(sa.select(holder).where(*lines)).mappings()}
    counted = (
        sa.func.sum(held.c.transfers).label("transfers"),
        sa.func.min(held.c.first).label("first"),
        sa.func.max(held.c.last).label("last"),
        sa.func.max(held.c.newest).label("newest"),
    )
    found: dict[Key, Line] = {}
    for row in connection.execute(sa.select(held.c.holder, *counted).group_by(held.c.holder)).mappings():
        line = _line({**{name: by_id[row["holder"]][name] for name in HOLDER}, **row})
        found[key_of(line)] = line
    types = _types(connection, by_id, days, _of(lines))
    for key in _with_unsent(connection, days) & found.keys():
        del found[key]
        types.pop(key, None)
        same = [transfer.c[name].is_not_distinct_from(value) for name, value in zip(HOLDER, key, strict=True)]
        again, kinds_again = from_rows(connection, [*same, *within(transfer, days)])
        found.update((key_of(line), line) for line in again)
        types.update(kinds_again)
    return _ordered(list(found.values())), types


def count(
    connection: sa.Connection, values: Mapping[str, str], days: Days, applications: Sequence[str] | None
) -> tuple[int, int]:
    """Transfers, and those that carry no subject reference, for whole days; arguments as for `from_sums`."""
    held = spread(daily_holder, monthly_holder, days, _of(_lines(values, applications)))
    sums = [sa.func.coalesce(sa.func.sum(column), 0) for column in (held.c.transfers, held.c.with_subject)]
    total, with_subject = connection.execute(sa.select(*sums)).one()
    return int(total), int(total) - int(with_subject)


def _lines(values: Mapping[str, str], applications: Sequence[str] | None) -> list[sa.ColumnElement[bool]]:
    """What to choose lines by; nothing for all of them."""
    where = [
        in_country(holder, value) if name == "country" else holder.c[name] == value for name, value in values.items()
    ]
    return where if applications is None else [*where, holder.c.application.in_(applications)]


def _of(lines: Sequence[sa.ColumnElement[bool]]) -> list[Choice]:
    """The same as what chooses rows of sums."""
    if not lines:
        return []
    these = sa.select(holder.c.id).where(*lines)
    return [lambda table: table.c.holder.in_(these)]


def _types(
    connection: sa.Connection, by_id: Mapping[int, sa.RowMapping], days: Days, chosen: Sequence[Choice]
) -> Types:
    held = spread(daily_holder_finding, monthly_holder_finding, days, chosen)
    what = (held.c.holder, held.c.entity_type, held.c.operator)
    types: Types = {}
    rows = sa.select(*what, sa.func.sum(held.c.n).label("n")).group_by(*what)
    for row in connection.execute(rows).mappings():
        types.setdefault(key_of(by_id[row["holder"]]), {})[row["entity_type"], row["operator"]] = int(row["n"])
    return types


def _line(row: Mapping[Any, Any]) -> Line:
    """A row under plain names; sums are whole numbers whatever the driver makes of them."""
    counts = ("transfers", "first", "last", "newest")
    return {name: row[name] for name in HOLDER} | {name: int(row[name]) for name in counts}


def _ordered(lines: list[Line]) -> list[Line]:
    """The most frequent first, then by name; databases do not agree where NULL stands."""
    return sorted(lines, key=lambda line: (-line["transfers"], tuple(part or "" for part in key_of(line))))


def _with_unsent(connection: sa.Connection, days: Days) -> set[Key]:
    """Lines that count transfers which were surely not sent; there are some only after a crash."""
    columns = [transfer.c[name] for name in HOLDER]
    unsent = sa.and_(transfer.c.state == "not_sent", UNUSUAL, *within(transfer, days))
    rows = sa.select(*columns).where(unsent).distinct()
    return {key_of(row) for row in connection.execute(rows).mappings()}


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
    joined = kinds.join(finding, finding.c.idx == transfer.c.idx).where(*where).group_by(*key, transfer.c.day, *what)
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
