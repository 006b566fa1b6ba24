"""The engine's HTTP layers with the gaps closed: nothing goes upstream that the gate did not clear, nothing comes back
that was not restored, and every error that the engine answers itself has the provider's shape.

The checks stand in the layers and not in hooks, because a hook that raises is skipped. Sans-I/O, as the engine's own.
"""

# mypy: allow-untyped-calls

from collections.abc import Callable
from typing import Any

from mitmproxy import flow as engine_flow
from mitmproxy.connection import Client
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http import (
    DropStream,
    HttpLayer,
    HTTPMode,
    HttpStream,
    RegisterHttpConnection,
    SendHttp,
)
from mitmproxy.proxy.layers.http._events import (
    ErrorCode,
    HttpEvent,
    RequestProtocolError,
    ResponseData,
    ResponseEndOfMessage,
    ResponseProtocolError,
)
from mitmproxy.proxy.layers.http._hooks import HttpErrorHook

from proxy.doors.network.answers import SWITCHED, Answer, AnswerPieceHook, HeldAnswerHook
from proxy.doors.network.clients import ClientLimits, GuardedHttp1, GuardedHttp2, RequestTooSlow, has_page
from proxy.doors.network.connections import joined, spared
from proxy.doors.network.sessions import SessionLayer
from proxy.doors.network.trailers import read_past
from proxy.doors.network.transfers import CANCELLED, Passage, Transfers, passage_of, refusal_for
from proxy.doors.network.translate import plain_reply, response_of
from proxy.exchange import Ending
from proxy.messages import Refusal, Reply
from proxy.steps.held import HELD_BYTES
from proxy.steps.session import Session

type Commands = layer.CommandGenerator[Any]

FAILED_CLOSED = Refusal(503, "failed_closed", "dragoman failed on this request; nothing was sent", 1)
BODY_TOO_SLOW = Refusal(408, "body_too_slow", "the request body comes too slowly")


class Closing(layer.Layer):
    """Ends a connection that has no gate: raw TCP, TLS around something else, hosts that are closed.

    farewell: bytes that tell the client why, where its protocol can hear it.
    """

    def __init__(self, context: Context, farewell: bytes = b"") -> None:
        super().__init__(context)
        self._farewell = farewell

    def _handle_event(self, event: events.Event) -> Commands:
        if isinstance(event, events.Start):
            if self._farewell:
                yield commands.SendData(self.context.client, self._farewell)
            yield commands.CloseConnection(self.context.client)


class GuardedHttpLayer(HttpLayer):
    """The engine's HTTP layer with our connection to the client and our streams in it."""

    def __init__(
        self,
        context: Context,
        mode: HTTPMode,
        transfers: Transfers,
        limits: ClientLimits,
        heard: Callable[[Client], None],
    ) -> None:
        """heard: told when the client has begun its first request."""
        super().__init__(context, mode)
        self._transfers = transfers
        self._limits = limits
        self._heard: Callable[[Client], None] | None = heard

    def _handle_event(self, event: events.Event) -> Commands:
        if isinstance(event, events.Start):
            context = self.context.fork()
            kind = GuardedHttp2 if self.context.client.alpn == b"h2" else GuardedHttp1
            self.connections[self.context.client] = kind(context, self._error_reply, self._limits, self._too_slow)
        elif self._heard is not None and isinstance(event, events.DataReceived):
            self._heard(self.context.client)
            self._heard = None
        yield from joined(super()._handle_event(event))

    def register_connection(self, command: RegisterHttpConnection) -> Commands:
        if not command.err:
            read_past(self.connections[command.connection])
        yield from super().register_connection(command)

    def make_stream(self, stream_id: int) -> Commands:
        stream = GuardedStream(self.context.fork(), stream_id, self._transfers)
        self.streams[stream_id] = stream
        yield from self.event_to_child(stream, events.Start())

    def _too_slow(self) -> None:
        self._transfers.note("too_slow", "head")

    def _error_reply(self, event: ResponseProtocolError) -> Reply | None:
        """Our answer in place of the engine's error page; None where the engine only closes."""
        stream = self.streams.get(event.stream_id)
        reply = stream.passage.reply if isinstance(stream, GuardedStream) and stream.passage else None
        if reply is None and has_page(event.code):
            reply = plain_reply(refusal_for(event.code, event.message))
        return reply


