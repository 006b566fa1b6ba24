"""Transfers as they come, for a page that is open: a stream of server-sent events with ready rows of the table.

A stream ends by itself, and with the session, which it does not keep alive; the browser begins another. Each is one
record in the log. What is sent is the newest page of the search as it changes, never more than that.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from time import monotonic

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from audit.query import Row
from proxy.console import inputs
from proxy.console.language import Words
from proxy.console.problems import TooManyError
from proxy.console.questions import Following
from proxy.console.site import SESSION, Site
from proxy.console.transfers_page import ON_A_PAGE, given_of, wanted_of

TICK_S = 1.0
SLOW = 10
"""A question that takes long is asked again after so many times as long: a stream costs a tenth of a core at most."""
LONGEST_S = 300
QUIET_S = 15
"""After so long without news a comment shows whoever stands between that the stream lives."""
MOST, MOST_OF_ONE = 30, 4
"""Streams at the same time, and of one token."""
HEADERS = {"x-accel-buffering": "no"}


class Live:
    """The streams of one console."""

    def __init__(self, site: Site, tick_s: float = TICK_S) -> None:
        self._site, self._tick_s = site, tick_s
        self._open: Counter[str] = Counter()
        self._ended = asyncio.Event()

    def end(self) -> None:
        """Ends every stream: the process is about to."""
        self._ended.set()

    async def endpoint(self, request: Request) -> Response:
        """A stream for whoever is signed in; 204 tells a browser not to ask again."""
        cookie = request.cookies.get(SESSION, "")
        session = self._site.sessions.peek(cookie)
        try:
            visitor = await self._site.gate.again(session) if session is not None else None
            if session is None or visitor is None:
                return Response(status_code=204)
            if self._open.total() >= MOST or self._open[visitor.token.id] >= MOST_OF_ONE:
                raise TooManyError(LONGEST_S)
            given = {name: value for name, value in given_of(request.query_params).items() if name != "before"}
            filters = inputs.filters_of(wanted_of(given))
            follow = self._site.desk.questions.follow
            following = await run_in_threadpool(follow, visitor, filters, ON_A_PAGE)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            return self._site.failed(request, error, None)

        async def valid() -> bool:
            found = self._site.sessions.peek(cookie)
            return found is not None and await self._site.gate.still(found) is not None

        stream = self._stream(visitor.token.id, following, self._site.words_for(request), valid)
        return StreamingResponse(stream, headers=HEADERS, media_type="text/event-stream")

    async def _stream(
        self, token: str, following: Following, words: Words, valid: Callable[[], Awaitable[bool]]
    ) -> AsyncIterator[bytes]:
        self._open[token] += 1
        try:
            begun = told = monotonic()
            yield b"retry: 2000\n\n"
            while monotonic() - begun < LONGEST_S and await valid():
                asked = monotonic()
                rows = await run_in_threadpool(following.changed)
                took = monotonic() - asked
                if rows:
                    told = monotonic()
                    yield self._event(rows, words)
                elif monotonic() - told > QUIET_S:
                    told = monotonic()
                    yield b":\n\n"
                try:
                    await asyncio.wait_for(self._ended.wait(), max(self._tick_s, SLOW * took))
                except TimeoutError:
                    continue
                return
        finally:
            self._open[token] -= 1
            self._open += Counter()  # forgets whoever has none left

    def _event(self, rows: list[Row], words: Words) -> bytes:
        html = self._site.text("rows", {"t": words, "rows": rows})
        return b"data: " + orjson.dumps({"rows": html}) + b"\n\n"
