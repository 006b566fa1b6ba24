"""Comparing models at a desk: who may, a record before anything is seen, and what is next to be rated."""

from dataclasses import dataclass

from audit.values import Question
from proxy.comparing.compare import FILTERS, Comparing, Recorded
from proxy.comparing.pairs import Blind
from proxy.comparing.report import Report
from proxy.console.access import Right, Visitor
from proxy.console.log import AuditLog
from proxy.console.policy_desk import PolicyDesk


@dataclass(frozen=True, slots=True)
class Next:
    """What is kept, and which pairs of it wait for a rater, as (exchange, attempt), the newest first.

    pair: the next one, None where nothing is, or nobody asked for it.
    """

    kept: int
    names: tuple[tuple[str, int], ...]
    pair: Blind | None = None

    @property
    def waiting(self) -> int:
        """How many pairs of `kept` the rater has not rated."""
        return len(self.names)


class ComparisonDesk:
    """Raises RefusedError, PairGoneError, RedactionError, AuditError, UnavailableError, and what a policy raises."""

    def __init__(self, comparing: Comparing, policy: PolicyDesk, log: AuditLog) -> None:
        self._comparing, self._policy, self._log = comparing, policy, log

    def report(self, visitor: Visitor, days: int) -> Report:
        """Figures of the last days; no text."""
        visitor.require(Right.COMPARE)
        found = self._comparing.report(self._policy.policy, days)
        self._log.asked(visitor, Question.REPORT, len(found.matches), filters=FILTERS)
        return found

    def waiting(self, visitor: Visitor) -> Next:
        """How much there is to rate."""
        visitor.require(Right.COMPARE)
        found = self._comparing.waiting(self._log.actor(visitor))
        return Next(found.kept, found.names)

    def show(self, visitor: Visitor, exchange: str, attempt: int) -> Blind:
        """One pair, recorded before it is shown."""
        visitor.require(Right.COMPARE)
        return self._comparing.show(exchange, attempt, self._recorded(visitor))

    def next(self, visitor: Visitor, after: tuple[str, int] | None = None) -> Next:
        """The newest pair that the visitor has not rated, recorded before it is shown. after: a pair they left out."""
        visitor.require(Right.COMPARE)
        found = self._comparing.waiting(self._log.actor(visitor))
        names = found.names
        at = names.index(after) + 1 if after in names else 0
        if at >= len(names):
            return Next(found.kept, names)
        return Next(found.kept, names, self.show(visitor, *names[at]))

    def rate(self, visitor: Visitor, exchange: str, attempt: int, better: str) -> Blind:
        """A word on a pair: `a`, `b` or `tie`; its names may be told now."""
        visitor.require(Right.COMPARE)
        rater = self._log.actor(visitor)
        return self._comparing.rate(exchange, attempt, better, rater, self._recorded(visitor, "rate"))

    def _recorded(self, visitor: Visitor, *filters: str) -> Recorded:
        def leave(exchange: str) -> None:
            self._log.asked(visitor, Question.SHOW, 1, transfer=exchange, filters=(*FILTERS, *filters))

        return leave
