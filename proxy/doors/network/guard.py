"""What happens when a hook of ours fails: the thing it was about is closed first, then the failure is counted.

The engine logs a hook's exception and goes on as if the hook had agreed; so no exception may reach it. No error text
leaves this room.
"""

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from proxy.doors.network.transfers import Transfers


class Guarded(Protocol):
    """An addon whose hooks are guarded."""

    @property
    def transfers(self) -> Transfers: ...


def fail_closed[S: Guarded, T](
    shut: Callable[[S, Any], None],
) -> Callable[[Callable[[S, T], Awaitable[None]]], Callable[[S, T], Awaitable[None]]]:
    """Guard an async hook: on any exception `shut(self, subject)` closes what it was about.

    Only the cancellation of the hook's own task goes on: then the engine never hears of the hook's end, and nothing is
    sent either. A CancelledError from something that was awaited is a failure like others.
    """

    def decorate(hook: Callable[[S, T], Awaitable[None]]) -> Callable[[S, T], Awaitable[None]]:
        @functools.wraps(hook)
        async def guarded(self: S, subject: T) -> None:
            try:
                await hook(self, subject)
            except BaseException as error:
                shut(self, subject)
                self.transfers.trouble(getattr(hook, "__name__", "hook"), error)
                if _cancelled(error):
                    raise

        return guarded

    return decorate


def _cancelled(error: BaseException) -> bool:
    task: asyncio.Task[Any] | None = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0
