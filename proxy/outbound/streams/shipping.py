"""One stream on its way: claim, read, send, move the cursor; on failure wait ever longer and begin again where it was.

Nothing is skipped: a batch that the receiver refuses holds its stream up, which `dragoman stream list` shows, and holds
up nothing else.
"""

import contextlib
import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from audit.errors import AuditError
from audit.events import ExportRecord
from audit.ids import new_id, now_ms
from audit.questions import following
from audit.store import Store
from proxy.config import Settings
from proxy.control.cursors import Cursor, Cursors
from proxy.errors import ProxyError
from proxy.next_proxy import next_proxy
from proxy.outbound.streams import NAMES
from proxy.outbound.streams.base import SendError, Sink, StreamSettings
from proxy.running.databases import join_log

log = logging.getLogger("dragoman")

POLL_S = 1.0
LEASE_MS = 60_000
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 300.0
_JITTER = 0.25
"""Of a wait, so that several streams do not come back to one receiver at the same moment."""


@dataclass(slots=True)
class _Claim:
    """The lease as we know it. until: of the monotonic clock, when to renew."""

    position: int | None
    until: float


class Shipping:
    """One stream of one process. `run` blocks until the event is set. clock: seconds, monotonic."""

    def __init__(
        self,
        settings: Settings,
        stream: StreamSettings,
        store: Store,
        cursors: Cursors,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises ConfigError where the exporter cannot work."""
        self._settings, self._stream, self._store, self._cursors = settings, stream, store, cursors
        self._exporter = NAMES[stream.to]
        self._sink: Sink = self._exporter.open(replace(stream, through=next_proxy(settings)))
        self._clock = clock
        self._holder = f"{settings.node}/{new_id()}"
        self._lease_ms = LEASE_MS + 2000 * int(stream.options.get("timeout_s", 0))
        self._claim: _Claim | None = None
        self._failures = 0
        self._told = False

    def run(self, ended: threading.Event) -> None:
        """Sends until the event is set; whatever goes wrong is counted, told once, and tried again."""
        while not ended.is_set():
            ended.wait(self.step())
        self.close()

    def step(self) -> float:
        """Sends one batch, if there is something to send. Returns the seconds until the next one is due."""
        try:
            more = self._send()
        except (SendError, ProxyError, AuditError) as error:
            return self._failed(error)
        except Exception as error:
            # A defect here may not end the other streams; its text could hold anything.
            return self._failed(SendError(f"an unexpected {type(error).__name__}; please report it"))
        if self._failures:
            log.warning("stream %s works again", self._stream.name)
            self._failures = 0
        return 0.0 if more else POLL_S

    def close(self) -> None:
        """Lets another machine begin at once, and closes the sink."""
        # Where it cannot be released the lease ends by itself.
        with contextlib.suppress(ProxyError):
            self._cursors.release(self._stream.name, self._holder)
        self._sink.close()

    def _send(self) -> bool:
        """Whether there may be more right away."""
        claim = self._claimed()
        if claim is None:
            return False
        position = self._begun(claim)
        if position is None:
            return False
        with self._store.read() as connection:
            page = following.page(connection, position, self._stream.batch, self._stream.kinds)
        if page.next == position:
            return False
        if page.entries:
            self._sink.send(page.entries)
        if not self._cursors.moved(self._stream.name, self._holder, page.next, sent=bool(page.entries)):
            self._claim = None
            return False
        claim.position = page.next
        return page.next < page.size

    def _claimed(self) -> _Claim | None:
        now = self._clock()
        if self._claim is None or now >= self._claim.until:
            found: Cursor | None = self._cursors.claim(self._stream.name, self._holder, self._lease_ms)
            self._claim = None if found is None else _Claim(found.position, now + self._lease_ms / 2000)
        return self._claim

    def _begun(self, claim: _Claim) -> int | None:
        """Where to go on, after the record of it; None where the lease is somebody else's by now.

        Where a stream begins is kept before anything is sent: its receiver may be away for longer than a lease, or
        this process gone by then, and what the log gained meanwhile is still to be sent.
        """
        if not self._told or claim.position is None:
            position = self._tell(claim.position)
            if claim.position is None and not self._cursors.moved(
                self._stream.name, self._holder, position, sent=False
            ):
                self._claim = None
                return None
            claim.position = position
        return claim.position

    def _tell(self, position: int | None) -> int:
        """A record that the log is copied out from here on, before the first entry of this process is. position: where
        the stream is, None where it has not begun. Returns where it goes on."""
        with self._store.read() as connection:
            size, root = following.head(connection)
        if position is None:
            position = 0 if self._stream.start == "start" else size
        ledger = join_log(self._settings)
        try:
            ledger.append_blocking(
                ExportRecord(
                    at=now_ms(),
                    format=self._exporter.form(self._stream),
                    tree_size=size,
                    root=root,
                    entries=max(0, size - position),
                    first=position or None,
                )
            )
        finally:
            ledger.close()
        self._told = True
        return position

    def _failed(self, error: ProxyError | AuditError) -> float:
        self._failures += 1
        if self._failures == 1:
            log.warning("stream %s: %s; it goes on where it was", self._stream.name, error.message)
        # Where the control database is away itself, the next step says so.
        with contextlib.suppress(ProxyError):
            self._cursors.failed(self._stream.name, self._holder, error.message)
        if isinstance(error, SendError) and error.retry_after_s is not None:
            return error.retry_after_s
        wait = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(self._failures - 1, 16))
        return wait * (1 + _JITTER * (2 * random.random() - 1))  # noqa: S311 (spreads load, keeps no secret)
