"""The console's application: what it is made of, and what every answer of it carries.

Answers forbid everything that the pages do not need: no script, style, frame or request from elsewhere, no copy in a
cache. Requests have to name this host, so that no page of another site reaches it under its own name.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from proxy.comparing.compare import Comparing
from proxy.console import api, pages
from proxy.console.approving import Approving
from proxy.console.comparing import ComparisonDesk
from proxy.console.drafting import Drafting
from proxy.console.erasing import ErasureDesk
from proxy.console.health import Health
from proxy.console.live import Live
from proxy.console.log import AuditLog
from proxy.console.oidc_persons import OidcPersons
from proxy.console.operations.base import Desk
from proxy.console.policy_desk import PolicyDesk
from proxy.console.problems import problem
from proxy.console.questions import Questions
from proxy.console.sessions import Sessions
from proxy.console.settings import ConsoleSettings
from proxy.console.site import Site
from proxy.console.sought import Sought
from proxy.console.tail import Tail
from proxy.console.token_desk import TokenDesk
from proxy.console.trying import Trying
from proxy.console.verifying import Verification
from proxy.errors import ProxyError
from proxy.next_proxy import next_proxy
from proxy.policy.source import PolicySource
from proxy.policy.value_refs import ValueRefs
from proxy.running.databases import control_of, vault_of
from proxy.running.revealing import Revealing

SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class HttpError(ProxyError):
    """What routing refuses: no such path, no such method."""

    code = "http"


def application(settings: ConsoleSettings) -> Starlette:
    """The application of a home. Raises ConfigError, AuditError where there is no log to show."""
    control = control_of(settings.as_settings)
    log = AuditLog(settings.as_settings)
    log.warn()
    policy = PolicyDesk(PolicySource(settings.as_settings, control), control, log, people=settings.policy_people)
    revealing = Revealing(control, log.ledger, lambda: vault_of(settings.as_settings))
    trying = Trying(log, settings.as_settings)
    approving, tokens = Approving(policy, control, log), TokenDesk(control, log)
    health = Health(settings, control, log, policy)
    drafting = Drafting(policy, log, trying, ValueRefs.of_home(settings.home))
    erasing = ErasureDesk(settings.as_settings, log, policy, lambda: vault_of(settings.as_settings), control.erasures)
    tail = Tail(log, lambda visitor: control.tokens.opens(visitor.token), settings.longest_tail_s)
    comparing = Comparing(settings.home, control.ratings, lambda: vault_of(settings.as_settings), log.read)
    comparison = ComparisonDesk(comparing, policy, log)
    desk = Desk(
        log, Questions(log), policy, Verification(log), revealing, trying, approving, tokens, health, drafting,
        control.searches, erasing, tail, comparison, Sought(),
    )  # fmt: skip
    provider = persons = None
    if settings.oidc:
        # Loaded where it is used: keys and their formats take a moment.
        from proxy.outbound.identity_provider import IdentityProvider, read_oidc

        if (oidc := read_oidc(settings.oidc)) is not None:
            provider = IdentityProvider(oidc, next_proxy(settings.as_settings))
            persons = OidcPersons(log.ledger, lambda: vault_of(settings.as_settings), oidc.issuer)
    gate = api.Gatekeeper(control, settings.per_minute, settings.sign_ins_per_minute, provider, persons)
    site = Site(desk, gate, Sessions(settings.idle_s, settings.longest_s), provider)
    live = Live(site)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        trying.begin(asyncio.get_running_loop())
        yield
        await trying.close()
        log.close()
        if provider is not None:
            provider.close()
        control.close()

    async def http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        refused = HttpError(error.detail, status=error.status_code)
        in_api = request.url.path.startswith("/api/")
        answer = problem(refused) if in_api else site.failed(request, refused, await site.visitor_of(request))
        answer.headers.update(error.headers or {})
        return answer

    hosts = frozenset({*LOOPBACK, settings.host_and_port[0], *settings.allowed_hosts})
    made = Starlette(
        routes=[*api.routes(desk, gate), *pages.routes(site, live)],
        middleware=[Middleware(Guard, hosts=hosts)],
        exception_handlers={HTTPException: http_error, Exception: _defect},
        lifespan=lifespan,
    )

    def end() -> None:
        live.end()
        tail.end()

    made.state.end = end
    return made


async def _defect(_: Request, error: Exception) -> Response:
    return problem(error)


class Guard:
    """Puts the headers on every answer, and refuses requests that were meant for another host."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        if _host(Headers(scope=scope).get("host", "")) not in self._hosts:
            text = "this console answers under its own name only; name others in `allowed_hosts`"
            await problem(HttpError(text, code="host", status=421))(scope, receive, guarded)
            return
        await self._app(scope, receive, guarded)


def _host(given: str) -> str:
    """A Host header without its port, in lower case."""
    host = given.rpartition(":")[0] if given.rpartition(":")[2].isdigit() else given
    return host.strip("[]").lower()
