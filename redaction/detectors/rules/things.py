# ruff: noqa: E501 - one expression, one line: a table of patterns reads better unbroken
"""What carries a name and is nobody: products among products, laws of nature, things in small letters behind an article.

Its opinions say that nobody is named in a span; weaker opinions of lists and models that lie in it go.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from redaction.detectors.rules.text import LOW, UP, Text, Word, is_given, is_sur
from redaction.finding import Finding
from redaction.lexicon import words
from redaction.merge import NOTHING

# More than what lists and models say of a single word; less than what an honorific or a label says with certainty.
_SCORE: Final = 0.86
_NAME: Final = rf"[{UP}][{LOW}]{{2,20}}"
# `Ohm's law`, `the Liskov principle`, `định luật Ohm`, `der Satz des Pythagoras`, `das Ohmsche Gesetz`.
_LAW: Final = re.compile(
    rf"(?<![\w-])(?P<value>{_NAME}(?:[-–]{_NAME})?)(?:['’]s?)? (?:(?:first|second|third|last|little|uncertainty|substitution) )?"
    r"(?:laws?|constant|principle|effect|theorem|lemma|equations?|algorithm|syndrome|disease|paradox|transform(?:ation)?|distribution|tweed|razor|inequality"
    r"|conjecture|manoeuvre|maneuver|palsy|lymphoma|reflex|coefficient|polynomials?|integral|metric)(?!\w)"
)
# What people have as well: `Peter's number`, `Anna's test` are theirs, `a Reynolds number` is nobody's.
_LAW_COMMON: Final = re.compile(
    rf"(?<![\w-])(?P<value>{_NAME}(?:[-–]{_NAME})?) (?:numbers?|series|scale|machines?|test|matrix|process)(?!\w)"
)
_LAW_BEFORE: Final = re.compile(
    rf"(?i:(?<!\w)(?:định luật|định lý|định lí|hằng số|hiệu ứng|phương trình|công thức|thuật toán|hội chứng|nguyên lý|nguyên lí|bất đẳng thức|bổ đề|biến đổi|ma trận|chuỗi|phân phối"
    rf"|satz (?:des|von)|gesetz von|lemma von|algorithmus von|morbus|chuẩn)(?: (?:hai|ba|một|thứ \w{{2,3}}))?) (?P<value>{_NAME}(?:[-–]{_NAME})?)(?!\w)"
)
# `Householder-Transformation`, `Euler-Lagrange-Gleichung`: one German word.
_LAW_JOINED: Final = re.compile(
    rf"(?<![\w-])(?P<value>{_NAME}(?:[-–]{_NAME})?)[-–](?:Gleichung(?:en|ssystem)?|Transformation(?:en)?|Reihen?|Verteilung|Konstanten?|Effekte?s?|Tests?|Syndroms?|Krankheit|Zahl(?:en)?"
    r"|Normalform|Matrix|Matrizen|Ungleichung|Algorithmus|Verfahrens?|Methode|Prinzips?|Integrals?|Raum|Räume|Gruppen?|Polynome?|Funktion(?:en)?|Maschinen?|Skala|Lemmas?|Modells?|Diagramme?|Kurve)(?!\w)"
)
EXPRESSIONS: Final = (_LAW_BEFORE,)
"""What the page is asked for."""
# With a digit it is a product: `Log4j`.
_MEMBER: Final = re.compile(rf"[{UP}][{LOW}{UP}0-9]{{2,24}}(?:-[{UP}][{LOW}]{{2,20}})?")
_ENUMERATED: Final = re.compile(
    rf"(?<![\w-]){_MEMBER.pattern}(?:(?:, | und | oder | and | or | & | với | và | hay |, und |, and |, or |/){_MEMBER.pattern}){{1,12}}(?![\w-])"
)
# More than what any model says of a name.
_BESIDE: Final = 0.81
_NEAR: Final = 80
_SURE: Final = 2
_ARTICLES: Final = frozenset({"a", "an", "the"})
_SHORTEST: Final = 3


def find(text: Text) -> Iterator[Finding]:
    """Opinions that nobody is named."""
    for match in _LAW.finditer(text.text) if any(sign in text.page.lower for sign in _SIGNS) else ():
        yield Finding(*match.span("value"), NOTHING, _SCORE, "thing")
    for match in _LAW_COMMON.finditer(text.text) if any(sign in text.page.lower for sign in _COMMON_SIGNS) else ():
        if not is_given(match["value"].lower()):
            yield Finding(*match.span("value"), NOTHING, _SCORE, "thing")
    for match in text.page.matches(_LAW_BEFORE):
        yield Finding(*match.span("value"), NOTHING, _SCORE, "thing")
    for match in _LAW_JOINED.finditer(text.text) if "-" in text.text or "–" in text.text else ():
        if not is_given(match["value"].lower()):
            yield Finding(match.start(), match.end(), NOTHING, _SCORE, "thing")
    products = [word for word in text.words if word.lower in _products()]
    for at, word in enumerate(products):
        if any(_beside(text, word, other) for other in products[max(0, at - 1) : at + 2] if other is not word):
            yield Finding(word.start, word.end, NOTHING, _SCORE, "thing")
    yield from _listed_with(text)
    yield from _small(text)


_SIGNS: Final = (
    *("law", "constant", "principle", "effect", "theorem", "lemma", "equation", "algorithm", "syndrome", "disease"),
    *("paradox", "transform", "distribution", "tweed", "razor", "inequality", "conjecture", "manoeuvre", "maneuver"),
    *("palsy", "lymphoma", "reflex", "coefficient", "polynomial", "integral", "metric"),
)
_COMMON_SIGNS: Final = ("number", "series", "scale", "machine", "test", "matrix", "process")


@cache
def _products() -> frozenset[str]:
    return words("words_tech") | words("words_things")


@cache
def _things() -> frozenset[str]:
    return _products() | words("words_de_things")


def _listed_with(text: Text) -> Iterator[Finding]:
    """`Mangold, Kohlrabi und Xyz`: what is listed with things in one breath is a thing, unless a list has it as a name."""
    for match in _ENUMERATED.finditer(text.text):
        members = [
            (found.start(), found.end(), found[0].lower()) for found in _MEMBER.finditer(text.text, *match.span())
        ]
        if 2 * sum(value in _things() for _, _, value in members) < len(members):
            continue
        if any(is_given(value) and value not in _things() and not is_sur(value) for _, _, value in members):
            continue  # people among companies: `Siemens, Anna und ich`
        sure = sum(value in _things() for _, _, value in members) >= _SURE
        for start, end, value in members:
            # Among several things a surname is one of them: `Netty, Mockito and Jackson`.
            if value not in _things() and (sure or not is_sur(value)):
                yield Finding(start, end, NOTHING, _BESIDE, "thing")


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
    alone = words("words_small")
    for word in text.words:
        if word.capital or len(word.lower) < _SHORTEST:
            continue
        if word.lower not in alone:
            if not (is_given(word.lower) or is_sur(word.lower)):
                continue
            before = text.before(word)
            if before is None or before.lower not in _ARTICLES:
                continue
        after = text.next(word)  # a model takes a verb behind it for a surname
        end = after.end if after is not None and not after.capital else word.end
        yield Finding(word.start, end, NOTHING, _SCORE, "thing")
