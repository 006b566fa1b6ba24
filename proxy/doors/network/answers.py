"""An upstream's answer on its way back: the head once, then every piece through the exchange.

Bytes of the upstream enter, restored bytes leave. After the first failure nothing of the upstream leaves any more: the
client gets the provider's own error, or its error event where the head is already out.

The engine reads an answer without a pause; what may be long (a content coding, a large document) is done in a hook, for
which it waits while others go on.
"""

# mypy: allow-untyped-calls

import asyncio
from dataclasses import dataclass, field

from mitmproxy import http
from mitmproxy.proxy.commands import StartHook

from proxy.doors.network.transfers import Transfers, passage_of
from proxy.doors.network.translate import offered, plain_reply, put_answer_head, put_switch_head, response_of
from proxy.doors.restored import Chunk
from proxy.errors import FormatError, ProxyError
from proxy.exchange import Exchange
from proxy.messages import Headers, Refusal, Reply
from proxy.steps.held import HELD_BYTES, WITHHELD

FAILED_CLOSED = Refusal(502, "failed_closed", "dragoman failed on this answer, so it is not passed on")
SWITCHED = 101
WHOLE_BYTES = 1024 * 1024
"""Answers whose length is known and not above this are restored in one piece: they keep a Content-Length, and if they
cannot be restored, the client gets a proper error instead of half an answer. Live streams have no length."""
LONG_BYTES = 128 * 1024
"""Of an answer after which its end may be long: one document of that size takes some milliseconds."""


@dataclass(slots=True)
class Piece:
    """A piece of a streamed answer, b"" for its end, that is restored in a hook. restored: what is for the client."""

    answer: "Answer"
    data: bytes
    restored: list[bytes] = field(default_factory=list)
    done: bool = False


@dataclass
class AnswerPieceHook(StartHook):
    """A piece of an answer has come that may be long to read."""

    piece: Piece


@dataclass
class HeldAnswerHook(StartHook):
    """A complete answer waits to be looked at. A hook of our own: the engine's comes for every answer."""

    flow: http.HTTPFlow


