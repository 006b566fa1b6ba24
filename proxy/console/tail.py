"""The log as it grows, from an index on: server-sent events with whole entries, for programs that keep up with it.

A stream ends after some seconds, entries, or with its token, and says where to go on. A team gets what concerns its own
applications. That somebody follows is recorded before the first entry leaves.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from time import monotonic

from starlette.concurrency import run_in_threadpool

from audit import query
from audit.questions import following
from audit.questions.following import Followed, Followings
from audit.values import Question
from proxy.console.access import Right, Visitor
from proxy.console.log import AuditLog
from proxy.console.problems import TooManyError

TICK_S = 0.5
PAGE = 200
LONGEST_S = 300
MOST_ENTRIES = 10_000
MOST, MOST_OF_ONE = 30, 4
"""Streams at the same time, and of one token."""

type Valid = Callable[[Visitor], bool]


class Tail:
    """Raises RefusedError, TooManyError, AuditError before a stream begins.

    valid: whether a visitor's token still opens anything. longest_s: what a stream lasts at most.
    """

    def __init__(self, log: AuditLog, valid: Valid, longest_s: float = LONGEST_S) -> None:
        self._log, self._valid, self._longest_s = log, valid, longest_s
        self._open: Counter[str] = Counter()
        self._ended = asyncio.Event()

    def end(self) -> None:
        """Ends every stream: the process is about to."""
        self._ended.set()

    def follow(
        self, visitor: Visitor, since: int | None, kinds: tuple[str, ...], seconds: float, limit: int
    ) -> AsyncIterator[bytes]:
        """A stream. since: index of the first entry, None for what comes from now on."""
        visitor.require(Right.TRANSFERS)
        if self._open.total() >= MOST or self._open[visitor.token.id] >= MOST_OF_ONE:
            raise TooManyError(LONGEST_S)
        with self._log.read() as connection:
            size = query.size(connection)
        self._log.asked(visitor, Question.TAIL, 0 if since is None else max(0, size - since), filters=kinds)
        at = size if since is None else since
        return self._stream(visitor, at, kinds, min(seconds, self._longest_s), limit)

    async def _stream(
        self, visitor: Visitor, at: int, kinds: tuple[str, ...], seconds: float, limit: int
    ) -> AsyncIterator[bytes]:
        token = visitor.token.id
        self._open[token] += 1
        try:
            begun = monotonic()
            while True:
                page = await run_in_threadpool(self._page, at, kinds)
                for one in page.entries:
                    if limit and _sees(visitor, one):
                        limit -= 1
                        yield _event("entry", one.place.index + 1, one.body)
                    at = one.place.index + 1
                    if not limit:
                        break
                else:
                    at = page.next
                    if page.next < page.size:
                        continue
                left = seconds - (monotonic() - begun)
                if not limit or left <= 0 or self._ended.is_set():
                    break
                try:
                    await asyncio.wait_for(self._ended.wait(), min(TICK_S, left))
                except TimeoutError:
                    if not await run_in_threadpool(self._valid, visitor):
                        break
            yield _event("end", at, b"{}")
        finally:
            self._open[token] -= 1
            self._open += Counter()  # forgets whoever has none left

    def _page(self, at: int, kinds: tuple[str, ...]) -> Followings:
        with self._log.read() as connection:
            return following.page(connection, at, PAGE, kinds)


def _sees(visitor: Visitor, one: Followed) -> bool:
    """Transfers of an application are seen by whoever sees it, all other entries by whoever may ask about the log."""
    about = one.of if one.facts["kind"] == "outcome" else one.facts
    if about is not None and "application" in about and about.get("kind", "transfer") in {"transfer", "blocked"}:
        return visitor.sees(about["application"])
    return visitor.may(Right.LOG)


def _event(name: str, following_index: int, data: bytes) -> bytes:
    """An event; its id is the index to go on from. data: JSON in one line."""
    return b"event: %s\nid: %d\ndata: %s\n\n" % (name.encode(), following_index, data)
