"""Words in XML and HTML: text, comments, CDATA and attribute values, with their character references read.

A name that is written `J&#252;rgen` is found like any other. This is no parser: every character belongs to exactly one
token, so nothing is skipped, well-formed or not. Names of elements and attributes are inspected as keys.
"""

import html
import re
from collections.abc import Iterator

from proxy.formats.document import Slot, Write, plain
from proxy.formats.inspection import Inspection, Place
from redaction.segment import SegmentKind

_TOKEN = re.compile(
    r"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<[!?/]?[A-Za-z_](?:[^<>\"']|\"[^\"]*\"|'[^']*')*>|<|[^<]+", re.DOTALL
)
_VALUE = re.compile(r"\"([^\"]*)\"|'([^']*)'")
_DECLARED = re.compile(rb"\s*<\?xml[^>]{0,200}?encoding=[\"']([A-Za-z0-9._\-]{1,40})[\"']")
_HIDDEN = "&"


def declared_charset(body: bytes) -> str:
    """The encoding that an XML declaration names, else ""."""
    match = _DECLARED.match(body[:300])
    return match[1].decode("ascii") if match else ""


def slots(text: str, inspection: Inspection) -> list[Slot]:
    """The slots of a document. One for the whole text where no character reference hides anything."""
    whole = Place("/text", "/text")
    if _HIDDEN not in text:
        return [slot for slot in (inspection.text(0, len(text), text, whole, plain),) if slot is not None]
    found: list[Slot] = []
    for start, end, kind, write in _words(text):
        raw = text[start:end]
        if raw.isspace() or not raw:
            continue
        words = raw if write is plain else html.unescape(raw)
        place = Place(f"/text/{start}", "/text/*", kind)
        slot = inspection.text(start, end, words, place, write)
        if slot is not None:
            found.append(slot)
    return found


def _words(text: str) -> Iterator[tuple[int, int, SegmentKind, Write]]:
    for token in _TOKEN.finditer(text):
        start, end = token.span()
        raw = token[0]
        if raw.startswith("<!--"):
            yield start, end, SegmentKind.UNKNOWN, plain
        elif raw.startswith("<![CDATA["):
            yield start + 9, end - 3, SegmentKind.UNKNOWN, _cdata
        elif raw[0] != "<":
            yield start, end, SegmentKind.UNKNOWN, escaped
        elif len(raw) > 1:
            yield from _tag(text, start, end)


def _tag(text: str, start: int, end: int) -> Iterator[tuple[int, int, SegmentKind, Write]]:
    done = start
    for value in _VALUE.finditer(text, start, end):
        yield done, value.start(), SegmentKind.KEY, plain
        group = 1 if value[1] is not None else 2
        yield value.start(group), value.end(group), SegmentKind.UNKNOWN, escaped
        done = value.end()
    yield done, end, SegmentKind.KEY, plain


def escaped(text: str) -> str:
    """Text as it stands between tags and in attribute values."""
    return html.escape(text, quote=True)


def _cdata(text: str) -> str:
    return text.replace("]]>", "]]]]><![CDATA[>")
