"""Detection off the event loop: worker processes with models loaded once, a bounded fair queue, a cache in front.

Segments of one request enter, positions and types leave; what cannot be inspected in time raises, so that the
caller refuses. Texts go to workers over private pipes and are kept by nobody.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, Self

from redaction.cache import SegmentCache
from redaction.conversation import Conversation
from redaction.detectors import check_languages
from redaction.detectors.process import Batch, FairQueue, WorkerProcess
from redaction.errors import DetectionError
from redaction.finding import SegmentFindings
from redaction.seams import crossing, looked_at, seams
from redaction.segment import Segment
from redaction.settings import EngineSettings
from redaction.windows import Window, join, windows

# Characters per batch: long enough to keep a model's matrices full, short enough to take turns.
_BATCH_CHARS: Final = 16_000
_RESTARTS: Final = 3


@dataclass(frozen=True, slots=True)
class DetectionResult:
    """segments: one per segment of the request, same order. version: of the engine that looked.

    cache_hits: pieces of text that were not looked at again; analysed_chars: code points that were.
    """

    segments: tuple[SegmentFindings, ...]
    version: str
    cache_hits: int
    analysed_chars: int


class DetectionWorker(Protocol):
    """Whoever looks at batches: a process of this pool, or one behind a socket. See `WorkerProcess`."""

    version: str

    @property
    def running(self) -> bool: ...

    async def start(self) -> None: ...

    async def ask(self, batch: Batch) -> list[SegmentFindings]: ...

    async def stop(self) -> None: ...


class DetectionPool:
    """N worker processes behind one `detect`. Belongs to one event loop."""

    def __init__(
        self,
        settings: EngineSettings,
        *,
        workers: int = 2,
        max_requests: int = 256,
        max_waiting_chars: int = 64_000_000,
        batch_limit_s: float = 20.0,
        cache_bytes: int = 64 * 1024 * 1024,
        make_worker: Callable[[EngineSettings], DetectionWorker] = WorkerProcess,
    ) -> None:
        """make_worker: something else than a process of this pool's own; it is started and stopped like one."""
        check_languages(settings)
        self.settings = settings
        self.version = ""
        self._max_requests = max_requests
        self._max_waiting_chars = max_waiting_chars
        self._batch_limit_s = batch_limit_s
        self._cache_bytes = cache_bytes
        self._cache = SegmentCache("", max_bytes=cache_bytes)
        self._queue = FairQueue()
        self._requests = 0
        self._workers = [make_worker(settings) for _ in range(workers)]
        self._tasks: list[asyncio.Task[None]] = []
        self._closed = True

    async def start(self) -> None:
        """Returns when every worker has its models. Raises SettingsError or DetectionError (`crashed`)."""
        results = await asyncio.gather(*(worker.start() for worker in self._workers), return_exceptions=True)
        failures = [result for result in results if isinstance(result, BaseException)]
        if failures:
            await self._stop_workers()
            raise failures[0]
        versions = {worker.version for worker in self._workers}
        if len(versions) != 1:
            await self._stop_workers()
            raise DetectionError(
                "workers loaded different versions; restart after the update is complete", code="crashed"
            )
        self.version = versions.pop()
        self._cache = SegmentCache(self.version, max_bytes=self._cache_bytes)
        self._closed = False
        self._tasks = [asyncio.create_task(self._work(worker)) for worker in self._workers]

    async def close(self) -> None:
        """Ends the workers; what still waits is refused with `closed`. May be called twice."""
        self._closed = True
        self._queue.fail_all(DetectionError("detection is shutting down", code="closed"))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        await self._stop_workers()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _stop_workers(self) -> None:
        await asyncio.gather(*(worker.stop() for worker in self._workers))

    @property
    def alive(self) -> int:
        """Workers that can take work now."""
        return sum(worker.running for worker in self._workers)

    async def detect(
        self, segments: Sequence[Segment], *, deadline_s: float = 10.0, owner: bytes = b""
    ) -> DetectionResult:
        """The findings of one request's segments, literal propagation included.

        owner: for whom texts are remembered, and nobody else's request is answered sooner.
        Raises DetectionError: `busy`, `timeout`, `crashed`, `failed`, `closed`. A request is answered whole or not
        at all.
        """
        if self._closed:
            raise DetectionError("detection is not running", code="closed")
        joined, size = seams(segments), len(segments)
        pieces = _Pieces([*segments, *looked_at(joined)] if joined else segments, self._cache, owner)
        told = Conversation(self._cache, segments, pieces.digests()[:size], pieces.alone, pieces.fresh)
        if pieces.missing:
            await self._analyse(pieces, told, deadline_s)
        found = await told.propagated()
        if joined:
            found = crossing(segments, found, joined, [pieces.alone(place) for place in range(size, pieces.size)])
        return DetectionResult(tuple(found), self.version, pieces.hits, pieces.analysed_chars)

    async def _analyse(self, pieces: "_Pieces", told: Conversation, deadline_s: float) -> None:
        if self._requests >= self._max_requests or self._queue.chars + pieces.analysed_chars > self._max_waiting_chars:
            raise DetectionError("too many texts wait for detection; try again in a moment", code="busy")
        limit = min(self._batch_limit_s, deadline_s)
        batches = [Batch(piece, limit) for piece in pieces.batches(_BATCH_CHARS)]
        self._requests += 1
        self._queue.put(batches)
        try:
            async with asyncio.timeout(deadline_s):
                await asyncio.sleep(0)  # a worker that has nothing to do gets the first batch
                await told.begin()
                for batch in batches:
                    pieces.keep(batch.keys, await batch.answer)
        except TimeoutError:
            raise DetectionError(f"detection did not finish within {deadline_s:g} s", code="timeout") from None
        finally:
            self._requests -= 1
            self._queue.drop(batches)

    async def _work(self, worker: DetectionWorker) -> None:
        failures = 0
        while True:
            if not worker.running:
                failures = await self._replace(worker, failures)
            batch = await self._queue.get()
            if batch.answer.done():
                continue
            if not worker.running:  # it died while it had nothing to do; that is not this request's fault
                self._queue.put_back(batch)
                continue
            try:
                batch.resolve(await worker.ask(batch))
                failures = 0
            except DetectionError as error:
                batch.fail(error)
            except Exception as error:  # whatever it is, it refuses one request and does not end this loop
                batch.fail(DetectionError(f"a batch could not be inspected ({type(error).__name__})", code="failed"))
                await worker.stop()

    async def _replace(self, worker: DetectionWorker, failures: int) -> int:
        """Starts a worker again; when that fails repeatedly waits longer, and meanwhile other workers serve."""
        while True:
            await asyncio.sleep(0 if failures < _RESTARTS else min(30, 2 ** (failures - _RESTARTS)))
            try:
                await worker.start()
            except Exception:
                failures += 1
                if not self.alive:
                    self._queue.fail_all(DetectionError("no detection worker could be started", code="crashed"))
                continue
            if worker.version != self.version:
                # The code on disk changed under a running pool: results of two versions must not mix.
                await worker.stop()
                failures += 1
                continue
            return failures


