"""Signing in by the organisation's identity provider: authorization code with PKCE, state and nonce.

What was begun is kept in memory for ten minutes and used once, by the browser whose cookie names it. The session's
cookie is strict, so the way back ends on a page that leads on by itself: a browser sends such a cookie to no redirect
that began on another site.
"""

import hmac
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from html import escape

import httpx
from authlib.common.errors import AuthlibBaseError  # type: ignore[import-untyped]
from authlib.integrations.httpx_client import OAuth2Client  # type: ignore[import-untyped]
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from proxy.console.access import SignInError, Visitor
from proxy.console.api import address_of
from proxy.console.site import SIGN_IN, Site, local_path
from proxy.control.tokens import Token
from proxy.errors import ProxyError
from proxy.outbound.clients import mounts
from proxy.outbound.identity_provider import TIMEOUT_S, IdentityProvider, NotSignedInError

BEGIN, BACK = f"{SIGN_IN}/oidc", f"{SIGN_IN}/callback"
COOKIE = "dragoman-sign-in"
LIVES_S = 600
MOST = 1_000


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that was begun. to: where it shall end. redirect: the address that the provider was told."""

    nonce: str
    verifier: str
    to: str
    redirect: str
    at: float


class OidcSigningIn:
    """clock: monotonic seconds."""

    def __init__(self, site: Site, provider: IdentityProvider, clock: Callable[[], float] = time.monotonic) -> None:
        self._site, self._provider, self._clock = site, provider, clock
        self._begun: OrderedDict[str, Begun] = OrderedDict()
        self._lock = threading.Lock()

    async def begin(self, request: Request) -> Response:
        """Sends the browser to the provider."""
        settings = self._provider.settings
        base = settings.public_url or f"http://{request.headers.get('host', '')}"
        state, to = secrets.token_urlsafe(32), local_path(request.query_params.get("to", "/"))
        begun = Begun(secrets.token_urlsafe(32), secrets.token_urlsafe(48), to, f"{base}{BACK}", self._clock())
        try:
            endpoint = await run_in_threadpool(self._provider.endpoint, "authorization_endpoint")
        except ProxyError as error:
            return self._site.failed(request, error, None)
        with OAuth2Client(
            settings.client_id, redirect_uri=begun.redirect, scope="openid profile email", code_challenge_method="S256"
        ) as client:
            url, _ = client.create_authorization_url(
                endpoint, state=state, nonce=begun.nonce, code_verifier=begun.verifier
            )
        with self._lock:
            self._begun[state] = begun
            while len(self._begun) > MOST:
                self._begun.popitem(last=False)
        answer = RedirectResponse(url, 303)
        # Lax: it has to come along when the provider sends the browser back.
        answer.set_cookie(
            COOKIE, state, max_age=LIVES_S, httponly=True, samesite="lax", secure=base.startswith("https"), path=BACK
        )
        return answer

    async def back(self, request: Request) -> Response:
        """Opens a session for whom the provider names."""
        try:
            begun = self._used(request)
            token = await run_in_threadpool(self._token, begun, request.query_params.get("code", ""))
            await run_in_threadpool(self._site.gate.keep, token)
            visitor = self._site.gate.count(Visitor(token))
        except NotSignedInError:
            try:
                self._site.gate.attempt(address_of(request))
            except ProxyError as error:
                return self._site.failed(request, error, None)
            return self._site.failed(request, SignInError("the identity provider did not sign you in"), None)
        except ProxyError as error:
            return self._site.failed(request, error, None)
        answer = HTMLResponse(_page(begun.to))
        self._site.open(answer, visitor, secure=begun.redirect.startswith("https"))
        answer.delete_cookie(COOKIE, path=BACK)
        return answer

    def _used(self, request: Request) -> Begun:
        """The sign-in that this answer belongs to, once, in the browser where it began."""
        state, cookie = request.query_params.get("state", ""), request.cookies.get(COOKIE, "")
        same = bool(state) and hmac.compare_digest(state.encode(), cookie.encode())
        with self._lock:
            begun = self._begun.pop(state, None) if same else None
        if begun is None or self._clock() - begun.at > LIVES_S:
            raise NotSignedInError
        return begun

    def _token(self, begun: Begun, code: str) -> Token:
        settings = self._provider.settings
        if not code:
            raise NotSignedInError
        try:
            with OAuth2Client(
                settings.client_id,
                self._provider.client_secret() or None,
                redirect_uri=begun.redirect,
                token_endpoint_auth_method="client_secret_basic" if settings.client_secret else "none",
                timeout=TIMEOUT_S,
                trust_env=False,
                follow_redirects=False,
                mounts=mounts(self._provider.through),
            ) as client:
                endpoint = self._provider.endpoint("token_endpoint")
                told = client.fetch_token(endpoint, code=code, code_verifier=begun.verifier)
        except (AuthlibBaseError, httpx.HTTPError, ValueError):
            raise NotSignedInError from None
        return self._provider.visitor(str(told.get("id_token", "")), audience=settings.client_id, nonce=begun.nonce)


def _page(to: str) -> str:
    target = escape(to, quote=True)
    return (
        f'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url={target}">'
        f'<link rel="icon" href="/static/icon.svg" type="image/svg+xml"><title>dragoman</title><a href="{target}">→</a>'
    )
