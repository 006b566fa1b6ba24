"""A value found once in a conversation is looked for literally in all of it.

A name that was certain in turn 2 is covered in turn 7 where it stands without capitals and without context. Works on
the segments of one request; linear in their length, whatever the number of values.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from redaction.cache import SegmentFindings
from redaction.finding import Finding
from redaction.lexicon import is_place, is_word
from redaction.segment import Segment

RECOGNIZER: Final = "propagated"
_SCORE: Final = 0.85
# A shorter value (a Vietnamese given name, an age, a postal code's part) stands in ordinary text too often.
_MIN_CHARS: Final = 4
# A part of a name from this length on is looked for in small letters too: `vogelsang.txt`.
_MIN_SMALL: Final = 5
# More values than this come from a table, which was found row by row; the rest gains nothing.
MAX_LITERALS: Final = 20_000
_NEVER: Final = frozenset({"AGE", "POSTAL_CODE", "LOCATION", "RELIGION", "HEALTH", "ETHNICITY", "UNION", "POLITICS"})


@dataclass(frozen=True, slots=True)
class Literal:
    """text: what to look for. exact: only in this spelling, else in any case."""

    text: str
    entity_type: str
    exact: bool


def literals(segments: Sequence[Segment], found: Sequence[SegmentFindings]) -> list[Literal]:
    """What to look for elsewhere, sorted, so that equal conversations give equal lists."""
    values = {
        (segment.text[finding.start : finding.end], finding.entity_type)
        for segment, result in zip(segments, found, strict=True)
        for finding in result.findings
        if finding.entity_type not in _NEVER
    }
    seen: dict[tuple[str, bool], str] = {}
    for value, entity_type in values:
        for text, exact in _forms(value, entity_type):
            key = (text if exact else lower(text), exact)
            seen[key] = min(seen.get(key, entity_type), entity_type)
    ordered = sorted(seen.items())[:MAX_LITERALS]
    return [Literal(text, entity_type, exact) for (text, exact), entity_type in ordered]


def _forms(value: str, entity_type: str) -> list[tuple[str, bool]]:
    """What to look for, and whether in this spelling alone."""
    if len(value) < _MIN_CHARS or "\n" in value:
        return []
    if entity_type != "PERSON":
        # A value with a digit or a sign in it is itself in any case; a bare word is only in its own.
        return [(value, value.isalpha())]
    parts = value.split()
    forms = [(value, len(parts) == 1 and is_word(value))]
    if len(parts) > 1:
        forms += [
            (part, len(part) < _MIN_SMALL or is_place(part))
            for part in parts
            if len(part) >= _MIN_CHARS and part[:1].isupper() and part.isalpha() and not is_word(part)
        ]
    return forms


def propagate(segments: Sequence[Segment], found: Sequence[SegmentFindings]) -> list[SegmentFindings]:
    """`found` with the values of all segments looked for in each; never fewer findings than before."""
    automaton = Automaton(literals(segments, found))
    return [automaton.extend(segment, result) for segment, result in zip(segments, found, strict=True)]


class Automaton:
    """Looks for literals in texts, in one pass per text (Aho-Corasick)."""

    def __init__(self, wanted: Sequence[Literal]) -> None:
        self._automaton: Any = None
        if wanted:
            import ahocorasick  # a C extension that a process without findings need not load

            automaton = ahocorasick.Automaton()
            spellings: dict[str, list[Literal]] = {}
            for literal in wanted:
                spellings.setdefault(lower(literal.text), []).append(literal)
            for spelling, group in spellings.items():
                automaton.add_word(spelling, (len(spelling), group))
            automaton.make_automaton()
            self._automaton = automaton

    def extend(self, segment: Segment, found: SegmentFindings) -> SegmentFindings:
        """The segment's findings with the literals that stand in no finding yet; existing findings stay as they are."""
        if self._automaton is None or len(segment.text) < _MIN_CHARS:
            return found
        text, findings = segment.text, found.findings
        new: list[Finding] = []
        at, count = 0, len(findings)
        for last, (size, group) in self._automaton.iter(lower(text)):
            start, end = last + 1 - size, last + 1
            # Most hits are the findings themselves. Hits come by their ends, so one walk along the findings will do.
            while at < count and findings[at].end < end:
                at += 1
            if (at < count and findings[at].start < end) or (at and findings[at - 1].end > start):
                continue
            if _bounded(text, start, end):
                for literal in group:
                    if not literal.exact or text[start:end] == literal.text:
                        new.append(Finding(start, end, literal.entity_type, _SCORE, RECOGNIZER))
                        break
        if not new:
            return found
        return SegmentFindings(tuple(sorted((*findings, *_longest(new)))), found.language)


def _longest(new: list[Finding]) -> list[Finding]:
    """Those that do not overlap, the longest from the left."""
    kept: list[Finding] = []
    covered = 0
    for finding in sorted(new, key=lambda item: (item.start, -item.end)):
        if finding.start >= covered:
            kept.append(finding)
            covered = finding.end
    return kept


def _bounded(text: str, start: int, end: int) -> bool:
    before = start == 0 or not (text[start - 1].isalnum() and text[start].isalnum())
    after = end == len(text) or not (text[end - 1].isalnum() and text[end].isalnum())
    return before and after


def lower(text: str) -> str:
    """Lower case of the same length (some capitals, such as the dotted I, have a longer lower case)."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(char.lower() if len(char.lower()) == 1 else char for char in text)
