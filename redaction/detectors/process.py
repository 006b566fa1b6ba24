"""The pool's side of a worker process, and the queue between requests and workers.

A worker that dies or exceeds its time is ended by its own process id and reported; starting it again is the pool's
decision. The queue takes one batch of each waiting request in turn, so one large body does not block the others.
"""

import asyncio
import contextlib
import sys
from abc import ABC, abstractmethod
from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any, Final

from redaction.detectors.frames import HEADER, MAX_FRAME, findings_from_json, pack, segments_to_json, unpack
from redaction.errors import DetectionError, RedactionError, SettingsError
from redaction.finding import SegmentFindings
from redaction.segment import Segment
from redaction.settings import EngineSettings

# Loading spaCy and a model takes 3 s on a quiet machine.
_START_LIMIT_S: Final = 120.0
_STOP_LIMIT_S: Final = 3.0


class Batch:
    """Pieces of one request that travel to a worker together."""

    def __init__(self, pieces: Mapping[bytes, Segment], limit_s: float) -> None:
        self.keys = tuple(pieces)
        self.segments = list(pieces.values())
        self.chars = sum(len(segment.text) for segment in self.segments)
        self.limit_s = limit_s
        self.request = -1  # the queue's number of the request, once it waits
        self.answer: asyncio.Future[list[SegmentFindings]] = asyncio.get_running_loop().create_future()

    def resolve(self, found: list[SegmentFindings]) -> None:
        if not self.answer.done():
            self.answer.set_result(found)

    def fail(self, error: RedactionError) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)
            self.answer.exception()  # a request that gave up already does not read it; that is no news


class FairQueue:
    """Batches by request, served round robin."""

    def __init__(self) -> None:
        self._requests: OrderedDict[int, deque[Batch]] = OrderedDict()
        self._numbers = count()
        self._filled = asyncio.Event()
        self.chars = 0

    def put(self, batches: Sequence[Batch]) -> None:
        """All batches of one request."""
        number = next(self._numbers)
        for batch in batches:
            batch.request = number
            self._add(batch)

    def put_back(self, batch: Batch) -> None:
        """One that was taken and not looked at; it is the next."""
        self._add(batch, first=True)

    async def get(self) -> Batch:
        while not self._requests:
            self._filled.clear()
            await self._filled.wait()
        request, waiting = next(iter(self._requests.items()))
        batch = waiting.popleft()
        self.chars -= batch.chars
        if waiting:
            self._requests.move_to_end(request)
        else:
            del self._requests[request]
        return batch

    def drop(self, batches: Sequence[Batch]) -> None:
        """Forgets what still waits of a request, and what of it is being looked at."""
        for batch in batches:
            for waiting in self._requests.pop(batch.request, ()):
                self.chars -= waiting.chars
            batch.answer.cancel()

    def fail_all(self, error: RedactionError) -> None:
        for waiting in self._requests.values():
            for batch in waiting:
                batch.fail(error)
        self._requests.clear()
        self.chars = 0

    def _add(self, batch: Batch, *, first: bool = False) -> None:
        waiting = self._requests.setdefault(batch.request, deque())
        if first:
            waiting.appendleft(batch)
            self._requests.move_to_end(batch.request, last=False)
        else:
            waiting.append(batch)
        self.chars += batch.chars
        self._filled.set()


class Worker(ABC):
    """Whoever answers frames of texts with frames of findings: a process of one's own, or one behind a socket.

    version: of its engine, once it was greeted.
    """

    version = ""

    @abstractmethod
    async def exchange(self, message: dict[str, Any]) -> dict[str, Any]:
        """A message and its answer. Raises DetectionError `crashed`."""

    @abstractmethod
    async def stop(self) -> None:
        """Ends it, whatever it does."""

    async def greet(self, settings: EngineSettings, limit_s: float, failed: str = "") -> None:
        """Returns when its models are loaded. Raises SettingsError or DetectionError (`crashed`), and it is ended.

        failed: what is said before its own words.
        """
        hello = await self._within(limit_s, {"settings": settings.to_dict()}, "no models were loaded in", "crashed")
        if "error" in hello:
            await self.stop()
            kind = DetectionError if hello["error"] in {"failed", "crashed", "timeout"} else SettingsError
            raise kind(failed + hello["message"], code=hello["error"])
        self.version = hello["version"]

    async def ask(self, batch: Batch) -> list[SegmentFindings]:
        """Findings of a batch. Raises DetectionError: `timeout` and `crashed` end it, `failed` does not."""
        message = {"segments": segments_to_json(batch.segments)}
        answer = await self._within(batch.limit_s, message, "a text was not inspected in", "timeout")
        if "error" in answer:
            raise DetectionError(f"a detector failed: {answer['message']}", code=answer["error"])
        try:
            found = findings_from_json(answer["found"])
        except (KeyError, TypeError, ValueError):
            found = []
        if len(found) != len(batch.segments):
            await self.stop()
            raise nonsense()
        return found

    async def _within(self, limit_s: float, message: dict[str, Any], late: str, code: str) -> dict[str, Any]:
        try:
            async with asyncio.timeout(limit_s):
                return await self.exchange(message)
        except TimeoutError:
            await self.stop()
            raise DetectionError(f"{late} {limit_s:g} s", code=code) from None
        except BaseException:
            await self.stop()
            raise


class WorkerProcess(Worker):
    """One worker: its process, its pipes, the version of the engine in it."""

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._process: asyncio.subprocess.Process | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    async def start(self) -> None:
        """Returns when the models are loaded. Raises SettingsError or DetectionError (`crashed`)."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-X", "utf8", "-m", "redaction.detectors.worker"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the parent: what is open may finish, and that needs detection
        )
        await self.greet(self._settings, _START_LIMIT_S, "the detection engine could not be built: ")

    async def forward(self, body: bytes, limit_s: float) -> bytes:
        """Hands a frame's body on as it came; returns the answer's. Raises DetectionError: `timeout`, `crashed`.

        Both end this process. For a pool that serves other processes and looks into nothing itself.
        """
        try:
            async with asyncio.timeout(limit_s):
                return await self._exchange_frames(HEADER.pack(len(body)) + body)
        except TimeoutError:
            await self.stop()
            raise DetectionError(f"a text took longer than {limit_s:g} s to inspect", code="timeout") from None
        except (DetectionError, asyncio.CancelledError):
            await self.stop()
            raise

    async def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _STOP_LIMIT_S)

    async def exchange(self, message: dict[str, Any]) -> dict[str, Any]:
        try:
            return unpack(await self._exchange_frames(pack(message)))
        except ValueError:
            raise nonsense() from None

    async def _exchange_frames(self, frame: bytes) -> bytes:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise DetectionError("a detection worker is not running", code="crashed")
        try:
            process.stdin.write(frame)
            await process.stdin.drain()
            (size,) = HEADER.unpack(await process.stdout.readexactly(HEADER.size))
            if size > MAX_FRAME:
                raise nonsense()
            return await process.stdout.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionError):
            raise DetectionError("a detection worker died while it inspected a text", code="crashed") from None


def nonsense() -> DetectionError:
    """What it answered is not repeated: it may hold anything."""
    return DetectionError("a detection worker answered nonsense", code="crashed")
