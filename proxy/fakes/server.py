"""The fakes on real sockets: HTTP or TLS, every write decided, everything received kept.

Only bytes are handled here; what is said is decided in `apis.py`. Made for tests and demos on loopback: no limits on
who may ask.
"""

import asyncio
import json
import ssl
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

from aiohttp import WSMsgType, web

from proxy.fakes.apis import ALL, respond
from proxy.fakes.behaviour import Behaviour, Play
from proxy.fakes.hold import Hold
from proxy.fakes.sessions import Spoken, session_of
from proxy.fakes.traffic import Answer, Received
from proxy.framing.websocket import is_handshake
from proxy.messages import Headers


class FakeProvider:
    """A provider on a port of its own, as an async context manager.

    api: a name in `apis.ALL`, or `all` of them by the first part of the path.
    chunk: characters per delta, 0 for all in one. wire: bytes per write, 0 for one write per event; 1 cuts inside
    every UTF-8 sequence. ascii_only: `\\u` escapes. opening: words before an echo. hold: releases events one by one.
    tls: a server context with a certificate. keep: whether `received` is filled. on_received: told of each request.
    deflate: whether WebSockets may be compressed. shared: other processes may listen on the port as well.
    sockets, close_codes: those that were opened, how they ended.
    api, play, wire and hold may be set anew between requests.
    """

    def __init__(
        self,
        api: str = "openai",
        *,
        behaviour: Behaviour = Behaviour.ECHO,
        chunk: int = 8,
        wire: int = 0,
        ascii_only: bool = False,
        opening: str = "",
        hold: Hold | None = None,
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        keep: bool = True,
        on_received: Callable[[Received], None] | None = None,
        deflate: bool = True,
        shared: bool = False,
    ) -> None:
        if api != "all" and api not in ALL:
            raise ValueError(f"there is no fake of that API; there are {', '.join(ALL)} and all")
        self.received: list[Received] = []
        self.sockets: list[web.WebSocketResponse] = []
        self.close_codes: list[int | None] = []
        self._deflate, self._shared = deflate, shared
        self.play = Play(behaviour, chunk, ascii_only, opening, "https" if tls else "http")
        self.api, self.wire, self.hold, self._tls = api, wire, hold, tls
        self._host, self._port, self._keep, self._on_received = host, port, keep, on_received
        self._runner: web.ServerRunner | None = None
        self._failures: list[Exception] = []

    @property
    def port(self) -> int:
        """The port that is listened on; known once entered."""
        return self._port

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{'https' if self._tls else 'http'}://{host}:{self._port}"

    async def __aenter__(self) -> Self:
        server = web.Server(self._serve, auto_decompress=False, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port, ssl_context=self._tls, reuse_port=self._shared)
        try:
            await site.start()
        except BaseException:
            await self._runner.cleanup()
            raise
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.hold is not None:
            self.hold.open()  # else a test that fails would wait for its own fake
        if self._runner is not None:
            await self._runner.cleanup()
        if self._failures and error is None:
            raise ExceptionGroup("the fake provider itself failed", self._failures)

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            target = request.raw_path.encode("utf-8", "surrogateescape")
            body = b"".join([piece async for piece in request.content.iter_any()])
            call = Received(request.method, target, Headers(tuple(request.raw_headers)), body)
            if self._keep:
                self.received.append(call)
            if self._on_received is not None:
                self._on_received(call)
            if is_handshake(call.method, call.headers):
                return await self._session(request, call)
            return await self._send(request, respond(self.api, call, self.play))
        except (ConnectionError, asyncio.CancelledError):
            raise  # the client went away: that is its right
        except Exception as failure:
            self._failures.append(failure)
            raise

    async def _session(self, request: web.BaseRequest, call: Received) -> web.StreamResponse:
        """A WebSocket: every message is kept like a request, and answered with messages of its own."""
        spoken = session_of(call, self.play)
        if spoken is None:
            return await self._send(request, respond(self.api, call, self.play))
        socket = web.WebSocketResponse(protocols=spoken.protocols, max_msg_size=0, compress=self._deflate)
        await socket.prepare(request)
        self.sockets.append(socket)
        await self._say(socket, spoken, spoken.opened())
        async for message in socket:
            if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                data = message.data.encode() if isinstance(message.data, str) else message.data
                if self._keep:
                    self.received.append(Received("MESSAGE", call.target, Headers(), data))
                await self._say(socket, spoken, spoken.answer(json.loads(data)))
        self.close_codes.append(socket.close_code)
        return socket

    async def _say(self, socket: web.WebSocketResponse, spoken: Spoken, events: Iterable[dict[str, object]]) -> None:
        for event in events:
            if self.hold is not None:
                await self.hold.pass_one()
            data = json.dumps(event, ensure_ascii=self.play.ascii_only).encode()
            await socket.send_frame(data, WSMsgType.BINARY if spoken.binary else WSMsgType.TEXT)

    async def _send(self, request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
        response = web.StreamResponse(status=answer.status, headers=dict(answer.headers))
        if not answer.streamed:
            response.content_length = sum(map(len, answer.events))
        await response.prepare(request)
        left = sum(map(len, answer.events)) // 2 if answer.broken else None
        for event in answer.events:
            if self.hold is not None:
                await self.hold.pass_one()
            part = event if left is None else event[:left]
            for piece in _cut(part, self.wire):
                await response.write(piece)
            if left is not None:
                left -= len(part)
                if left <= 0:
                    return self._break(request, response, answer.broken)
        await response.write_eof()
        return response

    @staticmethod
    def _break(request: web.BaseRequest, response: web.StreamResponse, how: str) -> web.StreamResponse:
        if request.transport is not None:
            if how == "rst":
                request.transport.abort()
            else:
                request.transport.close()
        raise ConnectionResetError("broken off on purpose")


def _cut(data: bytes, size: int) -> list[bytes]:
    if not data:
        return []
    step = size or len(data)
    return [data[at : at + step] for at in range(0, len(data), step)]
