# ruff: noqa: E501 - one expression, one line: a table of patterns reads better unbroken
"""Cities and regions of the lists, postal codes with their town. A country is no place of a person and stays."""

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Final

from redaction.detectors.rules.text import CAP, Text, Word, composed_places, is_given, is_sur, places
from redaction.finding import Finding
from redaction.lexicon import MAX_WORDS, is_word, phrases, without_marks, words
from redaction.recognizers.shape import is_setting

_BEFORE: Final = words("place_words")
_BEFORE_VI: Final = words("vi_place_words")
# A shorter place with an s is another word.
_GENITIVE: Final = 6
_POSTAL_DE: Final = re.compile(rf"(?<![\w-])(?P<value>(?:D-|A-|CH-)?[0-9]{{4,5}}) (?P<town>{CAP})(?!\w)")
_POSTAL_LABELLED: Final = re.compile(
    r"(?i)(?<!\w)(?:plz|postleitzahl|zip(?: ?code)?|post ?code|postal code|mã bưu (?:chính|điện)|postcode)\W{1,4}(?:is |ist |lautet )?(?P<value>[0-9]{5,6}(?:-[0-9]{4})?|[A-Z]{1,2}[0-9][0-9A-Z]? ?[0-9][A-Z]{2})(?!\w)"
)
_POSTAL_GB: Final = re.compile(
    r"(?<![\w-])(?P<value>(?:[A-Z]{1,2}[0-9]{1,2}|[A-Z]{1,2}[0-9][A-Z]) [0-9][ABD-HJLNP-UW-Z]{2})(?![\w-])"
)
_POSTAL_US: Final = re.compile(
    r"(?<![\w-])(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY]) (?P<value>[0-9]{5}(?:-[0-9]{4})?)(?![\w-])"
)


@cache
def vietnamese_places() -> frozenset[str]:
    """Provinces, cities and districts, with and without marks."""
    listed = phrases("vi_places")
    return frozenset(listed | {without_marks(line) for line in listed})


@cache
def _vietnamese_starts() -> frozenset[str]:
    return frozenset(place.split(" ")[0] for place in vietnamese_places())


@cache
def _composed() -> dict[str, tuple[str, ...]]:
    """The places of several words by their first word, the longest first."""
    found: dict[str, list[str]] = {}
    for place in composed_places():
        found.setdefault(place.split(" ")[0].rstrip("."), []).append(place)
    return {first: tuple(sorted(places, key=len, reverse=True)) for first, places in found.items()}


EXPRESSIONS: Final = (*(_POSTAL_DE, _POSTAL_LABELLED, _POSTAL_GB, _POSTAL_US),)
"""What the page is asked for."""


def find(text: Text) -> Iterator[Finding]:
    """Places and postal codes."""
    yield from _postal(text)
    for word in text.words:
        if not _may_begin(word.lower):
            continue
        for place in _composed().get(word.lower, ()):
            end = word.start + len(place)
            if text.page.lower.startswith(place, word.start) and not text.text[end : end + 1].isalnum():
                if word.capital or _follows(text, word):
                    yield Finding(word.start, end, "LOCATION", 0.8, "place_listed")
                break
        if word.lower in places() or (
            word.capital and word.lower.removesuffix("s") in places() and len(word.lower) > _GENITIVE
        ):
            score = _score(text, word)
            if score and not is_setting(text.text, word.start, word.end):
                yield Finding(word.start, word.end, "LOCATION", score, "place_listed")
        if word.lower in _vietnamese_starts():
            yield from _vietnamese(text, word)


@lru_cache(maxsize=MAX_WORDS)
def _may_begin(word: str) -> bool:
    """Whether a lower-case word is a place, with or without an s, or the first of several that are one."""
    return word in places() or word.removesuffix("s") in places() or word in _composed() or word in _vietnamese_starts()


def _follows(text: Text, word: Word) -> bool:
    before = text.before(word)
    return before is not None and before.lower in _BEFORE


def _score(text: Text, word: Word) -> float:
    placed = _follows(text, word)
    if text.text[word.end : word.end + 2].strip()[:1].isdigit():
        return 0.0  # a hall, a gate: Halle 4
    if placed and word.capital:
        return 0.0 if is_word(word.text) and word.lower.endswith("ing") else 0.8  # "in Reading" begins no place
    if placed:
        return 0.0 if text.ordinary(word.text) else 0.55
    if (
        not word.capital
        or is_word(word.text)
        or is_given(word.lower)
        or is_sur(word.lower)
        or text.is_company(word.end)
    ):
        return 0.0
    return 0.6


def _vietnamese(text: Text, first: Word) -> Iterator[Finding]:
    run = [first]
    longest: list[Word] = []
    while True:
        if " ".join(word.lower for word in run) in vietnamese_places():
            longest = list(run)
        following = text.next(run[-1])
        if following is None or len(run) == 5:
            break
        run.append(following)
    if not longest:
        return
    before = text.before(first)
    placed = before is not None and before.lower in _BEFORE_VI
    capital = all(word.capital for word in longest)
    several = len(longest) > 1
    if (capital and (several or placed or longest[0].lower in ("huế", "sapa", "pleiku"))) or (
        placed and several and text.vietnamese
    ):
        yield Finding(first.start, longest[-1].end, "LOCATION", 0.8 if capital else 0.6, "place_vi")


def _postal(text: Text) -> Iterator[Finding]:
    if not text.page.has_digit:
        return
    for match in text.page.matches(_POSTAL_DE):
        town = match["town"].lower()
        if town in places() or (
            len(match["value"]) == 5
            and not is_word(match["town"])
            and "de" in text.page.languages
            and not match["town"].isupper()
        ):
            yield Finding(*match.span("value"), "POSTAL_CODE", 0.8, "postal_town")
            yield Finding(*match.span("town"), "LOCATION", 0.7, "postal_town")
    for expression in (_POSTAL_LABELLED, _POSTAL_GB, _POSTAL_US):
        for match in text.page.matches(expression):
            yield Finding(*match.span("value"), "POSTAL_CODE", 0.8, "postal_code")
