"""How long a connection may take to come about, ours to an upstream, and a client's until its first request begins; and
how long what was written to one that has ended may wait for whoever does not take it.

The engine would wait as long as the system does, and for a client as long as it sends a byte now and then. Whatever
comes between is timed by the layers (`clients`), which know what is being waited for.
"""

# mypy: allow-untyped-calls

import asyncio
import logging
from typing import cast

from mitmproxy import ctx, http, tls
from mitmproxy.connection import Client, Connection
from mitmproxy.proxy.server import ConnectionIO
from mitmproxy.proxy.server_hooks import ServerConnectionHookData

from proxy.doors.network.settings import NetworkSettings
from proxy.doors.network.transfers import Transfers

logger = logging.getLogger("dragoman.network")


class Patience:
    """The addon. One per door."""

    name = "patience"

    def __init__(self, transfers: Transfers, settings: NetworkSettings) -> None:
        self._transfers = transfers
        self._settings = settings
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._written: dict[str, asyncio.Transport] = {}
        self._cut: set[str] = set()

    def done(self) -> None:
        """The engine stops: no timer of ours may outlive it."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    # --- a client --------------------------------------------------------------------------------------------------

    def client_connected(self, client: Client) -> None:
        """It may say what it wants now: its handshakes, and the first byte of a request."""
        self._keep(client.id, client)
        self._wait_for_client(client)

    def http_connected(self, flow: http.HTTPFlow) -> None:
        """The tunnel that it asked for is a beginning as well."""
        self._wait_for_client(flow.client_conn)

    def client_disconnected(self, client: Client) -> None:
        """Nobody is waited for any more."""
        self._in_time(client.id)
        self._let_go(client.id)
        self._cut.discard(client.id)
        self._transfers.late.discard(client.id)

    def heard(self, client: Client) -> None:
        """It has begun a request, or passes unread."""
        self._in_time(client.id)

    def was_cut(self, client: Client) -> bool:
        """Whether the connection ends because the client took too long."""
        return client.id in self._cut

    def _wait_for_client(self, client: Client) -> None:
        self._in_time(client.id)
        loop = asyncio.get_running_loop()
        self._timers[client.id] = loop.call_later(self._settings.handshake_s, self._client_too_slow, client)

    def _client_too_slow(self, client: Client) -> None:
        self._timers.pop(client.id, None)
        self._cut.add(client.id)
        self._transfers.note("too_slow", "handshake")
        logger.info("a connection was ended: no request began on it in %g s", self._settings.handshake_s)
        _end(client.id, client, "no request in time")

    # --- an upstream -----------------------------------------------------------------------------------------------

    def server_connect(self, data: ServerConnectionHookData) -> None:
        """The engine waits for a connection as long as the system does; that is minutes."""
        self._transfers.late.discard(data.client.id)
        loop = asyncio.get_running_loop()
        self._timers[data.server.id] = loop.call_later(self._settings.connect_s, self._server_too_slow, data)

    def server_connected(self, data: ServerConnectionHookData) -> None:
        """TCP stands; with TLS the time goes on."""
        self._keep(data.client.id, data.server)
        if not data.server.tls:
            self._in_time(data.server.id)

    def server_connect_error(self, data: ServerConnectionHookData) -> None:
        """Refused, unreachable, or ended by us."""
        self._in_time(data.server.id)

    def server_disconnected(self, data: ServerConnectionHookData) -> None:
        """Also a handshake that failed ends the connection."""
        self._in_time(data.server.id)
        self._let_go(data.server.id)

    def tls_established_server(self, data: tls.TlsData) -> None:
        """Certificate verified: the connection stands."""
        self._in_time(data.conn.id)

    def _server_too_slow(self, data: ServerConnectionHookData) -> None:
        self._timers.pop(data.server.id, None)
        self._transfers.note("connect_timeout")
        self._transfers.late.add(data.client.id)
        _end(data.client.id, data.server, "no connection in time")

    def _in_time(self, connection: str) -> None:
        if timer := self._timers.pop(connection, None):
            timer.cancel()

    # --- what was written ------------------------------------------------------------------------------------------

    def _keep(self, client: str, connection: Connection) -> None:
        io = _io_of(client, connection)
        if io is not None and isinstance(io.writer, asyncio.StreamWriter):
            self._written[connection.id] = cast(asyncio.Transport, io.writer.transport)

    def _let_go(self, connection: str) -> None:
        """The engine has closed it, which by itself takes as long as the other side likes."""
        transport = self._written.pop(connection, None)
        if transport is not None and transport.get_write_buffer_size():
            asyncio.get_running_loop().call_later(self._settings.idle_s, transport.abort)


def _io_of(client: str, connection: Connection) -> ConnectionIO | None:
    handler = ctx.master.addons.get("proxyserver").connections.get(client)
    io: ConnectionIO | None = handler.transports.get(connection) if handler is not None else None
    return io


def _end(client: str, connection: Connection, why: str) -> None:
    io = _io_of(client, connection)
    if io is not None and io.handler is not None:
        io.handler.cancel(why)
