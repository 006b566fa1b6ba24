"""Showing an original, or who an actor of the log is: for a reason, with a second person, once, recorded before.

The one way for the command and the API. What is shown leaves in the answer alone; the record names placeholder's scope,
kind and case, never the original.
"""

import pwd
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.events import RevealRecord
from audit.ids import now_ms
from audit.references import Space
from audit.values import RevealReason
from proxy.control.reveals import RevealKind, RevealRequest, Wanted
from proxy.control.store import ControlStore
from proxy.control.tokens import Role, Token
from proxy.errors import FormatError, ProxyError, RefusedError
from redaction.errors import VaultError
from redaction.tokens import is_token
from redaction.vault.base import Approval, RevealEvent

if TYPE_CHECKING:
    from audit.log import Ledger
    from redaction.vault import SqlVault

MAY: frozenset[Role] = frozenset({Role.OFFICER})
"""Roles that ask and agree."""
_REFERENCE = re.compile(r"[A-Za-z0-9_-]{22}", re.ASCII)
_SCOPE = re.compile(r"[0-9a-f]{32,64}", re.ASCII)
ACTOR, PERSON = "actor", "PERSON"
KEPT_S = 10 * 366 * 24 * 3600
"""How long who somebody was is kept after the last sign-in: as long as a log is usually asked."""
TICKET = "[A-Za-z0-9][A-Za-z0-9._:/+-]{0,127}"
"""What a reference of a case looks like."""
_NAME = re.compile(TICKET, re.ASCII)
_ULID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}", re.ASCII)


