"""What an erasure would do, before it does anything: recipients, references, scopes, what providers keep, what is left.

Reads the log and the vault and changes neither. The identifier of the person comes in, is hashed and goes no further.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from audit.ids import new_id
from audit.log import Ledger
from audit.query import Question
from audit.questions import erasures
from audit.questions.holders import Holding, completeness, who
from audit.references import Space
from proxy.erasure.deleting import Deleter, Deletion
from proxy.erasure.providers import Verdict
from redaction.vault import ConcernedScope, Vault


@dataclass(frozen=True, slots=True)
class Plan:
    """id: of the erasure. refs: the person's references. sessions: those of the sessions they took part in.

    holdings: who received what. transfers: sent ones about the person. scopes: to be shredded.
    objects: what providers keep of these scopes. total, without: transfers in the log, and those that say of nobody
    whom they concern. unattributed: conversations of the vault of which the same is true.
    """

    id: str
    refs: tuple[str, ...]
    sessions: tuple[str, ...]
    held: bool
    transfers: int
    holdings: tuple[Holding, ...]
    scopes: tuple[ConcernedScope, ...]
    objects: tuple[Deletion, ...]
    total: int
    without: int
    unattributed: int

    @property
    def partial(self) -> bool:
        """Whether data about the person may be left in places where nothing says that it is about them."""
        return bool(self.without or self.unattributed)

    @property
    def recipients(self) -> tuple[str, ...]:
        """Names of the destinations that received data about the person."""
        return tuple(sorted({str(holding.facts["name"]) for holding in self.holdings}))

    @property
    def mappings(self) -> int:
        """Placeholders that will never be restored again."""
        return sum(scope.mappings for scope in self.scopes)

    def as_json(self) -> dict[str, Any]:
        """What is saved and printed; holds no reference and nothing that names the person."""
        return {
            "erasure": self.id,
            "partial": self.partial,
            "held": self.held,
            "transfers": self.transfers,
            "references": len(self.refs),
            "sessions": len(self.sessions),
            "recipients": [recipient(holding) for holding in self.holdings],
            "scopes": len(self.scopes),
            "scopes_shared": sum(bool(scope.others) for scope in self.scopes),
            "placeholders": self.mappings,
            "objects": [deletion(one) for one in self.objects],
            "transfers_in_log": self.total,
            "transfers_without_person": self.without,
            "conversations_without_person": self.unattributed,
        }


def make_plan(ledger: Ledger, vault: Vault, deleter: Deleter, refs: tuple[str, ...]) -> Plan:
    """The plan for a person. refs: as `references_of` gives them."""
    question = Question(refs=refs)
    with ledger.store.read() as connection:
        holdings = tuple(who(connection, question))
        total, without = completeness(connection, question)
        sessions, transfers = erasures.sessions(connection, refs), erasures.count(connection, refs)
        held = bool(erasures.said(connection).held.intersection(refs))
    scopes = vault.scopes_of(refs)
    objects = deleter.plan(vault.objects([scope.id for scope in scopes]))
    return Plan(
        id=new_id(),
        refs=refs,
        sessions=sessions,
        held=held,
        transfers=transfers,
        holdings=holdings,
        scopes=scopes,
        objects=objects,
        total=total,
        without=without,
        unattributed=vault.unattributed(),
    )


def references_of(ledger: Ledger, identifier: str) -> tuple[str, ...]:
    """Every reference of a person in the log, () where nothing in it is about them."""
    return ledger.references.known(Space.SUBJECT, identifier)


def recipient(holding: Holding) -> Mapping[str, Any]:
    """One recipient with the facts as they stood, for the notice that a rectification or erasure asks for."""
    return {
        "destination": holding.facts,
        "application": holding.application,
        "purpose": holding.purpose,
        "transfers": holding.transfers,
        "first": _when(holding.first),
        "last": _when(holding.last),
        "kinds": sorted({entity_type for entity_type, _ in holding.types}),
    }


def deletion(one: Deletion) -> dict[str, Any]:
    """One object at a provider: how it is deleted, and what came of it so far. What is gone needs no id any more."""
    gone = one.verdict in {Verdict.DELETED, Verdict.ABSENT}
    return {
        "destination": one.object.destination,
        "id": None if gone else one.object.object_id,
        "created": _when(one.object.created),
        "request": None if gone else one.request or None,
        "obstacle": one.obstacle or None,
        "verdict": str(one.verdict) if one.verdict else None,
        "status": one.status,
        "kept_until": _when(one.kept_until) if one.kept_until else None,
    }


def _when(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="seconds")
