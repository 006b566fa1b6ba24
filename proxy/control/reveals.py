"""Requests to see an original, or who an actor is: one person asks, another agrees, the first sees it once.

Rows hold placeholders and references, never what they stand for. A request waits for a day; what was agreed to holds
for an hour; rows are forgotten after a week. Every change is one statement that tells whether it was still allowed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from audit.ids import new_id, now_ms
from proxy.control.database import ControlDatabase
from proxy.control.tables import reveal
from proxy.control.tokens import Token, same_name
from proxy.errors import RefusedError

HOUR_MS = 3_600_000
WAITS_MS = 24 * HOUR_MS
HOLDS_MS = HOUR_MS
KEPT_MS = 7 * 24 * HOUR_MS
MOST = 1_000
"""Requests that are kept at a time."""


class RevealKind(StrEnum):
    """What is asked for."""

    ORIGINAL = "original"
    ACTOR = "actor"


class RevealState(StrEnum):
    """What became of it. EXPIRED is never stored: it is what a row is after its time."""

    WAITING = "waiting"
    APPROVED = "approved"
    DENIED = "denied"
    SHOWN = "shown"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants to see. what: a placeholder or an actor's reference. scope, transfer, ticket: or ""."""

    kind: RevealKind
    what: str
    reason: str
    scope: str = ""
    transfer: str = ""
    ticket: str = ""


@dataclass(frozen=True, slots=True)
class RevealRequest:
    """One request. asker, approver: ids of tokens. until: end of the waiting, or of the agreement, ms."""

    id: str
    asked: int
    asker: str
    asker_name: str
    approver: str
    approver_name: str
    wanted: Wanted
    state: RevealState
    until: int


class Reveals:
    """The requests of one control database. Synchronous. Raises UnavailableError."""

    def __init__(self, database: ControlDatabase) -> None:
        self._database = database

    def ask(self, token: Token, wanted: Wanted) -> RevealRequest:
        """A new request. Raises RefusedError where too many are kept already."""
        now = now_ms()
        made = RevealRequest(new_id(), now, token.id, token.name, "", "", wanted, RevealState.WAITING, now + WAITS_MS)
        with self._database.write() as connection:
            connection.execute(reveal.delete().where(reveal.c.asked < now - KEPT_MS))
            if connection.execute(sa.select(sa.func.count()).select_from(reveal)).scalar_one() >= MOST:
                raise RefusedError(f"there are {MOST} requests already; they are forgotten after a week", code="full")
            connection.execute(
                reveal.insert().values(
                    id=made.id, asked=now, asker=token.id, asker_name=token.name, approver="", approver_name="",
                    kind=str(wanted.kind), what=wanted.what, scope=wanted.scope, exchange=wanted.transfer,
                    reason=wanted.reason, ticket=wanted.ticket, state=str(made.state), until=made.until,
                )
            )  # fmt: skip
        return made

    def all(self) -> tuple[RevealRequest, ...]:
        """Every request that is kept, newest first."""
        with self._database.read() as connection:
            return tuple(_request(row) for row in connection.execute(sa.select(reveal).order_by(reveal.c.id.desc())))

    def find(self, request_id: str) -> RevealRequest | None:
        """One of them."""
        with self._database.read() as connection:
            row = connection.execute(sa.select(reveal).where(reveal.c.id == request_id)).first()
        return None if row is None else _request(row)

    def approve(self, request_id: str, token: Token) -> bool:
        """The second person agrees. False where it does not wait (any more). Raises RefusedError for the first one."""
        self._second(request_id, token)
        values = {"approver": token.id, "approver_name": token.name, "state": str(RevealState.APPROVED)}
        return self._change(request_id, RevealState.WAITING, values | {"until": now_ms() + HOLDS_MS})

    def deny(self, request_id: str, token: Token) -> bool:
        """Ends the waiting, or an agreement that was not used yet; whoever asked may take it back."""
        values = {"state": str(RevealState.DENIED), "approver": token.id, "approver_name": token.name}
        waiting = self._change(request_id, RevealState.WAITING, values)
        return waiting or self._change(request_id, RevealState.APPROVED, values)

    def use(self, request_id: str, token: Token) -> RevealRequest | None:
        """Uses up an agreement, for the one who asked; None where there is none (any more)."""
        mine = reveal.c.asker == token.id
        if not self._change(request_id, RevealState.APPROVED, {"state": str(RevealState.SHOWN)}, mine):
            return None
        return self.find(request_id)

    def _second(self, request_id: str, token: Token) -> None:
        found = self.find(request_id)
        if found is not None and (found.asker == token.id or same_name(found.asker_name, token.name)):
            raise RefusedError("another person than the one who asks has to agree", code="needs_two_people")

    def _change(
        self, request_id: str, state: RevealState, values: Mapping[str, object], *more: sa.ColumnElement[bool]
    ) -> bool:
        where = (reveal.c.id == request_id, reveal.c.state == str(state), reveal.c.until > now_ms(), *more)
        with self._database.write() as connection:
            return connection.execute(reveal.update().where(*where).values(dict(values))).rowcount > 0


def data(one: RevealRequest) -> dict[str, Any]:
    """A request as programs get it."""
    wanted = one.wanted
    return {
        "id": one.id,
        "kind": str(wanted.kind),
        "what": wanted.what,
        "reason": wanted.reason,
        "ticket": wanted.ticket,
        "scope": wanted.scope,
        "transfer": wanted.transfer,
        "asked": one.asked,
        "asker": one.asker_name,
        "approver": one.approver_name,
        "state": str(one.state),
        "until": one.until,
    }


def _request(row: "sa.Row[tuple[object, ...]]") -> RevealRequest:
    state = RevealState(row.state)
    if state in {RevealState.WAITING, RevealState.APPROVED} and row.until <= now_ms():
        state = RevealState.EXPIRED
    wanted = Wanted(RevealKind(row.kind), row.what, row.reason, row.scope, row.exchange, row.ticket)
    return RevealRequest(
        row.id, row.asked, row.asker, row.asker_name, row.approver, row.approver_name, wanted, state, row.until
    )
