"""What stands before a connection's own first byte at the gateway: a header of the PROXY protocol, from named peers.

A connection of such a peer is given to the HTTP server when its header is read, and to TLS in between where the gateway
speaks TLS; the server then sees the client's address. Without a proper header, and in good time, it ends.
"""

import asyncio
import logging
import ssl
from collections.abc import Callable
from typing import Any, cast

from proxy.doors.proxy_protocol import NamedPeers, read
from proxy.errors import FormatError

logger = logging.getLogger("dragoman.http")

PREFACE_S = 5.0
"""A balancer sends its header with the connection; a segment that was lost comes again within this."""


class ClaimedTransport(asyncio.Transport):
    """A transport whose peer is the client that a balancer named; all else is the connection's own."""

    def __init__(self, transport: asyncio.Transport, peer: tuple[str, int]) -> None:
        super().__init__()
        self._own, self._peer = transport, peer

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """As the transport's own, but for `peername`."""
        return self._peer if name == "peername" else self._own.get_extra_info(name, default)

    def __getattribute__(self, name: str) -> Any:
        if name in {"get_extra_info", "_own", "_peer", "__class__"}:
            return object.__getattribute__(self, name)
        return getattr(object.__getattribute__(self, "_own"), name)


class Prefaced(asyncio.Protocol):
    """The protocol of one connection until its header is read. server: makes the protocol that follows."""

    def __init__(self, server: Callable[[], asyncio.Protocol], peers: NamedPeers, tls: ssl.SSLContext | None) -> None:
        self._server, self._peers, self._tls = server, peers, tls
        self._data = bytearray()
        self._peer: tuple[str, int] | None = None
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._handshake: asyncio.Task[None] | None = None
        self._ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A stranger's connection goes on at once."""
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername") or ("",)
        if self._peers.believes(str(peer[0])):
            self._timer = asyncio.get_running_loop().call_later(PREFACE_S, self._end)
        else:
            self._go_on()

    def data_received(self, data: bytes) -> None:
        """Bytes of the header, or what comes while TLS is being set up."""
        self._data += data
        if self._timer is None:
            return
        try:
            found = read(bytes(self._data))
        except FormatError:
            logger.warning("a named peer sent no header of the PROXY protocol")
            self._end()
            return
        if found is not None:
            self._timer.cancel()
            self._timer = None
            self._peer = found.peer
            del self._data[: found.size]
            self._go_on()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody else has heard of it."""
        self._ended = True
        if self._timer is not None:
            self._timer.cancel()

    def eof_received(self) -> None:
        """Nothing more comes; what was not complete ends."""

    def _go_on(self) -> None:
        assert self._transport is not None
        if self._tls is None:
            self._hand_over(self._transport)
            return
        loop = asyncio.get_running_loop()
        self._handshake = loop.create_task(self._secure(self._tls, self._transport))
        if self._data:
            # Twice: the first runs after the task's first step, the second after the TLS layer has been connected and
            # before anything more can be read.
            loop.call_soon(loop.call_soon, self._feed_tls)

    async def _secure(self, tls: ssl.SSLContext, transport: asyncio.Transport) -> None:
        try:
            secured = await asyncio.get_running_loop().start_tls(transport, self, tls, server_side=True)
        except (OSError, ssl.SSLError):
            return  # the TLS layer has closed the connection
        if secured is not None and not self._ended:
            self._hand_over(secured)

    def _feed_tls(self) -> None:
        assert self._transport is not None
        layer, data = cast(asyncio.BufferedProtocol, self._transport.get_protocol()), bytes(self._data)
        self._data.clear()
        while data:
            buffer = memoryview(layer.get_buffer(len(data)))
            n = min(len(buffer), len(data))
            buffer[:n] = data[:n]
            layer.buffer_updated(n)
            data = data[n:]

    def _hand_over(self, transport: asyncio.Transport) -> None:
        protocol = self._server()
        transport.set_protocol(protocol)
        protocol.connection_made(ClaimedTransport(transport, self._peer) if self._peer else transport)
        if self._data:
            protocol.data_received(bytes(self._data))

    def _end(self) -> None:
        self._timer = None
        if self._transport is not None:
            self._transport.abort()
