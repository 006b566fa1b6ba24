"""The detection that serves now. A policy may bring entity types of its own, so a new policy may need a new one.

The new detection is started and tried before the old one is let go; requests that it has begun are ended by it.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from proxy.steps.services import Detection, DetectionResult
from redaction.segment import Segment
from redaction.settings import OwnEntity


class RunningDetection(Detection, Protocol):
    """Detection with a life of its own. version: of what it finds with; known once started."""

    version: str

    async def start(self) -> None: ...

    async def close(self) -> None: ...


class CurrentDetection:
    """`RunningDetection` over whichever is in use. make: a detection with these own entity types, not started."""

    def __init__(self, make: Callable[[tuple[OwnEntity, ...]], RunningDetection], own: tuple[OwnEntity, ...]) -> None:
        self._make = make
        self._own = own
        self._used = make(own)
        self._working: dict[int, int] = {}
        self._retiring: list[RunningDetection] = []

    @property
    def version(self) -> str:
        """Of the detection in use."""
        return self._used.version

    async def start(self) -> None:
        """Raises RedactionError when it cannot work."""
        await self._used.start()

    async def close(self) -> None:
        """Ends the one in use and those that still have requests. May be called twice."""
        await asyncio.gather(*(one.close() for one in (self._used, *self._retiring)))
        self._retiring.clear()

    async def detect(self, segments: Sequence[Segment], *, deadline_s: float, owner: bytes = b"") -> DetectionResult:
        """See `services.Detection`."""
        used = self._used
        self._working[id(used)] = self._working.get(id(used), 0) + 1
        try:
            return await used.detect(segments, deadline_s=deadline_s, owner=owner)
        finally:
            self._working[id(used)] -= 1
            await self._retire(used)

    async def prepare(self, own: tuple[OwnEntity, ...]) -> RunningDetection:
        """A started detection with these types; the one in use where they are the same. Raises RedactionError."""
        if own == self._own:
            return self._used
        made = self._make(own)
        try:
            await made.start()
        except BaseException:
            await made.close()
            raise
        return made

    async def drop(self, prepared: RunningDetection) -> None:
        """Ends a prepared one that will not be used."""
        if prepared is not self._used:
            await prepared.close()

    def use(self, prepared: RunningDetection, own: tuple[OwnEntity, ...]) -> None:
        """From now on this one serves."""
        old, self._used, self._own = self._used, prepared, own
        if old is not prepared:
            self._retiring.append(old)

    async def retire(self) -> None:
        """Ends those that serve nobody any more."""
        for one in tuple(self._retiring):
            await self._retire(one)

    async def _retire(self, one: RunningDetection) -> None:
        if one in self._retiring and not self._working.get(id(one)):
            self._retiring.remove(one)
            self._working.pop(id(one), None)
            await one.close()
