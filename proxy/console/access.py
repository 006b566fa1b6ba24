"""Who asks, and what each role may: one table that the API, the pages and the description of the API share."""

from dataclasses import dataclass
from enum import StrEnum

from proxy.control.tokens import Role, Token
from proxy.errors import ProxyError, RefusedError
from proxy.running.revealing import MAY


class Right(StrEnum):
    """What somebody wants to do."""

    TRANSFERS = "transfers"
    PERSONS = "persons"
    LOG = "log"
    EXPORT = "export"
    POLICY = "policy"
    STOP = "stop"
    REVEAL = "reveal"
    ACTIVATE = "activate"
    APPROVE = "approve"
    TOKENS = "tokens"
    ERASE = "erase"
    COMPARE = "compare"


_ALL = frozenset(Role)
RIGHTS: dict[Right, frozenset[Role]] = {
    Right.TRANSFERS: _ALL,
    Right.POLICY: _ALL,
    # Asking about a person tells who that person is; only those who have to answer such questions may.
    Right.PERSONS: frozenset({Role.AUDITOR, Role.OFFICER}),
    Right.LOG: frozenset({Role.AUDITOR, Role.OFFICER, Role.OPERATOR}),
    Right.EXPORT: frozenset({Role.AUDITOR, Role.OFFICER}),
    Right.STOP: frozenset({Role.OFFICER, Role.OPERATOR}),
    Right.REVEAL: MAY,
    Right.ACTIVATE: frozenset({Role.OFFICER}),
    Right.APPROVE: frozenset({Role.OFFICER}),
    Right.TOKENS: frozenset({Role.OFFICER, Role.OPERATOR}),
    Right.ERASE: frozenset({Role.OFFICER}),
    # Texts of conversations are read, though with placeholders.
    Right.COMPARE: frozenset({Role.OFFICER}),
}


class SignInError(ProxyError):
    """No token, or one that opens nothing."""

    code = "sign_in"
    status = 401


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody with a valid token."""

    token: Token

    @property
    def actor(self) -> str:
        """Who it is, for the log; becomes a reference there."""
        return f"token:{self.token.id}"

    @property
    def applications(self) -> tuple[str, ...] | None:
        """The only applications whose transfers may be seen; None for all."""
        return self.token.applications if self.token.role is Role.TEAM else None

    def may(self, right: Right) -> bool:
        """Whether the role allows it."""
        return self.token.role in RIGHTS[right]

    def require(self, right: Right) -> None:
        """Raises RefusedError where the role does not allow it."""
        if not self.may(right):
            roles = " or ".join(sorted(RIGHTS[right]))
            raise RefusedError(f"this needs a token with the role {roles}", code="role")

    def sees(self, application: str) -> bool:
        """Whether an application is among one's own."""
        return self.applications is None or application in self.applications
