"""Multipart bodies as segments: fields, file names, and files as far as they are text.

The bytes are read as Latin-1, one character per byte, so that the parts between are kept whatever they are; each text
is written back in its own charset.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote

from proxy.errors import FormatError
from proxy.formats import media
from proxy.formats.document import Slot, Write, plain
from proxy.formats.field_names import PLAIN, as_name, words_of
from proxy.formats.fields import LINES, escaped_key, name_slot, passes, place_of, read_text
from proxy.formats.inspection import Inspection, Place
from proxy.formats.shape import UNKNOWN, Shape
from proxy.formats.target import percent_decoded
from proxy.framing import multipart
from redaction.segment import SegmentKind

_CHARSET = re.compile(r";\s*charset=\"?([A-Za-z0-9_.:\-]{1,40})", re.IGNORECASE)
_CHARSET_FIELD = re.compile(rb";[ \t]*name[ \t]*=[ \t]*\"?_charset_\"?[ \t]*(?:;|\Z)", re.IGNORECASE)
_PARAMETER = re.compile(r";[ \t]*(name|filename\*?)[ \t]*=[ \t]*(?:\"((?:[^\"\\]|\\.)*)\"|([^\s;\"]*))", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Charset:
    """Text in a part of a body whose bytes were read as Latin-1, so that every byte is one character."""

    codec: str = "utf-8"
    bom: bytes = b""

    def __call__(self, text: str) -> str:
        """Text to its bytes, one character each. Raises FormatError `replacement_not_encodable`."""
        try:
            return (self.bom + text.encode(self.codec)).decode("latin-1")
        except UnicodeEncodeError:
            pass  # the error holds the text, so ours is raised outside of it
        raise FormatError("a replaced text cannot be written in its charset", code="replacement_not_encodable")


def charset_of(content_type: str) -> str:
    """The charset parameter, else ""."""
    match = _CHARSET.search(content_type)
    return match[1] if match else ""


def read_multipart(
    inspection: Inspection, content_type: str, body: bytes, shape: Shape
) -> tuple[list[Slot], Mapping[str, str]]:
    facts: dict[str, str] = {}
    slots: list[Slot] = []
    found_parts = list(multipart.parts(body, multipart.boundary_of(content_type)))
    said = [_charset_said(body, part) for part in found_parts]
    charset = next(filter(None, said), "")
    for number, part in enumerate(found_parts):
        name, found = _fields(inspection, body, part, number, shape)
        slots += found
        slot = _content(inspection, body, part, name, shape, facts, "" if said[number] else charset)
        if slot is not None:
            slots.append(slot)
    return slots, facts


def _charset_said(body: bytes, part: multipart.Part) -> str:
    """The charset of all parts that name none, where this is the field that says it (RFC 7578 section 4.6)."""
    if _CHARSET_FIELD.search(body[slice(*part.span("content-disposition"))]) is None:
        return ""
    return body[part.start : part.end].decode("latin-1").strip()


def _fields(
    inspection: Inspection, body: bytes, part: multipart.Part, number: int, shape: Shape
) -> tuple[str, list[Slot]]:
    """A part's name, and the slots of its header fields: names, file names and everything that is no media type.

    Names of fields that nobody knows are text as well.
    """
    name, slots = str(number), []
    for field in part.fields:
        value = body[field.start : field.end]
        text = _readable(value)
        done = field.start
        if field.name not in PLAIN and field.name not in _OF_PARTS:
            end = field.at + len(field.name)
            spelled = percent_decoded(body[field.at : end].decode("ascii"), plus=False)[0]
            place = Place(f"/{escaped_key(name)}~h~k", "/*/header", SegmentKind.KEY)
            slots.append(inspection.text(field.at, end, words_of(spelled), place, as_name))
        if field.name == "content-disposition":
            for match in _PARAMETER.finditer(value.decode("latin-1")):
                group = 2 if match[2] is not None else 3
                start, end = field.start + match.start(group), field.start + match.end(group)
                words, write = _parameter(match[1], _readable(body[start:end]), quoted=group == 2)
                if match[1].lower() == "name":
                    name = words
                    slot = name_slot(inspection, start, end, words, shape, write)
                else:
                    place = Place(f"/{escaped_key(name)}~f", "/*/filename", SegmentKind.METADATA, "filename")
                    slot = inspection.text(start, end, words, place, write)
                slots += [_rest(inspection, body, done, start, name), slot]
                done = field.start + match.end()
            slots.append(_rest(inspection, body, done, field.end, name))
        elif field.name == "content-length" and value.isdigit():
            continue
        elif field.name != "content-type" or not _is_type(text):
            place = Place(f"/{escaped_key(name)}~h", "/*/header", SegmentKind.HEADER, field.name)
            slots.append(inspection.text(field.start, field.end, text, place, _one_line))
    return name, [slot for slot in slots if slot is not None]


_OF_PARTS = frozenset(("content-transfer-encoding", "content-id", "content-description"))
"""Fields of parts (RFC 2045), which requests do not have."""
_SYNTAX = re.compile(r"(?:form-data|attachment|inline)?|[\s;=\"]*(?:name|filename\*?)?[\s;=\"]*", re.IGNORECASE)
_TYPE = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9.+\-]{0,63}/[A-Za-z0-9][A-Za-z0-9.+\-]{0,95}(?:;\s*charset=\"?[A-Za-z0-9_.:\-]{1,40}\"?)?"
)


def _is_type(text: str) -> bool:
    return _TYPE.fullmatch(text) is not None


def _rest(inspection: Inspection, body: bytes, start: int, end: int, name: str) -> Slot | None:
    """What a Content-Disposition holds beside its known parameters."""
    text = _readable(body[start:end])
    if all(_SYNTAX.fullmatch(piece) for piece in re.split(r"(?<=[a-z])(?=;)", text)):
        return None
    place = Place(f"/{escaped_key(name)}~h", "/*/header", SegmentKind.HEADER, "content-disposition")
    return inspection.text(start, end, text, place, _one_line)


def _content(
    inspection: Inspection,
    body: bytes,
    part: multipart.Part,
    name: str,
    shape: Shape,
    facts: dict[str, str],
    charset: str,
) -> Slot | None:
    """A part's content. charset: of what names none."""
    raw = body[part.start : part.end]
    if not raw:
        return None
    header = body[slice(*part.span("content-type"))].decode("latin-1")
    media_type = header.partition(";")[0].strip().lower()
    disposition = body[slice(*part.span("content-disposition"))].lower()
    is_file = b"filename" in disposition
    if not is_file and not media_type and passes(name, _readable(raw), shape, facts):
        return None
    place = place_of(name, shape, SegmentKind.FILE if is_file else None)
    if media_type in ("", media.OCTETS, "text/plain") and is_file:
        media_type = _by_name(disposition) or media_type
    medium = shape.member(name).medium
    if not media_type and media.stands_as_it_is(_readable(raw), medium):
        media_type = medium
    kind = media_type or ("application/octet-stream" if is_file else "text/plain")
    inner_shape = (shape.member(name).element or UNKNOWN) if kind in LINES else shape.member(name)
    read = (
        None
        if media.sniff(raw)
        else read_text(inspection, kind, charset_of(header) or charset, raw, inner_shape, place)
    )
    if read is None:
        known = media.sniff(raw) or kind
        if known == media.OCTETS:
            inspection.opaque(place, known, len(raw))
            return None
        return inspection.file(part.start, part.end, media.Read(known, len(raw), raw=raw), place, plain)
    decoded, document, _ = read
    return Slot(part.start, part.end, Charset(decoded.codec, decoded.bom), inner=document)


