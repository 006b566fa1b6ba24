"""Sockets that several processes share, put under the engine's own servers.

The engine opens a socket for each mode by itself and knows no other way; here a server of one of its modes is given
sockets that listen already. This is half-public, so the engine's version is pinned and a test guards it.
"""

# mypy: allow-untyped-calls

import asyncio
import socket
from typing import Any

from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.proxy.mode_servers import AsyncioServerInstance, ServerInstance
from mitmproxy.proxy.mode_specs import ProxyMode

from proxy.errors import ConfigError


async def adopt(proxyserver: Proxyserver, spec: str, sockets: tuple[socket.socket, ...]) -> None:
    """Serve a mode on these sockets. Raises ConfigError for a mode that does not listen on TCP."""
    mode = ProxyMode.parse(spec)
    instance: ServerInstance[Any] = ServerInstance.make(mode, proxyserver)
    if not isinstance(instance, AsyncioServerInstance):
        raise ConfigError(f"mode {spec}: it cannot be served by several processes")
    # One connection at a time, or the first process to wake would take them all.
    instance._servers = [await asyncio.start_server(instance.handle_stream, sock=one, backlog=1) for one in sockets]
    proxyserver.servers._instances[mode] = instance
