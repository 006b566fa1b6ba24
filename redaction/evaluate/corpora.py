"""Licensed corpora that a user has on disk, read in the formats that they are published in.

Nothing of them is in the project; `read_corpora` takes the folder and reads what it finds. Three of four sentences may
be used to learn from (`learning`), the others only to measure (`held_out`).
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from redaction.evaluate.examples import DataSet, Example, Span, blocks, from_tokens

_NAMES: Final = frozenset({"PERSON", "LOCATION"})
_PER_LOC: Final = {"PER": "PERSON", "LOC": "LOCATION", "person": "PERSON", "location": "LOCATION"}
# German court decisions: PER persons, RR judges, AN lawyers, ST towns, STR streets.
_LER: Final = {"PER": "PERSON", "RR": "PERSON", "AN": "PERSON", "ST": "LOCATION", "STR": "STREET_ADDRESS"}
_PRESIDIO: Final = {
    **{
        name: name for name in ("PERSON", "STREET_ADDRESS", "PHONE_NUMBER", "EMAIL_ADDRESS", "IBAN_CODE", "CREDIT_CARD")
    },
    **{name: name for name in ("IP_ADDRESS", "US_SSN", "US_DRIVER_LICENSE", "AGE")},
    "GPE": "LOCATION",
    "ZIP_CODE": "POSTAL_CODE",
}
_HELD: Final = 4


def read_corpora(folder: Path) -> list[DataSet]:
    """The corpora that stand in a folder, whole; an empty list where there is none."""
    found = []
    for name, language, types, pattern, read in _KNOWN:
        examples = tuple(example for path in sorted(folder.glob(pattern)) for example in read(path))
        if examples:
            found.append(DataSet(name, language, types, examples))
    return found


def held_out(data: DataSet) -> DataSet:
    """Every fourth example: what nothing in the project was derived from."""
    return replace(data, examples=data.examples[::_HELD])


def learning(data: DataSet) -> DataSet:
    """The other three."""
    return replace(data, examples=tuple(one for at, one in enumerate(data.examples) if at % _HELD))


type _Reader = Callable[[Path], Iterator[Example]]


def _columns(word: int, tag: int, separator: str | None, types: Mapping[str, str]) -> _Reader:
    def read(path: Path) -> Iterator[Example]:
        with path.open(encoding="utf-8", errors="replace") as lines:
            for block in blocks(lines):
                rows = [line.split(separator) for line in block]
                tokens = [(row[word], row[tag].strip()) for row in rows if len(row) > max(word, tag)]
                yield from_tokens(tokens, dict(types))

    return read


def _vtb(path: Path) -> Iterator[Example]:
    """Words with parts of speech: proper nouns are ignored, everything else must stay."""
    with path.open(encoding="utf-8") as lines:
        for block in blocks(lines):
            rows = [line.split("\t") for line in block]
            tokens = [(row[1], "B-NNP" if _is_proper(row) else "O") for row in rows]
            yield from_tokens(tokens, {})


def _is_proper(row: list[str]) -> bool:
    return row[3] == "PROPN" or row[4].startswith(("NNP", "Np", "Ny"))


def _presidio(path: Path) -> Iterator[Example]:
    for item in json.loads(path.read_text("utf-8")):
        spans = [(one["start_position"], one["end_position"], one["entity_type"]) for one in item["spans"]]
        gold = tuple(sorted(Span(start, end, _PRESIDIO[name]) for start, end, name in spans if name in _PRESIDIO))
        rest = tuple(sorted(Span(start, end, name) for start, end, name in spans if name not in _PRESIDIO))
        yield Example(item["full_text"], gold, rest)


_KNOWN: Final[tuple[tuple[str, str, frozenset[str], str, _Reader], ...]] = (
    ("broad_twitter_corpus", "en", _NAMES, "btc/*.conll", _columns(0, 1, "\t", _PER_LOC)),
    ("wnut17", "en", _NAMES, "wnut17/*.conll", _columns(0, 1, "\t", _PER_LOC)),
    ("presidio-research", "en", frozenset(_PRESIDIO.values()), "presidio-research/*.json", _presidio),
    ("germeval2014", "de", _NAMES, "germeval2014/*.tsv", _columns(1, 2, "\t", _PER_LOC)),
    ("german-ler", "de", _NAMES | {"STREET_ADDRESS"}, "german-ler/*.conll", _columns(0, 1, None, _LER)),
    ("ud-vietnamese-vtb", "vi", _NAMES | {"STREET_ADDRESS"}, "ud-vietnamese-vtb/*.conllu", _vtb),
)