def _by_name(disposition: bytes) -> str:
    """The type that a file's name tells, where it matters for reading: JSON lines and JSON."""
    ending = re.search(rb"\.(jsonl|ndjson|json|xml|html)\"?\s*(?:;|\Z)", disposition)
    types = {b"json": "application/json", b"xml": "application/xml", b"html": "text/html"}
    return types.get(ending[1], "application/jsonl") if ending else ""


def _readable(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _parameter(kind: str, text: str, *, quoted: bool) -> tuple[str, Write]:
    """A parameter's value: `filename*` of RFC 8187, the quoted string of RFC 9110, percent signs of WHATWG HTML."""
    if kind.endswith("*"):
        head, _, rest = text.rpartition("'")
        charset = "latin-1" if head.lower().startswith("iso-8859-1'") else "utf-8"
        return unquote(rest, charset, "replace"), _extended
    if not quoted:
        return text, _quoted_whole
    bare = re.sub(r"\\(.)", r"\1", text)
    return re.sub(r"%(22|0D|0A)", lambda match: chr(int(match[1], 16)), bare, flags=re.IGNORECASE), _quoted


def _quoted(text: str) -> str:
    return _one_line(text.replace("\\", "\\\\").replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A"))


def _extended(text: str) -> str:
    return f"UTF-8''{quote(text, safe='', errors='surrogatepass')}"


def _quoted_whole(text: str) -> str:
    return f'"{_quoted(text)}"'


def _one_line(text: str) -> str:
    """A header field's value in UTF-8, one character per byte."""
    if any(char in text for char in "\r\n\0"):
        raise FormatError("a replaced header value would hold a line break", code="replacement_not_encodable")
    return Charset()(text)
