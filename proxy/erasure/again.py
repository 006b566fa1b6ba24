"""Asking providers once more, from the file that an erasure left: its scopes are gone, and with them the ids.

The file is read and written for its owner alone; what happened is recorded under the id of the erasure.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from audit.events import ErasureRecord
from audit.ids import now_ms
from audit.log import Ledger
from audit.values import ErasurePhase
from proxy.erasure.carrying_out import save
from proxy.erasure.deleting import Deleter, Deletion
from proxy.erasure.plan import deletion
from proxy.erasure.providers import Verdict
from proxy.errors import ConfigError
from redaction.vault import ProviderObject


@dataclass(frozen=True, slots=True)
class Again:
    """What a retry came to."""

    deletions: tuple[Deletion, ...]

    @property
    def left(self) -> int:
        """Objects that are still with their providers."""
        return sum(one.verdict in {Verdict.REFUSED, Verdict.KEPT} for one in self.deletions)

    def count(self, verdict: Verdict) -> int:
        """Objects with this verdict."""
        return sum(one.verdict is verdict for one in self.deletions)

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {"objects": [deletion(one) for one in self.deletions], "left": self.left}


def retry_objects(ledger: Ledger, deleter: Deleter, actor: str, file: Path) -> Again:
    """Ask for every object that is not gone. Raises ConfigError where the file is not one of ours, AuditError."""
    data = _read(file)
    waiting = [_object(one) for one in data["objects"] if one["id"] is not None]
    again = Again(tuple(deleter.carry_out(deleter.plan(waiting))))
    gone = [one for one in data["objects"] if one["id"] is None]
    save(file, {**data, "objects": [*gone, *map(deletion, again.deletions)]})
    if again.deletions:
        ledger.append_blocking(
            ErasureRecord(
                at=now_ms(),
                id=data["erasure"],
                phase=ErasurePhase.DONE,
                deleted=again.count(Verdict.DELETED),
                refused=again.count(Verdict.REFUSED),
                kept=again.count(Verdict.KEPT),
                actor=actor,
            )
        )
    return again


def _read(file: Path) -> dict[str, Any]:
    try:
        data: dict[str, Any] = orjson.loads(file.read_bytes())
        for one in data["objects"]:
            _object(one)
        str(data["erasure"])
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{file}: this is not the file of an erasure ({type(error).__name__})") from None
    return data


def _object(one: dict[str, Any]) -> ProviderObject:
    created = int(datetime.fromisoformat(one["created"]).timestamp() * 1000)
    return ProviderObject(one["destination"], one["id"], created, created)
