"""Where in a text values stand, as one operation that cuts all of them out of it.

The old texts of a conversation come again with every turn, with hundreds of values at the same places, and a step of
the interpreter for each of them is what a turn then costs. Numbers are kept here, no text.
"""

from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter

type Cut = Callable[[str], Sequence[str]]
"""A text in, what stands at the places of one that is like it out."""


def cut(spans: Iterable[tuple[int, int]]) -> Cut:
    """What cuts a text at these places (start, end; code points)."""
    places = [slice(start, end) for start, end in spans]
    return itemgetter(*places) if len(places) > 1 else lambda text: tuple([text[place] for place in places])
