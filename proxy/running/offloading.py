"""Pure work that is too long for the event loop, in a thread: one large body does not hold up the others."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from proxy.steps.offload import Offload

OFFLOAD_BYTES = 128 * 1024
"""Work on more than this leaves the event loop (about 3 ms of parsing)."""


def offloading(threads: ThreadPoolExecutor) -> Offload:
    """Runs small work at once and large work in one of the threads.

    Who is cancelled meanwhile ends when the thread does: what the work is about is not touched by two.
    """

    async def run[T](size: int, work: Callable[[], T]) -> T:
        if size < OFFLOAD_BYTES:
            return work()
        working = asyncio.get_running_loop().run_in_executor(threads, work)
        try:
            return await asyncio.shield(working)
        except asyncio.CancelledError:
            await asyncio.wait((working,))
            raise

    return run
