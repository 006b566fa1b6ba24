"""Protocols whose client names one session in all its requests (MCP): its texts share their placeholders, and what one
request said may come back in the answer to another, or in a message that the server begins.

The session's name is the server's, and the scope that it leads to is the sender's own: application and credential are
part of its reference.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from proxy.identity import Identity
from proxy.steps.services import Bound
from proxy.steps.work import Services, Work, known
from redaction.errors import RedactionError, VaultError
from redaction.restore import Restorable, Restorer
from redaction.vault.base import SESSION


def identity_in(work: Work) -> Identity:
    """Who sends, in which session: the app's own name for it, else the protocol's."""
    identity, egress = work.identity, work.facts.egress
    if identity.session:
        return identity
    if egress.upgrade:
        # What opens a session holds no words that could tell one from another; its record does.
        return replace(identity, session=f"websocket {work.facts.transfer}")
    talk = known(work.inspected).talk
    return replace(identity, session=f"{known(work.endpoint).format} {talk}") if talk else identity


async def bound_to(work: Work, services: Services) -> Bound | None:
    """What earlier requests of the session said; None where the request names none. Raises VaultError."""
    if not known(work.inspected).talk:
        return None
    destination = work.destination.name
    ref = services.scopes.session(identity_in(work), destination, work.segments)
    scope = await services.vault.open_scope(ref, kind=SESSION, destination=destination)
    try:
        return await services.vault.held(scope)
    except VaultError as error:
        if error.code != "full":
            raise
    services.observe("binding_failed", "full")  # a session may last for weeks; the oldest words keep their placeholders
    return Bound((scope,), {})


def renewal(work: Work, services: Services, restorer: Restorer) -> Callable[[], Awaitable[None]] | None:
    """What brings a stream's restorer up to date with what other requests of the session have said meanwhile."""
    scope = known(work.tokenized).scopes[0]
    if not known(work.inspected).talk:
        return None

    async def renew() -> None:
        try:
            held = await services.vault.held(scope)
        except RedactionError as error:
            # The stream goes on; what was said meanwhile keeps its placeholders.
            services.observe("binding_failed", error.code)
            return
        before = restorer.restorable
        if not held.restorable.keys() <= before.tokens.keys():
            more = Restorable({**held.restorable, **before.tokens})
            restorer.widen(more.with_sent(before.sent, before.echoes, before.numbers))

    return renew
