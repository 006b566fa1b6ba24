"""The lines of a text where a name can stand, so that a model does not read code, tables of numbers and separators."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from redaction.lexicon import is_word

_WORD: Final = re.compile(r"[^\W\d_]{2,}")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a text: `text` without its end, `start` its offset in code points."""

    start: int
    text: str


def lines_with_names(text: str) -> Iterator[Line]:
    """The lines that have at least one word that is not an ordinary word, in order."""
    start = 0
    for line in text.splitlines(keepends=True):
        content = line.rstrip("\r\n")
        if any(not is_word(word) for word in _WORD.findall(content)):
            yield Line(start, content)
        start += len(line)
