"""Budgets in a running process: what was spent, read from the log at the start and counted from then on.

Several processes and machines serve one policy: each counts its own transfers before they are recorded, and what the
others sent when it sees it in the log they share, which is within a second. What all of them send in that second may go
over a budget; nothing after it does.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import orjson

from policies.budgets import Spending, Usage, window_start
from policies.declared import Budget
from policies.policy import Policy
from proxy.errors import RefusedError
from proxy.steps.work import Work

type Entries = Iterable[tuple[int, bytes]]


@dataclass(frozen=True, slots=True)
class Log:
    """The entries `transfer` and `outcome` of the log, with their indices. All three block and raise AuditError.

    since: those from the first transfer at or after a time in ms. newer: those from an index on. size: of the log.
    """

    since: Callable[[int], Entries]
    newer: Callable[[int], Entries]
    size: Callable[[], int]


MOST_OPEN = 100_000
"""Transfers whose outcome is waited for; the oldest are forgotten, and then their tokens count nowhere but here."""


class Budgets:
    """What the policy's budgets have left. Belongs to one event loop."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._usage = Usage(())
        self._meanwhile: list[Spending] | None = None
        self._position = self._prepared = 0
        self._own: dict[str, None] = {}
        self._others: dict[str, Spending] = {}

    async def prepare(self, policy: Policy, at: int) -> Usage:
        """Counters for a policy that is to take effect, from the log; those in use where its budgets are the same.

        at: now, in milliseconds. Raises AuditError.
        """
        if policy.budgets == self._usage.budgets:
            return self._usage
        self._meanwhile = []
        usage, self._prepared = await asyncio.to_thread(counted, policy.budgets, self._log, at)
        return usage

    def use(self, usage: Usage) -> None:
        """From now on these count. What was sent while they were read counts for sure, perhaps twice."""
        if usage is not self._usage:
            for one in self._meanwhile or ():
                usage.spend(one)
            self._position = self._prepared
        self._usage = usage
        self._meanwhile = None

    def keep(self) -> None:
        """What was prepared will not be used."""
        self._meanwhile = None

    async def follow(self) -> None:
        """Counts what others sent since the last look. Raises AuditError."""
        usage = self._usage
        if not usage.budgets:
            return
        found = await asyncio.to_thread(lambda: list(self._log.newer(self._position)))
        if usage is not self._usage:
            return  # others count now, and were read from the log
        for index, body in found:
            self._position = index + 1
            self._seen(usage, orjson.loads(body))

    def _seen(self, usage: Usage, facts: dict[str, object]) -> None:
        transfer = attempt_of(facts)
        if transfer in self._own:
            if facts["kind"] == "outcome":
                del self._own[transfer]
        elif facts["kind"] == "transfer":
            one = self._others[transfer] = spent(facts)
            usage.spend(one)
            _shorten(self._others)
        elif (other := self._others.pop(transfer, None)) is not None:
            usage.add_tokens(other, tokens_of(facts))

    def exhausted(self, one: Spending) -> frozenset[str]:
        """Ids of the budgets that this transfer would overdraw."""
        return self._usage.exhausted(one)

    def reserve(self, one: Spending) -> None:
        """Counts a transfer just before it is recorded. Raises RefusedError where others were faster."""
        if self._usage.exhausted(one):
            raise RefusedError("a budget of the policy is used up", code="budget_exceeded", status=429)
        self._usage.spend(one)
        if self._usage.budgets and one.transfer:
            self._own[one.transfer] = None
            _shorten(self._own)
        if self._meanwhile is not None:
            self._meanwhile.append(one)

    def add_tokens(self, one: Spending, tokens: int) -> None:
        """Counts what the provider reported."""
        self._usage.add_tokens(one, tokens)


def spending_of(work: Work) -> Spending:
    """What a transfer spends; its destination and its sender are known."""
    facts = work.facts
    subjects = tuple([one.ref for one in facts.subjects])
    size, application, attempt = len(facts.egress.body), work.identity.application, f"{facts.transfer}/{facts.attempt}"
    return Spending(application, work.destination.name, facts.at_ms, size, subjects, attempt)


def counted(budgets: tuple[Budget, ...], log: Log, at: int) -> tuple[Usage, int]:
    """The counters as the log has them, and the index up to which it was read."""
    usage = Usage(budgets)
    if not budgets:
        return usage, 0
    position = log.size()
    start = window_start(budgets, at)
    sent: dict[str, Spending] = {}
    for index, body in log.since(start):
        position, facts = max(position, index + 1), orjson.loads(body)
        if facts["kind"] == "transfer" and facts["at"] >= start:
            one = sent[attempt_of(facts)] = spent(facts)
            usage.spend(one)
        elif facts["kind"] == "outcome" and (one_sent := sent.pop(attempt_of(facts), None)) is not None:
            usage.add_tokens(one_sent, tokens_of(facts))
    return usage, position


def spent(facts: dict[str, object]) -> Spending:
    """What a `transfer` entry says was spent."""
    destination, subjects = facts.get("destination", {}), facts.get("subjects", ())
    assert isinstance(destination, dict)
    assert isinstance(subjects, list | tuple)
    application, at, size = str(facts["application"]), facts["at"], facts.get("bytes_in", 0)
    assert isinstance(at, int)
    assert isinstance(size, int)
    return Spending(
        application="" if application == "unknown" else application,
        destination=destination.get("name", ""),
        at=at,
        size=size,
        subjects=tuple(subject["ref"] for subject in subjects),
        transfer=attempt_of(facts),
    )


def attempt_of(facts: Mapping[str, object]) -> str:
    """Which attempt at which exchange an entry is about: a mirrored copy spends beside the first."""
    return f"{facts['id']}/{facts['attempt']}"


def tokens_of(facts: dict[str, object]) -> int:
    """What an `outcome` entry says the provider counted."""
    counts = (facts.get("tokens_in"), facts.get("tokens_out"))
    return sum(one for one in counts if isinstance(one, int))


def _shorten[V](known: dict[str, V]) -> None:
    while len(known) > MOST_OPEN:
        del known[next(iter(known))]
