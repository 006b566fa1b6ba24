"""Ordinary words that also are names, or begin sentences: what keeps a word from being taken for a name.

Lists are plain text files beside this module, lower case: written for this project, or derived from corpora by
`redaction.evaluate.words`. They hold base forms; endings and German compounds are taken apart here.
"""

import unicodedata
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

_LISTS: Final = {
    "en": (
        "words_en",
        "words_en_seen",
        "words_en_own",
        "words_en_more",
        "words_en_wordnet",
        "words_tech",
        "words_things",
    ),
    "de": ("words_de", "words_de_seen", "words_de_own", "words_de_things"),
    "vi": ("words_vi", "words_vi_own"),
}
_ENDINGS: Final = {
    "en": ("'s", "’s", "s", "es", "ed", "d", "ing", "ly", "er", "ers", "est", "ness", "less", "able", "ies", "ied"),
    "de": ("e", "n", "en", "er", "es", "em", "s", "ern", "st", "t", "te", "ten", "in", "innen", "chen", "lich"),
    "vi": (),
}
# A German word with one of these behind three or more letters is a common noun or an adjective.
_SUFFIXES: Final = (
    *("ung", "ungen", "heit", "heiten", "keit", "keiten", "schaft", "schaften", "tion", "tionen", "tät", "täten"),
    *(
        "ismus",
        "ment",
        "ling",
        "nis",
        "nisse",
        "isch",
        "ische",
        "ischen",
        "ischer",
        "lich",
        "liche",
        "lichen",
        "licher",
    ),
    *("bar", "bare", "baren", "los", "lose", "losen", "igung", "ieren", "iert", "ierte", "ierten", "ierung"),
)
_MIN_PART: Final = 4
_SHORTEST_COUNTED: Final = 4
MAX_WORDS: Final = 20_000
"""Single words of texts are remembered for the life of the process, as many as a few long texts have."""


@cache
def words(name: str) -> frozenset[str]:
    """The words of `data/<name>.txt`; lines that begin with `#` are remarks."""
    lines = files("redaction").joinpath("data", f"{name}.txt").read_text("utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


@cache
def phrases(name: str) -> frozenset[str]:
    """The lines of `data/<name>.txt`, for entries of several words."""
    lines = files("redaction").joinpath("data", f"{name}.txt").read_text("utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


@cache
def base_forms(language: str) -> frozenset[str]:
    """The words of a language's lists as they stand there, in lower case."""
    return frozenset().union(*(words(name) for name in _LISTS.get(language, ())))


@cache
def _plain_vietnamese() -> frozenset[str]:
    return frozenset(without_marks(word) for word in base_forms("vi"))


def is_word(text: str, language: str = "") -> bool:
    """Whether a text is, in any case, an ordinary word of one language, or without one of any of ours.

    Vietnamese syllables without diacritics only count when that language is asked for: they spell "Tim" and "Anna" too.
    """
    word = text.lower()
    if language == "vi":
        return word in base_forms("vi") or word in _plain_vietnamese()
    if language:
        return _inflected(word, language)
    return _inflected(word, "en") or _inflected(word, "de") or (not word.isascii() and word in base_forms("vi"))


@lru_cache(maxsize=MAX_WORDS)
def _inflected(word: str, language: str) -> bool:
    known = base_forms(language)
    if word in known or (language == "de" and word in words("words_de_laws")):
        return True
    if word in _names() or word.removesuffix("s") in _names():
        return False
    for ending in _ENDINGS.get(language, ()):
        stem = word.removesuffix(ending)
        if len(stem) >= 3 and stem != word and (stem in known or (language == "en" and _respelled(stem, known))):
            return True
    return language == "de" and len(word) >= 2 * _MIN_PART - 1 and _german(word, known)


def is_inflected(word: str) -> bool:
    """Whether a lower-case word, name or not, is a German or English base form with an ending: `helle`, `pots`."""
    return any(
        len(word) - len(ending) >= 3 and word.endswith(ending) and word.removesuffix(ending) in base_forms(language)
        for language in ("de", "en")
        for ending in _ENDINGS[language]
    )


def _respelled(stem: str, known: frozenset[str]) -> bool:
    """makes -> make, stopped -> stop, cities -> city."""
    return stem + "e" in known or stem + "y" in known or (stem[-1] == stem[-2] and stem[:-1] in known)


def _german(word: str, known: frozenset[str]) -> bool:
    if word.endswith(_SUFFIXES):
        return True
    for cut in range(_MIN_PART, len(word) - _MIN_PART + 1):
        tail = word[cut:]
        if tail in words("name_ends") or not _stembase_forms(tail, known):
            continue
        head = word[:cut]
        if head in known or head + "e" in known or head + "en" in known or (head[-1] in "sn" and head[:-1] in known):
            return True
    return False


def _stembase_forms(tail: str, known: frozenset[str]) -> bool:
    if tail in known:
        return True
    return any(tail.endswith(ending) and tail[: -len(ending)] in known for ending in ("e", "n", "en", "er", "es", "s"))


@cache
def _names() -> frozenset[str]:
    """Names and places: their ends are no endings, and they are no compounds (Dortmund is no mouth)."""
    lists = ("given_names", "surnames", "places")
    return frozenset().union(*(words(name) | words(f"{name}_more") for name in lists))


@cache
def _given_names() -> frozenset[str]:
    return (words("given_names") | words("given_names_more")) - phrases("countries")


def is_given_name(text: str) -> bool:
    """Whether a text is, in any case, a given name of the lists (German, English, international)."""
    return text.lower() in _given_names()


@lru_cache(maxsize=MAX_WORDS)
def is_counted(word: str) -> bool:
    """Whether a lower-case word is a surname by the census of a country of immigrants, which no other list need know.

    With its umlauts spelled out or left out, and without a genitive's ending.
    """
    if len(word) < _SHORTEST_COUNTED:
        return False
    spelled = word.replace("ä", "ae").replace("ö", "oe").replace("ü", "ue").replace("ß", "ss")
    forms = {word, spelled, without_marks(word.replace("ß", "ss"))}
    counted = words("surnames_census")
    return any(
        form in counted or (len(form) > _SHORTEST_COUNTED and form.removesuffix("s") in counted) for form in forms
    )


def is_place(text: str) -> bool:
    """Whether a word is, in any case, a city or a region of the lists."""
    return text.lower() in words("places") or text.lower() in words("places_more")


def without_marks(text: str) -> str:
    """Without diacritics, as Vietnamese is typed in chat."""
    stripped = "".join(char for char in unicodedata.normalize("NFD", text) if not unicodedata.combining(char))
    return stripped.replace("đ", "d").replace("Đ", "D")
