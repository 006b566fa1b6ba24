"""From segments to findings: every detector looks, overlaps are merged, values found once are looked for everywhere.

Segments of one request enter, positions and types leave. Synchronous and free of I/O, so a worker process, a command
and a test use the same engine; nothing here remembers a text.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Protocol, runtime_checkable

from redaction.digest import source_digest
from redaction.finding import Finding, SegmentFindings
from redaction.language import Languages
from redaction.merge import merge
from redaction.normalize import View, normalize
from redaction.propagate import propagate
from redaction.recognizers.base import SHARED, Page
from redaction.recognizers.leads import Leads
from redaction.seams import crossing, looked_at, seams
from redaction.segment import Segment
from redaction.settings import EngineSettings
from redaction.windows import join, windows

__all__ = ["Detector", "Engine", "EngineSettings", "Look", "SegmentFindings"]


# What decides about findings besides the detectors; each of those answers for its own rules and models.
_CORE: Final = (
    "normalize.py",
    "charsets.py",
    "escapes.py",
    "garbled.py",
    "windows.py",
    "merge.py",
    "propagate.py",
    "seams.py",
    "language.py",
    "lexicon.py",
    "data",
)


@dataclass(frozen=True)
class Look:
    """One text as it is put before a detector.

    view: the normalized text with its map back.
    segment: where it stood; its `hint` and `kind` are evidence.
    languages: the languages that the text may be in, likeliest first; never empty.
    leads: the beginnings of what all detectors ask the page for.
    found: what the detectors before said of it, offsets in `view.text`.
    """

    view: View
    segment: Segment
    languages: tuple[str, ...]
    leads: Leads | None = None
    found: list[Finding] = field(default_factory=list)

    @cached_property
    def page(self) -> Page:
        """The text with what several detectors need of it, made once."""
        return Page(self.view.text, self.segment.hint.lower(), self.segment.kind, self.languages, self.leads)


@runtime_checkable
class Detector(Protocol):
    """Finds personal data. One instance lives in each worker and is used by one thread.

    name: as in the settings. version: changes whenever the findings may. languages: those it finds names in.
    expressions: what it asks `Page.matches` for.
    """

    name: str
    version: str
    languages: frozenset[str]
    expressions: tuple[re.Pattern[str], ...]

    def detect(self, looks: Sequence[Look]) -> list[list[Finding]]:
        """Findings per look, offsets in `look.view.text`; they may overlap. Each depends on its own look alone."""
        ...


class Engine:
    """An ordered set of detectors over a set of languages.

    version: hex digest over everything that findings depend on; it stands in every audit record.
    """

    def __init__(self, detectors: Sequence[Detector], languages: Sequence[str]) -> None:
        self.detectors = tuple(detectors)
        self.languages = tuple(languages)
        self._leads = Leads((*SHARED, *(one for detector in self.detectors for one in detector.expressions)))
        self._identify = Languages(self.languages)
        self.version = _version(self.detectors, self.languages)

    def detect(self, segments: Sequence[Segment]) -> list[SegmentFindings]:
        """The findings of each segment of one request, same order, with literal propagation over all of them.

        Offsets are code points of the segment's own text. Raises whatever a detector raises: nothing is skipped.
        """
        joined = seams(segments)
        found = self.detect_each([*segments, *looked_at(joined)])
        known = propagate(segments, found[: len(segments)])
        return crossing(segments, known, joined, found[len(segments) :]) if joined else known

    def detect_each(self, segments: Sequence[Segment]) -> list[SegmentFindings]:
        """The findings of each segment from its own text alone, so they may be cached by it."""
        parts = [(index, window) for index, segment in enumerate(segments) for window in windows(segment.text)]
        found = self._detect_short([window.cut(segments[index]) for index, window in parts])
        per_segment: list[list[tuple[int, SegmentFindings]]] = [[] for _ in segments]
        for position, (index, _) in enumerate(parts):
            per_segment[index].append((position, found[position]))
        return [join([(parts[position][1], result) for position, result in results]) for results in per_segment]

    def _detect_short(self, segments: Sequence[Segment]) -> list[SegmentFindings]:
        looks = []
        for segment in segments:
            view = normalize(segment.text)
            looks.append(Look(view, segment, self._identify.of(view.text), self._leads))
        for detector in self.detectors:
            for look, found in zip(looks, detector.detect(looks), strict=True):
                look.found.extend(found)
        return [
            SegmentFindings(
                merge(look.segment.text, [_original(look.view, finding) for finding in look.found]), look.languages[0]
            )
            for look in looks
        ]


def _original(view: View, finding: Finding) -> Finding:
    if view.starts is None:
        return finding
    start, end = view.span(finding.start, finding.end)
    return Finding(start, end, finding.entity_type, finding.score, finding.recognizer)


def _version(detectors: Sequence[Detector], languages: Sequence[str]) -> str:
    digest = hashlib.sha256(source_digest(*_CORE).encode())
    for part in (*languages, *(f"{detector.name}={detector.version}" for detector in detectors)):
        digest.update(part.encode() + b"\n")
    return digest.hexdigest()[:16]
