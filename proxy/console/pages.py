"""The paths of the pages."""

from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from proxy.console import (
    acting,
    compare_page,
    erasing_page,
    incident_page,
    policy_page,
    reporting,
    transfers_page,
    views,
)
from proxy.console.live import Live
from proxy.console.playground import playground
from proxy.console.signing_in import SigningIn
from proxy.console.site import SIGN_IN, Show, Site

PAGES: tuple[tuple[str, tuple[str, ...], Show], ...] = (
    ("/", ("GET",), views.overview),
    ("/changes", ("GET",), views.changes),
    ("/health", ("GET",), views.health),
    ("/who", ("GET",), views.who),
    ("/transfers", ("GET", "POST"), transfers_page.transfers),
    ("/transfers/export", ("GET",), transfers_page.take),
    ("/transfers/rows", ("GET",), transfers_page.further),
    ("/transfers/{id}", ("GET",), views.transfer),
    ("/transfers/{id}/proof.json", ("GET",), views.proof),
    ("/person", ("GET", "POST"), views.person),
    ("/person/rows", ("GET",), views.theirs),
    ("/person/erase", ("GET", "POST"), erasing_page.erase),
    ("/person/erase/file", ("GET",), erasing_page.saved),
    ("/policy", ("GET", "POST"), policy_page.policy),
    ("/policy/schema.json", ("GET",), policy_page.schema),
    ("/policy/check.json", ("POST",), policy_page.check),
    ("/try", ("GET", "POST"), playground),
    ("/compare", ("GET", "POST"), compare_page.compare),
    ("/incident", ("GET", "POST"), incident_page.incident),
    ("/stop", ("GET", "POST"), views.stop),
    ("/approvals", ("GET", "POST"), acting.approvals),
    ("/reveals", ("GET", "POST"), acting.reveals),
    ("/reports", ("GET",), reporting.reports),
    ("/reports/file", ("POST",), reporting.report),
    ("/tokens", ("GET", "POST"), acting.tokens),
    ("/export", ("GET",), views.download),
)
"""Path, methods, view."""


class Assets(StaticFiles):
    """Our own style, script and icon; they may be kept for a while."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """As Starlette has it, with a time to live."""
        answer = await super().get_response(path, scope)
        answer.headers["cache-control"] = "public, max-age=300"
        return answer


def routes(site: Site, live: Live) -> list[BaseRoute]:
    """Every route of the pages."""
    signing_in = SigningIn(site)

    return [
        *_oidc(site),
        Route(SIGN_IN, signing_in.show, methods=["GET"]),
        Route(SIGN_IN, signing_in.sign_in, methods=["POST"]),
        Route("/sign-out", signing_in.sign_out, methods=["POST"]),
        Route("/language/{code}", signing_in.language, methods=["GET"]),
        Route("/transfers/live", live.endpoint, methods=["GET"]),
        *(Route(path, site.page(show), methods=list(methods)) for path, methods, show in PAGES),
        Mount("/static", Assets(packages=[("proxy.console", "static")])),
    ]


def _oidc(site: Site) -> list[BaseRoute]:
    if site.provider is None:
        return []
    # Loaded where it is used: authlib takes a moment.
    from proxy.console.signing_in_oidc import BACK, BEGIN, OidcSigningIn

    by_provider = OidcSigningIn(site, site.provider)
    return [Route(BEGIN, by_provider.begin, methods=["GET"]), Route(BACK, by_provider.back, methods=["GET"])]
