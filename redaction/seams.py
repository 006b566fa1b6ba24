"""Values that are split over neighbouring texts of one message: `anna@exam` in one part of its content, `ple.com` in
the next. A model reads both as one, so they are looked at together where something with a form may cross.

Only what its form tells counts: two parts that end and begin with words name nobody by standing side by side. Segments
of one request enter, findings of their halves leave. Pure.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Final

from redaction.finding import ORDER, Finding, SegmentFindings
from redaction.segment import Segment

REACH: Final = 128
"""Characters on each side of a seam that are looked at: an address or a number is shorter, and most of a key."""
_PART: Final = re.compile(r"(.*/)([0-9]{1,6})(/text)", re.DOTALL)
_WORDS: Final = frozenset(
    """PERSON USERNAME AGE STREET_ADDRESS POSTAL_CODE LOCATION HEALTH RELIGION UNION POLITICS ORIENTATION ETHNICITY
    ORGANIZATION""".split()  # noqa: SIM905 (a list to read)
)
"""What is told by words rather than by a form."""
_ADDRESSES: Final = frozenset(("EMAIL_ADDRESS", "URL"))
_LAST_RUN, _FIRST_RUN = re.compile(r"\S*\Z"), re.compile(r"\S*")
_LAST_DIGITS, _FIRST_DIGITS = re.compile(r"[\d \-./()+:]*\Z"), re.compile(r"[\d \-./()+:]*")
_FEWEST_DIGITS: Final = 6  # of a number that is found without words around it; an address has four at least
_ADDRESS: Final = re.compile(r"[0-9a-fA-F.:]{7,}")
_SHORTEST_KEY: Final = 16
_NEAR: Final = 40  # characters of a number in groups, behind a letter or two that the seam divides


@dataclass(frozen=True, slots=True)
class Seams:
    """Parts of one message that follow each other. places: of the segments; ends: of their texts, put together.

    windows: where in all of it something may cross a seam.
    """

    places: tuple[int, ...]
    ends: tuple[int, ...]
    windows: tuple[tuple[int, int], ...]
    segments: tuple[Segment, ...]

    def halves(self, finding: Finding, window: int) -> list[tuple[int, Finding]]:
        """A finding in a window, part by part: (place of the segment, finding there); none where it crosses nothing."""
        start, end = (at + self.windows[window][0] for at in (finding.start, finding.end))
        first, last = bisect_right(self.ends, start), bisect_right(self.ends, end - 1)
        found = []
        for part in range(first, last + 1) if last > first else ():
            begin = self.ends[part - 1] if part else 0
            half = replace(finding, start=max(start, begin) - begin, end=min(end, self.ends[part]) - begin)
            if half.start < half.end:
                found.append((self.places[part], half))
        return found


def seams(segments: Sequence[Segment]) -> list[Seams]:
    """The neighbours of a request between which something may cross; mostly none."""
    return [made for places in _runs(segments) if (made := _made(segments, places)).windows]


def looked_at(joined: Sequence[Seams]) -> list[Segment]:
    """What has to be looked at besides the segments themselves."""
    return [segment for one in joined for segment in one.segments]


def crossing(
    segments: Sequence[Segment],
    found: Sequence[SegmentFindings],
    joined: Sequence[Seams],
    seen: Sequence[SegmentFindings],
) -> list[SegmentFindings]:
    """The findings of the segments with what crosses from one into the next. seen: of each text of `looked_at`."""
    more: dict[int, list[Finding]] = {}
    answers = iter(seen)
    for one in joined:
        for window in range(len(one.windows)):
            for finding in next(answers).findings:
                halves = one.halves(finding, window) if finding.entity_type not in _WORDS else []
                if halves and not _is_whole(segments, found, halves):
                    for place, half in halves:
                        more.setdefault(place, []).append(half)
    result = list(found)
    for place, own in more.items():
        result[place] = replace(found[place], findings=_united([*found[place].findings, *own]))
    return result


def _runs(segments: Sequence[Segment]) -> Iterator[list[int]]:
    run: list[int] = []
    after: tuple[str, int, str] | None = None
    for place, segment in enumerate(segments):
        part = _PART.fullmatch(segment.pointer) if segment.pointer.endswith("/text") else None
        if part is None:
            continue  # what stands beside the words of a part
        before, number, behind = part[1], int(part[2]), part[3]
        if run and after == (before, number, behind) and segments[run[-1]].kind == segment.kind:
            run.append(place)
        else:
            if len(run) > 1:
                yield run
            run = [place]
        after = (before, number + 1, behind)
    if len(run) > 1:
        yield run


def _made(segments: Sequence[Segment], places: Sequence[int]) -> Seams:
    texts = [segments[place].text for place in places]
    text, ends = "".join(texts), tuple(accumulate(map(len, texts)))
    pairs: list[tuple[int, int]] = []
    wide: list[tuple[int, int]] = []
    begins = (0, *ends)
    for part, at in enumerate(ends[:-1]):
        start, end = max(0, at - REACH), min(len(text), at + REACH)
        if start == at or end == at or not _may_cross(text[start:at], text[at:end]):
            continue
        # Two parts by themselves, as a word of a third would stand right beside the value; and all that are near.
        pairs.append((max(start, begins[part]), min(end, ends[part + 1])))
        if wide and start <= wide[-1][1]:
            wide[-1] = (wide[-1][0], end)
        else:
            wide.append((start, end))
    windows = sorted({*(one for one in pairs if one[0] < one[1]), *wide})
    first = segments[places[0]]
    cut = tuple(replace(first, text=text[start:end]) for start, end in windows)
    return Seams(tuple(places), ends, tuple(windows), cut)


def _may_cross(before: str, after: str) -> bool:
    """Whether a value with a form may go on behind a seam: asked of its characters, as detection costs far more."""
    left, right = _run(_LAST_RUN, before), _run(_FIRST_RUN, after)
    if left and right:
        run = left + right
        if "@" in run or (len(run) >= _SHORTEST_KEY and _digits(run)) or _ADDRESS.search(run):
            return True
        if _digits(before[-_NEAR:]) + _digits(after[:_NEAR]) >= _FEWEST_DIGITS:
            return True
    digits = [_digits(part) for part in (_run(_LAST_DIGITS, before), _run(_FIRST_DIGITS, after))]
    return all(digits) and sum(digits) >= _FEWEST_DIGITS


def _digits(text: str) -> int:
    return sum(map(str.isdigit, text))


def _run(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    assert match is not None
    return match[0]


def _is_whole(
    segments: Sequence[Segment], found: Sequence[SegmentFindings], halves: Sequence[tuple[int, Finding]]
) -> bool:
    """Whether the first half was an address by itself, behind which a word begins: `anna@example.com`, `Best …`."""
    (place, half), (behind, other) = halves[0], halves[1]
    if half.entity_type not in _ADDRESSES or not segments[behind].text[other.start].isupper():
        return False
    alone = (half.start, half.end, half.entity_type)
    return any((one.start, one.end, one.entity_type) == alone for one in found[place].findings)


def _united(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Sorted, those that overlap as one: of the longest's type."""
    united: list[Finding] = []
    for one in sorted(findings, key=ORDER):
        last = united[-1] if united else None
        if last is None or one.start >= last.end:
            united.append(one)
            continue
        longest = max(last, one, key=lambda each: (each.end - each.start, each.score))
        united[-1] = replace(longest, start=last.start, end=max(last.end, one.end))
    return tuple(united)
