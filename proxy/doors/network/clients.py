"""The client's side of an HTTP connection: bounded heads, and our own answers in place of the engine's error pages.

The engine's pages name the engine and quote the request. Bytes for the client leave; nothing upstream is known here.
"""

# mypy: allow-untyped-calls

import logging
import time
from collections.abc import Callable
from typing import Any

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

from proxy.doors.network.trailers import TrailersApart
from proxy.doors.network.translate import plain_reply, response_of
from proxy.messages import Refusal, Reply

logger = logging.getLogger(__name__)

type Commands = layer.CommandGenerator[Any]
type ErrorReply = Callable[[ResponseProtocolError], Reply | None]

LINGER_BYTES = 256 * 1024 * 1024
"""After an answer that came before the request's end, the rest is read and dropped up to this many bytes: closing at
once would reset the connection, and the client might lose the answer (RFC 9112 section 9.6)."""

HEAD_TOO_LARGE = plain_reply(Refusal(431, "head_too_large", "request line and header fields are larger than allowed"))
INVALID = plain_reply(Refusal(400, "invalid_request", "this is not a valid HTTP request"))


class GuardedHttp1(Http1Server):
    """HTTP/1 towards the client. request_s: seconds from the first byte of a request until its head is whole."""

    def __init__(self, context: Context, error_reply: ErrorReply, head_bytes: int, request_s: float) -> None:
        super().__init__(context)
        self._error_reply = error_reply
        self._head_bytes = head_bytes
        self._request_s = request_s
        self._head_until: float | None = None
        self._watched = False
        self._dropped = 0
        self._closes = False

    def _handle_event(self, event: events.Event) -> Commands:
        if isinstance(event, events.Wakeup):
            self._watched = False
        else:
            yield from super()._handle_event(event)
        yield from self._watch_head()

    def _watch_head(self) -> Commands:
        """A head that has begun ends in time, or the connection does."""
        reading = self.state == self.read_headers and self.conn.state & ConnectionState.CAN_READ
        if not reading or not self.buf:
            self._head_until = None
            return
        now = time.monotonic()
        self._head_until = self._head_until or now + self._request_s
        if now >= self._head_until:
            logger.info("a connection was ended: no whole head of a request in %g s", self._request_s)
            yield commands.CloseConnection(self.conn)
            self.state = self.done
        elif not self._watched:
            # One timer at a time: who completes head after head just in time does not gather them.
            self._watched = True
            yield commands.RequestWakeup(self._head_until - now)

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
        if len(self.buf) <= self._head_bytes:
            return False
        return b"\r\n\r\n" not in bytes(self.buf)[: self._head_bytes]

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
    """HTTP/2 towards the client."""

    def __init__(self, context: Context, error_reply: ErrorReply) -> None:
        super().__init__(context)
        self._error_reply = error_reply

    def _handle_event(self, event: events.Event) -> Commands:
        if isinstance(event, ResponseProtocolError) and self._unanswered(event.stream_id):
            reply = self._error_reply(event)
            if reply is not None:
                response = response_of(reply)
                fields = [(name.lower(), value) for name, value in response.headers.fields]
                self.h2_conn.send_headers(event.stream_id, [(b":status", b"%d" % reply.status), *fields])
                self.h2_conn.send_data(event.stream_id, reply.body, end_stream=True)
                yield commands.SendData(self.conn, self.h2_conn.data_to_send())
                return
        yield from super()._handle_event(event)

    def _unanswered(self, stream_id: int) -> bool:
        stream = self.h2_conn.streams.get(stream_id)
        return stream is not None and self.is_open_for_us(stream_id) and not stream.state_machine.headers_sent


def has_page(code: ErrorCode) -> bool:
    """Whether the engine answers an error with a page of its own; else it only closes."""
    return code.http_status_code() is not None


def _wire(reply: Reply) -> bytes:
    response = response_of(reply)
    response.headers["connection"] = "close"
    raw: bytes = http1.assemble_response(response)
    return raw
