"""How answers look: tables for people, JSON, JSON lines and CSV for programs.

Rows come as an iterable and leave one by one, so that a long answer needs no memory. Values in CSV that a spreadsheet
would run as a formula are quoted.
"""

import csv
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TextIO

import orjson

type Row = Mapping[str, Any]

_PIPE_WIDTH = 200
"""Where no terminal says how wide it is; rows stay on one line for grep."""
_TIMES = {"at", "ended", "since", "until", "first", "last", "first_byte_at", "kept_until"}


class Format(StrEnum):
    """How to print rows."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


def when(at: int | None) -> str:
    """A time in milliseconds as UTC text to the second."""
    return "" if at is None else datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def rows(found: Iterable[Row], form: Format, *, columns: Sequence[str] | None = None, out: TextIO | None = None) -> int:
    """Prints rows; returns how many. columns: of the table and the CSV, else those of the first row."""
    counted = _Counted(found)
    stream = out or sys.stdout
    if form is Format.JSON:
        _json(counted, stream)
    elif form in {Format.JSONL, Format.CSV}:
        stream.writelines(lines(counted, form, columns))
    else:
        _table(counted, columns, stream)
    return counted.n


class _Counted:
    """Counts what passes."""

    def __init__(self, found: Iterable[Row]) -> None:
        self._found, self.n = found, 0

    def __iter__(self) -> Iterator[Row]:
        for row in self._found:
            self.n += 1
            yield row


def _json(found: Iterable[Row], stream: TextIO) -> None:
    stream.write("[")
    for position, row in enumerate(found):
        stream.write(("," if position else "") + "\n " + orjson.dumps(row).decode())
    stream.write("\n]\n")


def lines(found: Iterable[Row], form: Format, columns: Sequence[str] | None = None) -> Iterator[str]:
    """Rows as JSON lines or CSV, a line at a time. columns: of the CSV; where they are given, its first line is there
    even for no rows."""
    if form is Format.JSONL:
        yield from (orjson.dumps(row).decode() + "\n" for row in found)
        return
    writer = csv.writer(_Echo())
    if columns is not None:
        yield writer.writerow(columns)
    for row in found:
        if columns is None:
            columns = list(row)
            yield writer.writerow(columns)
        yield writer.writerow([_cell(row.get(name)) for name in columns])


class _Echo:
    """Gives a written line back: `writerow` returns what `write` does."""

    def write(self, line: str) -> str:
        return line


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if isinstance(value, str) and text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text


def _table(found: Iterable[Row], columns: Sequence[str] | None, stream: TextIO) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    # Values in brackets are values, as the address of a host is.
    console = Console(file=stream, width=None if stream.isatty() else _PIPE_WIDTH, markup=False, highlight=False)
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for position, row in enumerate(found):
        columns = list(row) if columns is None else columns
        if position == 0:
            for name in columns:
                number = isinstance(row.get(name), int) and name not in _TIMES
                table.add_column(name, justify="right" if number else "left", no_wrap=name in {"id", "at"})
        table.add_row(*(shown(name, row.get(name)) for name in columns))
    if columns is None or not table.columns:
        console.print("nothing found")
    else:
        console.print(table)


def shown(name: str, value: Any) -> str:
    """A value as people read it."""
    if value is None:
        return ""
    if name in _TIMES and isinstance(value, int):
        return when(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    # A log that somebody else has written may hold signs that a terminal would obey.
    return "".join(char if char.isprintable() else "\ufffd" for char in str(value))