class GoneError(ProxyError):
    """There is no such request, placeholder or agreement, or not any more."""

    code = "not_found"
    status = 404


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown, once. entity_type: of an original, else ""."""

    request: RevealRequest
    entity_type: str
    text: str


class Revealing:
    """log, vault: open what they name; both are closed by whoever opened them."""

    def __init__(self, control: ControlStore, log: Callable[[], "Ledger"], vault: Callable[[], "SqlVault"]) -> None:
        self._control, self._log, self._vault = control, log, vault

    def ask(self, token: Token, wanted: Wanted) -> RevealRequest:
        """Lets a request wait for a second person. Raises RefusedError, FormatError."""
        _require(token)
        check(wanted)
        return self._control.reveals.ask(token, wanted)

    def waiting(self, token: Token) -> tuple[RevealRequest, ...]:
        """Every request of the last week. Raises RefusedError."""
        _require(token)
        return self._control.reveals.all()

    def approve(self, token: Token, request_id: str) -> RevealRequest:
        """Agrees. Raises RefusedError for the one who asked, GoneError."""
        _require(token)
        if not self._control.reveals.approve(request_id, token):
            raise GoneError("no request of this id waits for a second person")
        return self._found(request_id)

    def deny(self, token: Token, request_id: str) -> RevealRequest:
        """Refuses, or takes back. Raises GoneError."""
        _require(token)
        if not self._control.reveals.deny(request_id, token):
            raise GoneError("no request of this id waits, or is agreed to")
        return self._found(request_id)

    def show(self, token: Token, request_id: str) -> Shown:
        """What was asked for. The agreement is used up first and the record durable before anything is returned.

        Raises GoneError, RefusedError, AuditError.
        """
        _require(token)
        request = self._control.reveals.use(request_id, token)
        if request is None:
            raise GoneError("you have no agreement of this id that still holds; it is for one look within an hour")
        return self._actor(request) if request.wanted.kind is RevealKind.ACTOR else self._original(request)

    def _found(self, request_id: str) -> RevealRequest:
        found = self._control.reveals.find(request_id)
        if found is None:
            raise GoneError("there is no request of this id")
        return found

    def _original(self, request: RevealRequest) -> Shown:
        wanted, kinds = request.wanted, list[str]()

        def record(event: RevealEvent) -> None:
            kinds.append(event.entity_type)
            self._record(request, scope=event.scope, types=(event.entity_type,) if event.found else (), n=event.found)

        with closing(self._vault()) as vault:
            scopes = (wanted.scope,) if wanted.scope else vault.scopes_with(wanted.what)
            if len(scopes) > 1:
                raise FormatError(f"{len(scopes)} scopes have this placeholder; ask again with a scope", code="scope")
            if not scopes:
                self._record(request, n=0)
                raise GoneError("the vault does not have this placeholder, or not any more")
            approval = Approval(request.asker, request.approver, wanted.reason)
            try:
                text = vault.reveal(scopes[0], wanted.what, approval, record)
            except VaultError as error:
                raise GoneError(f"nothing can be shown ({error.code})") from None
        return Shown(request, kinds[0], text)

    def _actor(self, request: RevealRequest) -> Shown:
        """A keyed hash cannot be turned back: whoever may have acted is hashed again and compared."""
        ref, references = request.wanted.what, self._log().references
        found = next((name for name in self._actors() if ref in references.known(Space.ACTOR, name)), None)
        person = self._described(found) if found is not None else self._by_provider(ref)
        self._record(request, named=ref, n=int(person is not None))
        if person is None:
            raise GoneError(
                "no token, nobody who signed in at the identity provider and no user of this machine has this "
                "reference; a machine of its own may know it"
            )
        return Shown(request, "", person)

    def _by_provider(self, ref: str) -> str | None:
        try:
            with closing(self._vault()) as vault:
                return kept_person(vault, ref)
        except VaultError as error:
            raise GoneError(f"nothing can be shown ({error.code})") from None

    def _actors(self) -> Iterator[str]:
        yield from (f"token:{one.id}" for one in self._control.tokens.all())
        yield from (f"os-user:{user.pw_name}" for user in pwd.getpwall())

    def _described(self, actor: str) -> str:
        kind, _, name = actor.partition(":")
        token = next((one for one in self._control.tokens.all() if kind == "token" and one.id == name), None)
        return actor if token is None else f"{actor} ({token.role}, {token.name})"

    def _record(self, request: RevealRequest, *, n: int, **more: object) -> None:
        wanted, ledger = request.wanted, self._log()
        asker, approver = (ledger.references.actor(f"token:{one}") for one in (request.asker, request.approver))
        facts = {name: value for name, value in more.items() if value}
        ledger.append_blocking(
            RevealRecord(
                at=now_ms(),
                actor=asker,
                approver=approver,
                reason=RevealReason(wanted.reason),
                ticket=wanted.ticket or None,
                transfer=wanted.transfer or None,
                n=int(n),
                **facts,  # type: ignore[arg-type]
            )
        )


def keep_person(vault: "SqlVault", ref: str, person: str) -> None:
    """Keeps who an actor of the log is, encrypted. ref: as the log names the actor. Raises VaultError."""
    scope = vault.open_scope(vault.reference(ACTOR, ref), kind=ACTOR, ttl_s=KEPT_S)
    vault.issue(scope, [(PERSON, person)])


def kept_person(vault: "SqlVault", ref: str) -> str | None:
    """Who it is, with every name that was kept; None for nobody. Raises VaultError."""
    scope = vault.open_scope(vault.reference(ACTOR, ref), kind=ACTOR, ttl_s=KEPT_S)
    names = sorted(vault.restorable([scope]).values())
    if not names:
        vault.shred(scope.id)  # nobody: nothing of the question stays
        return None
    return ", ".join(names)


def _require(token: Token) -> None:
    if token.role not in MAY:
        raise RefusedError(f"this needs a token with the role {' or '.join(sorted(MAY))}", code="role")


def check(wanted: Wanted) -> None:
    """The shapes of what is asked for. Raises FormatError that does not repeat it: it may be an original."""
    if wanted.kind is RevealKind.ORIGINAL and not is_token(wanted.what):
        raise FormatError("write a placeholder as it stands in the text, such as [PERSON_4V0M7KQ2]", code="input")
    if wanted.kind is RevealKind.ACTOR and not _REFERENCE.fullmatch(wanted.what):
        raise FormatError("write an actor's reference as it stands in the log: 22 characters", code="input")
    if wanted.reason not in set(RevealReason):
        raise FormatError(f"the reason is one of {', '.join(RevealReason)}", code="input")
    shapes = ((wanted.scope, _SCOPE, "scope"), (wanted.transfer, _ULID, "transfer"), (wanted.ticket, _NAME, "ticket"))
    for value, shape, name in shapes:
        if value and not shape.fullmatch(value):
            raise FormatError(f"this is not a {name} as the log names it", code="input")
