"""The questions: which transfers, and how many by what.

Everything is read from columns that were derived from entries; conditions are values for a closed set of columns, so
nothing a caller gives ever becomes SQL. Pages go by key, rows stream, and roll-ups answer what they can.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import orjson
import sqlalchemy as sa

from audit import values_by_day
from audit.conditions import (
    CONDITIONS,
    FINDING_COLUMNS,
    GROUPS,
    QueryError,
    conditions,
    of_finding,
    of_parts,
    unknown,
    within_entries,
)
from audit.rows import DAY_MS
from audit.spans import Days, spread, within
from audit.summing import day_of
from audit.sums import (
    DAILY,
    DAILY_FINDING,
    DAILY_TYPE,
    daily,
    daily_finding,
    daily_type,
    daily_value,
    kinds,
    monthly_finding,
)
from audit.tables import entry, finding, reference, subject, transfer, tree

type Row = dict[str, Any]

PAGE = 1_000
LOOKED_AT = 50_000
"""Entries that are read for one page at most, half a second's work; the next page goes on below them."""
WALKED = 2_000_000
"""Places in the log whose rows are walked through for one page at most, a quarter of a second's work."""
_LED_TO = ("id", "session", "state")
"""Conditions with an index of their own, besides those that the values by day know."""
RARE = 10_000
"""Rows of findings below which a kind of data is rare: as many are counted in a millisecond."""


@dataclass(frozen=True, slots=True)
class Question:
    """Which transfers. values: condition to value; since, until: ms, half open; refs: references of one person.

    applications: the only ones whose transfers count, None for all; for readers who may not see the others. sessions:
    references of one session.
    """

    values: Mapping[str, str] = field(default_factory=dict)
    since: int | None = None
    until: int | None = None
    refs: tuple[str, ...] | None = None
    applications: tuple[str, ...] | None = None
    sessions: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for name in self.values:
            if name not in CONDITIONS:
                raise unknown(name, CONDITIONS)

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """What to filter the table of transfers by."""
        found = conditions(self.values)
        if self.since is not None:
            found += [transfer.c.at >= self.since, transfer.c.day >= day_of(self.since)]
        if self.until is not None:
            found += [transfer.c.at < self.until, transfer.c.day <= day_of(self.until)]
        if self.refs is not None:
            rows = sa.select(subject.c.idx).where(subject.c.ref.in_(self.refs))
            if "role_of_subject" in self.values:
                rows = rows.where(subject.c.role == self.values["role_of_subject"])
            found.append(transfer.c.idx.in_(rows))
        if self.applications is not None:
            found.append(transfer.c.application.in_(self.applications))
        if self.sessions is not None:
            found.append(transfer.c.session.in_(self.sessions))
        return found

    @property
    def of_all(self) -> bool:
        """Whether it is about everybody: sums by day know neither persons nor sessions."""
        return self.refs is None and self.sessions is None

    @property
    def in_whole_days(self) -> bool:
        """Whether it begins and ends at midnight UTC, or not at all."""
        return not (self.since or 0) % DAY_MS and not (self.until or 0) % DAY_MS

    @property
    def days(self) -> Days:
        """First day, and the one after the last; of a question in whole days."""
        since, until = self.since, self.until
        return None if since is None else day_of(since), None if until is None else day_of(until)


def _rare(connection: sa.Connection, question: Question) -> list[sa.ColumnElement[bool]]:
    """For a kind of data that is rarely found, its transfers as a set, so that its index is taken instead of a walk
    through all of them; for a frequent one the walk comes to a page sooner."""
    name = question.values.get("entity_type")
    if name is None:
        return []
    found = sa.select(finding.c.idx).where(finding.c.entity_type == name)
    some = connection.execute(sa.select(sa.func.count()).select_from(found.limit(RARE).subquery())).scalar_one()
    return [] if some == RARE else [transfer.c.idx.in_(found)]


def transfers(
    connection: sa.Connection,
    question: Question,
    *,
    before: int | None = None,
    limit: int | None = None,
    lowest: int = 0,
) -> Iterator[Row]:
    """The transfers and refusals, newest first, streamed page by page. before: index below which to go on; lowest:
    index below which not to look."""
    if question.refs is not None:
        theirs = _of_person(connection, question, question.refs, (lowest, before), limit or PAGE)
        yield from islice(theirs, limit)
        return
    where = [*question.conditions(), *_rare(connection, question)]
    where += [transfer.c.idx >= lowest] if lowest else []
    for first, last in _places(connection, question, before):
        least = None if first is None else transfer.c.idx >= first
        below = last if before is None or last is None else min(last, before)
        while limit is None or limit > 0:
            page = PAGE if limit is None else min(PAGE, limit)
            rows = sa.select(transfer).where(*where).order_by(transfer.c.idx.desc()).limit(page)
            if least is not None:
                rows = rows.where(least)
            if below is not None:
                rows = rows.where(transfer.c.idx < below)
            found = connection.execute(rows).mappings().all()
            yield from ({str(name): value for name, value in row.items()} for row in found)
            limit = None if limit is None else limit - len(found)
            if len(found) < page:
                break
            below = found[-1]["idx"]


