"""Things called after somebody: `the Bunsen burner`, `eggs Benedict`, `Boston fern`, `Kruskal-Wallis or Mann-Whitney`.

Its opinions say that nobody is named in a span, as those of `things` do. They speak of the name alone: with a given
name or an address before it somebody is named all the same.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final

from redaction.detectors.rules.text import (
    LOW,
    UP,
    Text,
    Word,
    is_all_capitals,
    is_any_surname,
    is_common,
    is_given,
    is_sur,
    places,
)
from redaction.finding import Finding
from redaction.lexicon import is_word, phrases, words
from redaction.merge import NOTHING

# More than what an honorific says of `Granny Smith`.
_CALLED: Final = 0.93
# More than what lists and models say of a single word.
_THING: Final = 0.86
# Behind an article: rather a thing, unless a list has it as a given name and more than that tells of somebody.
_ARTICLE: Final = 0.81
_NEAR: Final = 90
# Two people may be called Pauli and Wernicke; three are a lecture.
_MANY: Final = 2
_LONGEST: Final = 5
_ARTICLES: Final = frozenset({"a", "an", "the"})
_OWNERS: Final = frozenset(
    {"a", "an", "the", "my", "our", "your", "his", "her", "their", "this", "that", "some", "new", "old", "of", "with"}
)
# What is owned, done or suffered by people of one name: `the Miller account`, `the Smiths`.
_THEIRS: Final = frozenset(
    """account accounts case cases file files family families invoice invoices order orders contract contracts deal
    deals estate matter kids children brothers girl sisters boys girls twins boy house home residence party wedding
    funeral man project interview meeting call email emails letter thing situation trial lady lawsuit complaint
    claim ticket booking reservation appointment lead hire guy woman tax administration documents papers report
    visit affair murder killing""".split()  # noqa: SIM905 (a list to read)
)
_OF_MEDICINE: Final = re.compile(
    r"(?:\w{2,16}(?:itis|osis|oma|opathy|aemia|emia|plegia|trophy|phasia|ectomy|plasty)|cysts?|chorea|ataxia|angina|aphasia|sarcoma|tumou?r|reflex|lesions?|nodes?"
    r"|contracture|fracture|hernia|stain|score|triad|tetralogy|phenomenon|ulcers?|alpha|kappa|tau|rho|delta|gamma|fences|bound|axioms?|postulates?|identity|formula"
    r"|criterion|correction|estimator|method|rule|conjecture|hypothesis|paradox|dilemma|razor|fork|choice|heel|box|diagrams?|triangle|ladder|cradle|pendulum|spiral|cube)"
)
# What belongs to somebody: `die Baker-Akte`.
_THEIRS_DE: Final = tuple(
    """akte akten konto kontos vertrag vertrags auftrag rechnung familie projekt anfrage ordner mail termin fall fälle
    prozess erbe erben haus kinder zwillinge angebot meeting schwestern brüder team gruppe affäre bericht urteil
    interview hochzeit""".split()  # noqa: SIM905 (a list to read)
)
_PAIR: Final = re.compile(rf"(?<![\w-])[{UP}][{LOW}]{{1,20}}[-–][{UP}][{LOW}]{{1,20}}(?![\w-])")


@cache
def _starts() -> Mapping[str, frozenset[str]]:
    """first word -> the things that begin with it."""
    found = defaultdict(set)
    for phrase in phrases("things_called"):
        found[phrase.split(" ")[0]].add(phrase)
    return {first: frozenset(all_) for first, all_ in found.items()}


@cache
def _bases() -> frozenset[str]:
    """The words before which a possessive stands in what things are called."""
    return frozenset(first.removesuffix("'s").removesuffix("'") for first in _starts())


def find(text: Text) -> Iterator[Finding]:
    """Opinions that nobody is named."""
    english = text.page.languages[0] == "en"
    bases, known = _bases(), words("words_eponyms")
    eponyms = []
    for word in text.words:
        if word.lower in bases:
            yield from _called(text, word)
        if not word.capital:
            continue
        if word.lower in known:
            eponyms.append(word)
        if english:
            yield from _before_head(text, word)
    for word in eponyms:
        if len({other.lower for other in eponyms if _beside(text, word, other)}) >= _MANY:
            yield Finding(word.start, word.end, NOTHING, _THING, "thing")
    for match in _PAIR.finditer(text.text) if "-" in text.text or "–" in text.text else ():
        first, last = re.split("[-–]", match[0].lower())
        called = first in known and last in known
        if called or ("de" in text.page.languages and _is_compound(first, last)):
            yield Finding(match.start(), match.end(), NOTHING, _THING, "thing")


def _called(text: Text, word: Word) -> Iterator[Finding]:
    """The longest of what begins with a word, in any case but all small where one of its parts is a name."""
    last, value, longest = word, text.text[word.start : word.end].lower(), None
    behind = text.text[word.end : word.end + 2]
    if behind in ("'s", "’s"):
        value += "'s"
    starts = _starts().get(value)
    while starts is not None and last.place - word.place < _LONGEST:
        if value in starts and last is not word:
            longest = last
        gap = text.text[last.end : last.end + 3].replace("’", "'")
        following = text.words[last.place + 1] if last.place + 1 < len(text.words) else None
        if following is None or gap.removeprefix("'s")[:1] != " " or following.start > last.end + 3:
            break
        value, last = f"{value} {following.lower}", following
    if longest is not None and any(char.isupper() for char in text.text[word.start : longest.end]):
        yield Finding(word.start, longest.end, NOTHING, _CALLED, "thing")


def _before_head(text: Text, word: Word) -> Iterator[Finding]:
    """A name before what makes a thing of it; a name behind an article."""
    before, after = text.before(word), text.next(word)
    owned = text.text[word.end : word.end + 2] in ("'s", "’s")
    if owned:
        after = text.next(word, text.text[word.end : word.end + 2] + " ")
        if after is not None and _OF_MEDICINE.fullmatch(after.lower) and not is_given(word.lower):
            yield Finding(word.start, word.end, NOTHING, _THING, "thing")
    small = before is not None and before.lower in _OWNERS
    if after is not None and not after.capital and not owned and word.lower not in places():
        head = _singular(after.lower)
        if (head in words("thing_heads") and (small or not _is_called(word))) or (
            small and head in words("thing_heads_also_done")
        ):
            yield Finding(word.start, after.end, NOTHING, _THING, "thing")
            return
    if before is None or before.lower not in _ARTICLES or is_given(word.lower) or word.lower in places():
        return
    if is_all_capitals(word.text) or word.lower in phrases("countries"):
        return  # the US, a WA park
    if after is None or (not after.capital and _singular(after.lower) not in _THEIRS and after.lower not in _THEIRS):
        plural = word.lower.endswith("s") and is_sur(word.lower[:-1]) and before.lower == "the"
        if not plural and not owned:
            yield Finding(word.start, word.end, NOTHING, _ARTICLE, "thing")


def _singular(word: str) -> str:
    for ending, instead in (("ies", "y"), ("es", ""), ("s", "")):
        stem = word.removesuffix(ending) + instead
        if stem != word and (stem in words("thing_heads") or stem in words("thing_heads_also_done")):
            return stem
    return word


def _is_called(word: Word) -> bool:
    """Whether many people have it as a given name: `Anna tea is ready`."""
    return is_given(word.lower) and is_common(word.lower)


def _is_compound(first: str, last: str) -> bool:
    """`Baker-Zyste`, `Leibniz-Keks`: a German noun of its own behind the name, and nothing that is somebody's."""
    return is_word(last, "de") and not (is_given(first) or is_any_surname(last) or is_given(last) or last in _THEIRS_DE)


def _beside(text: Text, word: Word, other: Word) -> bool:
    """Whether another one of theirs stands near on the same line."""
    first, last = sorted((word, other))
    return (
        word.lower != other.lower and last.start - first.end <= _NEAR and "\n" not in text.text[first.end : last.start]
    )
