"""From the name model's probabilities to findings, and to opinions that nobody is named.

What the lists say of a word sets how sure the model must be: an unknown word or a listed name is believed sooner than
an ordinary word, and an ordinary word in small letters hardly ever.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from redaction.detectors.network import CLASSES, LABELS
from redaction.finding import Finding
from redaction.lexicon import is_inflected, phrases, without_marks
from redaction.lexicon import words as wordlist
from redaction.merge import NOTHING
from redaction.recognizers.shape import is_identifier, is_setting

_REPORTED: Final = ("PERSON", "LOCATION")
_PERSON_AND_PLACE: Final = [at for at, name in enumerate(CLASSES) if name.endswith(_REPORTED)]
# How sure the model must be of a whole name, by what the lists say of its words and whether it has a capital. Chosen
# where precision on kept-out text falls below 0.8.
_LEAST: Final = 0.4
_LISTED: Final = 0.4
_PLACE_ALONE: Final = 0.8  # a thing among things has a town's name as well
_UNLISTED: Final = {"PERSON": 0.82, "LOCATION": 0.93}
_UNLISTED_FIRST: Final = 0.9  # where a sentence begins every word has a capital
_UNLISTED_LONG: Final = 0.98
_LONG: Final = 13  # letters; German compounds are longer than most names
_SMALL_UNLISTED: Final = 0.88
_ARTICLE: Final = 0.94  # der Kran, die Schmidtke: behind an article rather a noun
_ORDINARY: Final = 0.8
_ORDINARY_SMALL: Final = 0.985
# Small letters in Vietnamese: half of all its syllables are names as well.
_VIETNAMESE_SMALL: Final = 0.85
_NEVER: Final = 2.0
_GLUE: Final = frozenset("-'’.")
# A sign that touches: an identifier, a path, an address, a call.
_CODE_BEFORE: Final = frozenset("_/\\.@#=<{$%~")
_CODE_AFTER: Final = frozenset("_/\\@=({[<$%~")
_MOST_WORDS: Final = 8
_TITLES: Final = frozenset(
    (
        "mr",
        "mrs",
        "ms",
        "miss",
        "dr",
        "prof",
        "herr",
        "herrn",
        "frau",
        "hr",
        "hrn",
        "fr",
        "fam",
        "familie",
        "coach",
        "nurse",
    )
)
# Parts of a country: where most people live, and nobody in particular.
_SIDES: Final = frozenset(("bắc", "trung", "nam", "đông", "tây", "bac", "dong", "tay"))
_NOBODY: Final = ("countries", "vi_countries", "vi_things")
_GOES_ON: Final = frozenset(",:!?;")
# How sure the model is that a word names no person and no place, and the score up to which others' opinions go.
_DENIALS: Final = ((0.4, 0.52), (0.5, 0.56), (0.9, 0.72), (0.97, 0.81))


@dataclass(frozen=True, slots=True)
class Piece:
    """Words of a text. starts: offsets in it. told: what the lists say.

    first, last: the range that the model speaks about, half open; the others are only read.
    language: the text's likeliest. small: whether the whole text has no capital letter.
    """

    texts: tuple[str, ...]
    starts: tuple[int, ...]
    told: tuple[str, ...]
    first: int
    last: int
    language: str
    small: bool


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the model says of the words of a piece that it speaks about.

    kinds, sure: the likeliest label of each word, and how sure that is. nobody: how sure it is that no person and no
    place is named. probabilities: words by classes. sums: words by labels.
    """

    kinds: list[int]
    sure: list[float]
    nobody: list[float]
    probabilities: Any
    sums: Any


def told(pieces: Sequence[Piece], probabilities: Any) -> Iterator[Opinion]:
    """probabilities: an array of words by classes, those of all pieces; its rows sum to one."""
    sums = probabilities[:, 1:].reshape(-1, len(LABELS), 2).sum(axis=2)
    # Numbers of Python's own: they are looked at one by one.
    kinds, sure = sums.argmax(axis=1).tolist(), sums.max(axis=1).tolist()
    nobody = (1.0 - probabilities[:, _PERSON_AND_PLACE].sum(axis=1)).tolist()
    at = 0
    for piece in pieces:
        here = slice(at, at := at + piece.last - piece.first)
        yield Opinion(kinds[here], sure[here], nobody[here], probabilities[here], sums[here])


def names(text: str, piece: Piece, opinion: Opinion) -> Iterator[Finding]:
    """The names that the model sees in a piece of a text."""
    kinds, sure = opinion.kinds, opinion.sure
    at, size = 0, len(kinds)
    while at < size:
        kind = kinds[at]
        if sure[at] < _LEAST or LABELS[kind] not in _REPORTED:
            at += 1
            continue
        begins, goes_on = CLASSES.index(f"B-{LABELS[kind]}"), CLASSES.index(f"I-{LABELS[kind]}")
        end = at + 1
        while end < size and kinds[end] == kind and sure[end] >= _LEAST:
            if opinion.probabilities[end, begins] > opinion.probabilities[end, goes_on]:
                break
            end += 1
        found = _name(text, piece, piece.first + at, piece.first + end, LABELS[kind], opinion.sums[:, kind])
        if found is not None:
            yield found
        at = end


