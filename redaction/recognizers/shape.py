"""What a name looks like: a model's opinion counts only for spans of a shape that a name can have."""

import re
from typing import Final

from redaction.lexicon import is_given_name, is_place, is_word, phrases
from redaction.lexicon import words as listed

_WORD: Final = re.compile(r"[^\W\d_]+")
_CODE: Final = re.compile(r"[\d_@#/\\{}()\[\]<>=|~^%$&*+]")
_MOST_WORDS: Final = 6
_SCORES: Final = {"PERSON": 0.8, "LOCATION": 0.7, "ORGANIZATION": 0.6}


_ROMAN: Final = re.compile("[IVX]{1,5}")
# The parts of an identifier such as `LineItem` or `HTTPError`.
_HUMP: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
# What begins a surname that has a capital inside: McBride, DeLong.
_OF_NAMES: Final = frozenset({"Mc", "Mac", "De", "Del", "Di", "Da", "Du", "La", "Le", "Van", "Von", "Fitz", "St", "O"})

# Time zones (IANA) and locales (RFC 5646): settings of a program, whose parts are names of places.
_ZONE: Final = re.compile(
    r"(?<![\w/])(?:Africa|America|Antarctica|Asia|Atlantic|Australia|Europe|Indian|Pacific)/(?:[A-Z][A-Za-z]+/)?$"
)
_LOCALE: Final = re.compile(r"(?<![\w-])[a-z]{2,3}[-_]$")
_BEFORE: Final = 40


def is_setting(text: str, start: int, end: int) -> bool:
    """Whether a place is a part of a time zone's or a locale's name: `Europe/Berlin`, `en-US`."""
    before = text[max(0, start - _BEFORE) : start]
    return _ZONE.search(before) is not None or (
        end - start == 2 and text[start:end].isupper() and _LOCALE.search(before) is not None
    )


def _is_surname(word: str) -> bool:
    return word.lower() in listed("surnames") or word.lower() in listed("surnames_more")


def is_identifier(word: str) -> bool:
    """Whether a word is made of capitalised parts the last of which is an ordinary word: a class of a program, no name."""
    humps = _HUMP.findall(word)
    return (
        len(humps) > 1
        and word.isalpha()
        and word.isascii()
        and humps[0] not in _OF_NAMES
        and (is_word(last := humps[-1]) or last.isupper())
        and not (is_given_name(last) or _is_surname(last))
    )


def _is_no_place(words: list[str]) -> bool:
    """Places and companies in small letters count only when a list knows them; words and products never do."""
    if all(is_word(word) for word in words):
        technical = all(word.lower() in listed("words_tech") for word in words)
        return technical or not any(word[0].isupper() for word in words)
    return not any(word[0].isupper() for word in words) and not any(is_place(word) for word in words)


def model_score(text: str, start: int, end: int, entity_type: str) -> float | None:
    """The score of `text[start:end]` as named entity found by a model; None where its shape says that it is none."""
    value = text[start:end]
    words = _WORD.findall(value)
    if not words or len(words) > _MOST_WORDS or len(value) < 2 or all(is_identifier(word) for word in words):
        return None
    if entity_type != "PERSON" and (_CODE.search(value) or _is_no_place(words)):
        return None
    if value.lower() in phrases("countries"):
        return None
    if entity_type != "PERSON" and is_setting(text, start, end):
        return None
    if entity_type == "PERSON":
        if _CODE.search(value) or all(is_word(word) and not is_given_name(word) for word in words):
            return None
        if not any(
            word[0].isupper()
            and len(word) > 1
            and not _ROMAN.fullmatch(word)
            and not (is_word(word) and not is_given_name(word))
            for word in words
        ):
            return None
        # "Tate Modern", "Crypto Arena": an ordinary word ends no name that begins with no given name.
        if len(words) > 1 and is_word(words[-1]) and not _is_surname(words[-1]) and not any(map(is_given_name, words)):
            return None
        # "Mein Profil", "Ein Kilo Mehl": what begins with an ordinary word needs a name that a list knows.
        if is_word(words[0]) and not is_given_name(words[0]) and not any(is_given_name(word) for word in words):
            return None
    return _SCORES[entity_type]