class _Pieces:
    """The windows of a request's segments: which are known, which have to be looked at."""

    def __init__(self, segments: Sequence[Segment], cache: SegmentCache, owner: bytes) -> None:
        self._cache = cache
        self._owner = owner
        self._segments = segments
        self._layout: list[list[tuple[Window, bytes]]] = []
        self._found: dict[bytes, SegmentFindings] = {}
        self.missing: dict[bytes, Segment] = {}
        self.hits = 0
        for segment in segments:
            row = []
            for window in windows(segment.text):
                piece = window.cut(segment)
                key = cache.digest(piece, owner)
                row.append((window, key))
                known = self._found.get(key) or cache.get(key)
                if known is not None:
                    self._found[key] = known
                    self.hits += 1
                elif not piece.text or piece.text.isspace():
                    self._found[key] = SegmentFindings((), "und")
                elif key not in self.missing:
                    self.missing[key] = piece
            self._layout.append(row)
        self.analysed_chars = sum([len(piece.text) for piece in self.missing.values()])

    def batches(self, max_chars: int) -> list[dict[bytes, Segment]]:
        """What is missing, in groups of about `max_chars` code points."""
        groups: list[dict[bytes, Segment]] = []
        size = max_chars
        for key, piece in self.missing.items():
            if size + len(piece.text) > max_chars:
                groups.append({})
                size = 0
            groups[-1][key] = piece
            size += len(piece.text)
        return groups

    def keep(self, keys: Sequence[bytes], found: Sequence[SegmentFindings]) -> None:
        for key, result in zip(keys, found, strict=True):
            self._found[key] = result
            self._cache.put(key, result)

    def digests(self) -> list[bytes]:
        """One digest per segment, that of its only window where it has one."""
        return [
            row[0][1] if len(row) == 1 else self._cache.digest(segment, self._owner)
            for segment, row in zip(self._segments, self._layout, strict=True)
        ]

    @property
    def fresh(self) -> frozenset[int]:
        """Places of the segments that are not known as a whole."""
        rows = enumerate(self._layout)
        return frozenset([place for place, row in rows if any(key in self.missing for _, key in row)])

    def alone(self, place: int) -> SegmentFindings:
        """What was found in one segment by itself, once nothing of it is missing."""
        return join([(window, self._found[key]) for window, key in self._layout[place]])

    @property
    def size(self) -> int:
        """How many segments there are."""
        return len(self._segments)
