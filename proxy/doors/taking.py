"""Whether an app takes what a stream of the gateway writes to it: one that does not may not hold the transfer open."""

import asyncio
from collections.abc import Awaitable
from types import TracebackType
from typing import Self

import aiohttp


class ClientGoneError(Exception):
    """The app has left, or takes nothing more."""


class Taking:
    """Around the writes of one stream, as a context. idle_s: how long one may wait; at most twice that is waited.

    Writes are looked at now and then instead of timed each: a stream has thousands of them.
    """

    def __init__(self, transport: asyncio.Transport | None, idle_s: float) -> None:
        self._transport, self._idle_s = transport, idle_s
        self._loop = asyncio.get_running_loop()
        self._since: float | None = None

    def __enter__(self) -> Self:
        self._timer = self._loop.call_later(self._idle_s, self._look)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._timer.cancel()

    async def write(self, writing: Awaitable[object]) -> None:
        """Await a write. Raises ClientGoneError."""
        self._since = self._loop.time()
        try:
            await writing
        except (ConnectionError, aiohttp.ClientConnectionResetError) as error:
            raise ClientGoneError from error
        finally:
            self._since = None

    def _look(self) -> None:
        waits_s = 0.0 if self._since is None else self._loop.time() - self._since
        if waits_s < self._idle_s:
            self._timer = self._loop.call_later(self._idle_s - waits_s, self._look)
        elif self._transport is not None:
            # It can be told nothing: whatever is written waits behind the rest. The write fails then.
            self._transport.abort()
