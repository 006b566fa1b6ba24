"""Findings that many transfers have alike are kept once, under the first that had them.

Rows of findings were a seventh of an append; traffic of one kind finds the same again and again. What was seen is only
remembered here, so a set that is forgotten is written once more, and no answer depends on it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

SPAN = 65_536
"""Entries within which rows are shared, counted from the begin of the log: sealing, which removes transfers from the
begin on, has to look no further for who still needs a row."""
MOST = 4_096
"""Sets that are remembered: a few megabytes."""

type Said = tuple[str, str, int, str | None, str | None, str | None]
"""A finding as its row has it: kind of data, operator, how many, rule, recognizer, language."""
type Found = tuple[str, str, str | None, str | None, str | None]
"""The same without how many."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found in transfers. first: index of the first of them; numbers: how many of each; total: of all."""

    first: int
    found: tuple[Found, ...]
    numbers: tuple[int, ...]
    total: int

    @classmethod
    def of(cls, first: int, said: Sequence[Said]) -> "Findings":
        """From what its rows say."""
        found = tuple([(kind, operator, *rest) for kind, operator, _, *rest in said])
        numbers = tuple([one[2] for one in said])
        return cls(first, found, numbers, sum(numbers))  # type: ignore[arg-type]


NONE = Findings(-1, (), (), 0)


class Alike:
    """Which transfer had the same findings first; used under the writer's lock.

    Between `begin` and `committed` nobody else writes. Where somebody has written in between, all is forgotten: a
    sealing may have been recorded, which removes rows of entries before its record.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[Said, ...], Findings] = {}
        self._span = self._size = -1

    def begin(self, size: int) -> "Alike":
        """Says that a batch begins in a log of that size."""
        if self._size != size:
            self._known.clear()
        self._size = -1
        return self

    def of(self, index: int, said: tuple[Said, ...]) -> Findings:
        """The findings of the transfer at that index; its rows are written where it is the first that had them."""
        span = index // SPAN
        known = self._known.get(said) if span == self._span else None
        if known is None:
            if span != self._span or len(self._known) >= MOST:
                self._known.clear()
                self._span = span
            known = self._known[said] = Findings.of(index, said)
        return known

    def committed(self, size: int) -> None:
        """Says that the transaction has ended well; before that nothing is remembered."""
        self._size = size
