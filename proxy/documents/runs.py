"""Texts that are spread over several places of a file: joined for reading, divided again when a new text is written.

A name over three runs of a paragraph is found as one; its placeholder stands in the run where the name began, and every
run whose text did not change stays as it is.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from proxy.documents.base import DocumentError
from proxy.documents.xmltext import spelled

BLOCK = 4000  # characters of one text: a detector's memory, and what a cache keeps when one paragraph changed
_WRITTEN_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_NEAR = 2000  # characters that are compared one by one; longer ones by what they begin and end with


@dataclass(frozen=True, slots=True)
class Run:
    """One place of a text: `raw[start:end]`. before, after: what stands around a new text there.

    named: where `xml:space` can be added when a new text begins or ends with a blank, 0 where it need not be.
    extra: a further edit that a new text here needs. number: one that a number needs which comes back. bare:
    placeholders stand without brackets. limit: characters.
    url: percent signs instead of brackets. start < 0: nothing stands there (a tab, a break).
    """

    text: str
    start: int = -1
    end: int = -1
    named: int = 0
    extra: "tuple[int, int, bytes] | None" = None
    number: "tuple[int, int, bytes] | None" = None
    bare: bool = False
    url: bool = False
    limit: int = 0


@dataclass(slots=True)
class Joined:
    """Several runs as one text. fixed: no new text can be written."""

    place: str
    runs: list[Run] = field(default_factory=list)
    fixed: bool = False
    size: int = 0

    def add(self, run: Run) -> None:
        self.runs.append(run)
        self.size += len(run.text)

    @property
    def text(self) -> str:
        return "".join([run.text for run in self.runs])

    def edits(self, new: str, *, back: bool = False) -> Iterator[tuple[int, int, bytes]]:
        """(start, end, bytes) for the runs whose text changes. Raises DocumentError `document_not_replaceable`.

        back: originals come back, not placeholders.
        """
        if self.fixed:
            raise not_replaceable()
        for run, text in zip(self.runs, divided([run.text for run in self.runs], new), strict=True):
            if run.start >= 0 and text != run.text:
                if back and run.number is not None and _WRITTEN_NUMBER.fullmatch(text):
                    yield run.number
                yield from _edit(run, text)


def not_replaceable() -> DocumentError:
    return DocumentError(
        "document_not_replaceable", "personal data stands in a place of a file where nothing else can be written"
    )


def divided(old: list[str], new: str) -> list[str]:
    """The new text in as many pieces as the old one had: what did not change stays in its piece.

    What replaces something over several pieces stands in the first of them.
    """
    pieces: list[list[str]] = [[] for _ in old]
    joined = "".join(old)
    ends: list[int] = []
    total = 0
    for text in old:
        total += len(text)
        ends.append(total)
    at = 0
    for start, end, text in _changes(joined, new):
        at = _keep(joined, at, start, ends, pieces)
        owner = next((index for index, stop in enumerate(ends) if stop > start), len(ends) - 1)
        pieces[owner].append(text)
        at = end
    _keep(joined, at, len(joined), ends, pieces)
    return ["".join(parts) for parts in pieces]


def _keep(joined: str, start: int, stop: int, ends: list[int], pieces: list[list[str]]) -> int:
    for index, end in enumerate(ends):
        if start >= stop:
            break
        if start < end:
            pieces[index].append(joined[start : min(end, stop)])
            start = min(end, stop)
    return stop


def _changes(old: str, new: str) -> Iterator[tuple[int, int, str]]:
    """What differs, as (start, end, new text), in order: first by lines, then by characters."""
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    at, to = _starts(before), _starts(after)
    for tag, i, j, k, l in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():  # noqa: E741
        if tag != "equal":
            yield from _near(old, at[i], at[j], new[to[k] : to[l]])


def _near(old: str, start: int, end: int, new: str) -> Iterator[tuple[int, int, str]]:
    was = old[start:end]
    if len(was) > _NEAR or len(new) > _NEAR:
        head = next((n for n, (a, b) in enumerate(zip(was, new, strict=False)) if a != b), min(len(was), len(new)))
        room = min(len(was), len(new)) - head
        tail = next((n for n in range(room) if was[-1 - n] != new[-1 - n]), room)
        yield start + head, end - tail, new[head : len(new) - tail]
        return
    words, others = _words(was), _words(new)
    at, to = _starts(words), _starts(others)
    for tag, i, j, k, l in SequenceMatcher(None, words, others, autojunk=False).get_opcodes():  # noqa: E741
        if tag != "equal":
            yield start + at[i], start + at[j], new[to[k] : to[l]]


def _words(text: str) -> list[str]:
    """Runs of letters and digits, and every other character by itself: a placeholder never shares half a word."""
    found: list[str] = []
    for char in text:
        if found and (char.isalnum() or char == "_") and (found[-1][-1].isalnum() or found[-1][-1] == "_"):
            found[-1] += char
        else:
            found.append(char)
    return found


def _starts(parts: list[str]) -> list[int]:
    found = [0]
    for part in parts:
        found.append(found[-1] + len(part))
    return found


def _edit(run: Run, text: str) -> Iterator[tuple[int, int, bytes]]:
    if run.url:
        text = text.replace("[", "%5B").replace("]", "%5D")
    if run.bare:
        text = text.replace("[", "").replace("]", "")
    if run.limit and len(text) > run.limit:
        raise not_replaceable()
    if run.named and text != text.strip():
        yield run.named, run.named, b' xml:space="preserve"'
    if run.extra is not None:
        yield run.extra
    yield run.start, run.end, spelled(text)
