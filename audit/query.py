"""The questions: which transfers, and how many by what.

Everything is read from columns that were derived from entries; conditions are values for a closed set of columns, so
nothing a caller gives ever becomes SQL. Pages go by key, rows stream, and roll-ups answer what they can.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

import orjson
import sqlalchemy as sa

from audit.questions import values_by_day
from audit.questions.conditions import QueryError, within_entries
from audit.questions.grouping import groups
from audit.questions.places import first_since, places
from audit.questions.question import Question, Row
from audit.sums.summed import Summed
from audit.sums.tables import kinds
from audit.tables import ACTS, SHOWN, entry, reference, subject, transfer, tree

__all__ = [
    "Question",
    "Row",
    "entries",
    "entry_facts",
    "exchange",
    "first_since",
    "groups",
    "lowest_of_page",
    "size",
    "statistics",
    "transfers",
]

PAGE = 1_000
LOOKED_AT = 50_000
"""Entries that are read for one page at most, half a second's work; the next page goes on below them."""
WALKED = 2_000_000
"""Places in the log whose rows are walked through for one page at most, a quarter of a second's work."""
_LED_TO = ("id", "session", "state", "entity_type")
"""Conditions with an index of their own, besides those that the values by day know."""


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
    where = question.conditions()
    where += [transfer.c.idx >= lowest] if lowest else []
    for first, last in places(connection, question, before):
        least = None if first is None else transfer.c.idx >= first
        below = last if before is None or last is None else min(last, before)
        while limit is None or limit > 0:
            page = PAGE if limit is None else min(PAGE, limit)
            rows = sa.select(*SHOWN).where(*where).order_by(transfer.c.idx.desc()).limit(page)
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
        if limit == 0:
            return


def lowest_of_page(connection: sa.Connection, question: Question, before: int | None) -> int:
    """How far down one page may look where entries or rows have to be read to answer, 0 where an index leads there."""
    if not question.of_all:
        return 0
    within = within_entries(question.values)
    if not within and question.values.keys() <= {*values_by_day.known(question.values), *_LED_TO}:
        return 0
    return max(0, (size(connection) if before is None else before) - (LOOKED_AT if within else WALKED))


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
        rows = sa.select(*SHOWN).where(transfer.c.idx.in_(set(indices)), *others).order_by(transfer.c.idx.desc())
        for row in connection.execute(rows).mappings():
            yield {str(name): value for name, value in row.items()}


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
            rows = rows.where(entry.c.kind.in_(kinds), *(() if {"transfer", "outcome"} & {*kinds} else (ACTS,)))
        found = connection.execute(rows).all()
        yield from ((row.idx, row.body) for row in found)
        if len(found) < PAGE:
            return
        at = found[-1].idx + 1


def size(connection: sa.Connection) -> int:
    """Entries in the log."""
    return int(connection.execute(sa.select(tree.c.size)).scalar() or 0)


def statistics(connection: sa.Connection) -> Row:
    """Size, span and kinds of the log; transfers without an outcome; persons and sessions it has references for."""
    table = Summed(connection).of(kinds)
    counted = sa.select(table.c.kind, sa.func.sum(table.c.entries).label("entries")).group_by(table.c.kind)
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
        **{row.kind: int(row.entries) for row in connection.execute(counted.order_by(table.c.kind)) if row.entries},
        "open": connection.execute(unfinished).scalar_one(),
        "references": connection.execute(sa.select(sa.func.count()).select_from(reference)).scalar_one(),
    }
