"""How the pool and its process speak: a head in JSON and the file's bytes behind it, by pipes.

Nothing in a frame could run code when read. Errors travel as codes and sentences of ours, never with a word of a file.
"""

import struct
from dataclasses import asdict
from typing import Any

import orjson

from proxy.documents.base import Opened, Part, Text, Word

SIZES = struct.Struct(">II")
"""Bytes of the head, bytes of the file."""
MAX_HEAD = 64 * 1024 * 1024
MAX_FILE = 256 * 1024 * 1024


def packed(head: dict[str, Any], payload: bytes = b"") -> bytes:
    """One frame."""
    body = orjson.dumps(head, option=orjson.OPT_NON_STR_KEYS)
    return SIZES.pack(len(body), len(payload)) + body + payload


def unpacked(body: bytes) -> dict[str, Any]:
    """A frame's head. Raises ValueError where it is none."""
    head = orjson.loads(body)
    if not isinstance(head, dict):
        raise ValueError("a frame's head is a JSON object")
    return head


def to_json(found: Opened) -> dict[str, Any]:
    """What was found, as JSON."""
    texts = [[_encodable(one.text), one.place, one.fixed, [list(asdict(word).values()) for word in one.words]]
             for one in found.texts]  # fmt: skip
    parts = [[part.media_type, part.size, part.inspectable] for part in found.parts]
    recognized = [[name, *span] for name, span in found.recognized.items()]
    return {"texts": texts, "parts": parts, "inspectable": found.inspectable, "why": found.why,
            "recognized": recognized}  # fmt: skip


def from_json(value: dict[str, Any]) -> Opened:
    """The reverse. Raises ValueError, TypeError, KeyError."""
    texts = [Text(str(place), str(text), bool(fixed), tuple(Word(*map(int, word)) for word in words))
             for text, place, fixed, words in value["texts"]]  # fmt: skip
    parts = [Part(str(kind), int(size), bool(seen)) for kind, size, seen in value["parts"]]
    recognized = {str(name): (int(first), int(count)) for name, first, count in value["recognized"]}
    return Opened(texts, parts, bool(value["inspectable"]), str(value["why"]), recognized)


def _encodable(text: str) -> str:
    """A lone surrogate cannot be UTF-8; its stand-in has the same length."""
    return text.encode("utf-8", "replace").decode("utf-8")
