"""Capital words that no list knows, taken for a person or a place by what is done around them.

A brand or a technical term does not say, ask or live, and nobody marries it; a word behind "in" or "aus" is a place.
The score is low: any stronger opinion, and any list of ordinary words, goes before this one.
"""

from collections.abc import Iterator
from typing import Final

from redaction.detectors.rules.text import Text, Word, is_all_capitals, is_any_surname, is_common, is_given, places
from redaction.finding import Finding
from redaction.lexicon import is_counted, is_inflected, is_word, phrases, words

_PERSON: Final = 0.5
# Only who is somebody does this: the name model must be rather sure to contradict.
_ACTING: Final = 0.58
_PLACE: Final = 0.45
# A surname of the census where a German sentence has no other reason for a capital, or where a text has none at all:
# only a name model that is very sure may contradict.
_COUNTED: Final = 0.73
# What ends like a surname: a name model that is nearly sure may contradict.
_SHAPED: Final = 0.6
_LEAST_SHAPED: Final = 7
_SURNAME_ENDS: Final = (
    *("mann", "meier", "meyer", "maier", "mayer", "huber", "häuser", "haeuser", "schläger", "gruber", "hofer"),
    *("müller", "mueller", "owski", "ewski", "inski", "ynski", "czyk", "ović", "ovic", "ević", "evic", "enko", "oglu"),
    *("oğlu", "idis", "opoulos", "opoulou", "dottir", "sson", "shvili", "adze", "quist", "qvist", "ström", "gaard"),
    *("ersen", "ensen", "wright", "combe", "worth", "bottom", "thwaite", "pillai", "swamy", "singh", "jee"),
)
_LEAST_SMALL: Final = 6
_SHORTEST: Final = 3
# Behind "mit" or "für" stand plurals and stuff as well: what is long or ends like a German noun does not count.
_LONGEST: Final = 8
_NOUN_ENDS: Final = ("en", "ern", "eln", "er", "el", "ung", "ium", "ik", "ion", "ent", "ant", "stoff", "pulver")
_IN: Final = frozenset({"in", "aus", "nach", "bei"})
_WITH: Final = frozenset({"mit", "von", "für", "an", "bei", "ohne", "wie", "with", "from", "for"})
# Children and whom one is fond of: `dem kleinen Fiete`.
_SMALL: Final = frozenset({"kleine", "kleinen", "kleiner", "liebe", "lieben", "lieber", "arme", "armen", "armer"})
_PARTICLES: Final = frozenset({"doch", "mal", "bitte", "auch", "noch", "nochmal", "gleich", "lieber", "please"})
_MOST_PARTICLES: Final = 2
_POSSESSIVE: Final = ("mein", "dein", "unser")
_TITLES: Final = frozenset({"hrn", "fam", "dipl"})
_WHO: Final = frozenset({"der", "die", "den", "dem"})
_BY: Final = frozenset({"by", "from", "with", "for", "tell", "and", "because", "that"})
_AND: Final = frozenset({"und", "and", "oder", "or"})
_TOWN_ENDS: Final = (
    "dorf",
    "hausen",
    "heim",
    "burg",
    "stadt",
    "ingen",
    "bach",
    "berg",
    "feld",
    "rode",
    "hagen",
    "stedt",
    "leben",
    "itz",
    "furt",
    "bruck",
    "kirchen",
    "ville",
    "ton",
    "ham",
    "shire",
)


def find(text: Text) -> Iterator[Finding]:
    """Unknown capital words inside sentences with something around them that tells."""
    persons: set[int] = set()
    if text.text == text.page.lower and text.page.languages[0] in ("de", "en"):
        yield from _small(text)
        return
    for word in text.words:
        if not _is_unknown(word):
            continue
        told = _told(text, word, persons) or _shaped(text, word)
        if told is None or text.is_company(word.end):
            continue
        entity_type, score = told
        if entity_type == "PERSON":
            persons.add(word.place)
        yield Finding(word.start, word.end, entity_type, score, "name_acting")


def _shaped(text: Text, word: Word) -> tuple[str, float] | None:
    """`Zwingmann`, `Ohlenschläger`, `Kvirikashvili`: what no list has, and ends as surnames do."""
    if len(word.text) < _LEAST_SHAPED or not word.lower.removesuffix("s").endswith(_SURNAME_ENDS):
        return None
    before = text.before(word)
    if before is None or before.lower not in words("articles"):
        return "PERSON", _SHAPED
    # `der Hampelmann` is a thing; `die Kretzschmann` is a woman.
    woman = before.lower == "die" and word.lower.endswith("mann") and _goes_on_small(text.next(word))
    return ("PERSON", _SHAPED) if woman else None


