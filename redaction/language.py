"""Which languages a text may be in, among the configured ones.

Short and mixed texts get every language that they may be: looking twice costs less than a missed name.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

from redaction.lexicon import base_forms, is_word

# lingua with its full models for three languages weighs 7 MB and takes 0.25 ms for this many characters.
_SAMPLE: Final = 300
# Above this a text of the sample's length is not also something else; below, or when shorter, it may be mixed.
_SURE: Final = 0.95
_POSSIBLE: Final = 0.04
_SYLLABLE: Final = re.compile(r"[^\W\d_]+")
# Of at least this many words this share must be Vietnamese syllables without marks.
_FEWEST: Final = 3
_MOST: Final = 0.5
# Where this many words are ordinary in one language alone, and hardly any in another, nothing else need be asked. On
# the message sets and corpora this agrees with the full models wherever those are sure, at a tenth of their time.
_VOTES: Final = 12
_TO_ONE: Final = 6
_FEWEST_VOTERS: Final = 16
# Letters that Vietnamese has and German and English have not.
_VIETNAMESE: Final = re.compile("[ăơưđạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]")


class Languages:
    """Language identification restricted to `languages` (ISO 639-1)."""

    def __init__(self, languages: Sequence[str]) -> None:
        self._languages = tuple(languages)
        self._listed = set(languages) <= {"en", "de", "vi"}
        self._detector: Any = None
        if len(self._languages) > 1:
            from lingua import IsoCode639_1, LanguageDetectorBuilder

            codes = [getattr(IsoCode639_1, code.upper()) for code in self._languages]
            builder = LanguageDetectorBuilder.from_iso_codes_639_1(*codes)
            self._detector = builder.with_preloaded_language_models().build()

    def of(self, text: str) -> tuple[str, ...]:
        """Languages that the text may be in, likeliest first; all configured ones when it is too short to tell."""
        if self._detector is None:
            return self._languages
        if self._listed and (told := _outvoted(text)) in self._languages:
            return (told,)
        values = self._detector.compute_language_confidence_values(_sample(text).encode("utf-8", "replace").decode())
        ranked = [(value.language.iso_code_639_1.name.lower(), value.value) for value in values]
        if not ranked or ranked[0][1] == 0.0:
            return self._languages
        sure = ranked[0][1] >= _SURE
        codes = tuple(code for code, score in ranked if (code == ranked[0][0] if sure else score >= _POSSIBLE))
        return codes if codes[0] == "vi" or "vi" not in self._languages else _with_plain_vietnamese(text, codes)


def _outvoted(text: str) -> str:
    """The language that a text's words are in beyond doubt, or nothing."""
    found = _SYLLABLE.findall(_sample(text).lower())
    if len(found) < _FEWEST_VOTERS:
        return ""
    english, german = base_forms("en"), base_forms("de")
    votes = {"en": 0, "de": 0, "vi": 0}
    for word in found:
        if not word.isascii() and _VIETNAMESE.search(word):
            votes["vi"] += 1
        elif (word in english) != (word in german):
            votes["en" if word in english else "de"] += 1
    most = max(votes, key=votes.__getitem__)
    return most if votes[most] >= max(_VOTES, _TO_ONE * (sum(votes.values()) - votes[most])) else ""


def _with_plain_vietnamese(text: str, codes: tuple[str, ...]) -> tuple[str, ...]:
    """The codes and Vietnamese, first, where most words are its syllables: without marks it is taken for anything."""
    found = _SYLLABLE.findall(_sample(text).lower())
    if len(found) < _FEWEST:
        return codes
    ours = sum(is_word(word, "vi") for word in found)
    others = sum(any(is_word(word, code) for code in codes if code != "vi") for word in found)
    others_first = tuple(code for code in codes if code != "vi")
    return ("vi", *others_first) if ours >= _MOST * len(found) and ours > others else codes


def _sample(text: str) -> str:
    """A few characters from the front, the middle and the end: a long text may change its language."""
    if len(text) <= _SAMPLE:
        return text
    third = _SAMPLE // 3
    middle = len(text) // 2
    return f"{text[:third]} {text[middle : middle + third]} {text[-third:]}"
