"""A legal hold: nobody erases this person until it is released (GDPR Art. 17(3)). It stands in the log alone."""

from audit.events import ErasureRecord
from audit.ids import new_id, now_ms
from audit.log import Ledger
from audit.values import ErasurePhase
from proxy.erasure.plan import references_of


def set_hold(ledger: Ledger, identifier: str, actor: str, *, held: bool) -> None:
    """Places or ends a hold. actor: the reference of who does it. Raises AuditError."""
    # Somebody of whom nothing was sent yet can be held as well: the hold is the first that the log says of them.
    refs = references_of(ledger, identifier) or (ledger.references.subject(identifier),)
    phase = ErasurePhase.HELD if held else ErasurePhase.RELEASED
    ledger.append_blocking(ErasureRecord(at=now_ms(), id=new_id(), phase=phase, refs=refs, actor=actor))