def lowest_of_page(connection: sa.Connection, question: Question, before: int | None) -> int:
    """How far down one page may look where entries or rows have to be read to answer, 0 where an index leads there."""
    if not question.of_all:
        return 0
    within = within_entries(question.values)
    if not within and question.values.keys() <= {*values_by_day.known(question.values), *_LED_TO}:
        return 0
    return max(0, (size(connection) if before is None else before) - (LOOKED_AT if within else WALKED))


def _places(
    connection: sa.Connection, question: Question, before: int | None
) -> Sequence[tuple[int | None, int | None]]:
    """Where to look, as ranges of indices (half open), the newest first."""
    # Those of a session are few and have an index of their own.
    if question.of_all:
        since, until = question.days
        days = since, None if until is None else until + 1
        found = values_by_day.ranges(connection, question.values, days, before)
        if found is not None:
            return [(first, last + 1) for first, last in found]
        return _span(connection, question, before)
    return [(None, before)]


def _span(connection: sa.Connection, question: Question, before: int | None) -> Sequence[tuple[int | None, int | None]]:
    """Where a time lies in the log, nowhere where nothing is of that time."""
    first = last = None
    if question.since is not None:
        first = first_since(connection, question.since)
        if first is None:
            return []
    if question.until is not None:
        newest = sa.select(sa.func.max(daily_value.c.last)).where(daily_value.c.name == "door")
        last = connection.execute(newest.where(daily_value.c.day <= day_of(question.until))).scalar()
        if last is None:
            return []
    return [(first, before if last is None else last + 1)]


def _of_person(
    connection: sa.Connection, question: Question, refs: Sequence[str], within: tuple[int, int | None], page: int
) -> Iterator[Row]:
    """The same of one person: from the index of persons, so that the busiest one's first page reads no more rows."""
    others = replace(question, refs=None).conditions()
    theirs = sa.select(subject.c.idx).where(subject.c.ref == refs[0] if len(refs) == 1 else subject.c.ref.in_(refs))
    if "role_of_subject" in question.values:
        theirs = theirs.where(subject.c.role == question.values["role_of_subject"])
    lowest, before = within
    theirs = theirs.where(subject.c.idx >= lowest).order_by(subject.c.idx.desc())
    theirs = theirs.limit(PAGE if others else min(PAGE, page))
    while indices := list(
        connection.execute(theirs if before is None else theirs.where(subject.c.idx < before)).scalars()
    ):
        before = indices[-1]
        rows = sa.select(transfer).where(transfer.c.idx.in_(set(indices)), *others).order_by(transfer.c.idx.desc())
        for row in connection.execute(rows).mappings():
            yield {str(name): value for name, value in row.items()}


def groups(connection: sa.Connection, question: Question, by: Sequence[str]) -> Iterator[Row]:
    """How many transfers, findings and bytes for each combination of `by`, the most frequent first.

    Grouped by a column of findings only these are counted, because one transfer would count in several groups.
    """
    for name in by:
        if name not in GROUPS:
            raise unknown(name, GROUPS)
    if of_parts(question.values) and any(name in FINDING_COLUMNS for name in by):
        raise QueryError("findings are counted by their kind, operator, rule, recognizer or language, not by the rest")
    rollup = _rollup(question, by)
    one = values_by_day.alone(by, question.values)
    if rollup is None and one is not None and _of_all_in_whole_days(question):
        rows = values_by_day.groups(connection, one, by, question.values.get(one), question.days)
        yield from ({str(name): _shown(name, value) for name, value in row.items()} for row in rows)
        return
    statement = _from_rows(question, by) if rollup is None else _from_rollup(rollup, question, by)
    for row in connection.execution_options(yield_per=PAGE).execute(statement).mappings():
        yield {str(name): _shown(name, value) for name, value in row.items()}


def _rollup(question: Question, by: Sequence[str]) -> sa.FromClause | None:
    """The sums that know all that is asked, the fewest of them; None where only the rows do."""
    asked = {*by, *question.values} | ({"application"} if question.applications is not None else set())
    if not question.of_all or not question.in_whole_days:
        return None
    if asked <= set(DAILY):
        return daily
    if asked <= set(DAILY_TYPE):
        return daily_type
    if not asked <= set(DAILY_FINDING):
        return None
    return daily_finding if "day" in asked else spread(daily_finding, monthly_finding, question.days)


def _of_all_in_whole_days(question: Question) -> bool:
    return question.of_all and question.applications is None and question.in_whole_days


