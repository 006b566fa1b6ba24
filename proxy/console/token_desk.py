"""Tokens from the console: who has one, new ones for teams and auditors, and the end of any.

Tokens of officers and operators are made at the command line alone: whoever could make one here would be two persons.
Nor does anybody make one here that may do more than they may themselves.
"""

from audit.events import TokenRecord
from audit.ids import now_ms
from audit.values import TokenEvent
from proxy.console.access import RIGHTS, Right, Visitor
from proxy.console.log import AuditLog
from proxy.console.problems import Fault, InputError
from proxy.console.questions import NotFoundError
from proxy.control.store import ControlStore
from proxy.control.tokens import Role, Token
from proxy.errors import ConfigError, RefusedError

MADE_HERE: tuple[Role, ...] = (Role.TEAM, Role.AUDITOR)


def may_make(visitor: Visitor) -> tuple[Role, ...]:
    """The roles whose tokens somebody makes here."""
    rights = {role: {right for right in Right if role in RIGHTS[right]} for role in MADE_HERE}
    return tuple(role for role in MADE_HERE if all(map(visitor.may, rights[role])))


class TokenDesk:
    """Raises RefusedError, InputError, NotFoundError, AuditError."""

    def __init__(self, control: ControlStore, log: AuditLog) -> None:
        self._tokens, self._log = control.tokens, log

    def all(self, visitor: Visitor) -> list[Token]:
        """Every token, the newest first."""
        visitor.require(Right.TOKENS)
        return list(reversed(self._tokens.all()))

    def create(
        self, visitor: Visitor, role: Role, name: str, applications: tuple[str, ...], days: int
    ) -> tuple[str, Token]:
        """A new token, to be shown once. What cannot be recorded is revoked again."""
        visitor.require(Right.TOKENS)
        if role not in may_make(visitor):
            raise RefusedError(
                "tokens that may do more than yours, officers' and operators', are made with `dragoman token create`",
                code="role",
            )
        try:
            value, made = self._tokens.create(role, name, applications, days)
        except ConfigError as error:
            raise InputError(Fault("input", error.code, text=error.message)) from None
        try:
            self._record(visitor, TokenEvent.CREATED, made)
        except BaseException:
            self._tokens.revoke(made.id)
            raise
        return value, made

    def revoke(self, visitor: Visitor, token_id: str) -> Token:
        """Ends a token, and every session that was opened with it, at once."""
        visitor.require(Right.TOKENS)
        found = next((one for one in self._tokens.all() if one.id == token_id), None)
        if found is None or not self._tokens.revoke(token_id):
            raise NotFoundError("there is no valid token of this id")
        self._record(visitor, TokenEvent.REVOKED, found)
        return found

    def _record(self, visitor: Visitor, event: TokenEvent, of: Token) -> None:
        actor = self._log.actor(visitor)
        self._log.append(TokenRecord(at=now_ms(), event=event, token=of.id, role=str(of.role), actor=actor))
