# ruff: noqa: E501 - one expression, one line: a table of patterns reads better unbroken
"""What carries a name and is nobody: products among products, laws of nature, things in small letters behind an article.

Its opinions say that nobody is named in a span; weaker opinions of lists and models that lie in it go.
"""

import re
from collections.abc import Iterator
from typing import Final

from redaction.detectors.rules.text import LOW, UP, Text, Word, is_given, is_sur
from redaction.finding import Finding
from redaction.lexicon import is_word, words
from redaction.merge import NOTHING

# More than what lists and models say of a single word; less than what an honorific or a label says with certainty.
_SCORE: Final = 0.86
_NAME: Final = rf"[{UP}][{LOW}]{{2,20}}"
# `Ohm's law`, `the Liskov principle`, `định luật Ohm`, `der Satz des Pythagoras`, `das Ohmsche Gesetz`.
_LAW: Final = re.compile(
    rf"(?<![\w-])(?P<value>{_NAME}(?:[-–]{_NAME})?)(?:['’]s?)? (?:(?:first|second|third|last|little|uncertainty|substitution) )?"
    r"(?:law|laws|constant|principle|effect|theorem|lemma|equation|equations|algorithm|syndrome|disease|paradox|number|numbers|series|transform|distribution|scale|machine|tweed|razor)(?!\w)"
)
_LAW_BEFORE: Final = re.compile(
    rf"(?i:(?<!\w)(?:định luật|định lý|định lí|hằng số|hiệu ứng|phương trình|công thức|thuật toán|hội chứng|nguyên lý|nguyên lí|bất đẳng thức|satz (?:des|von)|gesetz von)(?: (?:hai|ba|một|thứ \w{{2,3}}))?) (?P<value>{_NAME}(?:[-–]{_NAME})?)(?!\w)"
)
EXPRESSIONS: Final = (_LAW_BEFORE,)
"""What the page is asked for."""
_NEAR: Final = 80
_ARTICLES: Final = frozenset({"a", "an", "the"})
_SHORTEST: Final = 3


def find(text: Text) -> Iterator[Finding]:
    """Opinions that nobody is named."""
    for match in _LAW.finditer(text.text) if any(sign in text.page.lower for sign in _SIGNS) else ():
        yield Finding(*match.span("value"), NOTHING, _SCORE, "thing")
    for match in text.page.matches(_LAW_BEFORE):
        yield Finding(*match.span("value"), NOTHING, _SCORE, "thing")
    products = [word for word in text.words if word.lower in words("words_tech")]
    for at, word in enumerate(products):
        if any(_beside(text, word, other) for other in products[max(0, at - 1) : at + 2] if other is not word):
            yield Finding(word.start, word.end, NOTHING, _SCORE, "thing")
    yield from _small(text)


_SIGNS: Final = (
    *("law", "constant", "principle", "effect", "theorem", "lemma", "equation", "algorithm", "syndrome", "disease"),
    *("paradox", "number", "series", "transform", "distribution", "scale", "machine", "tweed", "razor"),
)


def _beside(text: Text, word: Word, other: Word) -> bool:
    """Whether another product stands near on the same line."""
    first, last = sorted((word, other), key=lambda one: one.start)
    return (
        word.lower != other.lower and last.start - first.end <= _NEAR and "\n" not in text.text[first.end : last.start]
    )


def _small(text: Text) -> Iterator[Finding]:
    """`a robin sang`, `the viola was flat`: in small letters in a text that has capitals."""
    if text.page.languages[0] != "en" or text.text == text.page.lower:
        return
    for word in text.words:
        if word.capital or len(word.lower) < _SHORTEST:
            continue
        before = text.before(word)
        listed = is_given(word.lower) or is_sur(word.lower)
        if word.lower in words("words_small") or (listed and before is not None and before.lower in _ARTICLES):
            after = text.next(word)  # a model takes a verb behind it for a surname
            end = after.end if after is not None and not after.capital and is_word(after.text) else word.end
            yield Finding(word.start, end, NOTHING, _SCORE, "thing")