def _from_rollup(table: sa.FromClause, question: Question, by: Sequence[str]) -> sa.Select[Any]:
    columns = [table.c[name] for name in by]
    if table is daily:
        sums = {name: table.c[name] for name in ("transfers", "findings", "bytes_in", "bytes_out")}
    else:
        sums = {"findings": table.c.n}
    counted = [sa.func.sum(column).label(name) for name, column in sums.items()]
    rows = sa.select(*columns, *counted).where(*(table.c[name] == value for name, value in question.values.items()))
    if "day" in table.c:
        rows = rows.where(*within(table, question.days))
    if question.applications is not None:
        rows = rows.where(table.c.application.in_(question.applications))
    return rows.group_by(*columns).order_by(counted[0].desc(), *columns)


def _from_rows(question: Question, by: Sequence[str]) -> sa.Select[Any]:
    of_findings = any(name in FINDING_COLUMNS for name in by)
    columns = [finding.c[name] if name in FINDING_COLUMNS else transfer.c[name] for name in by]
    if of_findings:
        counted = [sa.func.sum(finding.c.n).label("findings")]
        rows = sa.select(*columns, *counted).select_from(transfer.join(finding, finding.c.idx == transfer.c.idx))
    else:
        sums = [sa.func.sum(transfer.c[name]).label(name) for name in ("findings", "bytes_in", "bytes_out")]
        counted = [sa.func.count().label("transfers"), *sums]
        rows = sa.select(*columns, *counted)
    rows = rows.where(*question.conditions(), *(of_finding(question.values) if of_findings else ()))
    return rows.group_by(*columns).order_by(counted[0].desc(), *columns)


def _shown(name: str, value: Any) -> Any:
    if name == "day":
        return datetime.fromtimestamp(value * DAY_MS / 1000, UTC).date().isoformat()
    return value or None if isinstance(value, str) else value


def entry_facts(connection: sa.Connection, index: int) -> Row:
    """The facts of one entry, as they were signed."""
    body = connection.execute(sa.select(entry.c.body).where(entry.c.idx == index)).scalar()
    if body is None:
        raise QueryError(f"there is no entry {index}")
    found: Row = orjson.loads(body)
    return found


def exchange(connection: sa.Connection, transfer_id: str) -> list[tuple[int, Row]]:
    """Every entry of one exchange, in the order of the log, with its index."""
    rows = sa.select(transfer.c.idx, transfer.c.outcome_idx).where(transfer.c.id == transfer_id)
    indices = sorted(index for row in connection.execute(rows) for index in row if index is not None)
    return [(index, entry_facts(connection, index)) for index in indices]


def entries(connection: sa.Connection, *, since: int = 0, kinds: Sequence[str] = ()) -> Iterator[tuple[int, bytes]]:
    """Entries from an index on, oldest first, streamed."""
    at = since
    while True:
        rows = sa.select(entry.c.idx, entry.c.body).where(entry.c.idx >= at).order_by(entry.c.idx).limit(PAGE)
        if kinds:
            rows = rows.where(entry.c.kind.in_(kinds))
        found = connection.execute(rows).all()
        yield from ((row.idx, row.body) for row in found)
        if len(found) < PAGE:
            return
        at = found[-1].idx + 1


def first_since(connection: sa.Connection, at: int) -> int | None:
    """Index of the first transfer or refusal at or after a time in ms; None where there is none."""
    same = sa.select(sa.func.min(transfer.c.idx)).where(transfer.c.at >= at, transfer.c.day == day_of(at))
    # Every transfer has a door, so its values by day tell where each day begins.
    later = sa.select(sa.func.min(daily_value.c.first)).where(daily_value.c.name == "door")
    later = later.where(daily_value.c.day > day_of(at))
    found = [connection.execute(rows).scalar() for rows in (same, later)]
    return min((index for index in found if index is not None), default=None)


def size(connection: sa.Connection) -> int:
    """Entries in the log."""
    return int(connection.execute(sa.select(tree.c.size)).scalar() or 0)


def statistics(connection: sa.Connection) -> Row:
    """Size, span and kinds of the log; transfers without an outcome; persons and sessions it has references for."""
    counted = sa.select(kinds.c.kind, kinds.c.entries).where(kinds.c.entries > 0).order_by(kinds.c.kind)
    unfinished = sa.select(sa.func.count()).select_from(transfer).where(transfer.c.state.is_(None))
    first, last = (
        connection.execute(
            sa.select(end(transfer.c.at)).where(transfer.c.day == sa.select(end(transfer.c.day)).scalar_subquery())
        ).scalar()
        for end in (sa.func.min, sa.func.max)
    )
    return {
        "entries": size(connection),
        "first": first,
        "last": last,
        **{row.kind: row.entries for row in connection.execute(counted)},
        "open": connection.execute(unfinished).scalar_one(),
        "references": connection.execute(sa.select(sa.func.count()).select_from(reference)).scalar_one(),
    }
