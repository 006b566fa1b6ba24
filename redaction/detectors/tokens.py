"""Words of a text as the name model sees them: the same cut and the same facts in training and in use.

A token is a run of letters, a run of digits or one other sign. Besides its spelling the model is told what the lists
say of it, so that a name that no list knows stands out among ordinary words, whatever its case.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Final

from redaction.lexicon import is_counted, is_word, without_marks, words

_TOKEN: Final = re.compile(r"[^\W\d_]+|\d+|\n|[^\w\s]|_")
_MAX_WORDS: Final = 50_000
_UNKNOWN: Final = "-"
COUNTED: Final = "c"
"""What is said of a word that only the census knows, as a surname."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """texts: the tokens. starts: their offsets in code points."""

    texts: tuple[str, ...]
    starts: tuple[int, ...]


def cut(text: str) -> Tokens:
    """The tokens of a text."""
    texts = _TOKEN.findall(text)
    starts = []
    at = 0
    for token in texts:
        # Nothing but spaces stands between two tokens, so the next place of its spelling is its own.
        at = text.index(token, at)
        starts.append(at)
        at += len(token)
    return Tokens(tuple(texts), tuple(starts))


@cache
def _lists() -> tuple[tuple[str, frozenset[str]], ...]:
    """What a word may be, one letter each: in lists that people wrote in capitals, in derived ones in small letters."""
    vietnamese = words("vi_surnames") | words("vi_middle") | words("vi_given")
    return (
        ("G", _with_plain(words("given_names"))),
        ("g", _with_plain(words("given_names_more") | words("given_names_census") | words("given_names_short"))),
        ("S", _with_plain(words("surnames"))),
        ("s", _with_plain(words("surnames_more"))),
        ("w", _with_plain(words("names_world"))),
        ("v", _with_plain(vietnamese)),
        ("u", _with_plain(words("vi_given_more"))),
        ("P", _with_plain(words("places") | words("places_more"))),
    )


def _with_plain(listed: frozenset[str]) -> frozenset[str]:
    umlauts = {word.replace("ä", "ae").replace("ö", "oe").replace("ü", "ue").replace("ß", "ss") for word in listed}
    return listed | umlauts | {without_marks(word) for word in listed}


@lru_cache(maxsize=_MAX_WORDS)
def facts(word: str) -> str:
    """What the lists say of a word in lower case: names and places first, then the languages it is ordinary in."""
    if not word[0].isalpha():
        return _UNKNOWN
    named = "".join(letter for letter, listed in _lists() if word in listed)
    ordinary = "".join(language[0] for language in ("en", "de", "vi") if is_word(word, language))
    if not named and not ordinary and is_counted(word):
        named = COUNTED
    return f"{named}|{ordinary}"


def document(vocabulary: Any, texts: Sequence[str], told: Sequence[str]) -> Any:
    """A spaCy document whose lemmas are the facts."""
    from spacy.tokens import Doc

    return Doc(vocabulary, words=list(texts), lemmas=list(told))
