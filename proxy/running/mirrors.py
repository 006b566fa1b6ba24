"""Sends the copies that a policy mirrors, off the path of the app's answer: it neither waits for one nor breaks by one.

Copies wait in a queue that is bounded in number and bytes; what does not fit is left out and counted, for nothing of it
has left. Each copy is recorded by the gate before its first byte, and its outcome when its answer has ended. The answer
is measured and dropped.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

from policies.model import Mirror
from proxy.errors import ProxyError
from proxy.exchange import Ending, Exchange
from proxy.steps.work import Work, known
from proxy.transport import Transport, UpstreamError

logger = logging.getLogger("dragoman.mirrors")

WAITING = 256
"""Copies that may wait: a minute of a busy app at a slow model."""
WAITING_BYTES = 64 * 1024 * 1024
"""Of all that wait; two of the largest bodies."""
SENDERS = 4
"""Copies on their way at one time, so that a slow second model holds few connections and little memory."""
ANSWER_BYTES = 16 * 1024 * 1024
"""Longest answer that is measured."""
ANSWER_S = 600.0
"""Longest time for one copy, as the official SDKs wait for a model."""

type AdmitCopy = Callable[[Work, Mirror, int], Awaitable[Exchange]]


class Mirrors:
    """The queue and its senders. Belongs to one event loop. observe: counts an event (kind, label)."""

    def __init__(self, transport: Transport, observe: Callable[[str, str], None], *, waiting: int = WAITING) -> None:
        self._transport = transport
        self._observe = observe
        self._most = waiting
        self._waiting: deque[tuple[Work, Mirror, int]] = deque()
        self._bytes = 0
        self._admit: AdmitCopy | None = None
        self._sending: set[asyncio.Task[None]] = set()

    def start(self, admit: AdmitCopy) -> None:
        """Begin to send. admit: the gate's, which records a copy."""
        self._admit = admit

    def offer(self, work: Work, mirror: Mirror, attempt: int) -> None:
        """Take a copy, or leave it out where too many wait. Never raises."""
        size = len(work.facts.egress.body)
        if self._admit is None or len(self._waiting) >= self._most or self._bytes + size > WAITING_BYTES:
            self._observe("mirror_left_out", mirror.to)
            return
        self._waiting.append((work, mirror, attempt))
        self._bytes += size
        if len(self._sending) < SENDERS:
            task = asyncio.create_task(self._send_waiting(self._admit))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def idle(self) -> None:
        """Every copy that was taken is sent and its outcome written."""
        while self._sending:
            await asyncio.wait(self._sending)

    async def drain(self, seconds: float) -> None:
        """`idle`, at most so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.idle()

    async def close(self) -> None:
        """Break off what is on its way (its outcome says so) and leave out what waits."""
        for _, mirror, _ in self._waiting:
            self._observe("mirror_left_out", mirror.to)
        self._waiting.clear()
        self._admit = None
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)

    async def _send_waiting(self, admit: AdmitCopy) -> None:
        while self._waiting:
            work, mirror, attempt = self._waiting.popleft()
            self._bytes -= len(work.facts.egress.body)
            try:
                exchange = await admit(work, mirror, attempt)
                if exchange.reply is None:
                    await self._send(exchange)
            except Exception as error:
                # Its text may quote what was inspected.
                self._observe("mirror_failed", type(error).__name__)
                logger.error("mirrors: a copy for %s failed (%s)", mirror.to, type(error).__name__)

    async def _send(self, exchange: Exchange) -> None:
        ending = Ending.NOT_SENT
        try:
            exchange.sent()
            ending = Ending.CUT
            async with asyncio.timeout(ANSWER_S), self._transport.send(known(exchange.outgoing)) as answer:
                exchange.answer(answer.status, answer.headers)
                size = 0
                async for chunk in answer.pieces():
                    for piece in exchange.unpacked(chunk):
                        size += len(piece)
                        if size > ANSWER_BYTES:
                            raise ProxyError("the answer of a mirror is too long", code="mirror_answer_too_long")
                        exchange.feed(piece)
                await exchange.end()
            ending = Ending.COMPLETE
        except TimeoutError:
            ending, exchange.error = Ending.UPSTREAM_ERROR, "mirror_timeout"
        except ProxyError as error:
            reached = error.reached if isinstance(error, UpstreamError) else ending is not Ending.NOT_SENT
            ending, exchange.error = Ending.UPSTREAM_ERROR if reached else Ending.NOT_SENT, error.code
        finally:
            await exchange.close(ending)
