"""What detection is measured on: texts with gold spans, from message files and from licensed corpora.

Message files are JSON lines with inline markup, so that a person can read and correct them:
`{"text": "ruf «PERSON|Anna» an"}`. Spans of types that a set does not measure are ignored: neither hit nor false alarm.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from redaction.entities import ENTITY_TYPES
from redaction.errors import RedactionError

_MARK: Final = re.compile(r"«(?P<type>[A-Z_]+)\|(?P<value>[^«»]+)»")


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """start, end: code points of the text, half open. entity_type: as in `redaction.entities`."""

    start: int
    end: int
    entity_type: str


@dataclass(frozen=True, slots=True)
class Example:
    """One text. gold: what must be found. ignored: what may be found or not, because the set does not say."""

    text: str
    gold: tuple[Span, ...]
    ignored: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class DataSet:
    """name: where it is from. language: ISO 639-1. types: entity types that its spans are complete for."""

    name: str
    language: str
    types: frozenset[str]
    examples: tuple[Example, ...]

    @property
    def chars(self) -> int:
        return sum(len(example.text) for example in self.examples)


def marked(text: str) -> Example:
    """An example from inline markup `«TYPE|value»`. Raises ValueError on an unknown type or a broken mark."""
    plain: list[str] = []
    gold: list[Span] = []
    size = at = 0
    for match in _MARK.finditer(text):
        if match["type"] not in ENTITY_TYPES:
            raise ValueError(f"unknown entity type {match['type']}")
        before = text[at : match.start()]
        size += len(before)
        plain += [before, match["value"]]
        gold.append(Span(size, size + len(match["value"]), match["type"]))
        size += len(match["value"])
        at = match.end()
    plain.append(text[at:])
    whole = "".join(plain)
    if "«" in whole or "»" in whole:
        raise ValueError("a mark is not closed")
    return Example(whole, tuple(gold))


def read_messages(path: Path) -> DataSet:
    """The message set of a file `<language>*.jsonl`. Raises RedactionError (`input`) on a line that is none."""
    examples = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            examples.append(marked(json.loads(line)["text"]))
        except (ValueError, KeyError, TypeError) as error:
            raise RedactionError(f"{path.name}, line {number} is no marked message: {error}", code="input") from None
    return DataSet(f"messages {path.stem}", path.stem[:2], ENTITY_TYPES - {"ORGANIZATION"}, tuple(examples))


def message_sets(folder: Path) -> list[DataSet]:
    """Every message set of a folder, by name."""
    return [read_messages(path) for path in sorted(folder.glob("*.jsonl"))]


def from_tokens(tokens: Iterable[tuple[str, str]], types: dict[str, str]) -> Example:
    """An example from words with IOB tags, the spaces put as print has them.

    types: tag name -> entity type; a tagged word of another name is ignored in the measurement.
    """
    text = ""
    spans: list[tuple[int, int, str]] = []
    for word, tag in tokens:
        if text and not _closes(word) and text[-1] not in "([„«#@":
            text += " "
        start = len(text)
        text += word
        prefix, _, name = tag.partition("-")
        if not name:
            continue
        last = spans[-1] if spans else None
        if prefix == "I" and last is not None and last[2] == name:
            spans[-1] = (last[0], len(text), name)
        else:
            spans.append((start, len(text), name))
    gold = tuple(Span(start, end, types[name]) for start, end, name in spans if name in types)
    return Example(text, gold, tuple(Span(start, end, name) for start, end, name in spans if name not in types))


def _closes(word: str) -> bool:
    return word in {",", ".", ";", ":", "!", "?", ")", "]", "%", "“", "'s", "n't", "…"}


def blocks(lines: Iterable[str]) -> Iterator[list[str]]:
    """The groups of lines between empty lines, without remarks."""
    block: list[str] = []
    for line in lines:
        if line.strip() and not line.startswith("#"):
            block.append(line.rstrip("\n"))
        elif block and not line.strip():
            yield block
            block = []
    if block:
        yield block
