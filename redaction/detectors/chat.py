"""Names in chat by the model that is trained here: German, Vietnamese and English, mixed, without capitals or marks.

The model gives each word a probability for each kind of name. It reads only words that may be a name, with those
around them that its opinion depends on, so the rest costs nothing and changes nothing. Where it is sure that nobody is
named it says so, and weaker opinions of rules and other models go.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from redaction.detect import Look
from redaction.detectors.network import REACH, load
from redaction.detectors.opinions import Piece, denials, names, told
from redaction.detectors.tokens import cut, facts
from redaction.digest import source_digest
from redaction.finding import Finding
from redaction.lexicon import MAX_WORDS
from redaction.settings import EngineSettings

_SOURCES: Final = (
    *("detectors/chat.py", "detectors/opinions.py", "detectors/tokens.py", "detectors/network.py"),
    *("detectors/reader.py", "detectors/encoder.py", "models", "lexicon.py", "data"),
)
_LANGUAGES: Final = frozenset(("en", "de", "vi"))
# A matrix of this many words keeps the processor busy; more only takes memory.
_BATCH_WORDS: Final = 500
_LONGEST: Final = 400


class Chat:
    """The name model as one detector."""

    name = "chat"

    def __init__(self, model: Any) -> None:
        from redaction.detectors.reader import Reader  # loads numpy and spaCy

        self._reader = Reader(model)
        self.languages = _LANGUAGES
        self.expressions: tuple[re.Pattern[str], ...] = ()
        self.version = source_digest(*_SOURCES)

    def detect(self, looks: Sequence[Look]) -> list[list[Finding]]:
        results: list[list[Finding]] = [[] for _ in looks]
        pending: list[tuple[int, Piece]] = []
        size = 0
        for index, look in enumerate(looks):
            for piece in pieces(look.view.text, look.languages):
                pending.append((index, piece))
                size += len(piece.texts)
                if size >= _BATCH_WORDS:
                    self._read(looks, pending, results)
                    pending, size = [], 0
        if pending:
            self._read(looks, pending, results)
        return results

    def _read(self, looks: Sequence[Look], pending: list[tuple[int, Piece]], results: list[list[Finding]]) -> None:
        opinions = told([piece for _, piece in pending], self._reader.probabilities([piece for _, piece in pending]))
        for (index, piece), opinion in zip(pending, opinions, strict=True):
            text = looks[index].view.text
            page = looks[index].page
            results[index].extend(
                found for found in names(text, piece, opinion) if not page.in_opaque(found.start, found.end)
            )
            results[index].extend(denials(piece, opinion))


def pieces(text: str, languages: Sequence[str]) -> Iterator[Piece]:
    """What the model reads of a text: words that may be names, with as many around them as it looks at."""
    tokens = cut(text)
    known = [_known(token) for token in tokens.texts]
    told = [word.told for word in known]
    small = text == text.lower()
    vietnamese = "vi" in languages
    candidates = [at for at, word in enumerate(known) if (word.may_be_vietnamese if vietnamese else word.may_be_name)]
    for first, last in _ranges(candidates):
        start, end = max(0, first - REACH), min(len(told), last + 1 + REACH)
        yield Piece(
            tokens.texts[start:end],
            tokens.starts[start:end],
            tuple(told[start:end]),
            first - start,
            last + 1 - start,
            languages[0],
            small,
        )


def _ranges(candidates: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The first and the last candidate of groups whose surroundings meet."""
    first = last = -1
    for at in candidates:
        if first >= 0 and (at - last > 2 * REACH or at - first >= _LONGEST):
            yield first, last
            first = at
        first, last = (at if first < 0 else first), at
    if first >= 0:
        yield first, last


@dataclass(frozen=True, slots=True)
class _Word:
    """told: what the lists say of it. Whether it may be a name, and whether in a text that may be Vietnamese."""

    told: str
    may_be_name: bool
    may_be_vietnamese: bool


@lru_cache(maxsize=MAX_WORDS)
def _known(token: str) -> _Word:
    told = facts(token.lower())
    if len(token) < 2 or not token[0].isalpha():
        return _Word(told, False, False)
    named, _, ordinary = told.partition("|")
    # Nearly every English word spells a Vietnamese syllable without marks.
    plain = not ordinary or any(letter not in "vu" for letter in named)
    return _Word(told, plain, plain or bool(named))


def languages(settings: EngineSettings) -> frozenset[str]:
    """The model reads these."""
    return _LANGUAGES


def build(settings: EngineSettings) -> Chat:
    """Loads the model. Raises SettingsError (`no_model`)."""
    return Chat(load())
