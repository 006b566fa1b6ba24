"""What two recipients of one request did: how long each took, what it counted, for whom mirrored copies were.

Rows of the log enter, measures leave; no text is anywhere near. A time is from the moment when the request left.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import batched
from typing import Any

import orjson
import sqlalchemy as sa

from audit.query import Question, groups, transfers
from audit.reports.costs import week_of
from audit.tables import entry, transfer

_BATCH = 500
"""Bound parameters of one statement."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One recipient's part. wait_ms, total_ms: to the first word and to the end; None where it did not come to that.

    complete: the answer came to its end with a status of 200.
    """

    destination: str
    model: str
    complete: bool
    tokens_in: int | None
    tokens_out: int | None
    wait_ms: int | None
    total_ms: int | None


@dataclass(frozen=True, slots=True)
class Mirrored:
    """A request and a copy of it. attempt: of the copy, from 2. at: ms since 1970."""

    exchange: str
    attempt: int
    at: int
    application: str
    first: Attempt
    second: Attempt


def mirrored(connection: sa.Connection, since: int, limit: int) -> Iterator[Mirrored]:
    """Mirrored copies from a time in ms on, each beside its first, the newest first."""
    copies = list(transfers(connection, Question({"action": "mirror", "kind": "transfer"}, since), limit=limit))
    firsts = {row["id"]: row for row in _firsts(connection, [row["id"] for row in copies])}
    outcomes = _outcomes(connection, [row["outcome_idx"] for row in (*copies, *firsts.values())])
    for copy in copies:
        first = firsts.get(copy["id"])
        if first is not None:
            sides = (_attempt(row, outcomes.get(row["outcome_idx"], {})) for row in (first, copy))
            yield Mirrored(copy["id"], copy["attempt"], copy["at"], copy["application"], *sides)


def answered_by_week(connection: sa.Connection, since: int, own: frozenset[str]) -> list[tuple[str, int, int]]:
    """(Monday of the week, answered by one of these destinations, all), oldest first; copies do not count.

    since: midnight UTC in ms, so that roll-ups answer. own: names of destinations.
    """
    weeks: dict[str, tuple[int, int]] = {}
    for row in groups(connection, Question({"kind": "transfer"}, since), ("day", "destination", "action")):
        if row["action"] != "mirror":
            week, n = _week(row["day"]), row["transfers"]
            before, mine = weeks.get(week, (0, 0)), n if row["destination"] in own else 0
            weeks[week] = before[0] + mine, before[1] + n
    return [(week, *weeks[week]) for week in sorted(weeks)]


def _week(day: str) -> str:
    return week_of((date.fromisoformat(day) - date(1970, 1, 1)).days)


def _firsts(connection: sa.Connection, ids: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    for some in batched(dict.fromkeys(ids), _BATCH):
        rows = sa.select(transfer).where(transfer.c.id.in_(some) & (transfer.c.attempt == 1))
        for row in connection.execute(rows.where(transfer.c.kind == "transfer")).mappings():
            yield {str(name): value for name, value in row.items()}


def _outcomes(connection: sa.Connection, indices: Sequence[int | None]) -> dict[int | None, Mapping[str, Any]]:
    found: dict[int | None, Mapping[str, Any]] = {}
    for some in batched([index for index in indices if index is not None], _BATCH):
        rows = sa.select(entry.c.idx, entry.c.body).where(entry.c.idx.in_(some))
        found |= {row.idx: orjson.loads(row.body) for row in connection.execute(rows)}
    return found


def _attempt(row: Mapping[str, Any], outcome: Mapping[str, Any]) -> Attempt:
    spent = {one["stage"]: one["us"] // 1000 for one in outcome.get("stages", ())}
    return Attempt(
        destination=row["destination"] or "",
        model=row["model"] or "",
        complete=row["state"] == "complete" and outcome.get("upstream_status") == 200,
        tokens_in=row["tokens_in"],
        tokens_out=row["tokens_out"],
        wait_ms=spent.get("wait"),
        total_ms=spent.get("total"),
    )
