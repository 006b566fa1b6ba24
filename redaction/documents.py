"""Texts as the commands read and write them: plain text, JSON lines with a `text` each, or one JSON document.

Bytes come in and go out as they are where nothing was replaced, UTF-8 or not. Texts are not kept; an error says where
an input is wrong and never quotes it.
"""

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redaction.errors import RedactionError
from redaction.segment import Segment, SegmentKind

# A string, a number, or a bracket of a text that is valid JSON (RFC 8259).
_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[{}\[\]]')
_COLON = re.compile(r"\s*:")


@dataclass(frozen=True, slots=True)
class Piece:
    """A string or number of a document. start, end: of its literal in the document's text, quotes included."""

    segment: Segment
    start: int
    end: int


def read_text(path: Path) -> str:
    """A file, `-` for standard input; bytes that are no UTF-8 travel as lone surrogates."""
    data = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    return data.decode("utf-8", "surrogateescape")


def write_text(text: str) -> None:
    """To standard output, the inverse of `read_text`."""
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
    sys.stdout.buffer.flush()


def write_line(item: Mapping[str, Any]) -> None:
    """One JSON line; with escapes only where a text cannot be UTF-8."""
    line = json.dumps(item, ensure_ascii=False)
    try:
        data = line.encode()
    except UnicodeEncodeError:
        data = json.dumps(item).encode()
    sys.stdout.buffer.write(data + b"\n")
    sys.stdout.buffer.flush()


def items(paths: Sequence[Path], *, lines: bool) -> Iterator[dict[str, Any]]:
    """Objects with a `text`: one per file, or where `lines` one per JSON line, with all its members."""
    for path in paths:
        text = read_text(path)
        if not lines:
            yield {"id": os.fspath(path), "text": text}
            continue
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip():
                yield _item(line, f"{path}:{number}")


def _item(line: str, place: str) -> dict[str, Any]:
    try:
        item = json.loads(line)
    except ValueError:
        item = None
    if not isinstance(item, dict) or not isinstance(item.get("text"), str):
        raise RedactionError(f"{place}: this line is no JSON object with a `text`", code="input")
    return item


def pieces(text: str, place: str) -> list[Piece]:
    """The strings, keys and numbers of a JSON document, in order. Raises RedactionError `input` where it is none."""
    try:
        json.loads(text)
    except ValueError as error:
        where = f"{place}:{error.lineno}:{error.colno}" if isinstance(error, json.JSONDecodeError) else place
        raise RedactionError(f"{where}: this is no JSON document", code="input") from None
    except RecursionError:
        raise RedactionError(f"{place}: this JSON document is nested too deeply", code="input") from None
    found: list[Piece] = []
    keys: list[str] = []
    key = ""
    for match in _PIECE.finditer(text):
        written = match[0]
        if written in "{[":
            keys.append(key)
        elif written in "}]":
            key = keys.pop()
        elif not written.startswith('"'):
            found.append(Piece(Segment("", written, SegmentKind.NUMBER, "", key), *match.span()))
        elif _COLON.match(text, match.end()):
            key = json.loads(written, strict=False)
            found.append(Piece(Segment("", key, SegmentKind.KEY), *match.span()))
        else:
            segment = Segment("", json.loads(written, strict=False), SegmentKind.UNKNOWN, "", key)
            found.append(Piece(segment, *match.span()))
    return found


def spliced(text: str, found: Sequence[Piece], new: Sequence[str]) -> str:
    """The document with new texts in their places, everything else as it is. A number that changed becomes a string."""
    out: list[str] = []
    position = 0
    for piece, replaced in zip(found, new, strict=True):
        if replaced != piece.segment.text:
            out += (text[position : piece.start], json.dumps(replaced))
            position = piece.end
    return "".join((*out, text[position:]))
