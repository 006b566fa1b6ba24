"""*Who holds what*: the lines of the answer, from sums by day where they suffice and from the transfers where not.

What was surely not sent has no recipient; the sums count it, and what it adds to them is taken away here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from audit.query import Question, Row, entry_facts
from audit.questions.conditions import in_country
from audit.questions.spans import Choice, Days, spread, within
from audit.sums.rows import DAY_MS
from audit.sums.summed import Summed
from audit.sums.tables import (
    HOLDER,
    daily_holder,
    daily_holder_finding,
    holder,
    monthly_holder,
    monthly_holder_finding,
)
from audit.tables import FINDINGS_OF, UNUSUAL, finding, transfer

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
    """Who controls, stores and uses what left: one line for each recipient, application, purpose and set of facts.

    Whole days are answered from the sums, and only what is left before and after them from the transfers.
    """
    if question.of_all and set(question.values) <= {*HOLDER, "country"}:
        whole, beside = _whole_days(question)
    else:
        whole, beside = None, [question]
    found = [from_rows(connection, one.conditions()) for one in beside]
    if whole is not None:
        found.append(from_sums(connection, question.values, whole, question.applications))
    lines, types = found[0] if len(found) == 1 else _together(found)
    return [_holding(connection, line, types.get(key_of(line), {})) for line in lines]


def _together(found: Sequence[tuple[list[Line], Types]]) -> tuple[list[Line], Types]:
    """Lines of several times as those of all of them."""
    lines: dict[Key, Line] = {}
    types: Types = {}
    for some, kinds in found:
        for line in some:
            key = key_of(line)
            known = lines.get(key)
            lines[key] = line if known is None else {**line, **_sum(known, line)}
        for key, counts in kinds.items():
            into = types.setdefault(key, {})
            for kind, n in counts.items():
                into[kind] = into.get(kind, 0) + n
    return _ordered(list(lines.values())), types


def _sum(one: Line, other: Line) -> Line:
    return {
        "transfers": one["transfers"] + other["transfers"],
        "first": min(one["first"], other["first"]),
        "last": max(one["last"], other["last"]),
        "newest": max(one["newest"], other["newest"]),
    }


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
    joined = kinds.join(finding, finding.c.idx == FINDINGS_OF).where(*sent).group_by(*columns, *what)
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
    summed = Summed(connection)
    lines = _lines(summed, values, applications)
    # Grouped by the id alone and joined here: grouping by eleven texts would cost ten times as much.
    held = spread(summed, daily_holder, monthly_holder, days, _of(lines))
    by_id = {row["id"]: row for row in connection.execute(lines).mappings()}
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
    types = _types(connection, spread(summed, daily_holder_finding, monthly_holder_finding, days, _of(lines)), by_id)
    _without_unsent(connection, days, found, types)
    return _ordered(list(found.values())), types


def count(
    connection: sa.Connection, values: Mapping[str, str], days: Days, applications: Sequence[str] | None
) -> tuple[int, int]:
    """Transfers, and those that carry no subject reference, for whole days; arguments as for `from_sums`."""
    summed = Summed(connection)
    held = spread(summed, daily_holder, monthly_holder, days, _of(_lines(summed, values, applications)))
    sums = [sa.func.coalesce(sa.func.sum(column), 0) for column in (held.c.transfers, held.c.with_subject)]
    total, with_subject = connection.execute(sa.select(*sums)).one()
    return int(total), int(total) - int(with_subject)


def _lines(summed: Summed, values: Mapping[str, str], applications: Sequence[str] | None) -> sa.Select[Any]:
    """The lines in question."""
    table = summed.of(holder)
    where = [
        in_country(table, value) if name == "country" else table.c[name] == value for name, value in values.items()
    ]
    if applications is not None:
        where.append(table.c.application.in_(applications))
    return sa.select(*table.c).where(*where)


def _of(lines: sa.Select[Any]) -> list[Choice]:
    """The same as what chooses rows of sums; nothing for all of them."""
    if lines.whereclause is None:
        return []
    these = lines.with_only_columns(lines.selected_columns["id"])
    return [lambda table: table.c.holder.in_(these)]


def _types(connection: sa.Connection, held: sa.FromClause, by_id: Mapping[int, sa.RowMapping]) -> Types:
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


def _without_unsent(connection: sa.Connection, days: Days, found: dict[Key, Line], types: Types) -> None:
    """Takes away what was surely not sent; there is some only after a crash, and an index of it."""
    unsent = [*within(transfer, days), transfer.c.kind == "transfer", sa.and_(transfer.c.state == "not_sent", UNUSUAL)]
    columns = [transfer.c[name] for name in HOLDER]
    counted = sa.select(*columns, sa.func.count().label("n")).where(*unsent).group_by(*columns)
    gone = {key_of(row): int(row["n"]) for row in connection.execute(counted).mappings()}
    what = (finding.c.entity_type, finding.c.operator)
    kinds = sa.select(*columns, *what, sa.func.sum(finding.c.n).label("n")).where(*unsent).group_by(*columns, *what)
    for row in connection.execute(kinds.join(finding, finding.c.idx == FINDINGS_OF)).mappings():
        if (those := types.get(key_of(row))) is not None:
            kind = row["entity_type"], row["operator"]
            those[kind] -= int(row["n"])
            if not those[kind]:
                del those[kind]
    for key in gone.keys() & found.keys():
        left = found[key]["transfers"] - gone[key]
        if left:
            found[key] = {**found[key], "transfers": left, **_ends(connection, key, days)}
        else:
            del found[key]


def _ends(connection: sa.Connection, key: Key, days: Days) -> Line:
    """First and last time of a line, and its newest transfer, of those that may have been sent.

    The day at either end and the newest row say it, so that the many between are not read.
    """
    same = [transfer.c[name].is_not_distinct_from(value) for name, value in zip(HOLDER, key, strict=True)]
    sent = (
        *same,
        transfer.c.kind == "transfer",
        transfer.c.state.is_distinct_from("not_sent"),
        *within(transfer, days),
    )

    def at_end(end: Any) -> sa.Select[Any]:
        day = sa.select(end(transfer.c.day)).where(*sent).scalar_subquery()
        return sa.select(end(transfer.c.at)).where(*sent, transfer.c.day == day)

    newest = sa.select(transfer.c.idx).where(*sent).order_by(transfer.c.idx.desc()).limit(1)
    asked = {"first": at_end(sa.func.min), "last": at_end(sa.func.max), "newest": newest}
    return {name: int(connection.execute(rows).scalar_one()) for name, rows in asked.items()}
