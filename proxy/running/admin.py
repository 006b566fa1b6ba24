"""The port of operators: metrics and health. On loopback unless configured otherwise; it shows counts, never data."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from proxy.running.metrics import Metrics


def admin_handler(
    metrics: Metrics, open_transfers: Callable[[], int], ready: Callable[[], bool]
) -> Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]:
    """Answers `/-/metrics` (Prometheus text), `/-/healthz` (the process lives) and `/-/readyz` (it takes transfers)."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/-/metrics":
            metrics.open.set(open_transfers())
            metrics.takes.set(ready())
            return web.Response(body=metrics.render(), headers={"content-type": metrics.content_type})
        if request.path == "/-/healthz":
            return web.Response(text="ok\n")
        if request.path == "/-/readyz":
            return web.Response(text="ready\n") if ready() else web.Response(status=503, text="starting\n")
        return web.Response(status=404, text="see /-/metrics, /-/healthz, /-/readyz\n")

    return handle
