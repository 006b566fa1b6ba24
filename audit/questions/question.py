"""A question: which transfers, by conditions, times, persons, applications and sessions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from audit.questions.conditions import CONDITIONS, conditions, unknown
from audit.questions.spans import Days
from audit.sums.rows import DAY_MS
from audit.sums.summing import day_of
from audit.tables import subject, transfer

type Row = dict[str, Any]


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
