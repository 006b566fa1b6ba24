"""How much processor time detection takes, next to plain Presidio on the same English texts in the same run.

Texts come from whoever asks; times and ratios leave. Systems take turns text by text, so a busy machine slows all
alike, and only time of this process is counted. No text is seen twice, so nothing is remembered but what a worker
remembers of words.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Final

from redaction.cache import SegmentCache
from redaction.detect import Engine
from redaction.detectors import build_engine
from redaction.evaluate.systems import presidio
from redaction.finding import SegmentFindings
from redaction.propagate import propagate
from redaction.segment import Segment
from redaction.settings import DEFAULT_DETECTORS, EngineSettings

type Make = Callable[[int, str, random.Random], str]
"""(bytes, language, where chance comes from) -> a text that nobody saw."""

_BYTES: Final = 800
_LONGER: Final = 2_000
_TURNS: Final = 50
_TURN_BYTES: Final = 200
_WARM_UP: Final = 3


@dataclass(frozen=True, slots=True)
class Row:
    """texts: what was looked at. ms: processor time for one, the median. ratio: Presidio's time over this, or None."""

    texts: str
    detectors: str
    ms: float
    ratio: float | None


def run(make: Make, blocks: int) -> list[Row]:
    """blocks: texts per case. Takes a minute at 12."""
    chance = random.Random(11)  # noqa: S311 - texts of a bench
    engines = {",".join(some): build_engine(EngineSettings(detectors=some)) for some in _stacks()}
    whole = engines[",".join(DEFAULT_DETECTORS)]
    plain = presidio(EngineSettings().spacy_models["en"]).look
    looks = {name: _looking(engine) for name, engine in engines.items()} | {"Presidio": plain}
    rows = _rows(f"{_BYTES} bytes, English", looks, [make(_BYTES, "en", chance) for _ in range(blocks)])
    for language, name in (("de", "German"), ("vi", "Vietnamese")):
        texts = [make(_LONGER, language, chance) for _ in range(blocks)]
        rows += _rows(f"{_LONGER} bytes, {name}", {",".join(DEFAULT_DETECTORS): _looking(whole)}, texts)
    turns = [make(_TURN_BYTES, "en", chance) for _ in range(_TURNS)]
    ours, theirs = _conversation(whole, plain, turns)
    label = f"{_TURNS} turns of {_TURN_BYTES} bytes, English"
    return [
        *rows,
        Row(label, ",".join(DEFAULT_DETECTORS), 1000 * ours, theirs / ours),
        Row(label, "Presidio", 1000 * theirs, 1.0),
    ]


def _stacks() -> list[tuple[str, ...]]:
    return [DEFAULT_DETECTORS[: size + 1] for size in range(len(DEFAULT_DETECTORS))]


def _looking(engine: Engine) -> Callable[[str], object]:
    return lambda text: engine.detect([Segment("text", text)])


def _rows(label: str, looks: dict[str, Callable[[str], object]], texts: list[str]) -> list[Row]:
    times: dict[str, list[float]] = {name: [] for name in looks}
    for number, text in enumerate([*texts[:_WARM_UP], *texts]):
        for name, look in looks.items():
            spent = _spent(lambda look=look, text=text: look(text))  # type: ignore[misc]
            if number >= _WARM_UP:
                times[name].append(spent)
    total = {name: sum(spent) for name, spent in times.items()}
    base = total.get("Presidio")
    return [Row(label, name, 1000 * median(spent), base and base / total[name]) for name, spent in times.items()]


def _conversation(engine: Engine, plain: Callable[[str], object], turns: list[str]) -> tuple[float, float]:
    """Seconds for a conversation that is sent whole with each turn: ours with its cache, Presidio's without one."""
    cache = SegmentCache(engine.version)
    ours = theirs = 0.0
    for size in range(1, len(turns) + 1):
        segments = [Segment(f"turn {at}", text) for at, text in enumerate(turns[:size])]
        ours += _spent(lambda segments=segments: _with_cache(engine, cache, segments))  # type: ignore[misc]
        theirs += _spent(lambda size=size: [plain(text) for text in turns[:size]])  # type: ignore[misc]
    return ours, theirs


def _with_cache(engine: Engine, cache: SegmentCache, segments: list[Segment]) -> list[SegmentFindings]:
    keys = [cache.digest(segment) for segment in segments]
    new = {key: segment for key, segment in zip(keys, segments, strict=True) if cache.get(key) is None}
    for key, seen in zip(new, engine.detect_each(list(new.values())), strict=True):
        cache.put(key, seen)
    return propagate(segments, [found for key in keys if (found := cache.get(key)) is not None])


def _spent(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun
