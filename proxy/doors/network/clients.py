"""The client's side of an HTTP connection: bounded in size and time, and with our own answers in place of the engine's
error pages.

The engine's pages name the engine and quote the request. Bytes for the client leave; nothing upstream is known here.
"""

# mypy: allow-untyped-calls

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from h2 import events as h2_events
from h2.errors import ErrorCodes
from h2.stream import StreamState
from mitmproxy.connection import ConnectionState
from mitmproxy.net.http import http1
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http._base import ReceiveHttp
from mitmproxy.proxy.layers.http._events import (
    ErrorCode,
    HttpEvent,
    RequestEndOfMessage,
    RequestHeaders,
    RequestTrailers,
    ResponseHeaders,
    ResponseProtocolError,
)
from mitmproxy.proxy.layers.http._http1 import Http1Server
from mitmproxy.proxy.layers.http._http2 import Http2Server

from proxy.config import SLOWEST
from proxy.doors.network.trailers import TrailersApart
from proxy.doors.network.translate import plain_reply, response_of
from proxy.framing.http2 import Units
from proxy.messages import Refusal, Reply

logger = logging.getLogger("dragoman.network")

type Commands = layer.CommandGenerator[Any]
type ErrorReply = Callable[[ResponseProtocolError], Reply | None]

LINGER_BYTES = 256 * 1024 * 1024
"""After an answer that came before the request's end, the rest is read and dropped up to this many bytes: closing at
once would reset the connection, and the client might lose the answer (RFC 9112 section 9.6)."""

HEAD_TOO_LARGE = plain_reply(Refusal(431, "head_too_large", "request line and header fields are larger than allowed"))
INVALID = plain_reply(Refusal(400, "invalid_request", "this is not a valid HTTP request"))


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """What a client's connection may take. head_bytes: of a request's line and fields.

    request_s: seconds from the first byte of a request until its head is whole, and from then on until its body is,
    with one more for each KiB of it (`SLOWEST`).
    """

    head_bytes: int
    request_s: float


@dataclass
class RequestTooSlow(HttpEvent):
    """A request's body does not come in time: its stream has to refuse it."""


