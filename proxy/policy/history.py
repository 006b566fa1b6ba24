"""What each change of the policy changed in meaning: told from the versions that are kept, checked against the log.

A record of the log holds closed values only, so it names the policy before and after by their digests and counts what
became stricter and weaker. Here both texts are read again; each has to have the digest that the record names, and the
difference has to have its counts.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from audit import query
from audit.values import PolicyEvent
from policies.diff import PolicyDiff, diff
from policies.errors import PolicyError
from proxy.control.store import ControlStore
from proxy.errors import ConfigError, ProposalError
from proxy.policy.source import stored

NEWEST = 100


@dataclass(frozen=True, slots=True)
class Step:
    """One record of a policy that came into force. index: of its entry. old: "" for the first. Digests without prefix.

    actor, second: references of the log. stricter, weaker: as the record counts them.
    """

    index: int
    at: int
    name: str
    old: str
    new: str
    actor: str
    second: str
    stricter: int
    weaker: int


@dataclass(frozen=True, slots=True)
class Told:
    """A step in meaning. difference: None where a text is missing or has another digest, and `why` says so.

    agrees: the difference has the counts that the record holds.
    """

    step: Step
    difference: PolicyDiff | None
    why: str = ""

    @property
    def agrees(self) -> bool:
        """Whether the record counts what the texts say."""
        changes = self.difference.changes if self.difference is not None else ()
        counted = (sum(one.stricter for one in changes), sum(one.weaker for one in changes))
        return counted == (self.step.stricter, self.step.weaker)


def steps(connection: sa.Connection, limit: int = NEWEST) -> list[Step]:
    """The policies that came into force, as the log has them, newest first."""
    return list(deque(_steps(connection), limit))[::-1]


def _steps(connection: sa.Connection) -> Iterator[Step]:
    for index, body in query.entries(connection, kinds=("policy",)):
        facts: dict[str, Any] = orjson.loads(body)
        if facts["event"] == PolicyEvent.ACTIVATED:
            yield Step(
                index=index,
                at=facts["at"],
                name=facts["name"],
                old=facts.get("old_digest", ""),
                new=facts["new_digest"],
                actor=facts["actor"],
                second=facts.get("second_actor", ""),
                stricter=facts["stricter"],
                weaker=facts["weaker"],
            )


def of_digest(found: Sequence[Step], digest: str) -> list[Step]:
    """The newest of some steps to the policy whose digest begins so. Raises ProposalError for none or several."""
    wanted = digest.removeprefix("sha256:")
    fitting = [one for one in found if wanted and one.new.startswith(wanted)]
    if len({one.new for one in fitting}) != 1:
        what = "several policies that came into force have" if fitting else "no policy that came into force has"
        raise ProposalError(f"{what} the digest {digest[:80]}; `dragoman policy history` lists them")
    return fitting[:1]


def told(control: ControlStore, step: Step) -> Told:
    """What a step changed. Raises UnavailableError."""
    if not step.old:
        return Told(step, None, "nothing was in force before")
    found = []
    for digest in (step.old, step.new):
        try:
            found.append(stored(control, digest).policy)
        except (ConfigError, PolicyError) as error:
            return Told(step, None, f"{digest[:12]}: {error.message.splitlines()[0]}")
    return Told(step, diff(*found))
