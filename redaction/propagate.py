"""A value found once in a conversation is looked for literally in all of it.

A name that was certain in turn 2 is covered in turn 7 where it stands without capitals and without context. Works on
the segments of one request; linear in their length, whatever the number of values.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from redaction.finding import Finding, SegmentFindings
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
_WORD: Final = re.compile(r"\S+")
_DIGITS: Final = re.compile(r"[0-9]+")
_SIGMA: Final = "\u03a3"
_NEVER: Final = frozenset({"AGE", "POSTAL_CODE", "LOCATION", "RELIGION", "HEALTH", "ETHNICITY", "UNION", "POLITICS"})


@dataclass(frozen=True, slots=True)
class Literal:
    """text: what to look for. exact: only in this spelling, else in any case."""

    text: str
    entity_type: str
    exact: bool


class Form(NamedTuple):
    """Where in a segment something to look for elsewhere stands: places, no text. A tuple, for there are hundreds."""

    start: int
    end: int
    exact: bool
    entity_type: str


type Values = Mapping[tuple[str, bool], str]
"""What to look for: (text, whether only in this spelling), in small letters where in any -> entity type."""


def literals(segments: Sequence[Segment], found: Sequence[SegmentFindings]) -> list[Literal]:
    """What to look for elsewhere, sorted, so that equal conversations give equal lists."""
    pairs = zip(segments, found, strict=True)
    return ordered(values_of((segment.text, forms_of(segment.text, result)) for segment, result in pairs))


def values_of(texts: Iterable[tuple[str, Sequence[Form]]]) -> Values:
    """What to look for in all of them: texts, and where in each it stands."""
    seen: dict[tuple[str, bool], str] = {}
    for text, forms in texts:
        if not forms:
            continue
        # A Greek letter is smaller otherwise where a word ends: a text with it may not be cut afterwards.
        small = lower(text) if text.isascii() or _SIGMA not in text else None
        for start, end, exact, entity_type in forms:
            if exact:
                key = text[start:end], True
            else:
                key = (small[start:end] if small is not None else lower(text[start:end])), False
            if seen.setdefault(key, entity_type) > entity_type:
                seen[key] = entity_type
    return seen


def ordered(values: Values) -> list[Literal]:
    """The same as literals, sorted."""
    return [Literal(text, entity_type, exact) for (text, exact), entity_type in sorted(values.items())[:MAX_LITERALS]]


def forms_of(text: str, found: SegmentFindings) -> tuple[Form, ...]:
    """What of a segment is looked for elsewhere; it depends on the segment alone."""
    return tuple(
        form
        for finding in found.findings
        if finding.entity_type not in _NEVER
        for form in _forms(text[finding.start : finding.end], finding)
    )


def _forms(value: str, finding: Finding) -> list[Form]:
    """A value and its parts, and whether each is looked for in this spelling alone."""
    start, entity_type = finding.start, finding.entity_type
    if len(value) < _MIN_CHARS or "\n" in value:
        return []
    if entity_type != "PERSON":
        # A value with a digit or a sign in it is itself in any case; a bare word is only in its own.
        return [Form(start, finding.end, value.isalpha(), entity_type)]
    parts = list(_WORD.finditer(value))
    forms = [Form(start, finding.end, len(parts) == 1 and is_word(value), entity_type)]
    if len(parts) > 1:
        forms += [
            Form(start + at.start(), start + at.end(), len(part) < _MIN_SMALL or is_place(part), entity_type)
            for at in parts
            if len(part := at[0]) >= _MIN_CHARS and part[:1].isupper() and part.isalpha() and not is_word(part)
        ]
    return forms


class Told(NamedTuple):
    """What a text has to look for in others, as places in it.

    forms: by a keyed digest of what is looked for. words: these digests, by the hash of the longest word in it, which
    is a word of every text in which the whole is found, as nothing is found that begins or ends within a word.
    """

    forms: Mapping[bytes, Form]
    words: Mapping[int, Sequence[bytes]]


class Sought:
    """Whether some of a few values may stand in a text, asked of many texts. values: as `lower` gives them.

    Values with digits need no text in small letters: digits have no case, and mostly tell that a value is not there.
    """

    def __init__(self, values: Iterable[str]) -> None:
        self._values = tuple(values)
        runs = {value: max(_DIGITS.findall(value), key=len, default="") for value in self._values}
        self._words = tuple(value for value, run in runs.items() if not run)
        self._runs = tuple({run for run in runs.values() if run})

    def may_stand_in(self, text: str) -> bool:
        if not self._words and not any(map(text.__contains__, self._runs)):
            return False
        return any(map(lower(text).__contains__, self._values))


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