class GuardedHttp1(Http1Server):
    """HTTP/1 towards the client. too_slow: told of a head that did not come to its end."""

    def __init__(
        self, context: Context, error_reply: ErrorReply, limits: ClientLimits, too_slow: Callable[[], None]
    ) -> None:
        super().__init__(context)
        self._error_reply = error_reply
        self._limits = limits
        self._too_slow = too_slow
        self._phase: object = None
        self._since = 0.0
        self._came = 0
        self._refused = False
        self._watched = False
        self._dropped = 0
        self._closes = False

    def _handle_event(self, event: events.Event) -> Commands:
        came = 0
        if isinstance(event, events.Wakeup):
            self._watched = False
        else:
            came = len(event.data) if isinstance(event, events.DataReceived) else 0
            yield from super()._handle_event(event)
        yield from self._watch(came)

    def _watch(self, came: int) -> Commands:
        """A head that has begun ends in time, and so does a body, and what is dropped; or the connection does."""
        phase = self._waiting_for()
        now = time.monotonic()
        if phase != self._phase:
            self._phase, self._since, self._came, self._refused = phase, now, 0, False
        if phase is None or self._refused:
            return
        self._came += came
        more_s = 0.0 if phase == self.read_headers else self._came / SLOWEST
        until = self._since + self._limits.request_s + more_s
        if now < until:
            if not self._watched:
                # One timer at a time: who completes head after head just in time does not gather them.
                self._watched = True
                yield commands.RequestWakeup(min(until - now, self._limits.request_s))
        elif phase == self.read_body:
            self._refused = True
            yield ReceiveHttp(RequestTooSlow(self.stream_id))
        else:
            if phase == self.read_headers:
                log_slow(self._limits.request_s)
                self._too_slow()
            yield commands.CloseConnection(self.conn)
            self.state = self.done

    def _waiting_for(self) -> object:
        """The state in which the client is the one to go on; None where it is not."""
        if not self.conn.state & ConnectionState.CAN_READ:
            return None
        waiting = self.state in (self.read_body, self._drop_rest) or (self.state == self.read_headers and self.buf)
        return self.state if waiting else None

    def send(self, event: HttpEvent) -> Commands:
        if isinstance(event, ResponseProtocolError) and self.response is None:
            reply = self._error_reply(event) if self.conn.state & ConnectionState.CAN_WRITE else None
            if reply is not None:
                yield from self._answer_and_end(reply)
                return
        if isinstance(event, ResponseHeaders) and self._closes:
            event.response.headers["connection"] = "close"
        yield from super().send(event)

    def read_headers(self, event: events.ConnectionEvent) -> Commands:
        if isinstance(event, events.DataReceived) and self._head_too_large():
            yield from self._answer_and_end(HEAD_TOO_LARGE)
            return
        for command in super().read_headers(event):
            if isinstance(command, commands.SendData) and command.connection is self.conn and self.response is None:
                # The only thing that is sent while a head is read is the page for one that cannot be parsed.
                command = commands.SendData(self.conn, _wire(INVALID))
            if isinstance(command, ReceiveHttp) and isinstance(command.event, RequestHeaders):
                # Asked now: the gate's request, which takes its place, says nothing of the client's connection.
                request = command.event.request
                self._closes = http1.connection_close(request.http_version, request.headers)
            yield command

    def read_body(self, event: events.Event) -> Commands:
        reader: object = self.body_reader  # a new one for each request
        apart = reader if isinstance(reader, TrailersApart) else TrailersApart(self.body_reader)
        self.body_reader = apart  # type: ignore[assignment]
        for command in super().read_body(event):
            ended = command.event if isinstance(command, ReceiveHttp) else None
            if isinstance(ended, RequestEndOfMessage) and apart.trailers is not None:
                yield ReceiveHttp(RequestTrailers(ended.stream_id, apart.trailers))
            yield command

    def _head_too_large(self) -> bool:
        if len(self.buf) <= self._limits.head_bytes:
            return False
        return b"\r\n\r\n" not in bytes(self.buf)[: self._limits.head_bytes]

    def _answer_and_end(self, reply: Reply) -> Commands:
        yield commands.SendData(self.conn, _wire(reply))
        if self.request_done:
            yield commands.CloseConnection(self.conn)
            self.state = self.done
        else:
            self.state = self._drop_rest
            yield from self._drop_rest(events.DataReceived(self.conn, b""))

    def _drop_rest(self, event: events.Event) -> Commands:
        self._dropped += len(self.buf)
        self.buf.maybe_extract_at_most(len(self.buf))
        if isinstance(event, events.ConnectionClosed) or self._dropped > LINGER_BYTES:
            yield commands.CloseConnection(self.conn)
            self.state = self.done


