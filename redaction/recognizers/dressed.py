"""Values with markup, comments or emoji inside of them: looked at without, covered as they stand.

What is taken out for the look stays in the text that everybody else looks at: an attribute may hold a value itself.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final

from redaction.finding import Finding
from redaction.recognizers.base import Page, Recognizer

_INLINE: Final = (
    "a|abbr|b|bdi|bdo|big|code|data|del|em|font|i|ins|kbd|mark|nobr|s|samp|small|span|strong|sub|sup|time|u|var"
)
_MARKUP: Final = rf"</?(?:{_INLINE})(?:\s[^<>]{{0,300}})?>|<!--[^<>]{{0,300}}-->|\[/?(?:b|i|u|s|color|size|font)(?:=[^\]\s]{{0,20}})?\]"
_EMOJI: Final = "[\U0001f000-\U0001faff\u25a0-\u25ff\u2600-\u27bf\u2b00-\u2bff]"
_DRESS: Final = re.compile(rf"(?:{_MARKUP})+|[ ]?{_EMOJI}{{1,3}}(?=[ ]?[0-9])|{_EMOJI}{{1,3}}(?![\s])", re.IGNORECASE)
# Only where a value may go on behind it is the text worth a second look.
_INSIDE: Final = re.compile(
    rf"[\w.+@-][ ]?(?:{_MARKUP})+[ ]?[\w.+@(]|[0-9][ ]?{_EMOJI}{{1,3}}[ ]?[0-9]|[A-Za-z.@]{_EMOJI}{{1,3}}[A-Za-z.@]",
    re.IGNORECASE,
)
_SURE: Final = 0.75


class Dressed:
    """Values that `inner` finds once the dress is off; a finding covers what stands inside of it."""

    name = "dressed"
    expressions: tuple[re.Pattern[str], ...] = ()
    needed = None

    def __init__(self, inner: Sequence[Recognizer]) -> None:
        self._inner = tuple(inner)
        self.entity_types = tuple(dict.fromkeys(kind for one in self._inner for kind in one.entity_types))

    def find(self, page: Page) -> Iterator[Finding]:
        text = page.text
        if ("<" not in text and "[" not in text and text.isascii()) or not _INSIDE.search(text):
            return
        kept = _kept(text)
        begins = [0, *accumulate(end - start for start, end in kept)]
        bare = Page("".join(text[start:end] for start, end in kept), page.hint, page.kind, page.languages)
        for found in (one for recognizer in self._inner for one in recognizer.find(bare)):
            first, last = (bisect_right(begins, at) - 1 for at in (found.start, found.end - 1))
            if first < last and found.score >= _SURE:
                start = kept[first][0] + found.start - begins[first]
                end = kept[last][0] + found.end - begins[last]
                yield Finding(start, end, found.entity_type, found.score, self.name)


def _kept(text: str) -> list[tuple[int, int]]:
    """The spans of a text between what is taken out, none of them empty."""
    bounds = [0, *(at for match in _DRESS.finditer(text) for at in match.span()), len(text)]
    return [(start, end) for start, end in zip(bounds[::2], bounds[1::2], strict=True) if start < end]
