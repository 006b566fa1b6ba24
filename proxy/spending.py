"""Budgets in a running process: what was spent, read from the log at the start and counted from then on.

Counts of one process. Where several serve one policy, each knows what all had spent when it started or when the policy
changed, and after that its own; so a budget is exact for one process and a lower bound of strictness for several.
"""

import asyncio
from collections.abc import Callable, Iterable

import orjson

from policies.budgets import Spending, Usage, window_start
from policies.policy import Budget, Policy
from proxy.errors import RefusedError
from proxy.work import Work

type Entries = Callable[[int], Iterable[tuple[int, bytes]]]
"""Milliseconds -> entries (`transfer`, `outcome`) of the log from the first transfer at or after it."""


class Budgets:
    """What the policy's budgets have left. Belongs to one event loop."""

    def __init__(self, entries: Entries) -> None:
        self._entries = entries
        self._usage = Usage(())
        self._meanwhile: list[Spending] | None = None

    async def prepare(self, policy: Policy, at: int) -> Usage:
        """Counters for a policy that is to take effect, from the log; those in use where its budgets are the same.

        at: now, in milliseconds. Raises AuditError.
        """
        if policy.budgets == self._usage.budgets:
            return self._usage
        self._meanwhile = []
        return await asyncio.to_thread(counted, policy.budgets, self._entries, at)

    def use(self, usage: Usage) -> None:
        """From now on these count. What was sent while they were read counts for sure, perhaps twice."""
        if usage is not self._usage:
            for one in self._meanwhile or ():
                usage.spend(one)
        self._usage = usage
        self._meanwhile = None

    def keep(self) -> None:
        """What was prepared will not be used."""
        self._meanwhile = None

    def exhausted(self, one: Spending) -> frozenset[str]:
        """Ids of the budgets that this transfer would overdraw."""
        return self._usage.exhausted(one)

    def reserve(self, one: Spending) -> None:
        """Counts a transfer just before it is recorded. Raises RefusedError where others were faster."""
        if self._usage.exhausted(one):
            raise RefusedError("a budget of the policy is used up", code="budget_exceeded", status=429)
        self._usage.spend(one)
        if self._meanwhile is not None:
            self._meanwhile.append(one)

    def add_tokens(self, one: Spending, tokens: int) -> None:
        """Counts what the provider reported."""
        self._usage.add_tokens(one, tokens)


def spending_of(work: Work) -> Spending:
    """What a transfer spends; its destination and its sender are known."""
    facts = work.facts
    subjects = tuple(one.ref for one in facts.subjects)
    return Spending(work.identity.application, work.destination.name, facts.at_ms, len(facts.egress.body), subjects)


def counted(budgets: tuple[Budget, ...], entries: Entries, at: int) -> Usage:
    """The counters as the log has them."""
    usage = Usage(budgets)
    if not budgets:
        return usage
    start = window_start(budgets, at)
    sent: dict[str, Spending] = {}
    for _, body in entries(start):
        facts = orjson.loads(body)
        if facts["kind"] == "transfer" and facts["at"] >= start:
            one = Spending(
                application="" if facts["application"] == "unknown" else facts["application"],
                destination=facts.get("destination", {}).get("name", ""),
                at=facts["at"],
                size=facts.get("bytes_in", 0),
                subjects=tuple(subject["ref"] for subject in facts.get("subjects", ())),
            )
            sent[facts["id"]] = one
            usage.spend(one)
        elif facts["kind"] == "outcome" and facts["id"] in sent:
            tokens = (facts.get("tokens_in") or 0) + (facts.get("tokens_out") or 0)
            usage.add_tokens(sent.pop(facts["id"]), tokens)
    return usage
