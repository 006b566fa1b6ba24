"""The HTTP server under the gateway and the operators' port, less what it would say.

aiohttp logs a request that it cannot read with the very bytes it stumbled over, and quotes them in its own error page.
Here the log gets the kind of the error, and the client an answer of ours. A client that takes nothing of what is
written to it may not hold its connection: no stream, no answer in one piece, and not what is left when we have closed.
"""

import asyncio
import logging
import ssl
from collections.abc import Awaitable
from typing import Any

import aiohttp
import orjson
from aiohttp import web

from proxy.doors.preface import Prefaced
from proxy.doors.proxy_protocol import NamedPeers

logger = logging.getLogger("dragoman.http")

REQUEST_S = 20.0
"""As `limits.request_s` has it where nobody sets it; the operators' port keeps to it."""
IDLE_S = 600.0
"""As `limits.idle_s`, likewise."""


class ClientGoneError(Exception):
    """The app has left, or takes nothing more."""


async def taken(writing: Awaitable[object]) -> None:
    """Await a write to a client. Raises ClientGoneError."""
    try:
        await writing
    except (ConnectionError, aiohttp.ClientConnectionResetError) as error:
        raise ClientGoneError from error


class Connection(web.RequestHandler):
    """One client's connection. request_s: seconds from the first byte of a request until its head is whole.

    A new connection has the same time for its first byte: one that says nothing costs a descriptor as well. Bodies have
    a limit where they are read. idle_s: seconds for which more may wait for the client than the buffers hold.
    """

    def __init__(self, *args: Any, request_s: float = REQUEST_S, idle_s: float = IDLE_S, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._request_s, self._idle_s = request_s, idle_s
        self._head: asyncio.TimerHandle | None = None
        self._taking: asyncio.TimerHandle | None = None
        self._lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The first head is waited for."""
        super().connection_made(transport)
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """Bytes that complete a head end the waiting for it; bytes of no request begin the next."""
        before = self._request_count
        super().data_received(data)
        if self._request_count > before:
            self._stop_waiting()
        elif data and self._head is None and self._current_request is None and not self._messages:
            self._wait_for_head()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Nothing is waited for any more."""
        self._lost = True
        self._stop_waiting()
        if self._taking is not None:
            self._taking.cancel()
        super().connection_lost(exc)

    async def start(self) -> None:
        """The library's loop over requests. What waits to be sent when it ends has its time as well."""
        transport = self.transport
        try:
            await super().start()
        finally:
            # TLS that has ended cannot even be asked.
            if transport is not None and not self._lost and transport.get_write_buffer_size():
                self._wait_for_taking(transport)

    def pause_writing(self) -> None:
        """More waits than the buffers hold: whoever writes waits for the client now."""
        super().pause_writing()
        if self.transport is not None:
            self._wait_for_taking(self.transport)

    def resume_writing(self) -> None:
        """It goes on."""
        super().resume_writing()
        if self._taking is not None:
            self._taking.cancel()
            self._taking = None

    def _wait_for_taking(self, transport: asyncio.Transport) -> None:
        if self._taking is None:
            loop = asyncio.get_running_loop()
            self._taking = loop.call_later(self._idle_s, self._takes_nothing, transport)

    def _takes_nothing(self, transport: asyncio.Transport) -> None:
        # It can be told nothing: whatever is written waits behind the rest. Writes fail then.
        logger.info("a connection was ended: its client took nothing for %g s", self._idle_s)
        transport.abort()

    def _wait_for_head(self) -> None:
        self._head = asyncio.get_running_loop().call_later(self._request_s, self._too_slow)

    def _stop_waiting(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _too_slow(self) -> None:
        self._head = None
        logger.info("a connection was ended: no whole head of a request in %g s", self._request_s)
        self.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to what is no valid request, or that nobody else answered. Ends the connection."""
        self.log_exception(exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer has begun; another one would be taken for a part of it")
        code = "invalid_request" if 400 <= status < 500 else "internal"
        text = "this is not a valid HTTP request" if status < 500 else "dragoman failed on this request"
        error = {"message": f"dragoman: {text} [{code}]", "type": "dragoman_error", "param": None, "code": code}
        answer = web.Response(
            status=status,
            body=orjson.dumps({"error": error}),
            headers={"content-type": "application/json", "dragoman-reason": code, "server": "dragoman"},
        )
        answer.force_close()
        return answer

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """The class of the error; its text quotes the request."""
        error = kw.get("exc_info")
        logger.warning("a request could not be read or answered (%s)", type(error).__name__)

    def log_debug(self, *args: Any, **kw: Any) -> None:
        """Nothing: these messages carry errors as well."""


class Server(web.Server):
    """Makes `Connection`s; takes the arguments of `aiohttp.web.Server`."""

    def __call__(self) -> Connection:
        return Connection(self, loop=self._loop, **self._kwargs)


class PrefacedServer(Server):
    """The same, where named peers' connections begin with a header of the PROXY protocol; TLS comes after it."""

    def __init__(self, handler: Any, *, peers: NamedPeers, tls: ssl.SSLContext | None, **kwargs: Any) -> None:
        super().__init__(handler, **kwargs)
        self._peers, self._tls = peers, tls

    def __call__(self) -> Any:
        return Prefaced(super().__call__, self._peers, self._tls)


def server_for(
    handler: Any, tls: ssl.SSLContext | None, peers: NamedPeers | None, *, request_s: float, idle_s: float
) -> tuple[Server, ssl.SSLContext | None]:
    """The server of a door, and the TLS that the socket beneath it has to speak: none where a header comes first."""
    # auto_decompress is off: the gate decodes with limits, and the record commits to the body as it came.
    options: dict[str, Any] = {"handler_cancellation": True, "access_log": None, "auto_decompress": False}
    options |= {"read_bufsize": 2**18, "request_s": request_s, "idle_s": idle_s}
    if peers:
        return PrefacedServer(handler, peers=peers, tls=tls, **options), None
    return Server(handler, **options), tls
