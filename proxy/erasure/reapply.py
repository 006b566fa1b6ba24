"""Doing every erasure again that the log knows of and that is not done: after a restored backup, or after a crash.

Runs at every start, after the log and the vault are open and before any door is. Reads little: erasures and shreds are
few among the entries and found by their kind.
"""

import logging
from dataclasses import dataclass
from itertools import batched

from audit.events import MAX_NAMES, ErasureRecord
from audit.ids import now_ms
from audit.log import LedgerAccess
from audit.questions import erasures
from audit.values import ErasurePhase, ShredCause
from proxy.erasure.carrying_out import shreds
from redaction.vault import Vault

_BATCH = 200
log = logging.getLogger("dragoman")


@dataclass(frozen=True, slots=True)
class Reapplied:
    """What was there again. scopes: shredded. references: destroyed. cut_off: erasures that had been begun only."""

    scopes: int
    references: int
    cut_off: tuple[str, ...]


def erase_again(ledger: LedgerAccess, vault: Vault) -> None:
    """`reapply` at a start, with a line in the process's own log where there was something to do."""
    found = reapply(ledger, vault)
    if found.scopes or found.references:
        log.warning(
            "erased again what a restored backup or a crash had left: %d scopes of the vault, %d references",
            found.scopes,
            found.references,
        )
    for erasure in found.cut_off:
        log.warning("erasure %s was cut off; its providers are still to be asked: dragoman erase retry ID", erasure)


def reapply(ledger: LedgerAccess, vault: Vault, *, starting: bool = True) -> Reapplied:
    """Shred and destroy what the log says is gone. Raises AuditError, RedactionError: then nothing may be served.

    starting: nothing else can be erasing now, so an erasure that is open was cut off and is brought to its end.
    """
    with ledger.store.read() as connection:
        said = erasures.said(connection)
        cut_off = sorted(said.open) if starting else []
        gone = [ref for ref, erasure in said.erased.items() if starting or erasure not in said.open]
        left = list(erasures.remaining(connection, gone))
    vault.forget(said.scopes)
    alive = dict(vault.live(said.scopes))
    for refs in batched(gone, _BATCH):
        alive |= {scope.id: scope.mappings for scope in vault.scopes_of(refs)}
    for record in shreds(alive, ShredCause.REAPPLIED, "system"):
        ledger.append_blocking(record)
    if alive:
        vault.shred_all(list(alive))
    if left:
        ledger.references.destroy(left)
    by_erasure: dict[str, list[str]] = {erasure: [] for erasure in cut_off}
    for ref in left:
        by_erasure.setdefault(said.erased[ref], []).append(ref)
    for erasure, refs_of in by_erasure.items():
        for part in list(batched(refs_of, MAX_NAMES)) or [()]:
            ledger.append_blocking(ErasureRecord(at=now_ms(), id=erasure, phase=ErasurePhase.REAPPLIED, refs=part))
    return Reapplied(len(alive), len(left), tuple(cut_off))
