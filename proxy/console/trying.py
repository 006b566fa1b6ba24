"""Trying texts and policies out from the pages: rehearsals on the console's event loop, asked from a view's thread.

What is pasted stays in memory for the one answer. That somebody tried something is recorded, not what.
"""

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from audit.values import Question
from policies.cases import CaseResult
from policies.load import Loaded
from policies.policy import Policy
from proxy.config import Settings
from proxy.console.access import Right, Visitor
from proxy.console.log import AuditLog
from proxy.errors import RefusedError, UnavailableError
from redaction.errors import RedactionError

if TYPE_CHECKING:
    from proxy.policy.rehearsing import Rehearsals, Tried, Wanted

LONGEST = 100_000
"""Characters that may be tried at once."""
LONGEST_PATH = 2_000
LONGEST_S = 90.0
"""The first rehearsal after a while loads models, which takes seconds, on a busy machine many."""


class Trying:
    """Raises RefusedError, RedactionError, UnavailableError, AuditError."""

    def __init__(self, log: AuditLog, settings: Settings) -> None:
        self._log, self._settings = log, settings
        self._made: Rehearsals | None = None
        self._making = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._warming: asyncio.Task[None] | None = None

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """The loop that rehearsals run on."""
        self._loop = loop

    async def close(self) -> None:
        """Ends the detection."""
        if self._warming is not None:
            self._warming.cancel()
            await asyncio.gather(self._warming, return_exceptions=True)
        if self._made is not None:
            await self._made.close()

    @property
    def _rehearsals(self) -> "Rehearsals":
        """Loaded when somebody first tries something: gate, formats and fake models take a second."""
        with self._making:
            if self._made is None:
                from proxy.policy.rehearsing import Rehearsals

                self._made = Rehearsals(self._settings)
            return self._made

    def rehearse(self, visitor: Visitor, wanted: "Wanted") -> "Tried":
        """What would happen to a request. Blocks; not for the loop's own thread."""
        visitor.require(Right.POLICY)
        if wanted.application and not visitor.sees(wanted.application):
            raise RefusedError("this application is not among your own", code="role")
        tried = self._run(self._rehearsals.rehearse(wanted))
        self._log.asked(visitor, Question.EXPLAIN, len(tried.seen.work.facts.found), filters=("playground",))
        return tried

    def cases(self, loaded: Loaded) -> list[CaseResult]:
        """A policy's own cases. Blocks."""
        return self._run(self._rehearsals.cases(loaded, datetime.now(UTC).date()))

    def warm(self, policy: Policy) -> None:
        """Begins to load the detection, so that a check of a policy that was opened finds it there; returns at once.

        Patterns alone are there in a moment; nobody loads them for a page that may only be read.
        """
        if self._loop is None or self._settings.detectors == ("patterns",):
            return
        self._loop.call_soon_threadsafe(self._warm, policy)

    def _warm(self, policy: Policy) -> None:
        if self._warming is None or self._warming.done():
            self._warming = asyncio.create_task(self._load(policy))

    async def _load(self, policy: Policy) -> None:
        with suppress(RedactionError):  # whoever tries something meets it again, and is told
            rehearsals = await asyncio.to_thread(lambda: self._rehearsals)
            await rehearsals.warm(policy)

    def _run[T](self, work: Coroutine[Any, Any, T]) -> T:
        if self._loop is None:
            work.close()
            raise UnavailableError("the console is starting", code="starting")
        running = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return running.result(LONGEST_S)
        except TimeoutError:
            running.cancel()
            raise UnavailableError("detection did not answer in time; try again", code="timeout") from None