class Answer:
    """One answer; the engine calls it with each piece of a streamed body, with b"" at the end."""

    def __init__(self, flow: http.HTTPFlow, transfers: Transfers) -> None:
        assert flow.response is not None
        self._flow = flow
        self._response = flow.response
        self._passage = passage_of(flow)
        self._transfers = transfers
        self._head = Headers()
        self._finished = False
        self._size = 0
        self._rest: list[bytes] | None = None
        self.held = False

    @property
    def finished(self) -> bool:
        """The answer came to its end, by its framing or by what its format says."""
        exchange = self._passage.exchange
        reader = exchange.reader if exchange is not None else None
        return self._finished or (reader is not None and reader.facts.complete)

    def begin(self) -> bool:
        """Take the head. False: it cannot be answered so, and the passage's reply says why."""
        passage, response = self._passage, self._response
        if response.status_code == SWITCHED and passage.exchange is not None and passage.exchange.session is not None:
            return self._switch(passage.exchange)
        if response.status_code < 200:
            # 101 would switch to a protocol that has no gate; of others there were too many.
            passage.reply = self._refused("upstream_broken", "the provider answered with an interim response only")
            return False
        if passage.unread:
            response.stream = True
            passage.answered = True
            return True
        if passage.exchange is None:
            passage.reply = self._refused("failed_closed", "dragoman failed on this answer")
            return False
        try:
            came = Headers(response.headers.fields)
            self._head = passage.exchange.answer(response.status_code, came)
            length = _length(came)
            put_answer_head(self._head, self._flow, length=None, last=self._transfers.retiring)
        except Exception as error:
            self._fail("answer_head", error)
            passage.reply = self._refused(_code(error), "the provider's answer could not be read")
            return False
        short = length is not None and length <= WHOLE_BYTES
        self.held = passage.exchange.watched or (short and passage.exchange.apart)
        response.stream = False if self.held or short else self
        passage.answered = True
        return True

    def must_wait(self) -> bool:
        """Whether this complete answer takes a hook."""
        exchange, raw = self._passage.exchange, self._response.raw_content or b""
        return self._passage.answered and (self.held or (exchange is not None and exchange.holds_file(raw)))

    def hold(self) -> None:
        """Put a refusal in the place of a complete answer that has to be looked at; `look` puts it back.

        Looking takes a hook, and a hook that fails is skipped: then the client gets the refusal.
        """
        assert self._passage.exchange is not None
        self._passage.held, self._passage.failed = self, True
        self._passage.exchange.error = FAILED_CLOSED.code
        self._flow.response = response_of(plain_reply(FAILED_CLOSED))

    async def look(self) -> None:
        """What the client gets of a held answer: all that the policy lets go on, or why it does not get it."""
        passage, response = self._passage, self._response
        assert passage.exchange is not None
        passage.exchange.error = None
        passage.working = asyncio.Event()
        try:
            body = await self._held_body(passage.exchange, response.raw_content or b"")
            await passage.exchange.bound()
        except Exception as error:
            code, status = _code(error), error.status if isinstance(error, ProxyError) else 502
            message = error.message if isinstance(error, ProxyError) else "the provider's answer could not be restored"
            passage.failed = code not in WITHHELD
            refusal = Refusal(status, code, message, transfer=passage.exchange.transfer)
            self._flow.response = response_of(self._transfers.give_up(passage, refusal))
            return
        finally:
            passage.working.set()
        if self._flow.request.method == "HEAD":
            body = b""
        self._flow.response = response
        put_answer_head(self._head, self._flow, length=len(body))
        response.raw_content, response.trailers = body, None
        passage.failed, self._finished = False, True

    @staticmethod
    async def _held_body(exchange: Exchange, raw: bytes) -> bytes:
        kept, size, chunk = [], 0, Chunk(exchange, raw)
        while piece := await chunk.more():
            kept.append(piece)
            size += len(piece)
            if size > HELD_BYTES:
                raise FormatError("the answer is too large to be held", code="upstream_too_large", status=502)
        return b"".join(kept) + await exchange.end()

    def apart(self, data: bytes) -> Piece | None:
        """This piece of a streamed answer, b"" for its end, where it is restored in a hook. Else it is called with."""
        exchange = self._passage.exchange
        self._size += len(data)
        if exchange is None or self._passage.failed:
            return None
        long = not data and self._size > LONG_BYTES
        return Piece(self, data) if exchange.apart or exchange.holds_file(data) or long else None

    async def pass_on(self, piece: Piece) -> None:
        """Restore a piece that was put apart."""
        exchange = self._passage.exchange
        assert exchange is not None
        self._passage.working = asyncio.Event()
        try:
            chunk = Chunk(exchange, piece.data)
            while restored := await chunk.more():
                piece.restored.append(restored)
            if not piece.data and (rest := await exchange.end()):
                piece.restored.append(rest)
        except Exception as error:
            self._fail("stream", error)
            piece.restored += self._error_event(_code(error), "the provider's answer could not be restored")
        finally:
            self._passage.working.set()
        piece.done = True

    def passed_on(self, piece: Piece, waiting: int) -> list[bytes]:
        """What the client gets of it; of its end, when the engine asks for that. waiting: bytes that came meanwhile."""
        if not piece.done:  # the hook was skipped, or it failed
            self._passage.failed = True
            piece.restored = self._error_event("failed_closed", "the provider's answer could not be restored")
        elif waiting > HELD_BYTES:
            self._passage.failed = True
            piece.restored += self._error_event("upstream_too_large", "the provider's answer comes too fast")
        if piece.data:
            return piece.restored
        self._rest = piece.restored
        return []

    def _switch(self, exchange: Exchange) -> bool:
        """The provider takes the session: what follows is messages. Its own fields must be those of a handshake."""
        came = self._response.headers
        extensions = [part.split(";")[0].strip() for part in came.get("sec-websocket-extensions", "").split(",")]
        asked = offered(self._flow.request.headers.get("sec-websocket-extensions", ""))
        known = all(one in {"", "permessage-deflate"} for one in extensions) and (asked or not any(extensions))
        if came.get("upgrade", "").lower() != "websocket" or not known or len(extensions) > 1:
            self._passage.reply = self._refused("upstream_broken", "the provider answered with another protocol")
            return False
        head = exchange.answer(SWITCHED, Headers(came.fields))
        put_switch_head(head, self._flow, came)
        self._passage.answered = True
        return True

    def whole(self) -> bool:
        """Restore a body that came in one piece. False: it cannot be restored, and the reply says why."""
        passage, response = self._passage, self._response
        if passage.answered and response.status_code == SWITCHED:
            return True  # it has no body
        if not passage.answered:
            passage.reply = self._refused("failed_closed", "dragoman failed on this answer")
            return False
        if passage.exchange is None:
            return True
        try:
            body = b"".join(
                [passage.exchange.feed(piece) for piece in passage.exchange.unpacked(response.raw_content or b"")]
            )
            body += passage.exchange.finish()
            if self._flow.request.method == "HEAD":
                body = b""
            put_answer_head(self._head, self._flow, length=len(body), last=self._transfers.retiring)
            response.raw_content = body
        except Exception as error:
            self._fail("answer", error)
            passage.reply = self._refused(_code(error), "the provider's answer could not be restored")
            return False
        self._finished = True
        return True

    def __call__(self, data: bytes) -> list[bytes]:
        # An empty piece would be written as the end of a chunked body, so nothing is said as [].
        exchange = self._passage.exchange
        if self._rest is not None:
            self._finished = not self._passage.failed
            return self._rest
        if self._passage.failed or exchange is None:
            return []
        try:
            restored = b"".join([exchange.feed(piece) for piece in exchange.unpacked(data)])
            if not data:
                restored += exchange.finish()
        except Exception as error:
            self._fail("stream", error)
            return self._error_event(_code(error), "the provider's answer could not be restored")
        self._finished = not data
        return [restored] if restored else []

    def broken_off(self) -> list[bytes]:
        """The upstream went away in the middle: what was held back, and the provider's error event."""
        exchange = self._passage.exchange
        if exchange is None or self._passage.failed or self.finished:
            return []
        self._passage.failed = True
        try:
            held = exchange.finish()
        except Exception:
            held = b""  # half an event or half a text; there is nothing to restore in it
        event = self._error_event("upstream_cut", "the provider's answer broke off")
        return [piece for piece in (held, *event) if piece]

    def _fail(self, where: str, error: Exception) -> None:
        self._passage.failed = True
        self._transfers.trouble(where, error)

    def _error_event(self, code: str, message: str) -> list[bytes]:
        exchange = self._passage.exchange
        assert exchange is not None
        try:
            event = exchange.stream_error(Refusal(502, code, message, transfer=exchange.transfer))
        except Exception as error:
            self._transfers.trouble("stream_error", error)
            return []
        return [event] if event else []

    def _refused(self, code: str, message: str) -> Reply:
        exchange = self._passage.exchange
        transfer = exchange.transfer if exchange is not None else ""
        return self._transfers.give_up(self._passage, Refusal(502, code, message, transfer=transfer))


def _code(error: Exception) -> str:
    return error.code if isinstance(error, ProxyError) else "answer_unreadable"


def _length(headers: Headers) -> int | None:
    values = headers.all("content-length")
    return int(values[0]) if len(values) == 1 and values[0].isascii() and values[0].isdigit() else None
