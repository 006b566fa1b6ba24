"""How the processes of one machine speak: length-prefixed frames over a Unix socket that only their owner may use.

The folder has mode 0700, and a peer of another user is turned away by what the kernel says of it (SO_PEERCRED). Frames
are those of `redaction.detectors.frames`; whoever reads one knows what may stand in it.
"""

import asyncio
import os
import socket
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path

from proxy.errors import ConfigError
from redaction.detectors.frames import HEADER, MAX_FRAME

type Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

BUFFER = 4 * 1024 * 1024
_CREDENTIALS = struct.Struct("3i")


class Folder:
    """The folder of a home's sockets. Paths lead through a descriptor: those of sockets have 107 bytes at most."""

    def __init__(self, home: Path) -> None:
        self.path = home / "run"
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path.chmod(0o700)
        self._handle = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)

    def socket(self, name: str) -> str:
        """Where the socket of that name is."""
        return f"/proc/self/fd/{self._handle}/{name}"

    def close(self) -> None:
        """The folder stays."""
        os.close(self._handle)


async def listen(folder: Folder, name: str, serve: Serve) -> asyncio.Server:
    """Serve every peer that is of our own user. What was there under that name before is dead: it is replaced."""

    async def checked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if peer_of(writer)[1] == os.geteuid():
                await serve(reader, writer)
        finally:
            writer.close()

    (folder.path / name).unlink(missing_ok=True)
    return await asyncio.start_unix_server(checked, folder.socket(name), limit=BUFFER)


async def connect(folder: Folder, name: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Raises OSError where nobody serves, ConfigError where somebody else's process does."""
    reader, writer = await asyncio.open_unix_connection(folder.socket(name), limit=BUFFER)
    if peer_of(writer)[1] != os.geteuid():
        writer.close()
        raise ConfigError(f"{folder.path / name} is served by another user's process")
    return reader, writer


def peer_of(writer: asyncio.StreamWriter) -> tuple[int, int]:
    """Process and user id of the other end, as they were when it connected or listened."""
    given: socket.socket = writer.get_extra_info("socket")
    pid, uid, _ = _CREDENTIALS.unpack(given.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return pid, uid


async def read_frame(reader: asyncio.StreamReader) -> bytes | None:
    """The body of the next frame; None when the other end is gone, in the middle of one as well."""
    try:
        (size,) = HEADER.unpack(await reader.readexactly(HEADER.size))
        return await reader.readexactly(size) if size <= MAX_FRAME else None
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
