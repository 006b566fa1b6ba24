"""Erasures that wait for a second person: who asked and why, and a digest by which two people mean the same one.

A row holds neither identifier nor reference. The digest is of the random references that the log has for the person, so
that nobody can try names against it. A request waits for a week.
"""

from dataclasses import dataclass

import sqlalchemy as sa

from audit.ids import new_id, now_ms
from proxy.control.database import ControlDatabase
from proxy.control.policies import Person
from proxy.control.tables import erasure_request
from proxy.control.tokens import same_name
from proxy.errors import RefusedError

WAITS_MS = 7 * 24 * 3_600_000
MOST = 1_000
"""Requests that wait at one time."""


@dataclass(frozen=True, slots=True)
class ErasureRequest:
    """Somebody wants somebody erased. at, until: ms. by: who asked. reason: as `audit.values.ErasureReason`, or ""."""

    id: str
    at: int
    by: Person
    reason: str

    @property
    def until(self) -> int:
        """When it is forgotten."""
        return self.at + WAITS_MS


class ErasureRequests:
    """The requests of one control database. Synchronous. Raises UnavailableError."""

    def __init__(self, database: ControlDatabase) -> None:
        self._database = database

    def waiting(self) -> tuple[ErasureRequest, ...]:
        """Every request that waits, newest first."""
        rows = sa.select(erasure_request).where(erasure_request.c.at > now_ms() - WAITS_MS)
        with self._database.read() as connection:
            return tuple(_request(row) for row in connection.execute(rows.order_by(erasure_request.c.id.desc())))

    def want(self, by: Person, about: bytes, reason: str) -> tuple[ErasureRequest, bool]:
        """What another person has asked for about the same one, and True: both want it now, and it waits no longer.

        Else what this person asks for from now on, or did before, and False. Raises RefusedError where too many wait.
        """
        now = now_ms()
        table = erasure_request
        with self._database.write() as connection:
            connection.execute(table.delete().where(table.c.at <= now - WAITS_MS))
            same = connection.execute(sa.select(table).where(table.c.about == about).order_by(table.c.id)).all()
            others = [row for row in same if row.asked_by != by.actor and not same_name(row.asked_name, by.name)]
            if others:
                connection.execute(table.delete().where(table.c.about == about))
                return _request(others[0]), True
            if same:
                return _request(same[0]), False
            if connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() >= MOST:
                raise RefusedError(f"{MOST} erasures wait already; they are forgotten after a week", code="full")
            made = ErasureRequest(new_id(), now, by, reason)
            row = {"id": made.id, "at": now, "asked_by": by.actor, "asked_name": by.name, "about": about}
            connection.execute(table.insert().values(**row, reason=reason))
        return made, False


def _request(row: "sa.Row[tuple[object, ...]]") -> ErasureRequest:
    return ErasureRequest(row.id, row.at, Person(row.asked_by, row.asked_name), row.reason)
