"""Where in a text a name can stand, sentence by sentence, so that a model does not read code, numbers and small talk."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

from redaction.lexicon import is_given_name, is_place, is_word

_WORD: Final = re.compile(r"[^\W\d_]{2,}")
# A sentence's end, not an initial's or an abbreviation's full stop; what follows begins with a capital.
_END: Final = re.compile(r"(?<=[^\W\d_]{3}[.!?…]) (?=[A-ZÄÖÜ\"“„'(])")

_SHORT: Final = 200
"""A line up to this length is read whole: its sentences are each other's only context."""


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence or line of a text: `text` without its end, `start` its offset in code points."""

    start: int
    text: str


def lines_with_names(text: str, covered: Sequence[tuple[int, int]] = ()) -> Iterator[Line]:
    """The sentences with a word that may be a name, in order; neighbours on a line that both have one together.

    A capital or a place must be there, and a word that is no ordinary one, or is a given name as well.
    covered: sorted spans of which is known what they are; no word in them counts.
    """
    start = 0
    for line in text.splitlines(keepends=True):
        content = line.rstrip("\r\n")
        yield from _sentences(start, content, covered)
        start += len(line)


def _sentences(start: int, line: str, covered: Sequence[tuple[int, int]]) -> Iterator[Line]:
    begun, at = -1, 0
    ends = [match.start() for match in _END.finditer(line)] if len(line) > _SHORT else []
    for end in (*ends, len(line)):
        if _may_name(start + at, line[at:end], covered):
            begun = at if begun < 0 else begun
        elif begun >= 0:
            yield Line(start + begun, line[begun : at - 1])
            begun = -1
        at = end + 1
    if begun >= 0:
        yield Line(start + begun, line[begun:])


def _may_name(start: int, sentence: str, covered: Sequence[tuple[int, int]]) -> bool:
    words = list(_WORD.finditer(sentence))
    return any(match[0][0].isupper() or is_place(match[0]) for match in words) and any(
        not _is_covered(start + match.start(), covered)
        and (not is_word(match[0]) or (match[0][0].isupper() and is_given_name(match[0])))
        for match in words
    )


def _is_covered(at: int, covered: Sequence[tuple[int, int]]) -> bool:
    before = bisect_right(covered, at, key=itemgetter(0)) - 1
    return before >= 0 and covered[before][1] > at
