"""Which languages a text may be in, among the configured ones.

Short and mixed texts get every language that they may be: looking twice costs less than a missed name.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

from redaction.lexicon import is_word

# lingua with its full models for three languages weighs 7 MB and takes 0.25 ms for this many characters.
_SAMPLE: Final = 300
# Above this a text of the sample's length is not also something else; below, or when shorter, it may be mixed.
_SURE: Final = 0.95
_POSSIBLE: Final = 0.04
_SYLLABLE: Final = re.compile(r"[^\W\d_]+")
# Of at least this many words this share must be Vietnamese syllables without marks.
_FEWEST: Final = 3
_MOST: Final = 0.5


class Languages:
    """Language identification restricted to `languages` (ISO 639-1)."""

    def __init__(self, languages: Sequence[str]) -> None:
        self._languages = tuple(languages)
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
        values = self._detector.compute_language_confidence_values(_sample(text).encode("utf-8", "replace").decode())
        ranked = [(value.language.iso_code_639_1.name.lower(), value.value) for value in values]
        if not ranked or ranked[0][1] == 0.0:
            return self._languages
        sure = ranked[0][1] >= _SURE
        codes = tuple(code for code, score in ranked if (code == ranked[0][0] if sure else score >= _POSSIBLE))
        return codes if codes[0] == "vi" or "vi" not in self._languages else _with_plain_vietnamese(text, codes)


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
