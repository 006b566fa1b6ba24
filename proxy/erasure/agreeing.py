"""Where configuration asks for two (`erasure_people`), one person asks for an erasure and another one carries it out.

Both name the person themselves; what waits in between names nobody. The first word is a record (`asked`).
"""

import hashlib
from dataclasses import dataclass

from audit.events import MAX_NAMES, ErasureRecord
from audit.ids import now_ms
from audit.log import Ledger
from audit.values import ErasurePhase, ErasureReason
from proxy.control.erasures import ErasureRequest, ErasureRequests
from proxy.control.policies import Person
from proxy.erasure.plan import Plan


@dataclass(frozen=True, slots=True)
class Word:
    """What somebody's word on an erasure came to. asked: what waits for a second person, None where nothing does.

    actor: reference of who wanted it first; second: of who agreed, None where one is enough. reason: as it was asked.
    """

    asked: ErasureRequest | None
    actor: str
    second: str | None
    reason: ErasureReason | None


def word(
    requests: ErasureRequests, ledger: Ledger, plan: Plan, by: Person, reason: ErasureReason | None, people: int
) -> Word:
    """Takes somebody's word. people: how many have to want it. Raises AuditError, RefusedError, UnavailableError."""
    actor = ledger.references.actor(by.actor)
    if people < 2:
        return Word(None, actor, None, reason)
    request, agreed = requests.want(by, _about(plan.refs), "" if reason is None else str(reason))
    first = ErasureReason(request.reason) if request.reason else None
    if agreed:
        return Word(None, ledger.references.actor(request.by.actor), actor, first)
    asked = ErasureRecord(
        at=now_ms(), id=request.id, phase=ErasurePhase.ASKED, reason=first, refs=plan.refs[:MAX_NAMES], actor=actor,
        refs_overflow=max(0, len(plan.refs) - MAX_NAMES), transfers=plan.transfers,
    )  # fmt: skip
    ledger.append_blocking(asked)
    return Word(request, actor, None, first)


def _about(refs: tuple[str, ...]) -> bytes:
    return hashlib.sha256("\n".join(("erasure-request", *sorted(refs))).encode()).digest()
