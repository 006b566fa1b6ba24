"""What every kind of body shares: text of any type as a document, JSON lines, and the named fields of forms.

A shape may say which fields are structure; a field that it does not name is text, and so is its name.
"""

import re
from collections.abc import Iterator, Mapping

from proxy.errors import FormatError
from proxy.formats import markup, media
from proxy.formats.base import SDP
from proxy.formats.document import Decoded, Document, Slot, Write, decode, plain
from proxy.formats.inspection import Inspection, Place
from proxy.formats.jsonscan import IDENTIFIER
from proxy.formats.shape import Shape, Use
from redaction.segment import SegmentKind

LINES = frozenset(("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines",
                   "application/json-lines", "application/jsonlines", "text/jsonl"))  # fmt: skip
_LINE = re.compile(r"[^\r\n]+")
_IDENTIFIER = re.compile(IDENTIFIER)


def read_text(
    inspection: Inspection, media_type: str, charset: str, body: bytes, shape: Shape, place: Place
) -> tuple[Decoded, Document, Mapping[str, str]] | None:
    """Whatever holds words and nothing else; None where the bytes are no text, or text that only a machine reads."""
    if media_type == SDP:
        return None
    if media_type in LINES:
        decoded = decode(body, charset)
        return decoded, Document(decoded.text, tuple(_lines(inspection, decoded.text, shape, place))), {}
    if media_type.endswith("json") or media_type == "":
        try:
            decoded = decode(body, charset)
            document, found = inspection.json(decoded.text, shape, place)
        except FormatError as error:
            # Without a type it was only a guess.
            if media_type or error.code == "too_deep":
                raise
        else:
            return decoded, document, found.facts
    if is_markup(media_type):
        decoded = decode(body, charset or markup.declared_charset(body), zeros=False)
        return decoded, Document(decoded.text, tuple(markup.slots(decoded.text, inspection))), {}
    if media.is_text_type(media_type):
        decoded = decode(body, charset, zeros=False)
    else:
        text, codec = media.text_of(body, media_type, charset)
        if text is None:
            return None
        decoded = Decoded(text, codec)
    words = Place(place.pointer or "/text", place.schema or "/text", place.kind, place.hint)
    slot = inspection.text(0, len(decoded.text), decoded.text, words, plain)
    return decoded, Document(decoded.text, (slot,) if slot else ()), {}


def is_markup(media_type: str) -> bool:
    """Whether bytes of this type are XML or HTML."""
    return "xml" in media_type or media_type == "text/html"


def _lines(inspection: Inspection, text: str, shape: Shape, place: Place) -> Iterator[Slot]:
    """JSON lines: every line a document of its own; one that is none is a text."""
    for number, line in enumerate(_LINE.finditer(text)):
        here = Place(f"{place.pointer}/{number}", f"{place.schema}/*", place.kind)
        try:
            document, _ = inspection.json(line[0], shape, here)
        except FormatError as error:
            if error.code != "invalid_json":
                raise
            slot = inspection.text(line.start(), line.end(), line[0], here, plain)
            if slot is not None:
                yield slot
        else:
            yield Slot(line.start(), line.end(), plain, inner=document)


def passes(name: str, value: str, shape: Shape, facts: dict[str, str]) -> bool:
    """Whether a field is structure and looks like it; notes what its shape asks to remember."""
    field = shape.members.get(name)
    if field is None or field.use is not Use.STRUCTURAL:
        return False
    if field.note.startswith("@"):
        facts[field.note[1:]] = value
    return _IDENTIFIER.fullmatch(value) is not None


def place_of(name: str, shape: Shape, kind: SegmentKind | None = None) -> Place:
    field = shape.members.get(name)
    schema = f"/{name}" if field is not None else "/*"
    return Place(f"/{escaped_key(name)}", schema, kind or (field.kind if field else None) or SegmentKind.UNKNOWN, name)


def name_slot(inspection: Inspection, start: int, end: int, name: str, shape: Shape, write: Write) -> Slot | None:
    if name in shape.members:
        return None
    return inspection.text(start, end, name, Place(f"/{escaped_key(name)}~k", "/*", SegmentKind.KEY), write)


def escaped_key(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
