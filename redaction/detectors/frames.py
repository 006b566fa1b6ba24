"""How the pool and its workers speak: length-prefixed JSON over pipes, nothing that could run code when read.

A frame is four bytes of big-endian length and one JSON object. Texts travel in it between two processes of one
machine and are not kept; errors travel as codes and places in our source, never with a message that may quote text.
"""

import struct
from typing import Any, Final

import orjson

from redaction.errors import DetectionError
from redaction.finding import Finding, SegmentFindings
from redaction.segment import Segment, SegmentKind

HEADER: Final = struct.Struct(">I")
MAX_FRAME: Final = 256 * 1024 * 1024
"""Above any batch of the pool; a longer frame means that the two sides have lost each other."""


def pack(message: dict[str, Any]) -> bytes:
    """One frame. Raises DetectionError (`too_large`)."""
    body = orjson.dumps(message)
    if len(body) > MAX_FRAME:
        raise DetectionError(f"a batch of {len(body)} bytes is above {MAX_FRAME}", code="too_large")
    return HEADER.pack(len(body)) + body


def unpack(body: bytes) -> dict[str, Any]:
    """The inverse. Raises ValueError where the body is no JSON object."""
    message = orjson.loads(body)
    if not isinstance(message, dict):
        raise ValueError("a frame holds a JSON object")
    return message


def segments_to_json(segments: list[Segment]) -> list[list[str]]:
    """Text, kind and hint. A lone surrogate cannot be UTF-8; its stand-in has the same length."""
    return [[_encodable(segment.text), segment.kind.value, _encodable(segment.hint)] for segment in segments]


def segments_from_json(rows: list[list[str]]) -> list[Segment]:
    return [Segment("", text, SegmentKind(kind), "", hint) for text, kind, hint in rows]


def findings_to_json(results: list[SegmentFindings]) -> list[list[Any]]:
    return [
        [found.language, [[f.start, f.end, f.entity_type, f.score, f.recognizer] for f in found.findings]]
        for found in results
    ]


def findings_from_json(rows: list[list[Any]]) -> list[SegmentFindings]:
    return [SegmentFindings(tuple(Finding(*row) for row in findings), language) for language, findings in rows]


def _encodable(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)
    return text
