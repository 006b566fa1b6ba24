"""A policy that somebody is writing: what is wrong with it, how it differs, what it would have done, and exceptions.

A draft lives in the form that holds it. Nothing here puts it into force; that is a proposal (`policy_desk`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from audit import query
from audit.ids import now_ms
from audit.values import Question
from policies.diff import PolicyDiff, diff
from policies.errors import Problem
from policies.policy import Policy
from policies.simulate import Simulation, simulate
from proxy.console.access import Right, Visitor
from proxy.console.log import AuditLog
from proxy.console.moments import DAY_MS
from proxy.console.policy_desk import PolicyDesk
from proxy.console.trying import Trying
from proxy.policy.excepting import Excepted, Wanted, except_value
from proxy.policy.replay import Replay
from proxy.policy.source import read_files, read_policy
from proxy.policy.value_refs import ValueRefs

type Files = Mapping[str, str]
"""The texts of a policy's files by their names, the policy first, then what it includes."""

BUNDLED = ("default", "strict", "observe")
WEEK = 7
"""Days of recorded transfers that a draft is tried on."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a draft's text says. failing: names of cases that do not hold. None: its errors come first."""

    problems: tuple[Problem, ...]
    cases: int = 0
    failing: tuple[str, ...] | None = None

    @property
    def errors(self) -> int:
        """How many keep it from being used."""
        return sum(one.is_error for one in self.problems)


class Drafting:
    """Raises RefusedError, PolicyError, ConfigError, RedactionError, AuditError."""

    def __init__(self, desk: PolicyDesk, log: AuditLog, trying: Trying, refs: ValueRefs) -> None:
        self._desk, self._log, self._trying, self._refs = desk, log, trying, refs

    def policy(self, name: str, files: Files) -> Policy:
        """The draft where there is one and it is meant, a bundled policy, or the one in force."""
        if name == "draft" and files:
            return read_files(files).policy
        return read_policy(None, name).policy if name in BUNDLED else self._desk.policy

    def checked(self, visitor: Visitor, files: Files) -> Checked:
        """Lint, then the draft's own cases with the detection that would inspect under it."""
        problems = tuple(self._desk.check(visitor, files))
        if any(one.is_error for one in problems):
            return Checked(problems)
        results = self._trying.cases(read_files(files))
        failing = tuple(one.name for one in results if not one.holds)
        found = tuple(one.problem for one in results if one.problem is not None)
        return Checked((*problems, *found), len(results), failing)

    def differences(self, visitor: Visitor, files: Files) -> PolicyDiff:
        """What it would change in meaning."""
        visitor.require(Right.POLICY)
        return diff(self._desk.policy, read_files(files).policy)

    def between(self, visitor: Visitor, new: Policy) -> PolicyDiff:
        """The same for a policy that is stored."""
        visitor.require(Right.POLICY)
        return diff(self._desk.policy, new)

    def replayed(self, visitor: Visitor, files: Files) -> Simulation:
        """What it would have done with the transfers of the last week that one may see."""
        visitor.require(Right.POLICY)
        policy = read_files(files).policy
        with self._log.read() as connection:
            first = query.first_since(connection, now_ms() - WEEK * DAY_MS)
            kinds = ("transfer", "blocked")
            recorded = Replay(query.entries(connection, since=first, kinds=kinds) if first is not None else ())
            found = simulate(policy, (one for one in recorded if visitor.sees(one.application)))
        self._log.asked(visitor, Question.QUERY, found.transfers, filters=("simulate",))
        return found

    def excepted(self, visitor: Visitor, files: Files, wanted: Wanted, value: str) -> Excepted:
        """The policy's own file with an exception for one value, of which it holds a keyed hash."""
        visitor.require(Right.POLICY)
        refs = self._refs(wanted.entity_type, value)
        made = Wanted(
            wanted.entity_type, refs, wanted.applications, wanted.days, wanted.because, wanted.approved_by,
            wanted.rule, wanted.destination,
        )  # fmt: skip
        text = next(iter(files.values()))
        return except_value(text, read_files(files), made, datetime.now(UTC).date())
