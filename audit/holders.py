"""*Who holds what*: the lines of the answer, from sums by day where they suffice and from the transfers where not.

The sums are kept by the writer's transaction; here they are read, and built again after a period was sealed away.
What was surely not sent has no recipient: lines that count such a transfer are always made from the rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import batched
from typing import Any

import sqlalchemy as sa

from audit.conditions import in_country
from audit.query import Question, Row, entry_facts
from audit.rows import HOLDER, holder_id
from audit.tables import daily_holder, daily_holder_finding, finding, holder, transfer

_BATCH = 500

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
    """How many transfers the question covers without its person, and how many of them carry no subject reference."""
    others = replace(question, refs=None)
    rows = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(sa.case((transfer.c.subjects == 0, 1), else_=0)), 0))
    total, without = connection.execute(rows.where(*others.conditions(), transfer.c.kind == "transfer")).one()
    return int(total), int(without)


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
    days: tuple[int | None, int | None],
    applications: Sequence[str] | None = None,
) -> tuple[list[Line], Types]:
    """The same for whole days, from the sums. values: for columns of a line, or `country`; applications: the only ones
    that count, None for all."""
    where = [
        in_country(holder, value) if name == "country" else holder.c[name] == value for name, value in values.items()
    ]
    if applications is not None:
        where.append(holder.c.application.in_(applications))
    known = {row["id"]: row for row in connection.execute(sa.select(holder).where(*where)).mappings()}
    # Grouped by the id alone and joined here: grouping by eleven texts would cost ten times as much.
    these = [] if not where else [sa.select(holder.c.id).where(*where)]
    counted = (
        sa.func.sum(daily_holder.c.transfers).label("transfers"),
        sa.func.min(daily_holder.c.first).label("first"),
        sa.func.max(daily_holder.c.last).label("last"),
        sa.func.max(daily_holder.c.newest).label("newest"),
    )
    sums = daily_holder.c.holder
    lines = sa.select(sums, *counted).where(*_within(daily_holder, days), *map(sums.in_, these)).group_by(sums)
    found: dict[Key, Line] = {}
    for row in connection.execute(lines).mappings():
        line = _line({**{name: known[row["holder"]][name] for name in HOLDER}, **row})
        found[key_of(line)] = line
    what = (daily_holder_finding.c.holder, daily_holder_finding.c.entity_type, daily_holder_finding.c.operator)
    kinds = sa.select(*what, sa.func.sum(daily_holder_finding.c.n).label("n")).group_by(*what)
    types: Types = {}
    for row in connection.execute(
        kinds.where(*_within(daily_holder_finding, days), *map(what[0].in_, these))
    ).mappings():
        types.setdefault(key_of(known[row["holder"]]), {})[row["entity_type"], row["operator"]] = int(row["n"])
    for key in _with_unsent(connection, days) & found.keys():
        del found[key]
        types.pop(key, None)
        same = [transfer.c[name].is_not_distinct_from(value) for name, value in zip(HOLDER, key, strict=True)]
        again, kinds_again = from_rows(connection, [*same, *_within(transfer, days)])
        found.update((key_of(line), line) for line in again)
        types.update(kinds_again)
    return _ordered(list(found.values())), types


def _line(row: Mapping[Any, Any]) -> Line:
    """A row under plain names; sums are whole numbers whatever the driver makes of them."""
    counts = ("transfers", "first", "last", "newest")
    return {name: row[name] for name in HOLDER} | {name: int(row[name]) for name in counts}


def _ordered(lines: list[Line]) -> list[Line]:
    """The most frequent first, then by name; databases do not agree where NULL stands."""
    return sorted(lines, key=lambda line: (-line["transfers"], tuple(part or "" for part in key_of(line))))


def _within(table: sa.Table, days: tuple[int | None, int | None]) -> list[sa.ColumnElement[bool]]:
    since, until = days
    found = [] if since is None else [table.c.day >= since]
    return found if until is None else [*found, table.c.day < until]


def _with_unsent(connection: sa.Connection, days: tuple[int | None, int | None]) -> set[Key]:
    """Lines that count transfers which were surely not sent; there are some only after a crash."""
    columns = [transfer.c[name] for name in HOLDER]
    rows = sa.select(*columns).where(transfer.c.state == "not_sent", *_within(transfer, days)).distinct()
    return {key_of(row) for row in connection.execute(rows).mappings()}


def rebuild(connection: sa.Connection, days: Iterable[int]) -> None:
    """Replaces the sums of these days by what the rows say; the lines themselves stay."""
    for some in batched(days, _BATCH):
        for table in (daily_holder, daily_holder_finding):
            connection.execute(sa.delete(table).where(table.c.day.in_(some)))
        _fill(connection, (transfer.c.day.in_(some), transfer.c.kind == "transfer"))


def _fill(connection: sa.Connection, where: tuple[sa.ColumnElement[bool], ...]) -> None:
    key = [transfer.c[name] for name in HOLDER]
    counted = {
        "transfers": sa.func.count(),
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
