"""Stand-ins in a text: made-up values that restore looks for letter by letter, where a word begins and ends.

The texts looked for enter, what they stand for does not. Other case or spelling is another word and stays.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator

from redaction.stand_ins import MIN_LENGTH

_WORD_BEGINS = re.compile(rf"(?<!\w)(?=([\w+].{{{MIN_LENGTH - 1}}}))", re.DOTALL)


class Literals:
    """Immutable. texts: of at least four characters each."""

    __slots__ = ("_heads", "_lengths", "_sorted", "_texts")

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = frozenset(texts)
        self._sorted = sorted(self._texts)
        self._heads = {text[:MIN_LENGTH] for text in self._texts}
        self._lengths = sorted({len(text) for text in self._texts}, reverse=True)

    def __bool__(self) -> bool:
        return bool(self._texts)

    def may_stand_in(self, text: str) -> bool:
        """Whether one may stand in a text: far cheaper to ask than where."""
        return bool(self._texts) and not self._heads.isdisjoint(_WORD_BEGINS.findall(text))

    def begins(self, text: str) -> Iterator[int]:
        """Where in a complete text one may begin."""
        if self._texts:
            heads = self._heads
            yield from (match.start() for match in _WORD_BEGINS.finditer(text) if match[1] in heads)

    def match(self, text: str, at: int, *, final: bool) -> tuple[str | None, bool]:
        """The longest one that begins at `at` (where a word does), and whether more text could change the answer."""
        head = text[at : at + MIN_LENGTH]
        if len(head) == MIN_LENGTH and head not in self._heads:
            return None, False
        alive = not final and self._continues(text[at : at + self._lengths[0]]) and at + self._lengths[0] > len(text)
        for length in self._lengths:
            found = text[at : at + length]
            if len(found) == length and found in self._texts:
                ends, open_end = _ends(text, at + length, final)
                if ends or open_end:
                    return (found if ends else None), alive or open_end
        return None, alive

    def _continues(self, begun: str) -> bool:
        """Whether a longer one begins with these characters."""
        place = bisect_left(self._sorted, begun)
        if place < len(self._sorted) and self._sorted[place] == begun:
            place += 1
        return place < len(self._sorted) and self._sorted[place].startswith(begun)


def _ends(text: str, end: int, final: bool) -> tuple[bool, bool]:
    """Whether a word ends there, a German or English `s` behind it allowed; and whether that is still open."""
    if end == len(text):
        return final, not final
    if not is_word(text[end]):
        return True, False
    if text[end] != "s":
        return False, False
    if end + 1 == len(text):
        return final, not final
    return not is_word(text[end + 1]), False


def is_word(char: str) -> bool:
    """Whether a character belongs to a word; "" does not."""
    return char.isalnum() or char == "_"
