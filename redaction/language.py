"""Which languages a text may be in, among the configured ones.

Short and mixed texts get every language that they may be: looking twice costs less than a missed name.
"""

from collections.abc import Sequence
from typing import Any, Final

# lingua with its full models for three languages weighs 7 MB and takes 0.25 ms for this many characters.
_SAMPLE: Final = 300
# Above this a text of the sample's length is not also something else; below, or when shorter, it may be mixed.
_SURE: Final = 0.95
_POSSIBLE: Final = 0.04


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
        if ranked[0][1] >= _SURE:
            return (ranked[0][0],)
        return tuple(code for code, score in ranked if score >= _POSSIBLE)


def _sample(text: str) -> str:
    """A few characters from the front, the middle and the end: a long text may change its language."""
    if len(text) <= _SAMPLE:
        return text
    third = _SAMPLE // 3
    middle = len(text) // 2
    return f"{text[:third]} {text[middle : middle + third]} {text[-third:]}"
