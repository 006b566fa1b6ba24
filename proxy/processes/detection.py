"""Detection as a process: worker processes with models loaded once, for all door workers of the machine.

Frames enter over the socket and go to whichever worker is free, unread; the answer goes back the same way. The queue is
bounded by its connections: each has one batch under way. Findings are remembered where texts are known, in the doors.
"""

import asyncio
from collections import deque

import orjson

from proxy.processes import channel
from redaction.detectors.frames import pack
from redaction.detectors.process import WorkerProcess
from redaction.errors import DetectionError, RedactionError
from redaction.settings import EngineSettings

SOCKET = "detection.sock"
BATCH_S = 20.0
KEPT_S = 30.0
"""How long workers of settings that nobody uses any more are kept: a door worker may be being replaced."""


class Switchboard:
    """Serves every engine that some door asks for. workers: processes of each."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._engines: dict[bytes, _Engine] = {}
        self._ending: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: the settings first, then a batch at a time."""
        first = await channel.read_frame(reader)
        if first is None:
            return
        engine = self._engines.get(first)
        if engine is None:
            engine = self._engines[first] = _Engine(EngineSettings.from_dict(orjson.loads(first)["settings"]))
            engine.start(self._workers)
        engine.users += 1
        try:
            version = await asyncio.shield(engine.started)
            writer.write(pack({"version": version}))
            while (body := await channel.read_frame(reader)) is not None:
                writer.write(await engine.ask(body))
        except RedactionError as error:
            writer.write(pack({"error": error.code, "message": str(error)}))
        except ConnectionError:
            return
        finally:
            engine.users -= 1
            if not engine.users:
                task = asyncio.create_task(self._forget(first, engine))
                self._ending.add(task)
                task.add_done_callback(self._ending.discard)

    async def _forget(self, key: bytes, engine: "_Engine") -> None:
        failed = engine.started.done() and engine.started.exception() is not None
        if not failed:
            await asyncio.sleep(KEPT_S)
        if not engine.users and self._engines.get(key) is engine:
            del self._engines[key]
            await engine.stop()

    async def close(self) -> None:
        """Ends every worker."""
        for task in self._ending:
            task.cancel()
        await asyncio.gather(*(engine.stop() for engine in self._engines.values()))


class _Engine:
    """The workers of one set of settings, and who waits for one of them."""

    def __init__(self, settings: EngineSettings) -> None:
        self.users = 0
        self.started: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._settings = settings
        self._free: deque[WorkerProcess] = deque()
        self._all: list[WorkerProcess] = []
        self._freed = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    def start(self, workers: int) -> None:
        self._all = [WorkerProcess(self._settings) for _ in range(workers)]
        self._task = asyncio.create_task(self._start())

    async def _start(self) -> None:
        results = await asyncio.gather(*(one.start() for one in self._all), return_exceptions=True)
        failed = [result for result in results if isinstance(result, BaseException)]
        if failed:
            self.started.set_exception(failed[0])
            self.started.exception()  # whoever asked hears of it; if nobody is left, that is no news
            return
        self._free.extend(self._all)
        self.started.set_result(self._all[0].version)

    async def ask(self, body: bytes) -> bytes:
        """A batch's frame in, the answer's frame out; what went wrong is a frame as well."""
        async with self._freed:
            await self._freed.wait_for(lambda: bool(self._free))
            worker = self._free.popleft()
        try:
            if not worker.running:
                await worker.start()
            if worker.version != self.started.result():
                await worker.stop()
                raise DetectionError("the code of the detectors changed; restart dragoman", code="crashed")
            answer = await worker.forward(body, BATCH_S)
            return len(answer).to_bytes(4, "big") + answer
        except DetectionError as error:
            return pack({"error": error.code, "message": str(error)})
        finally:
            async with self._freed:
                self._free.append(worker)
                self._freed.notify()

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await asyncio.gather(*(one.stop() for one in self._all))
