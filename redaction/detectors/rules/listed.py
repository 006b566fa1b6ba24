"""Names that stand in a list, alone or with their neighbours; in German also pairs of words that no list knows."""

import re
from collections.abc import Iterator
from typing import Final

from redaction.detectors.rules.addressed import may_be_called
from redaction.detectors.rules.text import (
    Text,
    Word,
    composed_places,
    is_all_capitals,
    is_common,
    is_given,
    is_sur,
    places,
)
from redaction.finding import Finding
from redaction.lexicon import is_inflected, is_word, words

_PARTICLES: Final = words("name_particles")
_INITIAL: Final = re.compile(r" [A-ZÄÖÜ]\.?(?= )")
_PLACED_BY: Final = words("place_prepositions")
_AT_THE: Final = frozenset({"am", "ans", "im", "ins"})
_SIGNS: Final = ",.;:!?)\n"
_SHORTEST: Final = 3
_LONGEST_SYLLABLE: Final = 5
# A name of the derived lists counts in small letters from this length on.
_LEAST_RARE: Final = 6


def find(text: Text) -> Iterator[Finding]:
    """Given names with the surnames behind them; surnames alone; pairs of unknown capitalised words."""
    after = -1
    for word in text.words:
        if word.place <= after or not (word.capital or is_given(word.lower)):
            continue
        taken = _begun(text, word)
        if taken is None:
            continue
        last, score = taken
        after = last.place
        end = last.end
        if last.lower.endswith("s") and not is_given(last.lower) and is_given(last.lower[:-1]):
            end -= 1  # the German genitive: Annas Auto
        if not text.is_company(end):
            yield Finding(word.start, end, "PERSON", score, "name_listed")


def _begun(text: Text, word: Word) -> tuple[Word, float] | None:
    if _is_given(text, word):
        return _given(text, word)
    if not word.capital or (is_all_capitals(word.text) and len(word.text) < 4):
        return None
    following = text.next(word)
    named = text.next(word, ", ")
    if named is not None and named.capital and _is_given(text, named):
        if is_sur(word.lower):
            return word, 0.8  # Müller, Anna
        if is_all_capitals(word.text) and not is_word(word.text):
            return word, 0.7  # BRADLER, Christian
    if is_sur(word.lower):
        rare = text.page.languages[0] == "de" and not is_common(word.lower)  # rather a noun that no list has
        if not rare and not is_word(word.text) and not is_all_capitals(word.text) and not _is_thing(text, word):
            return (_extended(text, word) if following and not is_word(following.text) else word), 0.55
        return None
    return _unknown_pair(text, word, following)


def _is_given(text: Text, word: Word) -> bool:
    if len(word.lower) < _SHORTEST and not word.capital:
        return False
    if is_given(word.lower):
        return True
    return (
        word.capital
        and len(word.lower) > 4
        and word.lower.endswith("s")
        and is_given(word.lower[:-1])
        and not is_word(word.text)
    )


def _given(text: Text, word: Word) -> tuple[Word, float] | None:
    following = text.next(word)
    if following is not None and f"{word.lower} {following.lower}" in composed_places():
        return None  # Ben Nevis
    last = _extended(text, word)
    if word.capital:
        ordinary = text.ordinary(word.text)
        if is_all_capitals(word.text) and (len(word.text) < 3 or ordinary):
            return None
        if last is word and (ordinary or _placed(text, word) or _is_stood_at(text, word)):
            return None
        if ordinary and text.page.languages[0] == "de" and not is_sur(last.lower):
            return None  # a German noun before an unknown word
        if last is word and text.text[max(0, word.start - 4) : word.start] in ("St. ", " St ", "nkt "):
            return None  # a church or a town
        if text.only_vietnamese and len(word.lower) <= 4 and last is word:
            return None
        return last, 0.85 if last is not word else 0.75
    if text.text[word.end : word.end + 1] == "(":
        return None  # a function of a program: len(x), max(x)
    if text.ordinary(word.text) or (
        text.only_vietnamese and word.lower.isascii() and len(word.lower) <= _LONGEST_SYLLABLE
    ):
        return None
    if not is_common(word.lower) and (len(word.lower) < _LEAST_RARE or is_inflected(word.lower)):
        return None
    return last, 0.75 if last is not word else 0.6


