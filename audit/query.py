"""The questions: which transfers, how many by what, who holds what.

Everything is read from columns that were derived from entries; conditions are values for a closed set of columns, so
nothing a caller gives ever becomes SQL. Pages go by key, rows stream, and roll-ups answer what they can.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any

import orjson
import sqlalchemy as sa

from audit import holders, values_by_day
from audit.errors import AuditError
from audit.rows import DAILY, DAILY_FINDING, DAY_MS, HOLDER, day_of
from audit.tables import daily, daily_finding, entry, finding, reference, subject, transfer, tree

type Row = dict[str, Any]

COLUMNS: tuple[str, ...] = tuple(
    column.name for column in transfer.columns if column.name not in {"idx", "outcome_idx", "day", "countries", "boot"}
)
FINDING_COLUMNS = ("entity_type", "operator", "rule", "recognizer", "language")
CONDITIONS: tuple[str, ...] = (*COLUMNS, *FINDING_COLUMNS, "country", "role_of_subject")
"""What may be asked for by value; `state=open` asks for transfers without an outcome."""
COUNTED = {"findings", "bytes_in", "bytes_out"}
"""What a group adds up, and therefore not what it is made by."""
_ALONE = {"id", "at", "ended"} | COUNTED
GROUPS: tuple[str, ...] = ("day", *(name for name in COLUMNS if name not in _ALONE), *FINDING_COLUMNS)
PAGE = 1_000
RARE = 10_000
"""Rows of findings below which a kind of data is rare: as many are counted in a millisecond."""


class QueryError(AuditError):
    """The question names a field that does not exist, or a value that cannot be one."""

    code = "query"


def _unknown(name: str, known: Sequence[str]) -> QueryError:
    """Never repeats what was given: it may be somebody's address in the wrong place."""
    near = get_close_matches(name, known, 1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(known))}"
    return QueryError(f"there is no such field; {hint}")


@dataclass(frozen=True, slots=True)
class Question:
    """Which transfers. values: condition to value; since, until: ms, half open; refs: references of one person.

    applications: the only ones whose transfers count, None for all; for readers who may not see the others.
    """

    values: Mapping[str, str] = field(default_factory=dict)
    since: int | None = None
    until: int | None = None
    refs: tuple[str, ...] | None = None
    applications: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for name in self.values:
            if name not in CONDITIONS:
                raise _unknown(name, CONDITIONS)

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """What to filter the table of transfers by."""
        found = [_equal(name, value) for name, value in self.values.items()]
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
        return found


def _equal(name: str, value: str) -> sa.ColumnElement[bool]:
    if name in FINDING_COLUMNS:
        rows = sa.select(finding.c.idx).where(finding.c[name] == value, finding.c.idx == transfer.c.idx)
        return rows.correlate(transfer).exists()
    if name == "country":
        return holders.in_country(transfer, value)
    if name == "role_of_subject":
        rows = sa.select(subject.c.idx).where(subject.c.role == value, subject.c.idx == transfer.c.idx)
        return rows.correlate(transfer).exists()
    if name == "state" and value == "open":
        # As a set, because only so the index of the few open ones is taken instead of a walk through all.
        return transfer.c.idx.in_(sa.select(transfer.c.idx).where(transfer.c.state.is_(None)))
    column = transfer.c[name]
    try:
        kind = column.type.python_type
        typed: Any = {"true": True, "false": False}[value] if kind is bool else kind(value)
    except (KeyError, ValueError):
        raise QueryError(f"{name} takes {'true or false' if column.type.python_type is bool else 'a number'}") from None
    matches: sa.ColumnElement[bool] = column == typed
    return matches


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
    connection: sa.Connection, question: Question, *, before: int | None = None, limit: int | None = None
) -> Iterator[Row]:
    """The transfers and refusals, newest first, streamed page by page. before: index below which to go on."""
    where = [*question.conditions(), *_rare(connection, question)]
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


def _places(
    connection: sa.Connection, question: Question, before: int | None
) -> Sequence[tuple[int | None, int | None]]:
    """Where to look, as ranges of indices (half open), the newest first."""
    # A person's transfers are few and have an index of their own.
    if question.refs is None:
        since, until = _days(question)
        within = since, None if until is None else until + 1
        found = values_by_day.ranges(connection, question.values, within, before)
        if found is not None:
            return [(first, last + 1) for first, last in found]
    return [(None, before)]


