"""How much of a policy's budgets is spent: counters per window, and for whom each is counted apart.

Facts about transfers enter, ids of budgets that are used up leave. Nothing here reads a clock or a log: whoever counts
says when a transfer was, and begins again from the log after a restart.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from policies.declared import Budget

_MS = {"hour": 3_600_000, "day": 86_400_000}

type Key = tuple[str, int, tuple[str, ...]]
"""Budget id, number of the window since 1970 (UTC hours or days), and what it is counted apart by."""


@dataclass(frozen=True, slots=True)
class Spending:
    """What one transfer spends. at: milliseconds since 1970 UTC. size: bytes. subjects: references of persons.

    transfer: id of its record, "" where nobody asks for it.
    """

    application: str
    destination: str
    at: int
    size: int = 0
    subjects: tuple[str, ...] = ()
    transfer: str = ""


@dataclass(slots=True)
class _Spent:
    transfers: int = 0
    bytes: int = 0
    tokens: int = 0
    subjects: set[str] = field(default_factory=set)


def window_start(budgets: Sequence[Budget], at: int) -> int:
    """The first millisecond that any budget's window at this time looks back to; `at` where there is no budget."""
    return min((at - at % _MS[budget.per] for budget in budgets), default=at)


class Usage:
    """The counters of one set of budgets. Forgets windows that are over."""

    def __init__(self, budgets: Sequence[Budget]) -> None:
        self.budgets = tuple(budgets)
        self._counters: dict[Key, _Spent] = {}
        self._newest: dict[str, int] = {}

    def exhausted(self, one: Spending) -> frozenset[str]:
        """Ids of the budgets that this transfer would overdraw."""
        if not self.budgets:
            return frozenset()
        return frozenset(
            budget.id for budget in self.budgets if any(self._over(budget, key, one) for key in _keys(budget, one))
        )

    def spend(self, one: Spending) -> None:
        """Counts a transfer; it may still fail afterwards, and then counts as well."""
        for budget in self.budgets:
            for key in _keys(budget, one):
                spent = self._at(budget, key)
                spent.transfers += 1
                spent.bytes += one.size
                if budget.subjects is not None:
                    spent.subjects.update(one.subjects)

    def add_tokens(self, one: Spending, tokens: int) -> None:
        """Counts what the provider reported for a transfer that was spent before."""
        for budget in self.budgets:
            for key in _keys(budget, one):
                self._at(budget, key).tokens += tokens

    def _at(self, budget: Budget, key: Key) -> _Spent:
        if key[1] > self._newest.get(budget.id, -1):
            self._newest[budget.id] = key[1]
            for old in [old for old in self._counters if old[0] == budget.id and old[1] < key[1]]:
                del self._counters[old]
        return self._counters.setdefault(key, _Spent())

    def _over(self, budget: Budget, key: Key, one: Spending) -> bool:
        spent = self._counters.get(key) or _Spent()
        return (
            (budget.transfers is not None and spent.transfers + 1 > budget.transfers)
            or (budget.bytes is not None and spent.bytes + one.size > budget.bytes)
            # How many tokens an answer takes is known afterwards, so the one that reaches the limit is the last.
            or (budget.tokens is not None and spent.tokens >= budget.tokens)
            or (budget.subjects is not None and len(spent.subjects | set(one.subjects)) > budget.subjects)
        )


def _keys(budget: Budget, one: Spending) -> Iterator[Key]:
    """The counters that a transfer touches: one, or one per person where persons are counted apart."""
    if budget.applications and one.application not in budget.applications:
        return
    if budget.destinations and one.destination not in budget.destinations:
        return
    window = one.at // _MS[budget.per]
    apart = {"application": one.application, "destination": one.destination}
    common = tuple(apart[name] for name in ("application", "destination") if name in budget.each)
    if "subject" not in budget.each:
        yield budget.id, window, common
        return
    for subject in one.subjects or ("",):
        yield budget.id, window, (*common, subject)
