"""WebSocket sessions at the gateway: two connections, and the gate between them for every message.

Pings, fragments and compression are those of each connection by itself: nothing of the client's goes on but messages
that the gate let pass, and its close code. Whatever fails here ends the session; then nothing passes any more.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

import aiohttp
from aiohttp import WSMsgType, web

from proxy.errors import place_of
from proxy.exchange import Ending, Exchange
from proxy.framing.websocket import FAILED, GOING_AWAY, POLICY, TOO_BIG, Close, Message, may_be_sent
from proxy.messages import Headers, Outgoing, Refusal, as_written
from proxy.steps.session import Session, Turn
from proxy.transport import Transport

logger = logging.getLogger("dragoman.gateway")

WATCH_S = 1.0
"""How often an open session is asked about stops; an officer's stop takes effect within two seconds."""

SLACK = 1024 * 1024
"""Bytes by which a message may exceed its limit and still be refused in words; the library ends larger ones itself."""

type Socket = "web.WebSocketResponse | aiohttp.ClientWebSocketResponse[Any]"
type Later = Callable[[Awaitable[None]], None]


class SessionGate(Protocol):
    """The gate, as an open session sees it."""

    async def admit_message(self, session: Session, message: Message) -> Turn: ...

    async def answer(self, session: Session, message: Message) -> list[Message]: ...

    async def look_at_turn(self, session: Session) -> None: ...

    def ended(self, session: Session) -> Refusal | None: ...


