"""The network door: starts the engine inside this event loop, drains it, stops it.

A gate and settings enter; listening sockets come out. Refuses to start where the engine could let data past the gate.
"""

# mypy: allow-untyped-calls

import asyncio
import contextlib
import logging
import socket
import time
from collections import Counter
from collections.abc import Callable, Mapping
from types import MappingProxyType

from mitmproxy import http
from mitmproxy.connection import Client
from mitmproxy.exceptions import OptionsError
from mitmproxy.master import Master
from mitmproxy.options import Options
from mitmproxy.proxy.mode_servers import ProxyConnectionHandler
from mitmproxy.proxy.mode_specs import ProxyMode

from proxy.doors.network.certificates import Certificates
from proxy.doors.network.enginelog import EngineLog
from proxy.doors.network.hooks import Hooks
from proxy.doors.network.patience import Patience
from proxy.doors.network.peers import PeeredServers
from proxy.doors.network.routing import Routing
from proxy.doors.network.sessions import SessionEnded
from proxy.doors.network.settings import ENGINE, NetworkSettings, check_start, listening
from proxy.doors.network.shared import adopt
from proxy.doors.network.transfers import NetworkGate, Transfers
from proxy.doors.proxy_protocol import NamedPeers
from proxy.errors import ConfigError
from proxy.messages import Refusal
from proxy.running.ca import ensure_ca, upstream_trust

POLL_S = 0.02
"""The engine tells nobody when a connection is gone; this is how often it is looked at while stopping."""
QUIET_S = 5.0
"""After so long without a byte a client is not about to send on that connection."""
_NONE_GIVEN: Mapping[str, tuple[socket.socket, ...]] = MappingProxyType({})


