"""Carrying an erasure out, in an order in which a crash at any point loses nothing that is still needed.

    recipients and provider objects saved -> recorded (begun, shred) -> providers asked -> scopes shredded
    -> references destroyed -> recorded (done)

What is recorded before it is done is made up for at the next start (`reapply`). References go last, so that until then
the same command finds the person again and goes on.
"""

import os
import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import batched
from pathlib import Path
from typing import Any

import orjson

from audit.events import MAX_NAMES, ErasureRecord, ShredRecord
from audit.ids import now_ms
from audit.log import Ledger
from audit.signing import fsync_directory
from audit.values import ErasurePhase, ErasureReason, ShredCause
from proxy.erasure.deleting import Deleter, Deletion
from proxy.erasure.plan import Plan, deletion
from proxy.erasure.providers import Verdict
from redaction.vault import ConcernedScope, Vault

ROUNDS = 5
"""Of looking for scopes that a running dragoman opened for the person meanwhile; a second one is rare."""
_RECIPIENTS = 32


@dataclass(slots=True)
class Done:
    """What an erasure did. mappings: placeholders that went. references: keys that were destroyed."""

    deletions: list[Deletion] = field(default_factory=list)
    scopes: int = 0
    mappings: int = 0
    references: int = 0

    def count(self, verdict: Verdict) -> int:
        """Objects at providers with this verdict."""
        return Counter(one.verdict for one in self.deletions)[verdict]

    @property
    def kept_until(self) -> int | None:
        """When the last object that was not deleted goes, where that is known of all of them; ms since 1970."""
        left = [one.kept_until for one in self.deletions if one.verdict in {Verdict.KEPT, Verdict.REFUSED}]
        known = [until for until in left if until is not None]
        return max(known) if known and len(known) == len(left) else None

    def as_json(self) -> dict[str, Any]:
        """For files and `--json`."""
        return {
            "objects": [deletion(one) for one in self.deletions],
            **{str(verdict): self.count(verdict) for verdict in Verdict},
            "scopes_shredded": self.scopes,
            "placeholders_gone": self.mappings,
            "references_destroyed": self.references,
        }


class Erasing:
    """One erasure. actor: the reference of who wants it; second: of who agreed, where two have to. file: where
    recipients and provider objects are saved. reason: why, where somebody said so."""

    def __init__(
        self,
        ledger: Ledger,
        vault: Vault,
        deleter: Deleter,
        *,
        actor: str,
        file: Path,
        reason: ErasureReason | None = None,
        second: str | None = None,
    ) -> None:
        self._ledger, self._vault, self._deleter = ledger, vault, deleter
        self._actor, self._second, self._file, self._reason = actor, second, file, reason

    def refuse(self, plan: Plan) -> None:
        """Record that it was asked for while a legal hold stood."""
        self._record(plan, ErasurePhase.REFUSED, plan.refs)

    def carry_out(self, plan: Plan, told: Callable[[Deletion], None] = lambda _: None) -> Done:
        """Erase. told: called with each object as soon as its provider has answered.

        Raises AuditError where something cannot be recorded; what was recorded before is then done at the next start.
        """
        refs, done = (*plan.refs, *plan.sessions), Done()
        save(self._file, plan.as_json())
        self._record(plan, ErasurePhase.BEGUN, refs)
        self._shred(plan.scopes, plan.objects, done, told)
        self._late(plan, done, told)
        done.references = self._ledger.references.destroy(refs)
        self._late(plan, done, told)
        self._record(plan, ErasurePhase.DONE, refs, done)
        save(self._file, {**plan.as_json(), **done.as_json()})
        return done

    def _late(self, plan: Plan, done: Done, told: Callable[[Deletion], None]) -> None:
        """What a running dragoman opened for the person since the plan was made."""
        for _ in range(ROUNDS):
            scopes = self._vault.scopes_of(plan.refs)
            if not scopes:
                return
            objects = self._deleter.plan(self._vault.objects([scope.id for scope in scopes]))
            self._shred(scopes, objects, done, told)

    def _shred(
        self,
        scopes: Sequence[ConcernedScope],
        objects: Sequence[Deletion],
        done: Done,
        told: Callable[[Deletion], None],
    ) -> None:
        for record in shreds({scope.id: scope.mappings for scope in scopes}, ShredCause.ERASURE, self._actor):
            self._ledger.append_blocking(record)
        for one in self._deleter.carry_out(objects):
            done.deletions.append(one)
            told(one)
        gone = self._vault.shred_all([scope.id for scope in scopes])
        done.scopes += len(gone)
        done.mappings += sum(gone.values())

    def _record(self, plan: Plan, phase: ErasurePhase, refs: Sequence[str], done: Done | None = None) -> None:
        parts = list(batched(refs, MAX_NAMES)) or [()]
        for number, part in enumerate(parts):
            # Counts stand in the first record alone: whoever adds them up gets the truth.
            facts = self._facts(plan, done) if number == 0 else {}
            overflow = len(refs) - len(part) if number == 0 else 0
            self._ledger.append_blocking(
                ErasureRecord(
                    at=now_ms(),
                    id=plan.id,
                    phase=phase,
                    reason=self._reason,
                    refs=part,
                    refs_overflow=overflow,
                    actor=self._actor,
                    second_actor=self._second,
                    **facts,
                )
            )

    @staticmethod
    def _facts(plan: Plan, done: Done | None) -> dict[str, Any]:
        facts: dict[str, Any] = {
            "recipients": plan.recipients[:_RECIPIENTS],
            "recipients_overflow": max(0, len(plan.recipients) - _RECIPIENTS),
            "transfers": plan.transfers,
        }
        if done is not None:
            facts |= {
                "deleted": done.count(Verdict.DELETED),
                "refused": done.count(Verdict.REFUSED),
                "kept": done.count(Verdict.KEPT),
                "kept_until": done.kept_until,
                "mappings": done.mappings,
            }
        return facts


def shreds(scopes: Mapping[str, int], cause: ShredCause, actor: str) -> Iterator[ShredRecord]:
    """The records of shredding these scopes, as many as they need. scopes: id -> placeholders in it."""
    for part in batched(scopes.items(), MAX_NAMES):
        names = tuple(scope for scope, _ in part)
        yield ShredRecord(at=now_ms(), cause=cause, scopes=names, mappings=sum(n for _, n in part), actor=actor)


def save(path: Path, data: dict[str, Any]) -> None:
    """Write a file for its owner alone; durable and complete, or as it was before."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(orjson.dumps(data, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    fsync_directory(path.parent)