class GatewaySession:
    """One session, from the provider's consent to its end. later: runs what writes outcomes, past our own end."""

    def __init__(self, gate: SessionGate, session: Session, upstream: Any, later: Later) -> None:
        self._gate = gate
        self._session = session
        self._upstream = upstream
        self._later = later
        self._client = web.WebSocketResponse(
            protocols=(upstream.protocol,) if upstream.protocol else (),
            max_msg_size=session.limits.message_bytes + SLACK,
            heartbeat=60.0,
            timeout=5.0,
            decode_text=False,
        )
        self._writing = asyncio.Lock()
        self._turn: asyncio.Future[Close | None] | None = None
        self._going_away = asyncio.Event()
        self._ending = Ending.CUT
        self._close = Close(GOING_AWAY)

    def go_away(self) -> None:
        """We are shutting down: end it, as soon as the message in hand is through."""
        self._going_away.set()

    async def run(self, request: web.BaseRequest, head: Headers) -> web.StreamResponse:
        """Serve both sides until one of them ends it; what is left to do afterwards is done in any case."""
        try:
            for name, value in head:
                self._client.headers.add(as_written(name), as_written(value))
            self._client.headers.setdefault("Server", "dragoman")  # not which library, and of which version
            await self._client.prepare(request)
            await self._both()
        except asyncio.CancelledError:
            # The client is gone, mostly because its closing handshake is through.
            self._note_end(self._client.close_code, Ending.CLIENT_GONE)
            raise
        except Exception as error:
            # Whatever it is, from here on nothing passes.
            if not isinstance(error, OSError):  # a side that is gone
                logger.error("gateway: a session failed and was closed (%s)", place_of(error))
            self._close = Close(FAILED, "dragoman failed on this session")
        finally:
            finishing = asyncio.ensure_future(self._finish())
            self._later(finishing)
        # The library would close with a code of its own as soon as we return.
        await asyncio.shield(finishing)
        return self._client

    async def _both(self) -> None:
        running: list[asyncio.Task[None]] = [
            asyncio.create_task(part) for part in (self._from_client(), self._from_upstream(), self._watch())
        ]
        try:
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    # --- the client ----------------------------------------------------------------------------------------------

    async def _from_client(self) -> None:
        while True:
            came = await self._client.receive()
            if came.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                self._ended_by(self._client, came, Ending.CLIENT_GONE)
                return
            message = Message(came.data, came.type is WSMsgType.TEXT)
            # Not cancelled in the middle: a record that is made has to have an outcome.
            self._turn = asyncio.ensure_future(self._take(message))
            close = await asyncio.shield(self._turn)
            if close is not None:
                self._close = close
                return

    async def _take(self, message: Message) -> Close | None:
        turn = await self._gate.admit_message(self._session, message)
        if turn.ended is not None:
            self._later(turn.ended.close(Ending.COMPLETE))
        if turn.send is not None and not await self._send(turn, turn.send):
            return Close(FAILED, "dragoman failed on this session")
        if turn.told is not None:
            await self._tell(turn.told)
        return turn.close

    async def _send(self, turn: Turn, message: Message) -> bool:
        ending = Ending.NOT_SENT
        try:
            if turn.exchange is not None:
                turn.exchange.sent()
            ending = Ending.UPSTREAM_ERROR
            await _write(self._upstream, message)
            ending = Ending.COMPLETE
            if turn.under is not None:
                turn.under.sent_more(len(message.data))
        except Exception as error:
            if ending is Ending.NOT_SENT:
                logger.error("gateway: the log could not be told that a message goes out (%s)", place_of(error))
            return False
        finally:
            if turn.exchange is not None and not (ending is Ending.COMPLETE and self._leased(turn.exchange)):
                self._later(turn.exchange.close(ending))
        return True

    def _leased(self, exchange: Exchange) -> bool:
        """Whether more may be sent under this record, so that its outcome is not due yet."""
        lease = self._session.lease
        return lease is not None and lease.exchange is exchange

    # --- the provider --------------------------------------------------------------------------------------------

    async def _from_upstream(self) -> None:
        while True:
            came = await self._upstream.receive()
            if came.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                self._ended_by(self._upstream, came, Ending.UPSTREAM_ERROR)
                return
            for message in await self._gate.answer(self._session, Message(came.data, came.type is WSMsgType.TEXT)):
                await self._tell(message)
            if self._session.reader.turn_ended:
                self._later(self._gate.look_at_turn(self._session))

    async def _tell(self, message: Message) -> None:
        async with self._writing:
            await _write(self._client, message)

    async def _watch(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._going_away.wait(), WATCH_S)
                return
            refusal = self._gate.ended(self._session)
            if refusal is not None:
                self._session.exchange.error = refusal.code
                told = self._session.dialect.refused(refusal, b"")
                if told is not None:
                    await self._tell(Message(told))
                self._close = Close(POLICY, f"dragoman: {refusal.message} [{refusal.code}]")
                return

    # --- the end -------------------------------------------------------------------------------------------------

    def _ended_by(self, side: Socket, came: aiohttp.WSMessage, gone: Ending) -> None:
        """One side has ended it, properly or not."""
        code = side.close_code
        reason = came.extra if side is self._upstream and isinstance(came.extra, str) else ""
        self._note_end(code, gone, self._session.reason(reason))

    def _note_end(self, code: int | None, gone: Ending, reason: str = "") -> None:
        if code == TOO_BIG:
            self._close, self._session.exchange.error = Close(TOO_BIG, "the message is too large"), "message_too_large"
            return
        self._ending = gone if code in (None, 1006) else Ending.COMPLETE
        self._close = Close(may_be_sent(code), reason)

    async def _finish(self) -> None:
        """Everything that is due at the end, whoever ended it. Runs past the handler, so nobody waits for it."""
        if self._turn is not None:
            await asyncio.wait((self._turn,))
        complete = self._ending is Ending.COMPLETE
        with contextlib.suppress(Exception):
            for data in self._session.reader.close(complete=complete):
                await self._tell(Message(data))
        for side, reason in ((self._client, self._close.payload_reason), (self._upstream, "")):
            with contextlib.suppress(Exception):
                await side.close(code=self._close.code, message=reason.encode())
        lease = self._session.end_lease()
        if lease is not None:
            await lease.close(Ending.COMPLETE)
        await self._session.exchange.close(self._ending)


async def _write(side: Socket, message: Message) -> None:
    await side.send_frame(message.data, WSMsgType.TEXT if message.text else WSMsgType.BINARY)


class Sessions:
    """All sessions of the gateway."""

    def __init__(self, gate: SessionGate, transport: Transport, later: Later) -> None:
        self._gate = gate
        self._transport = transport
        self._later = later
        self._open: set[GatewaySession] = set()

    async def serve(
        self, request: web.BaseRequest, exchange: Exchange, outgoing: Outgoing, session: Session
    ) -> web.StreamResponse:
        """Open the provider's side, then the client's, and serve both. Raises UpstreamError before any of it began."""
        upstream = await self._transport.open_session(outgoing, message_bytes=session.limits.message_bytes)
        try:
            head = exchange.answer(101, Headers())
            one = GatewaySession(self._gate, session, upstream, self._later)
        except BaseException:
            self._later(_closed(upstream))
            raise
        self._open.add(one)
        try:
            return await one.run(request, head)
        finally:
            self._open.discard(one)

    def go_away(self) -> None:
        """End every session, with the code that says so."""
        for one in self._open:
            one.go_away()


def _closed(upstream: "aiohttp.ClientWebSocketResponse[Any]") -> Coroutine[Any, Any, None]:
    async def close() -> None:
        await upstream.close(code=GOING_AWAY)

    return close()