def _is_stood_at(text: Text, word: Word) -> bool:
    """`am Kai`, `im Bach`: nobody has this article."""
    before = text.before(word)
    return before is not None and before.lower in _AT_THE and text.page.languages[0] == "de"


def _extended(text: Text, word: Word) -> Word:
    """The last word of the name that begins with a word: initials, particles and up to three more names."""
    last, taken = word, 0
    while taken < 3:
        initial = _INITIAL.match(text.text, last.end)
        following = _at(text, last, initial.end() + 1) if initial else text.next(last)
        reached = following
        steps = 0
        while reached and reached.text in _PARTICLES and steps < 2:
            reached, steps = text.next(reached), steps + 1
        if reached is None or not _goes_on(text, word, reached, particle=steps > 0):
            break
        last, taken = reached, taken + 1
    return last


def _at(text: Text, word: Word, position: int) -> Word | None:
    return next((later for later in text.words[word.place + 1 : word.place + 4] if later.start == position), None)


def _goes_on(text: Text, first: Word, word: Word, *, particle: bool) -> bool:
    if first.capital != word.capital:
        return False
    listed = is_sur(word.lower) or is_given(word.lower)
    if not word.capital:
        return (listed or len(word.text) > _SHORTEST + 1) and not text.ordinary(word.text)
    if is_all_capitals(word.text) and not is_all_capitals(first.text) and len(word.text) < 4:
        return False
    if word.lower in places() and not listed:
        return False
    if is_word(word.text) and not listed and "de" in text.page.languages and _ends_sentence(text, word):
        return may_be_called(word.text)  # Anna Sonnenschein
    return particle or not is_word(word.text) or (listed and not _is_sentence_word(text, word))


def _ends_sentence(text: Text, word: Word) -> bool:
    """Whether a sign or what people do stands behind a word."""
    following = text.next(word)
    if following is not None:
        return following.lower in words("person_verbs_after")
    return text.text[word.end : word.end + 1] in _SIGNS and text.text[word.end : word.end + 1] != ""


def _is_sentence_word(text: Text, word: Word) -> bool:
    """A capital word that is ordinary as well as a name: a name only where the sentence does not go on with it."""
    following = text.next(word)
    return following is not None and following.capital and is_word(following.text) and "de" in text.page.languages


def _is_thing(text: Text, word: Word) -> bool:
    """Whether a lone surname is a place or stands behind an article."""
    before = text.before(word)
    return _placed(text, word) or (before is not None and before.lower in words("articles"))


def _placed(text: Text, word: Word) -> bool:
    if word.lower not in places():
        return False
    before = text.before(word)
    return before is not None and before.lower in _PLACED_BY


def _unknown_pair(text: Text, word: Word, following: Word | None) -> tuple[Word, float] | None:
    """Two capital words that no list knows: in German, where models are rare, rather a name than anything else.

    An unknown word before a listed surname is a name in every language.
    """
    if is_word(word.text) or len(word.text) < _SHORTEST:
        return None
    initial = _INITIAL.match(text.text, word.end)
    if initial and (last := _at(text, word, initial.end() + 1) or _at(text, word, initial.end())):
        # "Faina D. Yefremova": an initial between two unknown words is a name in every language.
        return (last, 0.7) if last.capital and not is_word(last.text) else None
    if following is None or not following.capital:
        return None
    if word.lower in places() or _is_thing(text, word) or any(is_all_capitals(one.text) for one in (word, following)):
        return None
    if is_sur(following.lower):
        return (following, 0.7) if not is_word(following.text) or not text.begins(word) else None
    if text.page.languages[0] != "de" or is_word(following.text) or len(following.text) < _SHORTEST:
        return None
    if _looks_made(word.text) or _looks_made(following.text) or following.lower in places():
        return None
    third = text.next(following)
    if third is not None and third.capital and not is_word(third.text):
        return (third, 0.45) if not _looks_made(third.text) else None
    return following, 0.5


def _looks_made(word: str) -> bool:
    """Brand and product names: a capital inside."""
    return sum(char.isupper() for char in word) > 1 + word.count("-")