class NetworkDoor:
    """All network modes of one process. One at a time per process: the engine keeps its master in a global."""

    def __init__(
        self,
        gate: NetworkGate,
        settings: NetworkSettings,
        *,
        observe: Callable[[str, str], None] = lambda _kind, _label: None,
        given: Mapping[str, tuple[socket.socket, ...]] = _NONE_GIVEN,
    ) -> None:
        """given: for mode specs, sockets that listen already and that other processes may share."""
        self._settings = settings
        self._given = given
        self._transfers = Transfers(gate, observe, end_session=self._end_session)
        self._master: Master | None = None
        self._proxyserver = PeeredServers(NamedPeers(settings.proxy_protocol))
        self._log = EngineLog(self._transfers, self._crashed)

    @property
    def addresses(self) -> tuple[tuple[str, int], ...]:
        """Where it listens, as bound."""
        return tuple((address[0], address[1]) for address in self._proxyserver.listen_addrs())

    @property
    def counts(self) -> Counter[str]:
        """Events by closed names: refused:CODE, failed:WHERE, engine:LEVEL, passed, connect_timeout."""
        return self._transfers.counts

    @property
    def open_transfers(self) -> int:
        """Transfers that were cleared here and have not ended."""
        return self._transfers.open_count

    async def start(self) -> None:
        """Listen. Raises ConfigError when a mode, an option or an address cannot be had."""
        settings = self._settings
        check_start(settings)
        specs = listening(settings.modes)
        ensure_ca(settings.confdir)
        trust = upstream_trust(settings.confdir, settings.upstream_ca)
        self._log.install()
        try:
            self._assemble(specs, str(trust))
            await self._listen()
        except BaseException:
            await self.stop()
            raise

    def _assemble(self, specs: list[str], trust: str) -> None:
        options = Options()
        master = self._master = Master(options, asyncio.get_running_loop())
        # It would format every log line of the process for an event that nobody listens to.
        logging.getLogger().removeHandler(master._legacy_log_events)
        patience = Patience(self._transfers, self._settings)
        hooks = Hooks(self._transfers, self._settings, patience)
        routing = Routing(self._transfers, hooks, self._settings, patience)
        master.addons.add(self._proxyserver, Certificates(), routing, hooks, patience)
        if self._settings.require_credential:
            options.add_option("proxyauth", str, "gate", "SOCKS5 asks for user and password; the gate judges them.")
        for spec in specs:
            _only_tcp(spec)
        try:
            # First and by themselves: if one of the others is refused, the engine goes back to what was set before.
            options.update(**dict(ENGINE))
            options.update(
                **{name: value for name, value in self._settings.engine.items() if name not in ENGINE},
                confdir=str(self._settings.confdir),
                ssl_verify_upstream_trusted_ca=trust,
                body_size_limit=str(self._settings.body_bytes),
                tcp_timeout=max(1, round(self._settings.idle_s)),
                mode=specs,
            )
        except (OptionsError, KeyError, TypeError) as error:
            raise ConfigError(f"the network engine does not take its options: {error}") from None

    async def _listen(self) -> None:
        assert self._master is not None
        for named, spec in zip(self._settings.modes, listening(self._settings.modes), strict=True):
            if named in self._given:
                await adopt(self._proxyserver, spec, self._given[named])
        await self._proxyserver.setup_servers()
        for server in self._proxyserver.servers:
            if server.last_exception is not None or not server.is_running:
                reason = getattr(server.last_exception, "strerror", None) or "it did not start"
                raise ConfigError(f"mode {server.mode.full_spec}: {str(reason).splitlines()[0]}")
        await self._master.running()

    async def drain(self, deadline_s: float) -> bool:
        """Take no more connections and transfers; wait for the open ones. True if all ended in time.

        Connections on which nothing is open are closed at once; the others when their transfer ends.
        """
        self._transfers.draining = True
        await self._proxyserver.servers.update([])
        self._transfers.end_sessions()
        loop = asyncio.get_running_loop()
        until = loop.time() + deadline_s
        while True:
            for client in self._clients():
                if not self._transfers.busy(client.id):
                    self._hang_up(client)
            if not self._proxyserver.connections or loop.time() >= until:
                break
            await asyncio.sleep(POLL_S)
        await self._transfers.settled()
        return not self._transfers.open_count

    async def retire(self) -> None:
        """Take no more connections; each that is there ends after its next answer, or when nothing comes for a while.

        Another process takes the new ones. Returns when none is left.
        """
        self._transfers.retiring = True
        await self._proxyserver.servers.update([])
        while self._proxyserver.connections:
            for handler in list(self._proxyserver.connections.values()):
                quiet = time.time() - handler.timeout_watchdog.last_activity > QUIET_S
                if quiet and not self._transfers.busy(handler.client.id):
                    self._hang_up(handler.client)
            await asyncio.sleep(POLL_S)

    async def stop(self) -> None:
        """End everything now: open transfers are cut and recorded so. May be called twice."""
        self._transfers.draining = True
        if self._master is None:
            self._log.uninstall()
            return
        await self._proxyserver.servers.update([])
        self._transfers.cut_all()
        while self._proxyserver.connections:
            for client in self._clients():
                self._hang_up(client)
            await asyncio.sleep(POLL_S)
        await self._transfers.settled()
        await self._master.done()
        self._master = None
        self._log.uninstall()

    def _clients(self) -> list[Client]:
        return [handler.client for handler in self._proxyserver.connections.values()]

    def _hang_up(self, client: Client) -> None:
        handler: ProxyConnectionHandler | None = self._proxyserver.connections.get(client.id)
        io = handler.transports.get(client) if handler is not None else None
        if io is not None and io.handler is not None:
            io.handler.cancel("closed by the door")

    def _end_session(self, flow: http.HTTPFlow, refusal: Refusal | None) -> None:
        with contextlib.suppress(ValueError):  # the connection is gone, and the session with it
            self._proxyserver.inject_event(SessionEnded(flow, refusal))

    def _crashed(self, peer: object) -> None:
        """A layer of the engine raised: its connection is undefined from here on, so it ends."""
        for client in self._clients():
            if client.peername == peer:
                self._hang_up(client)


def _only_tcp(spec: str) -> None:
    """`reverse:https` also listens on UDP for HTTP/3, which has no gate; parsed specs are shared, so this sticks."""
    mode = ProxyMode.parse(spec)
    if mode.transport_protocol != "tcp":
        mode.transport_protocol = "tcp"  # type: ignore[misc]
