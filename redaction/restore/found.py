"""What the automaton answers: this placeholder from here to there, not yet decided, or where in a text each stands.

Values only; the original that an entry holds never enters an error.
"""

from dataclasses import dataclass
from typing import Final

from redaction.restore.brackets import Opener


@dataclass(frozen=True, slots=True)
class Entry:
    """One placeholder of the set and what it stands for."""

    token: str
    label: str
    ident: str
    value: str


@dataclass(frozen=True, slots=True)
class Match:
    """A placeholder from the position asked to `end`, spelled with `opener`."""

    end: int
    entry: Entry
    opener: Opener


@dataclass(frozen=True, slots=True)
class Span:
    """Where a placeholder of the set stands in a text, in any spelling. start, end: code points, half open."""

    start: int
    end: int
    token: str


class Undecided:
    """The automaton is still alive at the end of the text."""


UNDECIDED: Final = Undecided()
