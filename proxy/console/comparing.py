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
    """What is kept and waits for a rater. pair: the next one, None where nothing is, or nobody asked for it."""

    kept: int
    waiting: int
    pair: Blind | None = None


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
        return Next(found.kept, len(found.names))

    def next(self, visitor: Visitor, after: tuple[str, int] | None = None) -> Next:
        """The newest pair that the visitor has not rated, recorded before it is shown. after: a pair they left out."""
        visitor.require(Right.COMPARE)
        found = self._comparing.waiting(self._log.actor(visitor))
        names = found.names
        at = names.index(after) + 1 if after in names else 0
        if at >= len(names):
            return Next(found.kept, len(names))
        return Next(found.kept, len(names), self._comparing.show(*names[at], self._recorded(visitor)))

    def rate(self, visitor: Visitor, exchange: str, attempt: int, better: str) -> Blind:
        """A word on a pair: `a`, `b` or `tie`; its names may be told now."""
        visitor.require(Right.COMPARE)
        rater = self._log.actor(visitor)
        return self._comparing.rate(exchange, attempt, better, rater, self._recorded(visitor, "rate"))

    def _recorded(self, visitor: Visitor, *filters: str) -> Recorded:
        def leave(exchange: str) -> None:
            self._log.asked(visitor, Question.SHOW, 1, transfer=exchange, filters=(*FILTERS, *filters))

        return leave
