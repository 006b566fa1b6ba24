"""Where in the log the transfers of a question can be, so that a page does not walk through all that lie between.

Sums say it: on which days a value stood in transfers at all, and in which blocks of entries a kind of data was found.
"""

from collections.abc import Iterator, Sequence
from itertools import chain

import sqlalchemy as sa

from audit.questions import values_by_day
from audit.questions.question import Question
from audit.sums.summed import Summed
from audit.sums.summing import day_of
from audit.sums.tables import BLOCK, daily_value, finding_block
from audit.tables import transfer

BLOCKS = 200
"""Blocks that are asked for at once, the newest first: of what is frequent a page lies in the first of them."""

type Place = tuple[int | None, int | None]
"""The first index, and the one after the last; None for no end."""


def places(connection: sa.Connection, question: Question, before: int | None) -> Iterator[Place]:
    """Where the transfers in question can be below an index, the newest first and none twice."""
    if not question.of_all:  # those of a session are few and have an index of their own
        yield None, before
        return
    since, until = question.days
    found = values_by_day.ranges(connection, question.values, (since, None if until is None else until + 1), before)
    ranges = _span(connection, question, before) if found is None else [(first, last + 1) for first, last in found]
    name = question.values.get("entity_type")
    yield from ranges if name is None else both(ranges, blocks(connection, name, before))


def _span(connection: sa.Connection, question: Question, before: int | None) -> Sequence[Place]:
    """Where a time lies in the log, nowhere where nothing is of that time."""
    first = last = None
    if question.since is not None:
        first = first_since(connection, question.since)
        if first is None:
            return []
    if question.until is not None:
        values = Summed(connection).of(daily_value)
        newest = sa.select(sa.func.max(values.c.last)).where(values.c.name == "door")
        last = connection.execute(newest.where(values.c.day <= day_of(question.until))).scalar()
        if last is None:
            return []
    return [(first, before if last is None else last + 1)]


def first_since(connection: sa.Connection, at: int) -> int | None:
    """Index of the first transfer or refusal at or after a time in ms; None where there is none."""
    same = sa.select(sa.func.min(transfer.c.idx)).where(transfer.c.at >= at, transfer.c.day == day_of(at))
    # Every transfer has a door, so its values by day tell where each day begins.
    values = Summed(connection).of(daily_value)
    later = sa.select(sa.func.min(values.c.first)).where(values.c.name == "door", values.c.day > day_of(at))
    found = [connection.execute(rows).scalar() for rows in (same, later)]
    return min((index for index in found if index is not None), default=None)


def blocks(connection: sa.Connection, entity_type: str, before: int | None) -> Iterator[tuple[int, int]]:
    """Where a kind of data was found, the newest first, neighbours as one."""
    table = Summed(connection).of(finding_block)
    rows = sa.select(table.c.block).where(table.c.entity_type == entity_type)
    rows = rows.group_by(table.c.block).order_by(table.c.block.desc()).limit(BLOCKS)
    below = None if before is None else -(-before // BLOCK)
    while found := list(connection.execute(rows if below is None else rows.where(table.c.block < below)).scalars()):
        end = first = found[0]
        for block in chain(found[1:], (None,)):
            if block == first - 1:
                first = block
            else:
                yield first * BLOCK, (end + 1) * BLOCK
                end = first = block if block is not None else first
        below = found[-1]


def both(ranges: Sequence[Place], others: Iterator[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """What lies in both; each newest first, without overlaps."""
    at = 0
    for first, end in others:
        while at < len(ranges):
            since, until = ranges[at][0] or 0, ranges[at][1]
            low, high = max(first, since), end if until is None else min(end, until)
            if low < high:
                yield low, high
            if since <= first:
                break
            at += 1
