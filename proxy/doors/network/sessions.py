"""WebSocket sessions in the network door: a layer of our own in place of the engine's.

The engine's relays what a hook that failed has not looked at, and forwards pings and close reasons unseen. This one
sends on nothing but what the gate let pass; whatever fails ends the session. Sans-I/O, as the engine's layers.
"""

# mypy: allow-untyped-calls

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from mitmproxy import http
from mitmproxy.connection import Connection
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.commands import StartHook
from mitmproxy.proxy.context import Context
from wsproto.connection import Connection as Frames
from wsproto.connection import ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage
from wsproto.extensions import PerMessageDeflate

from proxy.doors.network.transfers import Transfers, passage_of
from proxy.exchange import Ending
from proxy.framing.websocket import FAILED, POLICY, TOO_BIG, Close, Message, may_be_sent
from proxy.messages import Refusal
from proxy.steps.session import Session, Turn

type Commands = layer.CommandGenerator[Any]

BROKEN = Close(FAILED, "dragoman failed on this session")
TOO_LARGE = Close(TOO_BIG, "the message is too large")


@dataclass(slots=True)
class Passing:
    """One message on its way through the gate. done: the gate has answered; else nothing passes.

    turn: what becomes of a message of the client. answer: what the client gets for one of the provider.
    """

    session: Session
    message: Message
    from_client: bool
    done: bool = False
    turn: Turn = field(default_factory=Turn)
    answer: list[Message] = field(default_factory=list)


@dataclass
class SessionMessageHook(StartHook):
    """A whole message has come; it is held until the addon has asked the gate."""

    passing: Passing


class SessionEnded(events.MessageInjected[Refusal | None]):
    """We end a session: with a refusal, or without one because we are shutting down."""


class Side(Frames):
    """One of the two connections, and the message that is coming in on it."""

    def __init__(self, kind: ConnectionType, extension: str, conn: Connection) -> None:
        deflate = PerMessageDeflate()
        if extension:
            deflate.finalize(extension)
        super().__init__(kind, [deflate] if extension else [])
        self.conn = conn
        self.data = bytearray()
        self.fragments = 0

    def taken(self, piece: TextMessage | BytesMessage) -> None:
        """One more piece of the message: of a fragment comes what the connection has at a time."""
        self.data += piece.data.encode() if isinstance(piece.data, str) else piece.data
        self.fragments += piece.frame_finished

    def whole(self) -> bytes:
        """The message, and from here on the next one."""
        data, self.data, self.fragments = bytes(self.data), bytearray(), 0
        return data

    @property
    def can_close(self) -> bool:
        """Whether it has not been told of the end yet."""
        return self.state in {ConnectionState.OPEN, ConnectionState.REMOTE_CLOSING}


