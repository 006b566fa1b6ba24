"""A door worker's way to the detection process: looks like a worker process of its own pool.

Batches leave over the socket, findings come back; the pool around it keeps its cache, its queue and its bounds.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from proxy.processes import channel
from proxy.processes.detection import SOCKET
from redaction.cache import SegmentFindings
from redaction.detectors.frames import findings_from_json, pack, segments_to_json, unpack
from redaction.detectors.process import Batch
from redaction.errors import DetectionError, SettingsError
from redaction.settings import EngineSettings

START_S = 180.0
"""Until the models of every worker are loaded, on a busy machine."""
RETURN_S = 5.0
AGAIN_S = 0.1


class RemoteWorker:
    """One connection; `redaction.pool.DetectionWorker`."""

    def __init__(self, folder: channel.Folder, settings: EngineSettings) -> None:
        self._folder, self._settings = folder, settings
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.version = ""

    @property
    def running(self) -> bool:
        return self._streams is not None and not self._streams[0].at_eof()

    async def start(self) -> None:
        """Returns when the models are loaded. Raises SettingsError or DetectionError (`crashed`)."""
        await self.stop()
        self._streams = await self._connected()
        try:
            async with asyncio.timeout(START_S):
                hello = await self._exchange({"settings": self._settings.to_dict()})
        except TimeoutError:
            await self.stop()
            raise DetectionError(f"no models were loaded in {START_S:g} s", code="crashed") from None
        except BaseException:
            await self.stop()
            raise
        if "error" in hello:
            await self.stop()
            kind = DetectionError if hello["error"] in {"failed", "crashed", "timeout"} else SettingsError
            raise kind(hello["message"], code=hello["error"])
        self.version = hello["version"]

    async def ask(self, batch: Batch) -> list[SegmentFindings]:
        """Findings of a batch. Raises DetectionError: `timeout`, `crashed`, `failed`."""
        try:
            async with asyncio.timeout(batch.limit_s):
                answer = await self._exchange({"segments": segments_to_json(batch.segments)})
        except TimeoutError:
            await self.stop()
            raise DetectionError(f"a text took longer than {batch.limit_s:g} s to inspect", code="timeout") from None
        except (DetectionError, asyncio.CancelledError):
            await self.stop()
            raise
        if "error" in answer:
            raise DetectionError(f"a detector failed: {answer['message']}", code=answer["error"])
        try:
            found = findings_from_json(answer["found"])
        except (KeyError, TypeError, ValueError):
            found = []
        if len(found) != len(batch.segments):
            await self.stop()
            raise DetectionError("the detection process answered nonsense", code="crashed")
        return found

    async def stop(self) -> None:
        """Ends the connection."""
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

    async def _exchange(self, message: dict[str, Any]) -> dict[str, Any]:
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
