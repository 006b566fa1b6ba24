"""Whether everything works, and what somebody should see to: doors, log, witnesses, what ends, facts that grew old."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException

import sqlalchemy as sa

from audit import query
from audit.reports.recall import Recall, bundled
from audit.tables import cosigned
from policies.errors import PolicyError
from proxy.config import parse_address
from proxy.console.access import Right, Visitor
from proxy.console.log import AuditLog
from proxy.console.policy_desk import PolicyDesk
from proxy.console.settings import ConsoleSettings
from proxy.control.store import ControlStore
from proxy.errors import ConfigError
from proxy.running.expiry import Expiry
from proxy.running.operating import ending

PATIENCE_S = 1.0
MOST_METRICS = 2_000_000
WITNESSES = "witness.policy"
_OLD = {"old_facts": "facts", "ends_soon": "exceptions", "ended": "exceptions_ended"}
"""Warnings of lint that an officer should see without asking for them."""


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that should be seen to. code: of its text. n: how many. path: where more stands."""

    code: str
    n: int
    path: str


@dataclass(frozen=True, slots=True)
class Doors:
    """What the process at the doors says of itself. events: kind, class, how often since its start."""

    takes: bool
    open: int
    events: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True, slots=True)
class Condition:
    """doors: None where they do not answer. size, witnessed: entries of the log, and as far as a witness has seen it;
    witnesses: whether some are configured. ends: what ends by itself, soonest first. measured: of detection."""

    doors: Doors | None
    size: int
    witnesses: bool
    witnessed: int
    ends: tuple[Expiry, ...]
    now: float
    measured: Recall


class Health:
    """Raises RefusedError, AuditError."""

    def __init__(self, settings: ConsoleSettings, control: ControlStore, log: AuditLog, policy: PolicyDesk) -> None:
        self._settings, self._control, self._log, self._policy = settings, control, log, policy

    def condition(self, visitor: Visitor) -> Condition:
        """All of it, as it is now."""
        visitor.require(Right.LOG)
        now = time.time()
        size, witnessed = self._witnessed()
        return Condition(
            self._doors(),
            size,
            self._witnesses,
            witnessed,
            tuple(sorted(ending(self._settings.as_settings, self._control, now), key=lambda one: one.at)),
            now,
            bundled(),
        )

    def warnings(self, visitor: Visitor) -> list[Warned]:
        """What this visitor should know of before anything else."""
        counts: dict[str, int] = {}
        for code in self._lint():
            counts[code] = counts.get(code, 0) + 1
        found = [Warned(code, n, "/policy") for code, n in counts.items()]
        if not visitor.may(Right.LOG):
            return found
        now = time.time()
        soon = [one for one in ending(self._settings.as_settings, self._control, now) if one.ends_soon(now)]
        if soon:
            found.append(Warned("ending", len(soon), "/health"))
        size, witnessed = self._witnessed()
        if not self._witnesses:
            found.append(Warned("no_witness", size, "/health"))
        elif not witnessed:
            found.append(Warned("unseen", size, "/health"))
        return found

    @property
    def _witnesses(self) -> bool:
        return (self._settings.home / WITNESSES).exists()

    def _witnessed(self) -> tuple[int, int]:
        with self._log.read() as connection:
            seen = connection.execute(sa.select(sa.func.max(cosigned.c.size))).scalar()
            return query.size(connection), int(seen or 0)

    def _lint(self) -> list[str]:
        try:
            problems = self._policy.warnings(datetime.now(UTC).date())
        except (PolicyError, ConfigError):
            return ["policy"]
        return [_OLD[one.code] for one in problems if one.code in _OLD]

    def _doors(self) -> Doors | None:
        """The operators' port of `dragoman run`, on this machine; None where nobody answers there as we do."""
        from prometheus_client.parser import text_string_to_metric_families

        host, port = parse_address(self._settings.admin, what="admin")
        # Plain HTTP on this machine: a client that can do more takes a second to load, and the page waits for it.
        connection = HTTPConnection(host, port, timeout=PATIENCE_S)
        try:
            connection.request("GET", "/-/metrics")
            answer = connection.getresponse()
            text = answer.read(MOST_METRICS + 1)
            if answer.status != HTTPStatus.OK or len(text) > MOST_METRICS:
                return None
            samples = [one for family in text_string_to_metric_families(text.decode()) for one in family.samples]
        except (OSError, HTTPException, ValueError):
            return None
        finally:
            connection.close()
        plain = {one.name: one.value for one in samples if not one.labels}
        if "dragoman_takes_transfers" not in plain:
            return None
        events = [
            (one.labels.get("kind", ""), one.labels.get("error", ""), int(one.value))
            for one in samples
            if one.name == "dragoman_events_total"
        ]
        shown = tuple(sorted(events, key=lambda one: -one[2])[:50])
        return Doors(plain["dragoman_takes_transfers"] >= 1, int(plain.get("dragoman_open_transfers", 0)), shown)