def _name(text: str, piece: Piece, first: int, end: int, label: str, sure: Any) -> Finding | None:
    while end > first and not piece.texts[end - 1][0].isalpha():
        end -= 1
    while first < end and not piece.texts[first][0].isalpha():
        first += 1
    if piece.language == "vi" and not piece.small:
        first, end = _capital(piece, first, end)
    while first < end and (piece.texts[first].lower() in _TITLES or not piece.texts[first][0].isalpha()):
        first += 1
    words = [at for at in range(first, end) if piece.texts[at][0].isalpha()]
    others = [piece.texts[at] for at in range(first, end) if not piece.texts[at][0].isalpha()]
    if not words or len(words) > _MOST_WORDS or any(other not in _GLUE for other in others):
        return None
    start, stop = piece.starts[first], piece.starts[end - 1] + len(piece.texts[end - 1])
    if (
        stop - start < 2
        or _is_no_name(text[start:stop].lower())
        or _in_code(text, start, stop)
        or is_identifier(text[start:stop])
        or (label == "LOCATION" and is_setting(text, start, stop))
    ):
        return None
    mean = float(sure[[at - piece.first for at in words]].mean())
    if mean < _needed(text, piece, words, label):
        return None
    return Finding(start, stop, label, round(0.35 + 0.4 * mean, 2), "name_model")


def _capital(piece: Piece, first: int, end: int) -> tuple[int, int]:
    """Without the small syllables at the edges of what has capitals as well: `nhớt Castrol`."""
    capital = [at for at in range(first, end) if piece.texts[at][0].isupper()]
    return (capital[0], capital[-1] + 1) if capital else (first, end)


def _is_no_name(value: str) -> bool:
    return value in _SIDES or any(value in phrases(name) for name in _NOBODY) or value in compounds()


@cache
def compounds() -> frozenset[str]:
    """Vietnamese words whose syllables are names, with and without marks: `phụ huynh`, parents."""
    return phrases("vi_compounds") | {without_marks(word) for word in phrases("vi_compounds")}


def _in_code(text: str, start: int, stop: int) -> bool:
    before, after = text[start - 1 : start] if start else "", text[stop : stop + 1]
    return before in _CODE_BEFORE or after in _CODE_AFTER


def _needed(text: str, piece: Piece, words: Sequence[int], label: str) -> float:
    """How sure the model must be of a whole name."""
    capital = any(piece.texts[at][0].isupper() for at in words)
    told = [piece.told[at].partition("|") for at in words]
    listed = all(named for named, _, _ in told)
    if piece.language == "vi" and not capital:
        # Whoever writes capitals elsewhere writes them in names.
        return _VIETNAMESE_SMALL if listed and piece.small else _NEVER
    if piece.language == "vi" and len(words) == 1 and told[0][2] and _begins(text, piece.starts[words[0]]):
        # `Lập kế hoạch`: a verb has a capital there as well.
        after = text[piece.starts[words[0]] + len(piece.texts[words[0]]) :][:1]
        return _ORDINARY if not after or after in _GOES_ON else _NEVER
    if all(ordinary for _, _, ordinary in told):
        return _ORDINARY if capital else _ORDINARY_SMALL
    if not capital and all(is_inflected(piece.texts[at].lower()) for at in words):
        return _ORDINARY_SMALL  # `heller`, `lauter`: names, and adjectives as well
    behind_article = words[0] > 0 and piece.texts[words[0] - 1].lower() in wordlist("articles")
    if any(named for named, _, _ in told):
        # `der Schäfer`: a surname behind an article is rather what somebody is.
        given = any(letter in named for named, _, _ in told for letter in "Ggvu")
        if behind_article and capital and not given and len(words) == 1:
            return _ARTICLE
        return _PLACE_ALONE if label == "LOCATION" else _LISTED
    if not capital:
        return _SMALL_UNLISTED
    if max(len(piece.texts[at]) for at in words) >= _LONG:
        return _UNLISTED_LONG
    if behind_article:
        return _ARTICLE
    return max(_UNLISTED[label], _UNLISTED_FIRST if _begins(text, piece.starts[words[0]]) else 0.0)


def _begins(text: str, start: int) -> bool:
    before = text[max(0, start - 4) : start].rstrip(" \"'„“*_")
    return not before or before[-1] in ".!?\n:•"


def denials(piece: Piece, opinion: Opinion) -> Iterator[Finding]:
    """Runs of words that name no person and no place, by how sure that is."""
    # A sign names nobody for sure.
    nobody = [
        sure if piece.texts[at][0].isalpha() else 1.0 for at, sure in enumerate(opinion.nobody, start=piece.first)
    ]
    nobody.append(-1.0)
    starts, texts = piece.starts[piece.first :], piece.texts[piece.first :]
    for least, score in _DENIALS:
        begun = -1
        for at, sure in enumerate(nobody):
            if sure >= least:
                if begun < 0:
                    begun = at
            elif begun >= 0:
                yield Finding(starts[begun], starts[at - 1] + len(texts[at - 1]), NOTHING, score, "name_model")
                begun = -1
