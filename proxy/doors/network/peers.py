"""The PROXY protocol at the network door: the client's address from named peers, in front of whatever mode it is.

The engine makes a connection of a reader and a writer, in one method of its servers; in front of it the header is read
off, and the writer then tells the client's address. This is half-public, so the engine's version is pinned and tests
guard it.
"""

# mypy: allow-untyped-calls

import asyncio
import functools
from typing import Any

from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.proxy.mode_servers import ServerInstance

from proxy.doors.network.transfers import logger
from proxy.doors.preface import PREFACE_S
from proxy.doors.proxy_protocol import SIGNATURE, V2_LONGEST, NamedPeers, Preface, read
from proxy.errors import FormatError


class PeeredServers(Proxyserver):
    """The engine's servers; connections of these peers begin with a header."""

    name = "proxyserver"  # under which the engine looks for it

    def __init__(self, peers: NamedPeers) -> None:
        super().__init__()
        self.peers = peers


class ClaimedWriter(asyncio.StreamWriter):
    """A writer whose peer is the client that a balancer named."""

    def __init__(self, writer: asyncio.StreamWriter, peer: tuple[str, int]) -> None:
        self.__dict__.update(writer.__dict__)
        self._own = writer  # it would close the connection when nobody holds it any more
        self._peer = peer

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """As the writer's own, but for `peername`."""
        return self._peer if name == "peername" else super().get_extra_info(name, default)


async def read_preface(reader: asyncio.StreamReader) -> Preface:
    """Take the header off a stream. Raises FormatError, IncompleteReadError."""
    data = b""
    # Byte by byte where the length is not known yet: what follows the header belongs to somebody else.
    while (found := read(data)) is None:
        data += await reader.readexactly(1)
        if len(data) > V2_LONGEST + len(SIGNATURE):
            raise FormatError("this is no header of the PROXY protocol", code="preface_malformed")
    return found


def _prefaced(handle: Any) -> Any:
    @functools.wraps(handle)
    async def handle_stream(self: Any, reader: Any, writer: Any = None) -> None:
        servers = self.manager
        peer = str((writer.get_extra_info("peername") or ("",))[0]) if writer is not None else ""
        if isinstance(servers, PeeredServers) and servers.peers.believes(peer):
            try:
                async with asyncio.timeout(PREFACE_S):
                    found = await read_preface(reader)
            except (FormatError, TimeoutError, asyncio.IncompleteReadError, ConnectionError) as error:
                logger.warning("a named peer sent no header of the PROXY protocol (%s)", type(error).__name__)
                writer.transport.abort()
                return
            if found.peer is not None:
                writer = ClaimedWriter(writer, found.peer)
        await handle(self, reader, writer)

    return handle_stream


ServerInstance.handle_stream = _prefaced(ServerInstance.handle_stream)  # type: ignore[method-assign]
