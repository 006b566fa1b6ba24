"""Long texts in pieces, so that one large body neither blocks a worker nor escapes the cache when it grows.

A window has a core, which it answers for, and margins on both sides, which only give context. Cuts depend on the
text alone: the same text is always cut the same way.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from redaction.finding import Finding, SegmentFindings
from redaction.segment import Segment

CORE: Final = 16_000
"""Code points that a window answers for: about 1 s of the slowest detector, the grain of fairness between requests."""
_LEFT: Final = 256
# The longest thing that is found whole: a 4096-bit private key in PEM is 3.3 kB.
_RIGHT: Final = 4_096
_SEARCH: Final = 2_000


@dataclass(frozen=True, slots=True)
class Window:
    """start, end: the core; left, right: the whole piece; left <= start < end <= right, offsets in the text."""

    left: int
    start: int
    end: int
    right: int

    def cut(self, segment: Segment) -> Segment:
        """The piece of the segment that this window looks at."""
        if self.left == 0 and self.right >= len(segment.text):
            return segment
        return replace(segment, text=segment.text[self.left : self.right])


def windows(text: str) -> Iterator[Window]:
    """The windows of a text; their cores follow each other without a gap. An empty text has one empty window."""
    size = len(text)
    start = 0
    while size - start > CORE + _RIGHT:
        end = _cut(text, start + CORE)
        yield Window(max(0, start - _LEFT), start, end, min(size, end + _RIGHT))
        start = end
    yield Window(max(0, start - _LEFT), start, size, size)


def _cut(text: str, wanted: int) -> int:
    """The last line end or space before `wanted`, so that no word is divided if it can be helped."""
    for mark in ("\n", " "):
        at = text.rfind(mark, wanted - _SEARCH, wanted)
        if at >= 0:
            return at + 1
    return wanted


def join(parts: Sequence[tuple[Window, SegmentFindings]]) -> SegmentFindings:
    """The findings of a text from those of its windows: each window answers for what begins in its core."""
    if len(parts) == 1:
        return parts[0][1]
    merged: list[Finding] = []
    covered = 0
    for window, found in parts:
        for finding in found.findings:
            start, end = finding.start + window.left, finding.end + window.left
            if end <= max(covered, window.start) or start >= window.end:
                continue
            # What began in the window before was answered there; its rest may be seen only in part from here.
            start = max(start, covered)
            merged.append(replace(finding, start=start, end=end))
            covered = end
    languages = [found.language for _, found in parts if found.language != "und"]
    main = max(dict.fromkeys(languages), key=languages.count) if languages else "und"
    return SegmentFindings(tuple(merged), main)