def _small(text: Text) -> Iterator[Finding]:
    """`hat der pfisterer gezahlt?`: what no list has as a word, and many have as a surname."""
    for word in text.words:
        if len(word.text) < _LEAST_SMALL or "-" in word.text or is_word(word.text) or is_inflected(word.lower):
            continue
        if is_counted(word.lower) and word.lower not in places() and word.lower not in phrases("countries"):
            yield Finding(word.start, word.end, "PERSON", _COUNTED, "name_counted")


def _is_unknown(word: Word) -> bool:
    if not word.capital or len(word.text) < _SHORTEST or is_all_capitals(word.text):
        return False
    if is_word(word.text) and not (word.lower.endswith(_SURNAME_ENDS) and is_counted(word.lower)):
        return False
    if "'" in word.text or "’" in word.text or word.lower in _TITLES:
        return False
    if sum(char.isupper() for char in word.text) > 1 + word.text.count("-"):
        return False
    if word.lower.removesuffix("s") in phrases("countries"):
        return False
    return not (is_given(word.lower) or is_common(word.lower) or word.lower in places())


def _told(text: Text, word: Word, persons: set[int]) -> tuple[str, float] | None:
    before, after = text.before(word), text.next(word)
    german = text.page.languages[0] == "de"
    sur = is_any_surname(word.lower)
    if before is not None and before.lower in words("articles"):
        who = german and before.lower in _WHO and is_counted(word.lower) and _goes_on_small(after)
        return ("PERSON", _COUNTED) if who and "-" not in word.text else None
    if after is not None and after.capital and german and is_word(after.text):
        return ("PERSON", _COUNTED) if sur and word.lower.endswith("s") and text.begins(word) else None
    if after is not None and after.lower in words("person_verbs_after") and (before is None or not _is_noun(before)):
        return "PERSON", _COUNTED if sur else _ACTING
    if before is None or (before.capital and not text.begins(before)):
        return _called(text, word)
    if _asked(text, before).lower in words("person_verbs_before"):
        return "PERSON", _COUNTED if sur else _ACTING
    if before.lower in _SMALL and _has_article(text, before) and (after is None or not after.capital):
        return "PERSON", _PERSON
    if before.lower in _AND and _is_person(text, before, persons):
        return "PERSON", _PERSON
    if before.lower in _IN and word.lower.endswith(_TOWN_ENDS):
        return "LOCATION", _PLACE
    if before.lower in _WITH and _ends_clause(text, word, after) and "de" in text.page.languages:
        short = len(word.text) <= _LONGEST and not word.lower.endswith(_NOUN_ENDS)
        return ("PERSON", _COUNTED) if sur else ("PERSON", _PERSON) if short else None
    if sur and before.lower not in _IN and (german or before.lower in _BY) and _ends_clause(text, word, after):
        return "PERSON", _COUNTED
    return None


def _goes_on_small(after: Word | None) -> bool:
    """Whether a sentence goes on in small letters: no noun that an article and an adjective would stand before."""
    return after is not None and not after.capital


def _asked(text: Text, word: Word) -> Word:
    """The word before small ones without weight: `frag doch mal …`."""
    for _ in range(_MOST_PARTICLES):
        before = text.before(word)
        if word.lower not in _PARTICLES or before is None:
            break
        word = before
    return word


def _has_article(text: Text, adjective: Word) -> bool:
    other = text.before(adjective)
    return other is not None and (other.lower in words("articles") or other.lower.startswith(_POSSESSIVE))


def _is_noun(word: Word) -> bool:
    """An unknown word behind another capital one is rather the end of a title than somebody."""
    return word.capital and word.place > 0 and not is_given(word.lower)


def _is_person(text: Text, conjunction: Word, persons: set[int]) -> bool:
    other = text.before(conjunction)
    return other is not None and (
        other.place in persons or (other.capital and is_given(other.lower) and not is_word(other.text))
    )


def _called(text: Text, word: Word) -> tuple[str, float] | None:
    """`…, Notburga!`: somebody is addressed at the end of a line."""
    ahead = text.text[max(0, word.start - 2) : word.start]
    behind = text.text[word.end : word.end + 2].strip()
    return ("PERSON", _PERSON) if ahead == ", " and behind in ("!", "?") else None


def _ends_clause(text: Text, word: Word, after: Word | None) -> bool:
    """Whether a German sentence goes on with no noun: what a mass noun's neighbour would be."""
    if after is None:
        return text.text[word.end : word.end + 1] in ("", ".", ",", "!", "?", "\n")
    return not after.capital
