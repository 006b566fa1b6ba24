"""The port of operators: metrics and health. On loopback unless configured otherwise; it shows counts, never data."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from proxy.running.metrics import Metrics


def admin_handler(
    metrics: Metrics, open_transfers: Callable[[], int], ready: Callable[[], bool], lost: Callable[[], bool]
) -> Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]:
    """Answers `/-/metrics` (Prometheus text), `/-/healthz` (503 where only a restart helps) and `/-/readyz` (whether it
    takes transfers)."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/-/metrics":
            metrics.open.set(open_transfers())
            metrics.takes.set(ready())
            return web.Response(body=metrics.render(), headers={"content-type": metrics.content_type})
        if request.path == "/-/healthz":
            return health(lost())
        if request.path == "/-/readyz":
            return readiness(ready())
        return web.Response(status=404, text="see /-/metrics, /-/healthz, /-/readyz\n")

    return handle


def health(lost: bool) -> web.Response:
    """What `/-/healthz` says at each port. lost: the log failed within a commit, and only a start can read it anew."""
    if lost:
        return web.Response(status=503, text="the audit log could not commit and is closed; start dragoman again\n")
    return web.Response(text="ok\n")


def readiness(ready: bool) -> web.Response:
    """What `/-/readyz` says at each port."""
    return web.Response(text="ready\n") if ready else web.Response(status=503, text="starting\n")
