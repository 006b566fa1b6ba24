"""The pairs of brackets in which a placeholder is recognized: ours, doubled, and as other formats escape them.

A closed table; texts do not enter here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Opener:
    """A pair of brackets around a placeholder, in lower case. square: the closing one may be lost."""

    open: str
    close: str
    square: bool = True


def _pairs() -> Mapping[str, tuple[Opener, ...]]:
    pairs = (
        Opener("[", "]"), Opener("[[", "]]", square=False), Opener("\\[", "\\]"), Opener("\\u005b", "\\u005d"),
        Opener("\\u003c", "\\u003e", square=False), Opener("%5b", "%5d"), Opener("%3c", "%3e", square=False),
        Opener("&#91;", "&#93;"), Opener("&#x5b;", "&#x5d;"), Opener("&lsqb;", "&rsqb;"),
        Opener("&lbrack;", "&rbrack;"), Opener("&lt;", "&gt;", square=False), Opener("&#60;", "&#62;", square=False),
        Opener("<", ">", square=False), Opener("［", "］"), Opener("【", "】"),
    )  # fmt: skip
    table: dict[str, tuple[Opener, ...]] = {}
    for pair in pairs:
        table[pair.open[0]] = (*table.get(pair.open[0], ()), pair)
    return MappingProxyType(table)


OPENERS: Final = _pairs()
LOST: Final = Opener("", "]")
NONE: Final = Opener("", "")
"""Around a stand-in, which has none."""
DOUBLED: Final = "[["