class SessionLayer(layer.Layer):
    """One session, from the provider's consent to its end."""

    def __init__(self, context: Context, flow: http.HTTPFlow, transfers: Transfers, session: Session) -> None:
        super().__init__(context)
        assert flow.response is not None
        extension = flow.response.headers.get("sec-websocket-extensions", "")
        self._flow = flow
        self._transfers = transfers
        self._session = session
        self._client = Side(ConnectionType.SERVER, extension, context.client)
        self._server = Side(ConnectionType.CLIENT, extension, context.server)
        self._over = False

    def _handle_event(self, event: events.Event) -> Commands:
        if self._over:
            return
        if isinstance(event, events.Start):
            self._transfers.watch(self._flow, self._session)
        elif isinstance(event, SessionEnded):
            yield from self._sent_away(event.message)
        elif isinstance(event, events.DataReceived | events.ConnectionClosed):
            data = event.data if isinstance(event, events.DataReceived) else None
            side = self._client if event.connection == self.context.client else self._server
            try:
                side.receive_data(data)
                yield from self._received(side)
            except Exception as error:  # half-read frames; whatever it is, nothing passes any more
                self._transfers.trouble("session", error)
                yield from self._end(BROKEN, Ending.CUT)

    def _received(self, side: Side) -> Commands:
        for event in side.events():
            if self._over:
                return
            if isinstance(event, TextMessage | BytesMessage):
                side.taken(event)
                limits = self._session.limits
                if len(side.data) > limits.message_bytes or side.fragments > limits.fragments:
                    self._session.exchange.error = "message_too_large"
                    yield from self._end(TOO_LARGE, Ending.CUT)
                elif event.message_finished:
                    yield from self._message(side, Message(side.whole(), isinstance(event, TextMessage)))
            elif isinstance(event, Ping):
                yield commands.SendData(side.conn, side.send(event.response()))
            elif isinstance(event, CloseConnection):
                yield from self._closed_by(side, event)

    def _message(self, side: Side, message: Message) -> Commands:
        passing = Passing(self._session, message, side is self._client)
        yield SessionMessageHook(passing)
        if not passing.done:
            self._transfers.note("failed", "session_message")
            yield from self._end(BROKEN, Ending.CUT)
        elif passing.from_client:
            yield from self._turn(passing.turn)
        else:
            for one in passing.answer:
                yield self._write(self._client, one)

    def _turn(self, turn: Turn) -> Commands:
        if turn.ended is not None:
            self._transfers.close_later(turn.ended, Ending.COMPLETE)
        if turn.send is not None:
            if turn.exchange is not None and not self._may_send(turn):
                yield from self._end(BROKEN, Ending.CUT)
                return
            yield self._write(self._server, turn.send)
            if turn.under is not None:
                turn.under.sent_more(len(turn.send.data))
            lease = self._session.lease
            if turn.exchange is not None and not (lease is not None and lease.exchange is turn.exchange):
                self._transfers.close_later(turn.exchange, Ending.COMPLETE)
        if turn.told is not None:
            yield self._write(self._client, turn.told)
        if turn.close is not None:
            yield from self._end(turn.close, Ending.CUT)

    def _may_send(self, turn: Turn) -> bool:
        assert turn.exchange is not None
        try:
            turn.exchange.sent()
        except BaseException as error:  # whatever it is, what was not recorded is not sent
            self._transfers.trouble("sent", error)
            self._transfers.close_later(turn.exchange, Ending.NOT_SENT)
            return False
        return True

    @staticmethod
    def _write(side: Side, message: Message) -> commands.SendData:
        if message.text:
            data = side.send(TextMessage(message.data.decode("utf-8", "replace")))
        else:
            data = side.send(BytesMessage(message.data))
        return commands.SendData(side.conn, data)

    # --- the end -------------------------------------------------------------------------------------------------

    def _closed_by(self, side: Side, event: CloseConnection) -> Commands:
        """One side has ended it, properly or not; a reason goes only to the app, as it may hold anything."""
        gone = Ending.CLIENT_GONE if side is self._client else Ending.UPSTREAM_ERROR
        ending = gone if event.code == 1006 else Ending.COMPLETE
        if event.code in (1002, 1007, 1009) and side.state is not ConnectionState.REMOTE_CLOSING:
            ending = Ending.CUT  # the library found it at fault
        reason = self._session.reason(event.reason or "") if side is self._server else ""
        yield from self._end(Close(may_be_sent(event.code), reason), ending)

    def _sent_away(self, refusal: Refusal | None) -> Commands:
        if refusal is None:
            yield from self._end(Close(1001, "dragoman is shutting down"), Ending.CUT)
            return
        self._session.exchange.error = refusal.code
        told = self._session.dialect.refused(refusal, b"")
        if told is not None:
            yield self._write(self._client, Message(told))
        yield from self._end(Close(POLICY, f"dragoman: {refusal.message} [{refusal.code}]"), Ending.CUT)

    def _end(self, close: Close, ending: Ending) -> Commands:
        self._over = True
        if self._client.can_close:
            for message in self._rest(complete=ending is Ending.COMPLETE):
                yield self._write(self._client, message)
        for side, reason in ((self._client, close.payload_reason), (self._server, "")):
            if side.can_close:
                yield commands.SendData(side.conn, side.send(CloseConnection(close.code, reason or None)))
            yield commands.CloseConnection(side.conn)
        self._flow.live = False
        lease = self._session.end_lease()
        if lease is not None:
            self._transfers.close_later(lease, Ending.COMPLETE)
        self._transfers.end(passage_of(self._flow), ending)

    def _rest(self, *, complete: bool) -> Iterator[Message]:
        try:
            held = self._session.reader.close(complete=complete)
        except Exception as error:
            self._transfers.trouble("session_end", error)
            return
        yield from (Message(data) for data in held)