def groups(connection: sa.Connection, question: Question, by: Sequence[str]) -> Iterator[Row]:
    """How many transfers, findings and bytes for each combination of `by`, the most frequent first.

    Grouped by a column of findings only these are counted, because one transfer would count in several groups.
    """
    for name in by:
        if name not in GROUPS:
            raise _unknown(name, GROUPS)
    rollup = _rollup(question, by)
    one = values_by_day.alone(by, question.values)
    if rollup is None and one is not None and _of_all_in_whole_days(question):
        rows = values_by_day.groups(connection, one, by, question.values.get(one), _days(question))
        yield from ({str(name): _shown(name, value) for name, value in row.items()} for row in rows)
        return
    statement = _from_rows(question, by) if rollup is None else _from_rollup(rollup, question, by)
    for row in connection.execution_options(yield_per=PAGE).execute(statement).mappings():
        yield {str(name): _shown(name, value) for name, value in row.items()}


def _rollup(question: Question, by: Sequence[str]) -> sa.Table | None:
    """The roll-up that knows all that is asked, None where only the rows do."""
    asked = {*by, *question.values}
    if question.refs is not None or not _in_whole_days(question):
        return None
    return daily if asked <= set(DAILY) else daily_finding if asked <= set(DAILY_FINDING) else None


def _in_whole_days(question: Question) -> bool:
    return not (question.since or 0) % DAY_MS and not (question.until or 0) % DAY_MS


def _of_all_in_whole_days(question: Question) -> bool:
    return question.refs is None and question.applications is None and _in_whole_days(question)


def _days(question: Question) -> tuple[int | None, int | None]:
    """First day, and the one after the last; of a question in whole days."""
    since, until = question.since, question.until
    return None if since is None else day_of(since), None if until is None else day_of(until)


def _from_rollup(table: sa.Table, question: Question, by: Sequence[str]) -> sa.Select[Any]:
    columns = [table.c[name] for name in by]
    if table is daily:
        sums = {name: daily.c[name] for name in ("transfers", "findings", "bytes_in", "bytes_out")}
    else:
        sums = {"findings": daily_finding.c.n}
    counted = [sa.func.sum(column).label(name) for name, column in sums.items()]
    rows = sa.select(*columns, *counted).where(*(table.c[name] == value for name, value in question.values.items()))
    if question.since is not None:
        rows = rows.where(table.c.day >= day_of(question.since))
    if question.until is not None:
        rows = rows.where(table.c.day < day_of(question.until))
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
    rows = rows.where(*question.conditions())
    return rows.group_by(*columns).order_by(counted[0].desc(), *columns)


def _shown(name: str, value: Any) -> Any:
    if name == "day":
        return datetime.fromtimestamp(value * DAY_MS / 1000, UTC).date().isoformat()
    return value or None if isinstance(value, str) else value


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
    if question.refs is None and _in_whole_days(question) and set(question.values) <= {*HOLDER, "country"}:
        lines, types = holders.from_sums(connection, question.values, _days(question), question.applications)
    else:
        lines, types = holders.from_rows(connection, question.conditions())
    return [_holding(connection, line, types.get(holders.key_of(line), {})) for line in lines]


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
    rows = sa.select(sa.func.min(transfer.c.idx)).where(transfer.c.at >= at, transfer.c.day >= day_of(at))
    found: int | None = connection.execute(rows).scalar()
    return found


def size(connection: sa.Connection) -> int:
    """Entries in the log."""
    return int(connection.execute(sa.select(tree.c.size)).scalar() or 0)


def statistics(connection: sa.Connection) -> Row:
    """Size, span and kinds of the log; transfers without an outcome; persons and sessions it has references for."""
    kinds = sa.select(entry.c.kind, sa.func.count().label("n")).group_by(entry.c.kind).order_by(entry.c.kind)
    first, last = connection.execute(sa.select(sa.func.min(transfer.c.at), sa.func.max(transfer.c.at))).one()
    unfinished = sa.select(sa.func.count()).select_from(transfer).where(transfer.c.state.is_(None))
    return {
        "entries": size(connection),
        "first": first,
        "last": last,
        **{row.kind: row.n for row in connection.execute(kinds)},
        "open": connection.execute(unfinished).scalar_one(),
        "references": connection.execute(sa.select(sa.func.count()).select_from(reference)).scalar_one(),
    }
