"""What an operator sees of a running dragoman besides its log of transfers: metrics, traces, and what ends soon.

Nothing here is asked before a transfer is sent, and nothing that fails here keeps one from its way.
"""

import asyncio
import time
from contextlib import AsyncExitStack

from proxy.config import Settings
from proxy.control.store import ControlStore
from proxy.next_proxy import next_proxy
from proxy.running.expiry import LOOK_S, Expiry, expiries, warn
from proxy.running.metrics import Metrics
from proxy.running.watching import Watcher


def watchers(settings: Settings, metrics: Metrics, stack: AsyncExitStack) -> tuple[Watcher, ...]:
    """Who sees every record of a transfer after it is durable. What has to be closed goes on the stack."""
    if not settings.traces:
        return (metrics.recorded,)
    from proxy.outbound.traces import Traces

    traces = Traces(settings.traces, node=settings.node, through=next_proxy(settings))
    stack.push_async_callback(asyncio.to_thread, traces.close)
    return (metrics.recorded, traces.recorded)


async def watch_expiry(settings: Settings, control: ControlStore, metrics: Metrics) -> None:
    """Tells metrics what ends and when, and the process log what ends soon, each hour, for ever."""
    while True:
        try:
            now = time.time()
            found = await asyncio.to_thread(ending, settings, control, now)
            metrics.ends((one.what, one.at) for one in found)
            warn(found, now)
        except Exception as error:
            metrics.observe("expiry_unreadable", type(error).__name__)
        await asyncio.sleep(LOOK_S)


def ending(settings: Settings, control: ControlStore, now: float) -> list[Expiry]:
    """Everything that ends by itself; blocks."""
    files = {"certificate": settings.tls_certificate} if settings.tls_certificate is not None else {}
    return list(expiries(settings.home, files, control.credentials(), control.tokens.all(), now))
