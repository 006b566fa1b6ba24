"""Findings that many transfers have alike are kept once, under the first that had them.

Rows of findings were a seventh of an append; traffic of one kind finds the same again and again. What was seen is only
remembered here, so a set that is forgotten is written once more, and no answer depends on it.
"""

from typing import Any

SPAN = 65_536
"""Entries within which rows are shared, counted from the begin of the log: sealing, which removes transfers from the
begin on, has to look no further for who still needs a row."""
MOST = 4_096
"""Sets that are remembered: a few megabytes."""

type Found = tuple[tuple[tuple[Any, ...], ...], tuple[int, ...]]
"""The findings of a transfer as their rows have them, and how many there are of each."""


class Alike:
    """Which transfer had the same findings first; used under the writer's lock.

    Between `begin` and `committed` nobody else writes. Where somebody has written in between, all is forgotten: a
    sealing may have been recorded, which removes rows of entries before its record.
    """

    def __init__(self) -> None:
        self._first: dict[Found, int] = {}
        self._span = self._size = -1

    def begin(self, size: int) -> "Alike":
        """Says that a batch begins in a log of that size."""
        if self._size != size:
            self._first.clear()
        self._size = -1
        return self

    def first(self, index: int, found: Found) -> int | None:
        """Index of the transfer whose rows are those of the one at `index`, None where it has to have its own."""
        if index // SPAN != self._span or len(self._first) >= MOST:
            self._first.clear()
            self._span = index // SPAN
        known = self._first.setdefault(found, index)
        return None if known == index else known

    def committed(self, size: int) -> None:
        """Says that the transaction has ended well; before that nothing is remembered."""
        self._size = size
