"""A gate in front of every event that a fake sends, so that a test decides when each one leaves.

With it a test proves order ("the client had the first delta before the second was sent") without sleeping.
"""

import asyncio
import math


class Hold:
    """Events wait here until they are released. Belongs to one event loop."""

    def __init__(self) -> None:
        self._released: float = 0
        self._passed = 0
        self._waiting = 0
        self._changed = asyncio.Event()

    def release(self, events: int = 1) -> None:
        """Let that many more events leave."""
        self._released += events
        self._wake()

    def open(self) -> None:
        """Let everything leave from now on."""
        self._released = math.inf
        self._wake()

    async def pass_one(self) -> None:
        """The fake's side: returns when one more event may leave."""
        self._waiting += 1
        self._wake()
        while self._passed >= self._released:
            await self._changed.wait()
        self._waiting -= 1
        self._passed += 1
        self._wake()

    async def reached(self, events: int) -> None:
        """Returns when that many events have passed and the next one stands waiting."""
        while self._passed < events or not self._waiting:
            await self._changed.wait()

    @property
    def passed(self) -> int:
        """How many events have left."""
        return self._passed

    @property
    def waiting(self) -> int:
        """How many events stand here now."""
        return self._waiting

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
