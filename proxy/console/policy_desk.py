"""The policy as the officer reads it, stops, and the check of a text that somebody would make the policy.

A pasted text is checked in memory and stored nowhere.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from audit.events import StopRecord
from audit.ids import now_ms
from audit.values import Question, StopState, StopTarget
from policies.errors import PolicyFileError, Problem
from policies.lint import lint
from policies.load import Loaded
from policies.policy import Policy
from proxy.console.access import Right, Visitor
from proxy.console.log import AuditLog
from proxy.console.questions import NotFoundError
from proxy.control.policies import Activation, Person, Proposal
from proxy.control.stopping import set_stop
from proxy.control.store import ControlStore
from proxy.errors import ConfigError, ProposalError
from proxy.policy.activating import earlier, propose
from proxy.policy.history import Told, steps, told
from proxy.policy.source import PolicySource, accept, check_examples, check_supported, files_of, read_files, stored

PASTED = "pasted.yaml"
MAX_TEXT = 512 * 1024
"""Characters of a pasted policy; ours have a few thousand."""


@dataclass(frozen=True, slots=True)
class Effective:
    """The policy that the files hold now. active: whether it is the one that was activated last."""

    policy: Policy
    active: bool


@dataclass(frozen=True, slots=True)
class Stoppable:
    """A destination or application, and whether it is stopped."""

    target: StopTarget
    name: str
    stopped: bool


def person_of(visitor: Visitor) -> Person:
    """Who it is: two tokens of one name are one person."""
    return Person(visitor.actor, visitor.token.name)


class PolicyDesk:
    """Raises PolicyError, ConfigError where the policy's files hold errors."""

    def __init__(self, source: PolicySource, control: ControlStore, log: AuditLog, *, people: int = 1) -> None:
        """people: how many have to want another policy."""
        self._source, self._control, self._log, self._people = source, control, log, people
        self._lock, self._trying = threading.Lock(), threading.Lock()
        self._loaded: Loaded | None = None

    @property
    def loaded(self) -> Loaded:
        """What the files say now; read again only when they have changed."""
        with self._lock:
            if self._loaded is None or self._source.changed():
                self._loaded = None  # a file that cannot be read now has no effective policy
                self._loaded = self._source.read()
            return self._loaded

    @property
    def policy(self) -> Policy:
        """The policy of `loaded`."""
        return self.loaded.policy

    def files(self, visitor: Visitor) -> dict[str, str]:
        """The policy's files as they stand, the policy first."""
        visitor.require(Right.POLICY)
        return files_of(self.loaded)

    def version(self, visitor: Visitor, digest: str) -> Loaded:
        """A policy that was proposed or in force, by its digest. Raises ProposalError."""
        visitor.require(Right.POLICY)
        return stored(self._control, digest)

    def warnings(self, today: date) -> list[Problem]:
        """What lint says about the files, warnings included."""
        _ = self.policy
        with self._lock:
            loaded = self._loaded
        return [] if loaded is None else lint(loaded, today)

    def effective(self, visitor: Visitor) -> Effective:
        """The policy, resolved."""
        visitor.require(Right.POLICY)
        policy = self.policy
        return Effective(policy, self._control.last_policy() == policy.digest)

    def check(self, visitor: Visitor, files: Mapping[str, str]) -> list[Problem]:
        """Everything that is wrong or doubtful in a policy's files, errors and warnings in the order of the texts."""
        visitor.require(Right.POLICY)
        try:
            loaded = read_files(files)
        except PolicyFileError as error:
            return list(error.problems)
        with self._trying:
            examples = check_examples(loaded, pasted=True)
        return sorted([*lint(loaded, datetime.now(UTC).date()), *examples, *check_supported(loaded)])

    def propose(self, visitor: Visitor, files: Mapping[str, str]) -> Proposal:
        """Asks for a policy to take effect, with all that it includes: now, or when a second person agrees.

        Raises PolicyError, ProposalError.
        """
        visitor.require(Right.ACTIVATE)
        loaded = read_files(files)
        try:
            with self._trying:
                accept(loaded, pasted=True)
        except ConfigError as error:
            raise ProposalError(error.message) from None
        return propose(self._control, loaded, self._in_file(), person_of(visitor), people=self._people)

    def agree(self, visitor: Visitor, proposal: str) -> Proposal:
        """The second person's word. Raises ProposalError."""
        visitor.require(Right.ACTIVATE)
        return self._control.policies.agree(proposal, person_of(visitor))

    def roll_back(self, visitor: Visitor, digest: str) -> Proposal:
        """Asks for a policy that was in force before; digest: "" for the one before this one. Raises ProposalError."""
        visitor.require(Right.ACTIVATE)
        loaded = earlier(self._control, digest)
        return propose(self._control, loaded, self._in_file(), person_of(visitor), people=self._people)

    def proposals(self, visitor: Visitor) -> tuple[Proposal, ...]:
        """What was asked for, newest first."""
        visitor.require(Right.POLICY)
        return self._control.policies.all()

    def told(self, visitor: Visitor, digest: str) -> Told:
        """What a policy changed in meaning when it came into force last. Raises NotFoundError."""
        visitor.require(Right.POLICY)
        with self._log.read() as connection:
            found = [one for one in steps(connection) if one.new == digest.removeprefix("sha256:")]
        self._log.asked(visitor, Question.QUERY, len(found), filters=("policy_history",))
        if not found:
            raise NotFoundError("the log knows no policy of this digest that came into force")
        return told(self._control, found[0])

    def history(self, visitor: Visitor) -> tuple[Activation, ...]:
        """What came into force, newest first."""
        visitor.require(Right.POLICY)
        return self._control.policies.history()

    def _in_file(self) -> str:
        return self._source.in_file()

    def stoppable(self, visitor: Visitor) -> list[Stoppable]:
        """Every destination and application that there is, and whether it is stopped; a team sees its own."""
        visitor.require(Right.TRANSFERS)
        stops = self._control.stops()
        found = []
        for target, names in self._names().items():
            stopped = stops[target.value]
            for name in sorted(names | stopped):
                if target is StopTarget.DESTINATION or visitor.sees(name):
                    found.append(Stoppable(target, name, name in stopped))
        return found

    def stop(self, visitor: Visitor, target: StopTarget, name: str, *, stopped: bool) -> Stoppable:
        """Stops or resumes in every process of the home within 2 s, recorded. Raises RefusedError, NotFoundError."""
        visitor.require(Right.STOP)
        if name not in self._names()[target] | self._control.stops()[target.value]:
            raise NotFoundError(f"the policy names no {target} of this name")

        def record(state: StopState) -> None:
            actor = self._log.actor(visitor)
            self._log.append(StopRecord(at=now_ms(), target=target, name=name, state=state, actor=actor))

        set_stop(self._control, target, name, record, stopped=stopped)
        return Stoppable(target, name, stopped)

    def _names(self) -> dict[StopTarget, frozenset[str]]:
        policy = self.policy
        applications = {item.application for item in self._control.credentials()}
        return {
            StopTarget.DESTINATION: frozenset(policy.destinations),
            StopTarget.APPLICATION: frozenset(policy.applications) | applications,
        }
