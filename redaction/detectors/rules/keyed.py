# ruff: noqa: E501 - one expression, one line: a table of patterns reads better unbroken
"""Names by the key, column or field that they stand under: JSON members, CSV and Markdown tables."""

import re
from collections.abc import Iterator
from typing import Final

from redaction.detectors.rules.text import LOW, UP, Text, is_given, is_sur
from redaction.finding import Finding
from redaction.lexicon import is_word

_KEY: Final = re.compile(
    r"(?:^|[_\s./-])(?:(?:full|first|last|given|family|sur|user|customer|display|contact|nach|vor|middle|recipient|sender|patient|employee|author|owner|account|holder|"
    r"real|legal|maiden|nick|spouse|beneficiary|payee|shipping|billing)[_\s-]?name|name|surname|nachname|vorname|familienname|họ tên|ho ten|ho_ten|hoten|họ và tên|ho va ten|họ|tên|ten|kunde|"
    r"ansprechpartner|patient|customer|employee|assignee|reporter|attendee|recipient|sender|mitarbeiter|khách hàng|khach hang|người nhận|mieter|inhaber)$"
)
_VALUE: Final = re.compile(
    rf"\s{{0,8}}(?P<value>[{UP}{LOW}][{UP}{LOW}'’.-]*(?:,? [{UP}{LOW}][{UP}{LOW}'’.-]*){{0,4}})\s{{0,8}}"
)
_SEPARATORS: Final = ("|", ";", "\t", ",")
_LONGEST: Final = 60


def find(text: Text) -> Iterator[Finding]:
    """The whole text when its hint says name; cells of name columns."""
    hint = text.page.hint
    if (
        hint
        and len(text.text) < _LONGEST
        and _KEY.search(hint)
        and not re.search(r"file|host|domain|class|table|column|tool|function|model|event|product", hint)
    ):
        yield from _cell(text, 0, len(text.text), 0.8)
    if "\n" in text.text:
        yield from _tables(text)


def _cell(text: Text, start: int, end: int, score: float) -> Iterator[Finding]:
    match = _VALUE.fullmatch(text.text, start, end)
    if match is None:
        return
    parts = match["value"].split(" ")
    capital = parts[0][0].isupper()
    known = any(is_given(part.lower()) or is_sur(part.lower()) for part in parts)
    if (capital and not all(is_word(part) for part in parts)) or known:
        yield Finding(*match.span("value"), "PERSON", score, "name_keyed")


def _tables(text: Text) -> Iterator[Finding]:
    """Cells of the columns whose head says name, as long as the lines have as many cells as the head."""
    offset = 0
    separator, columns, width = "", set[int](), 0
    for line in text.text.splitlines(keepends=True):
        if separator and line.count(separator) != width:
            separator = ""
        if separator:
            at = offset
            for index, cell in enumerate(line.rstrip("\r\n").split(separator)):
                if index in columns:
                    quoted = len(cell) - len(cell.lstrip(' "'))
                    yield from _cell(text, at + quoted, at + len(cell.rstrip(' "')), 0.8)
                at += len(cell) + 1
        else:
            separator, columns, width = _head(line)
        offset += len(line)


def _head(line: str) -> tuple[str, set[int], int]:
    lower = line.strip().lower()
    for separator in _SEPARATORS:
        if lower.count(separator) >= 1:
            cells = [cell.strip(' "*') for cell in line.rstrip("\r\n").lower().split(separator)]
            columns = {index for index, cell in enumerate(cells) if len(cell) < 30 and _KEY.search(cell)}
            if columns and all(len(cell) < 30 for cell in cells):
                return separator, columns, line.count(separator)
    return "", set(), 0
