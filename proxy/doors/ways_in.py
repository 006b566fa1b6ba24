"""The doors of one process: gateway, network door and the operators' port; opened in order, drained, closed.

A gate enters, addresses come out. Where several processes serve one port, the sockets that listen are given: they stay
with the supervisor, so that a connection which nobody has taken yet is not lost with the process that might have.
"""

import asyncio
import contextlib
import errno
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from proxy.config import Settings, address_text, parse_address, secret
from proxy.doors.gateway import Gateway
from proxy.doors.proxy_protocol import NamedPeers
from proxy.doors.serving import Server, server_for
from proxy.doors.tls import serving_tls
from proxy.errors import ConfigError
from proxy.gate import Gate
from proxy.running.admin import admin_handler
from proxy.running.metrics import Metrics
from proxy.transport import Transport

if TYPE_CHECKING:
    from proxy.doors.network import NetworkDoor  # imported where it starts: mitmproxy takes a second

type Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

BACKLOG = 1024
POLL_S = 0.02
"""Neither the gate nor the HTTP server says when nothing is open any more; this is how often they are looked at."""


def unlistenable(host: str, port: int, error: OSError) -> ConfigError:
    """What to say where an address cannot be had."""
    if error.errno == errno.EADDRINUSE:
        why, to_do = "it is taken", "is another dragoman running?"
    else:
        why, to_do = str(error.strerror), "name an address of this machine, and a port that this user may take"
    return ConfigError(f"cannot listen on {address_text(host, port)} ({why}); {to_do}")


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the process listens, as bound."""

    gateway: tuple[str, int]
    admin: tuple[str, int]
    network: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Given:
    """Sockets that listen already. gateway: of the base-URL door. network: of each mode spec."""

    gateway: tuple[socket.socket, ...] = ()
    network: Mapping[str, tuple[socket.socket, ...]] = field(default_factory=dict)


class Adopted(socket.socket):
    """A listening socket of several processes. How many may wait there is its owner's business, not each server's."""

    def listen(self, *_: object) -> None:
        """Does nothing: it listens."""


class WaysIn:
    """given: None where it opens its own sockets, the admin port too.

    ready: whether this process takes transfers. lost: whether only a restart helps it.
    """

    def __init__(
        self,
        gate: Gate,
        settings: Settings,
        metrics: Metrics,
        ready: Callable[[], bool],
        lost: Callable[[], bool],
        given: Given | None,
    ) -> None:
        self._gate, self._settings, self._metrics, self._ready, self._lost = gate, settings, metrics, ready, lost
        self._given = given
        self._stack = AsyncExitStack()
        self._sites: list[web.BaseSite] = []
        self._gateway: Gateway | None = None
        self._server: Server | None = None
        self.network: NetworkDoor | None = None

    async def open(self, transport: Transport) -> Addresses:
        """Listen. Raises ConfigError."""
        network = await self._open_network(self._settings.home)
        gateway = await self._open_gateway(transport)
        return Addresses(gateway, await self._open_admin(), network)

    @property
    def gateway(self) -> Gateway:
        """The base-URL door."""
        assert self._gateway is not None, "the doors were not opened"
        return self._gateway

    async def drain(self) -> None:
        """No new transfers; wait until open ones have ended, at most as long as configured."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.limits.drain_s):
                await self._stop_listening()
                if self._gateway is not None:
                    self._gateway.refuse_new()
                if self.network is not None:
                    await self.network.drain(self._settings.limits.drain_s)
                await self.idle()
                if self._gateway is not None:
                    await self._gateway.drain()

    async def retire(self) -> None:
        """Another process takes over: no new connections, and each that is there ends after its next answer.

        Then `drain`. Connections that are not used at all are ended after `drain_s`.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.limits.drain_s):
                await self._stop_listening()
                if self._gateway is not None:
                    self._gateway.retire()
                if self.network is not None:
                    await self.network.retire()
                while self._server is not None and self._server.connections:  # noqa: ASYNC110
                    await asyncio.sleep(POLL_S)
        await self.drain()

    async def idle(self) -> None:
        """No transfer is open."""
        while self._gate.open_transfers:  # noqa: ASYNC110
            await asyncio.sleep(POLL_S)

    async def close(self) -> None:
        """Close everything, the newest first. May be called twice."""
        if self._gateway is not None:
            self._gateway.cut()
        await self._stack.aclose()

    # --- parts ---------------------------------------------------------------------------------------------------

    async def _stop_listening(self) -> None:
        for site in self._sites:
            await site.stop()
        self._sites.clear()

    async def _open_gateway(self, transport: Transport) -> tuple[str, int]:
        settings = self._settings
        host, port = parse_address(settings.listen, what="listen")
        self._gateway = Gateway(
            self._gate,
            transport,
            ready=self._ready,
            lost=self._lost,
            body_bytes=settings.limits.body_bytes,
            request_s=settings.limits.request_s,
            allowed_hosts=(*settings.allowed_hosts, host),
        )
        given = self._given.gateway if self._given is not None else ()
        peers = NamedPeers(settings.proxy_protocol)
        runner = await self._serve(self._gateway.handle, host, port, serving_tls(settings), peers, given)
        self._server = runner.server  # type: ignore[assignment]  # what was given to it
        return bound(runner)

    async def _open_admin(self) -> tuple[str, int]:
        if self._given is not None:
            return "", 0  # the supervisor has it
        host, port = parse_address(self._settings.admin, what="admin")
        handler = admin_handler(self._metrics, lambda: self._gate.open_transfers, self._ready, self._lost)
        return bound(await self._serve(handler, host, port))

    async def _serve(
        self,
        handler: Handler,
        host: str,
        port: int,
        tls: ssl.SSLContext | None = None,
        peers: NamedPeers | None = None,
        given: tuple[socket.socket, ...] = (),
    ) -> web.ServerRunner:
        limits = self._settings.limits
        server, tls = server_for(handler, tls, peers, request_s=limits.request_s, idle_s=limits.idle_s)
        runner = web.ServerRunner(server, handle_signals=False, shutdown_timeout=1.0)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        # Of a shared socket one connection is taken at a time, or the first process to wake would take them all.
        sites: list[web.BaseSite] = [web.SockSite(runner, one, backlog=1, ssl_context=tls) for one in given]
        for site in sites or [web.TCPSite(runner, host, port, backlog=BACKLOG, ssl_context=tls)]:
            try:
                await site.start()
            except OSError as error:
                raise unlistenable(host, port, error) from None
            self._sites.append(site)
        return runner

    async def _open_network(self, home: Path) -> tuple[tuple[str, int], ...]:
        settings = self._settings
        if not settings.modes:
            return ()
        from proxy.doors.network import NetworkDoor, NetworkSettings

        door = NetworkDoor(
            self._gate,
            NetworkSettings(
                modes=settings.modes,
                confdir=home / "ca",
                body_bytes=settings.limits.body_bytes,
                upstream_ca=settings.upstream_ca,
                connect_s=settings.limits.connect_s,
                idle_s=settings.limits.idle_s,
                request_s=settings.limits.request_s,
                handshake_s=settings.limits.handshake_s,
                proxy_protocol=settings.proxy_protocol,
                require_credential=settings.require_credential,
                upstream_auth=secret(settings.upstream_auth) if settings.upstream_auth else "",
            ),
            observe=self._metrics.observe,
            given=self._given.network if self._given is not None else {},
        )
        await door.start()
        self._stack.push_async_callback(door.stop)
        self.network = door
        return door.addresses


def bound(runner: web.ServerRunner) -> tuple[str, int]:
    """Where the first site of a runner listens."""
    address = runner.addresses[0]
    return str(address[0]), int(address[1])
