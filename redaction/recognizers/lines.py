"""The lines of a text where a name can stand, so that a model does not read code, tables of numbers and separators."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from redaction.lexicon import is_given_name, is_word

_WORD: Final = re.compile(r"[^\W\d_]{2,}")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a text: `text` without its end, `start` its offset in code points."""

    start: int
    text: str


def lines_with_names(text: str) -> Iterator[Line]:
    """The lines that have a word which is not an ordinary word, or a capital one that is a given name as well, in order."""
    start = 0
    for line in text.splitlines(keepends=True):
        content = line.rstrip("\r\n")
        if any(not is_word(word) or (word[0].isupper() and is_given_name(word)) for word in _WORD.findall(content)):
            yield Line(start, content)
        start += len(line)
