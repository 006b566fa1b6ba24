"""Policies that were in force or are asked for: their files as they were, who asked, who agreed, what came of it.

Texts of policy files enter, as their owners wrote them; nothing of a transfer does. One person's word is enough unless
configuration asks for two; then nobody agrees to what the same person asked for.
"""

from dataclasses import dataclass
from enum import StrEnum

import orjson
import sqlalchemy as sa

from audit.ids import new_id, now_ms
from proxy.control.database import ControlDatabase, insert_if_free
from proxy.control.tables import policy_activation, policy_proposal, policy_version
from proxy.control.tokens import same_name
from proxy.errors import ProposalError

MAX_WAITING = 1000
"""Proposals that are kept; older ones are forgotten, what was activated stays in the log."""
MAX_REASON = 4000


class ProposalState(StrEnum):
    """What became of a proposal. AGREED: it takes effect as soon as a process looks."""

    WAITING = "waiting"
    AGREED = "agreed"
    ACTIVE = "active"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks or agrees. actor: for the log's reference. name: by which two are told apart."""

    actor: str
    name: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """Somebody wants a policy in force. instead_of: digest of the policy in the file then, "" for none.

    at, agreed: ms. asked_by, agreed_by: actors. reason: why it was refused.
    """

    id: str
    at: int
    digest: str
    name: str
    instead_of: str
    asked_by: str
    agreed_by: str
    agreed: int
    state: ProposalState
    reason: str


@dataclass(frozen=True, slots=True)
class Activation:
    """A policy that came into force. at: ms."""

    at: int
    name: str
    digest: str


class Policies:
    """The policies of one control database. Synchronous. Raises UnavailableError."""

    def __init__(self, database: ControlDatabase) -> None:
        self._database = database

    def keep(self, digest: str, name: str, files: dict[str, str]) -> None:
        """Remember what a policy's files say, the policy first; once per digest."""
        row = {"digest": digest, "name": name, "at": now_ms(), "files": orjson.dumps(list(files.items())).decode()}
        with self._database.write() as connection:
            connection.execute(insert_if_free(connection, policy_version).values(row))

    def files(self, digest: str) -> dict[str, str]:
        """The files of a policy by the beginning of its digest. Raises ProposalError where none or several fit."""
        wanted = digest if digest.startswith("sha256:") else f"sha256:{digest}"
        with self._database.read() as connection:
            fits = policy_version.c.digest.startswith(wanted, autoescape=True)
            rows = connection.execute(sa.select(policy_version.c.files).where(fits).limit(2)).all()
        if len(rows) != 1:
            what = "no stored policy has" if not rows else "several stored policies have"
            raise ProposalError(f"{what} the digest {digest[:80]}; `dragoman policy history` lists them")
        return dict(orjson.loads(rows[0].files))

    def history(self, limit: int = 100) -> tuple[Activation, ...]:
        """What came into force, newest first."""
        newest = sa.select(policy_activation).order_by(policy_activation.c.id.desc()).limit(limit)
        with self._database.read() as connection:
            return tuple(Activation(row.at, row.name, row.digest) for row in connection.execute(newest))

    def propose(self, digest: str, name: str, by: Person, *, instead_of: str, people: int) -> Proposal:
        """Ask for a stored policy. people: how many have to want it."""
        now, alone, proposal = now_ms(), people < 2, new_id()
        row = {
            "id": proposal, "at": now, "digest": digest, "name": name, "instead_of": instead_of,
            "asked_by": by.actor, "asked_name": by.name, "agreed_by": "", "agreed": now if alone else 0,
            "state": str(ProposalState.AGREED if alone else ProposalState.WAITING), "reason": "",
        }  # fmt: skip
        with self._database.write() as connection:
            connection.execute(policy_proposal.insert().values(row))
            newest = sa.select(policy_proposal.c.id).order_by(policy_proposal.c.at.desc()).limit(MAX_WAITING)
            kept = [found.id for found in connection.execute(newest)]
            connection.execute(policy_proposal.delete().where(policy_proposal.c.id.not_in(kept)))
        return self.find(proposal)

    def agree(self, proposal: str, by: Person) -> Proposal:
        """The second person's word. Raises ProposalError where it is no second one, or nothing waits."""
        with self._database.write() as connection:
            row = connection.execute(sa.select(policy_proposal).where(policy_proposal.c.id == proposal)).first()
            if row is None or row.state != ProposalState.WAITING:
                raise ProposalError(f"no proposal {proposal[:40]} waits; `dragoman policy proposals` lists them")
            if by.actor == row.asked_by or same_name(by.name, row.asked_name):
                raise ProposalError("whoever asked for a policy cannot agree to it; a second person has to")
            waits = (policy_proposal.c.id == proposal) & (policy_proposal.c.state == ProposalState.WAITING)
            change = policy_proposal.update().where(waits)
            agreed = {"state": str(ProposalState.AGREED), "agreed_by": by.actor, "agreed": now_ms()}
            connection.execute(change.values(agreed))
        return self.find(proposal)

    def find(self, proposal: str) -> Proposal:
        """One of them. Raises ProposalError."""
        with self._database.read() as connection:
            row = connection.execute(sa.select(policy_proposal).where(policy_proposal.c.id == proposal)).first()
        if row is None:
            raise ProposalError(f"there is no proposal {proposal[:40]}")
        return _proposal(row)

    def all(self) -> tuple[Proposal, ...]:
        """Every proposal that is kept, newest first."""
        with self._database.read() as connection:
            rows = connection.execute(sa.select(policy_proposal).order_by(policy_proposal.c.at.desc()))
            return tuple(_proposal(row) for row in rows)

    def chosen(self) -> Proposal | None:
        """The newest proposal that everybody needed agreed to and that was not refused."""
        counts = policy_proposal.c.state.in_([ProposalState.AGREED, ProposalState.ACTIVE])
        newest = sa.select(policy_proposal).where(counts).order_by(policy_proposal.c.agreed.desc()).limit(1)
        with self._database.read() as connection:
            row = connection.execute(newest).first()
        return _proposal(row) if row is not None else None

    def ended(self, proposal: str, state: ProposalState, reason: str = "") -> None:
        """What came of it."""
        change = policy_proposal.update().where(policy_proposal.c.id == proposal)
        with self._database.write() as connection:
            connection.execute(change.values(state=str(state), reason=reason[:MAX_REASON]))


def _proposal(row: "sa.Row[tuple[object, ...]]") -> Proposal:
    return Proposal(
        row.id, row.at, row.digest, row.name, row.instead_of, row.asked_by, row.agreed_by, row.agreed,
        ProposalState(row.state), row.reason,
    )  # fmt: skip