class GuardedStream(HttpStream):
    """One request and its answer. The one place where a request can leave, and the one where an answer can."""

    def __init__(self, context: Context, stream_id: int, transfers: Transfers) -> None:
        super().__init__(context, stream_id)
        self._transfers = transfers
        self._answer: Answer | None = None

    @property
    def passage(self) -> Passage | None:
        """The passage of the request; None before its head was read."""
        return passage_of(self.flow) if hasattr(self, "flow") else None

    def _handle_event(self, event: events.Event) -> Commands:
        if isinstance(event, RequestTooSlow):
            yield from self._refuse_slow()
        else:
            yield from spared(super()._handle_event(event))

    # --- towards the upstream ----------------------------------------------------------------------------------

    def make_server_connection(self) -> layer.CommandGenerator[bool]:
        passage = passage_of(self.flow)
        if not passage.cleared(self.flow):
            # A hook was skipped, or somebody changed the request after the gate. Nothing is guessed: it stays here.
            self._transfers.note("failed", "not_cleared")
            yield from self._unsendable("not cleared")
            return False
        connected = yield from super().make_server_connection()
        if not connected:
            return False
        if any(isinstance(event, RequestProtocolError) for event in self._paused_event_queue):
            return False  # the client left while we were connecting; its event comes next and ends the transfer
        if passage.exchange is not None:
            try:
                passage.exchange.sent()
            except BaseException as error:  # whatever it is, what was not recorded is not sent
                self._transfers.trouble("sent", error)
                yield from self._unsendable("not recorded")
                return False
        passage.sent = True
        return True

    def _unsendable(self, why: str) -> Commands:
        passage_of(self.flow).refusal = FAILED_CLOSED
        yield from self.handle_protocol_error(ResponseProtocolError(self.stream_id, why, ErrorCode.CONNECT_FAILED))

    def check_body_size(self, request: bool) -> layer.CommandGenerator[bool]:
        """The limit is one of requests; answers are streamed, except those that are held to their end."""
        passage = passage_of(self.flow)
        if not request:
            held = passage.exchange is not None and passage.exchange.watched
            if held and len(self.response_body_buf) > HELD_BYTES:
                passage.failed = True
                yield from self._stop()
                return True
            return False
        passage.refusal = refusal_for(ErrorCode.REQUEST_TOO_LARGE, "")
        if (yield from super().check_body_size(True)):
            return True
        passage.refusal = None
        return False

    def _refuse_slow(self) -> Commands:
        """As the engine does with a body that is too large. Nothing was sent: bodies are waited for."""
        if self.client_state != self.state_consume_request_body:
            return  # its end has come meanwhile
        passage_of(self.flow).refusal = BODY_TOO_SLOW
        self.flow.error = engine_flow.Error(BODY_TOO_SLOW.message)
        yield HttpErrorHook(self.flow)
        error = ResponseProtocolError(self.stream_id, BODY_TOO_SLOW.message, ErrorCode.REQUEST_TOO_LARGE)
        yield SendHttp(error, self.context.client)
        self.client_state = self.state_errored
        self.flow.live = False
        yield DropStream(self.stream_id)

    # --- towards the client ------------------------------------------------------------------------------------

    def check_invalid(self, request: bool) -> layer.CommandGenerator[bool]:
        """The engine's own check of a head; an answer's head is taken in hand right after it."""
        passage = passage_of(self.flow)
        code = ErrorCode.REQUEST_VALIDATION_FAILED if request else ErrorCode.RESPONSE_VALIDATION_FAILED
        passage.refusal = refusal_for(code, "")
        if (yield from super().check_invalid(request)):
            self._end(Ending.UPSTREAM_ERROR)
            return True
        passage.refusal = None
        if request:
            return False
        self._answer = Answer(self.flow, self._transfers)
        if self._answer.begin():
            return False
        yield from self._stop()
        return True

    def state_stream_response_body(self, event: events.Event) -> Commands:
        if isinstance(event, ResponseData) and not event.data:
            return  # an empty HTTP/2 frame; to the answer, b"" would be the end
        piece = None
        if self._answer is not None and isinstance(event, ResponseData | ResponseEndOfMessage):
            piece = self._answer.apart(event.data if isinstance(event, ResponseData) else b"")
        if piece is not None:
            yield AnswerPieceHook(piece)
            for restored in piece.answer.passed_on(piece, self._waiting()):
                yield SendHttp(ResponseData(self.stream_id, restored), self.context.client)
        if piece is None or not piece.data:
            yield from super().state_stream_response_body(event)
        if passage_of(self.flow).failed and not isinstance(event, ResponseEndOfMessage):
            yield from self._stop()

    def _waiting(self) -> int:
        """Bytes of the answer that came while a hook was waited for: the engine reads on."""
        return sum(len(event.data) for event in self._paused_event_queue if isinstance(event, ResponseData))

    def send_response(self, already_streamed: bool = False) -> Commands:
        passage = passage_of(self.flow)
        if already_streamed and passage.failed:
            yield from self._stop()
            return
        if already_streamed:
            # Everything is handed over; an app that closes right after the last event did not leave too early.
            self._end(Ending.COMPLETE)
        elif self._answer is not None and self._answer.must_wait():
            self._answer.hold()
            yield HeldAnswerHook(self.flow)
        elif passage.sent and (self._answer is None or not self._answer.whole()):
            self.flow.response = response_of(passage.reply or plain_reply(FAILED_CLOSED))
        yield from super().send_response(already_streamed)
        if self._session() is not None:
            return  # it ends when the session does
        self._end(Ending.CUT if passage.failed else Ending.COMPLETE)

    def _session(self) -> Session | None:
        """The session that goes on after the answer, where the provider has taken it."""
        passage, response = passage_of(self.flow), self.flow.response
        switched = response is not None and response.status_code == SWITCHED and passage.answered
        return passage.exchange.session if switched and passage.exchange is not None else None

    def flow_done(self) -> Commands:
        session = self._session()
        if session is None:
            yield from super().flow_done()
            return
        self.child_layer = SessionLayer(self.context, self.flow, self._transfers, session)
        self._handle_event = self.passthrough  # type: ignore[method-assign]  # as the engine does
        yield from self.child_layer.handle_event(events.Start())
        yield SendHttp(ResponseEndOfMessage(self.stream_id), self.context.client)

    # --- how it ends -------------------------------------------------------------------------------------------

    def handle_protocol_error(self, event: HttpEvent) -> Commands:
        assert isinstance(event, RequestProtocolError | ResponseProtocolError)
        client_left = isinstance(event, RequestProtocolError)
        passage = passage_of(self.flow)
        if client_left:
            self._end(Ending.COMPLETE if self._answer is not None and self._answer.finished else Ending.CLIENT_GONE)
        else:
            if self._answer is not None and self.server_state == self.state_stream_response_body:
                for piece in self._answer.broken_off():
                    yield SendHttp(ResponseData(self.stream_id, piece), self.context.client)
            late = self.context.client.id in self._transfers.late and event.code is ErrorCode.CONNECT_FAILED
            passage.refusal = passage.refusal or refusal_for(event.code, CANCELLED if late else event.message)
        yield from super().handle_protocol_error(event)
        self._end(Ending.UPSTREAM_ERROR)

    def check_killed(self, emit_error_hook: bool) -> layer.CommandGenerator[bool]:
        killed = yield from super().check_killed(emit_error_hook)
        if killed:
            self._end(Ending.CLIENT_GONE)
        return killed

    def _end(self, ending: Ending) -> None:
        self._transfers.end(passage_of(self.flow), ending)

    def _stop(self) -> Commands:
        """Neither more from the upstream nor a proper end for the client, who must not take the rest for the whole."""
        self._end(Ending.CUT)
        self.flow.error = engine_flow.Error(engine_flow.Error.KILLED_MESSAGE)
        self.flow.live = False
        self.client_state = self.server_state = self.state_errored
        yield SendHttp(RequestProtocolError(self.stream_id, "stopped", ErrorCode.CANCEL), self.context.server)
        yield SendHttp(ResponseProtocolError(self.stream_id, "stopped", ErrorCode.KILL), self.context.client)
        yield DropStream(self.stream_id)