class GuardedHttp2(Http2Server):
    """HTTP/2 towards the client. too_slow: told of a frame, or a header block, that did not come to its end."""

    def __init__(
        self, context: Context, error_reply: ErrorReply, limits: ClientLimits, too_slow: Callable[[], None]
    ) -> None:
        super().__init__(context)
        self._error_reply = error_reply
        self._limits = limits
        self._too_slow = too_slow
        self._units = Units()
        self._unit = 0
        self._unit_since: float | None = None
        # Requests whose bodies are not whole: since when, and bytes of it.
        self._bodies: dict[int, tuple[float, int]] = {}
        self._watched = False

    def _handle_event(self, event: events.Event) -> Commands:
        if isinstance(event, events.Wakeup):
            self._watched = False
        elif isinstance(event, ResponseProtocolError) and self._unanswered(event.stream_id):
            yield from self._answer(event)
        else:
            if isinstance(event, events.DataReceived):
                self._units.feed(event.data)
            yield from super()._handle_event(event)
        yield from self._watch()

    def _answer(self, event: ResponseProtocolError) -> Commands:
        """Our answer to a request that goes nowhere; the rest of it is not wanted (RFC 9113 section 8.1)."""
        reply = self._error_reply(event)
        if reply is None:
            yield from super()._handle_event(event)
            return
        response = response_of(reply)
        fields = [(name.lower(), value) for name, value in response.headers.fields]
        self.h2_conn.send_headers(event.stream_id, [(b":status", b"%d" % reply.status), *fields])
        self.h2_conn.send_data(event.stream_id, reply.body, end_stream=True)
        stream = self.h2_conn.streams.get(event.stream_id)
        if stream is not None and stream.state_machine.state is StreamState.HALF_CLOSED_LOCAL:
            self.h2_conn.reset_stream(event.stream_id, ErrorCodes.NO_ERROR)
            self._bodies.pop(event.stream_id, None)
        yield commands.SendData(self.conn, self.h2_conn.data_to_send())

    def handle_h2_event(self, event: h2_events.Event) -> layer.CommandGenerator[bool]:
        stop = yield from super().handle_h2_event(event)
        if isinstance(event, h2_events.DataReceived) and event.stream_id in self._bodies:
            since, came = self._bodies[event.stream_id]
            self._bodies[event.stream_id] = since, came + len(event.data)
        elif isinstance(event, h2_events.StreamEnded | h2_events.StreamReset):
            self._bodies.pop(event.stream_id, None)
        elif (
            isinstance(event, h2_events.RequestReceived)
            and event.stream_ended is None
            and (b":method", b"CONNECT") not in event.headers  # a tunnel lasts as long as somebody uses it
        ):
            self._bodies[event.stream_id] = time.monotonic(), 0
        return stop

    def _watch(self) -> Commands:
        """What has begun ends in time: a frame, or the connection does; a body, or it is refused."""
        now = time.monotonic()
        if not self._units.begun:
            self._unit_since = None
        elif self._unit_since is None or self._units.ended != self._unit:
            self._unit, self._unit_since = self._units.ended, now
        if self._watched or (self._unit_since is None and not self._bodies):
            return
        patience = self._limits.request_s
        if self._unit_since is not None and now >= self._unit_since + patience:
            log_slow(patience)
            self._too_slow()
            self.h2_conn.close_connection(ErrorCodes.ENHANCE_YOUR_CALM)
            yield commands.SendData(self.conn, self.h2_conn.data_to_send())
            yield from self.close_connection("too slow")
            return
        ends = {stream: since + patience + came / SLOWEST for stream, (since, came) in self._bodies.items()}
        for stream, end in ends.items():
            if now >= end:
                self._bodies.pop(stream, None)
                yield ReceiveHttp(RequestTooSlow(stream))
        left = [end - now for end in ends.values() if end > now]
        if self._unit_since is not None:
            left.append(self._unit_since + patience - now)
        if left:
            # Never longer than what begins meanwhile may take.
            self._watched = True
            yield commands.RequestWakeup(min(patience, *left))

    def _unanswered(self, stream_id: int) -> bool:
        stream = self.h2_conn.streams.get(stream_id)
        return stream is not None and self.is_open_for_us(stream_id) and not stream.state_machine.headers_sent


def log_slow(request_s: float) -> None:
    """Said of every connection that is ended because a head does not come."""
    logger.info("a connection was ended: no whole head of a request in %g s", request_s)


def has_page(code: ErrorCode) -> bool:
    """Whether the engine answers an error with a page of its own; else it only closes."""
    return code.http_status_code() is not None


def _wire(reply: Reply) -> bytes:
    response = response_of(reply)
    response.headers["connection"] = "close"
    raw: bytes = http1.assemble_response(response)
    return raw
