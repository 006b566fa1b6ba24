"""A door worker's way to the detection process: looks like a worker process of its own pool.

Batches leave over the socket, findings come back; the pool around it keeps its cache, its queue and its bounds.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from proxy.processes import channel
from proxy.processes.detection import SOCKET
from redaction.detectors.frames import pack, unpack
from redaction.detectors.process import Worker
from redaction.errors import DetectionError
from redaction.settings import EngineSettings

START_S = 180.0
"""Until the models of every worker are loaded, on a busy machine."""
RETURN_S = 5.0
AGAIN_S = 0.1


class RemoteWorker(Worker):
    """One connection; `redaction.pool.DetectionWorker`."""

    def __init__(self, folder: channel.Folder, settings: EngineSettings) -> None:
        self._folder, self._settings = folder, settings
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    @property
    def running(self) -> bool:
        return self._streams is not None and not self._streams[0].at_eof()

    async def start(self) -> None:
        """Returns when the models are loaded. Raises SettingsError or DetectionError (`crashed`)."""
        await self.stop()
        self._streams = await self._connected()
        await self.greet(self._settings, START_S)

    async def stop(self) -> None:
        streams, self._streams = self._streams, None
        if streams is not None:
            streams[1].close()
            with contextlib.suppress(OSError):
                await streams[1].wait_closed()

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        loop = asyncio.get_running_loop()
        until = loop.time() + RETURN_S
        while True:
            try:
                return await channel.connect(self._folder, SOCKET)
            except OSError:
                if loop.time() > until:
                    raise DetectionError("the detection process is away", code="crashed") from None
            await asyncio.sleep(AGAIN_S)

    async def exchange(self, message: dict[str, Any]) -> dict[str, Any]:
        if self._streams is None:
            raise DetectionError("the detection process is away", code="crashed")
        reader, writer = self._streams
        try:
            writer.write(pack(message))
            await writer.drain()
            body = await channel.read_frame(reader)
            if body is None:
                raise DetectionError("the detection process ended while it inspected a text", code="crashed")
            return unpack(body)
        except (ValueError, ConnectionError):
            raise DetectionError("the detection process is away", code="crashed") from None


def remote(folder: channel.Folder) -> Callable[[EngineSettings], RemoteWorker]:
    """What `redaction.pool.DetectionPool` takes as `make_worker`."""
    return lambda settings: RemoteWorker(folder, settings)
