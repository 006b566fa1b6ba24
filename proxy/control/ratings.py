"""Which of two answers somebody found better, and whose answers they were; no text, and no name of a person.

A rating outlives the texts that were rated, so that a rate does not change when their time is over. A rater is the
reference that the log has for an actor, or `judge:` and the model that judged.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from proxy.control.database import ControlDatabase, insert_if_free
from proxy.control.tables import rating

JUDGE = "judge:"
_BATCH = 500  # bound parameters of one statement


class Verdict(StrEnum):
    """FIRST: what the first recipient said is better. SECOND: what the mirror said."""

    FIRST = "first"
    SECOND = "second"
    TIE = "tie"


@dataclass(frozen=True, slots=True)
class Side:
    """Whose answer it is. model: as the log names it, or ""."""

    destination: str
    model: str


@dataclass(frozen=True, slots=True)
class Rating:
    """One rater's word on one pair. at: ms since 1970."""

    exchange: str
    attempt: int
    rater: str
    verdict: Verdict
    first: Side
    second: Side
    at: int = 0

    @property
    def by_person(self) -> bool:
        """Whether a person rated, and not a model."""
        return not self.rater.startswith(JUDGE)


class Ratings:
    """The ratings of one control database. Synchronous. Raises UnavailableError."""

    def __init__(self, database: ControlDatabase) -> None:
        self._database = database

    def add(self, one: Rating) -> bool:
        """Keep a rating. False where this rater has rated the pair before; the first word counts."""
        new = {
            "exchange": one.exchange, "attempt": one.attempt, "rater": one.rater, "verdict": str(one.verdict),
            "first_destination": one.first.destination, "first_model": one.first.model,
            "second_destination": one.second.destination, "second_model": one.second.model,
            "at": one.at or time.time_ns() // 1_000_000,
        }  # fmt: skip
        with self._database.write() as connection:
            return connection.execute(insert_if_free(connection, rating).values(new)).rowcount > 0

    def rated(self, rater: str, pairs: Iterable[tuple[str, int]]) -> frozenset[tuple[str, int]]:
        """Those of the pairs that this rater has rated."""
        ids, found = [exchange for exchange, _ in pairs], set()
        with self._database.read() as connection:
            for start in range(0, len(ids), _BATCH):
                some = ids[start : start + _BATCH]
                rows = rating.select().where((rating.c.rater == rater) & rating.c.exchange.in_(some))
                found |= {(row.exchange, row.attempt) for row in connection.execute(rows)}
        return frozenset(found)

    def since(self, at: int) -> tuple[Rating, ...]:
        """Every rating from a time in ms on, oldest first."""
        rows = rating.select().where(rating.c.at >= at).order_by(rating.c.at, rating.c.exchange, rating.c.rater)
        with self._database.read() as connection:
            return tuple(
                Rating(
                    row.exchange,
                    row.attempt,
                    row.rater,
                    Verdict(row.verdict),
                    Side(row.first_destination, row.first_model),
                    Side(row.second_destination, row.second_model),
                    row.at,
                )
                for row in connection.execute(rows)
            )
