"""The one way to a comparison for the command, the console and the judge: which pair is next, a word on it, the report.

Reads the vault, the log and the control database; what somebody sees is recorded before, by whoever shows it.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from audit.ids import now_ms
from audit.questions.mirrored import answered_by_week, mirrored
from audit.reports.writing import tables_of
from audit.sums.rows import DAY_MS
from policies.policy import Policy
from proxy.comparing.pairs import Blind, blind
from proxy.comparing.report import Report, report
from proxy.control.ratings import Rating, Ratings
from proxy.errors import ProxyError

if TYPE_CHECKING:
    from redaction.vault import SqlVault

MOST_PAIRS = 2_000
"""Pairs among which one is looked for that somebody has not rated; nobody rates more."""
MOST_MEASURED = 2_000
"""Copies that are measured for a report, the newest; their outcomes are read one by one."""
FILTERS = ("compare",)
"""What a record of looking at pairs says that was asked by."""

type Recorded = Callable[[str], None]
"""Leaves a durable record that the pair of this exchange is shown. Raises where it cannot."""


class PairGoneError(ProxyError):
    """The pair is not kept, or not any more, or the same rater has rated it."""

    code = "not_found"
    status = 404


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many pairs are kept, and which of them a rater has not rated, the newest first."""

    kept: int
    names: tuple[tuple[str, int], ...]


class Comparing:
    """home: whose prices.toml says what models cost. read: one state of the log. vault: opens it."""

    def __init__(
        self,
        home: Path,
        ratings: Ratings,
        vault: "Callable[[], SqlVault]",
        read: Callable[[], AbstractContextManager[sa.Connection]],
    ) -> None:
        self._home, self._ratings, self._vault, self._read = home, ratings, vault, read

    def waiting(self, rater: str) -> Waiting:
        """What a rater may rate. Raises RedactionError, UnavailableError."""
        with closing(self._vault()) as vault:
            names = vault.answers.names(MOST_PAIRS)
        rated = self._ratings.rated(rater, names)
        return Waiting(len(names), tuple(name for name in names if name not in rated))

    def show(self, exchange: str, attempt: int, recorded: Recorded) -> Blind:
        """A pair without names; recorded before. Raises PairGoneError, RedactionError, AuditError."""
        with closing(self._vault()) as vault:
            pair = vault.answers.pair(exchange, attempt)
        if pair is None:
            raise PairGoneError("this pair is not kept, or not any more")
        recorded(exchange)
        return blind(pair)

    def rate(self, exchange: str, attempt: int, better: str, rater: str, recorded: Recorded) -> Blind:
        """A rater's word: `a`, `b` or `tie`. The pair comes back, whose names may be told now.

        Raises PairGoneError also for a second word on the same pair.
        """
        shown = self.show(exchange, attempt, recorded)
        rating = Rating(exchange, attempt, rater, shown.verdict(better), shown.first, shown.second)
        if not self._ratings.add(rating):
            raise PairGoneError("you have rated this pair before; the first word counts")
        return shown

    def report(self, policy: Policy, days: int) -> Report:
        """The last days. Raises AuditError, UnavailableError."""
        midnight = now_ms() // DAY_MS * DAY_MS
        since = midnight - (days - 1) * DAY_MS
        own = frozenset(name for name, one in policy.destinations.items() if one.operator == "us")
        with self._read() as connection:
            copies = list(mirrored(connection, since, MOST_MEASURED + 1))
            weeks = answered_by_week(connection, since, own)
        prices = tables_of(self._home)["prices"]
        more = len(copies) > MOST_MEASURED
        return report(since, self._ratings.since(since), copies[:MOST_MEASURED], weeks, prices, more=more)
