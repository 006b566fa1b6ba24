"""What waits for the writer: filled by every thread and event loop that appends, emptied by the writer in batches.

Once there is a refusal nothing is taken in any more; what waits then is still handed out, unless the refusal took it.
"""

import asyncio
import threading
from collections import deque

from audit.errors import LedgerError
from audit.ledger.waiting import Waiting, again

MAX_WAITING = 4_096
"""Appends that may wait; more are pushed back. At 5,000 a second this is less than a second of patience."""
MAX_BATCH = 256
GATHER_S = 0.001
"""After a batch of many, how long the next one waits for as many again; a lonely append never waits."""
OUTCOME_S = 0.01
"""How long outcomes wait for a record that somebody waits for, to share its commit. The answer has left by then; where
a crash takes an outcome along, its transfer is closed as one that had not ended yet."""


class Queue:
    """In the order in which they came. refusal: why nothing is taken in, None while it is."""

    def __init__(self) -> None:
        self.refusal: LedgerError | None = None
        self._waiting: deque[Waiting] = deque()
        self._changed = threading.Condition()
        self._pressing = False
        self._batches = 0
        self._reminded: asyncio.AbstractEventLoop | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, waiting: Waiting) -> None:
        """Takes one in. Raises LedgerError where nothing is taken in, or too many wait."""
        with self._changed:
            if self.refusal is not None:
                raise again(self.refusal)
            if len(self._waiting) >= MAX_WAITING:
                raise LedgerError("too many records wait for the audit log; try again", code="ledger_full")
            self._waiting.append(waiting)
            if waiting.loop is not None and waiting.draft.kind == "outcome" and len(self._waiting) < MAX_BATCH:
                self._remind(waiting.loop)
            else:
                self._pressing = True
                self._changed.notify()

    def _remind(self, loop: asyncio.AbstractEventLoop) -> None:
        """Outcomes that nobody waits for wake no thread; a timer of their loop does, where no record comes."""
        if self._reminded is not loop:
            self._reminded = loop
            loop.call_later(OUTCOME_S, self._overdue, loop, self._batches)

    def _overdue(self, loop: asyncio.AbstractEventLoop, batches: int) -> None:
        with self._changed:
            if self._waiting and self._batches != batches:
                # What waits now came after the timer was set.
                loop.call_later(OUTCOME_S, self._overdue, loop, self._batches)
                return
            if self._reminded is loop:
                self._reminded = None
            if self._waiting:
                self._pressing = True
                self._changed.notify()

    def take(self, last: int) -> list[Waiting]:
        """The next batch, after one of `last`; waits for it, and is empty when nothing will come. Blocks."""
        with self._changed:
            while not self._pressing and self.refusal is None:
                self._changed.wait()
            if last > 1 and self.refusal is None:
                self._changed.wait_for(lambda: len(self._waiting) >= last or self.refusal is not None, GATHER_S)
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), MAX_BATCH))]
            # What did not fit has waited longest.
            self._pressing = bool(self._waiting)
            self._batches += 1
            return batch

    def end(self, refusal: LedgerError) -> LedgerError:
        """Takes nothing in from now on; what waits is handed out. Returns the refusal, which may be an earlier one."""
        with self._changed:
            if self.refusal is None:
                self.refusal = refusal
            self._changed.notify_all()
            return self.refusal

    def refuse(self, refusal: LedgerError) -> list[Waiting]:
        """Takes nothing in from now on, and returns what waits."""
        with self._changed:
            self.refusal = refusal
            left = list(self._waiting)
            self._waiting.clear()
            self._changed.notify_all()
            return left

    def reopen(self) -> None:
        """Takes in again."""
        with self._changed:
            self.refusal = None
