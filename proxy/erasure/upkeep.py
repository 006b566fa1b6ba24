"""What a running dragoman does about erasures of other processes and about what has expired.

Each second it asks the log for one number; when that has grown, it forgets what it has in memory of shredded scopes,
and shreds what its own open transfers wrote for the person afterwards. Each hour it shreds what has expired.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from audit.events import ShredRecord
from audit.ids import now_ms
from audit.log import LedgerAccess
from audit.questions import erasures
from audit.values import ShredCause
from proxy.erasure.reapply import erase_again, reapply
from redaction.vault import Vault

POLL_S = 1.0
OPEN_S = 60.0
"""After an erasure, how long until a transfer that knew the person has written all that it will write."""
PURGE_S = 3600.0


async def keep_up(
    ledger: LedgerAccess,
    vault: Vault,
    threads: ThreadPoolExecutor,
    observe: Callable[[str, str], None],
    *,
    first: bool = True,
) -> asyncio.Task[None]:
    """Erase again what a restored backup brought back, then start the upkeep; to be awaited before anything is served.

    first: False in a process beside the one that does so and that forgets what has expired.
    Raises AuditError, RedactionError.
    """

    def begin() -> Upkeep:
        if first:
            erase_again(ledger, vault)
        return Upkeep(ledger, vault, purges=first)

    upkeep = await asyncio.get_running_loop().run_in_executor(threads, begin)
    return asyncio.create_task(upkeep.watch(threads, observe))


class Upkeep:
    """The upkeep of one process. clock: monotonic seconds."""

    def __init__(
        self, ledger: LedgerAccess, vault: Vault, *, purges: bool = True, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ledger, self._vault, self._clock, self._purges = ledger, vault, clock, purges
        self._changes = self._now()
        self._again: float | None = None
        self._purge = clock()

    def look(self) -> None:
        """Do what is due. Blocks. Raises AuditError, RedactionError; what was not done is due at the next look."""
        changes, now = self._now(), self._clock()
        if changes != self._changes or (self._again is not None and now >= self._again):
            self._ledger.references.forget()
            reapply(self._ledger, self._vault, starting=False)
            self._again = now + OPEN_S if changes != self._changes else None
            # Whatever was destroyed by this very look counts as seen.
            self._changes = self._now()
        if self._purges and now >= self._purge:
            self._forget_expired()
            self._purge = now + PURGE_S

    async def watch(
        self,
        threads: ThreadPoolExecutor,
        observe: Callable[[str, str], None],
        *,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Look each second, for ever; a failure is counted and nothing else is held up by it."""
        while True:
            await pause(POLL_S)
            try:
                await asyncio.get_running_loop().run_in_executor(threads, self.look)
            except Exception as error:
                observe("upkeep_failed", type(error).__name__)

    def _now(self) -> int:
        with self._ledger.store.read() as connection:
            return erasures.changes(connection)

    def _forget_expired(self) -> None:
        gone = self._vault.purge()
        if gone.scopes:
            # Not named: in a restored backup they have expired as well.
            self._ledger.append_blocking(
                ShredRecord(at=now_ms(), cause=ShredCause.EXPIRED, scopes_overflow=gone.scopes, mappings=gone.mappings)
            )
