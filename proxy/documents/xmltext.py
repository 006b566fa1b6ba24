"""Where texts and attribute values of an XML part stand, in bytes, so that single ones can be written anew.

Expat reads (XML 1.0, namespaces); a document type is refused, so there are no entities to expand and nothing to fetch.
Parts are UTF-8, as office programs write them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from xml.parsers import expat  # document types, and so entities, are refused
from xml.sax.saxutils import escape

from proxy.documents.base import DocumentError

MAX_DEPTH = 256
MAX_EVENTS = 4_000_000  # elements and texts of one part; a minute of one core would be ten times that
_NS = "\x1f"
_ATTRIBUTE = re.compile(rb"([^\s=/>\"'<]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_TAG_NAME = re.compile(rb"<[^\s/>]+")
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute; its value is `raw[start:end]`, without quotes."""

    namespace: str
    name: str
    value: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Start:
    """A start tag. named: behind its name, where an attribute can be added."""

    namespace: str
    name: str
    attributes: tuple[Attribute, ...]
    named: int

    def get(self, name: str) -> Attribute | None:
        """The attribute of that local name."""
        return next((one for one in self.attributes if one.name == name), None)


@dataclass(frozen=True, slots=True)
class End:
    """An end tag."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Chars:
    """Text between two tags, a comment or an instruction; in the bytes `raw[start:end]`. fixed: cannot be rewritten."""

    text: str
    start: int
    end: int
    fixed: bool = False


type Event = Start | End | Chars


def events(raw: bytes) -> Iterator[Event]:
    """The events of a part, in order. Raises DocumentError `document_unreadable` or `document_too_large`."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise _not_utf8()
    reader = _Reader(raw)
    try:
        reader.parser.Parse(raw, True)
    except expat.ExpatError:
        raise DocumentError("document_unreadable", "a part of the file is not well-formed XML") from None
    reader.text_ends(len(raw))
    return iter(reader.found)


def spelled(text: str) -> bytes:
    """A text as it may stand between tags and in quotes. Raises DocumentError where XML has no way to say it."""
    if _FORBIDDEN.search(text):
        raise DocumentError("document_not_replaceable", "a replaced text cannot be written in XML")
    return escape(text, {'"': "&quot;", "\r": "&#13;"}).encode("utf-8")


class _Reader:
    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.found: list[Event] = []
        self._text: list[str] = []
        self._text_at = -1
        self._depth = 0
        parser = expat.ParserCreate("utf-8", _NS)
        parser.ordered_attributes = True
        parser.buffer_text = False
        parser.XmlDeclHandler = self._declared
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._chars
        parser.StartCdataSectionHandler = self._cdata
        parser.CommentHandler = self._comment
        parser.ProcessingInstructionHandler = self._instruction
        self.parser = parser

    def text_ends(self, at: int) -> None:
        if self._text_at >= 0 and self._text:
            self._add(Chars("".join(self._text), self._text_at, at))
        self._text, self._text_at = [], -1

    def _add(self, event: Event) -> None:
        if len(self.found) >= MAX_EVENTS:
            raise DocumentError("document_too_large", "a part of the file has too many elements")
        self.found.append(event)

    def _declared(self, _: str, encoding: str | None, __: int) -> None:
        # Read as UTF-8 whatever it declares: another reader would believe it, and see other words.
        if encoding is not None and encoding.lower() != "utf-8":
            raise _not_utf8()

    def _doctype(self, *_: Any) -> None:
        raise DocumentError("document_unreadable", "a part of the file declares a document type, which none may")

    def _start(self, name: str, attributes: list[str]) -> None:
        at = self.parser.CurrentByteIndex
        self.text_ends(at)
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise DocumentError("document_unreadable", f"a part of the file is nested deeper than {MAX_DEPTH}")
        tag = _TAG_NAME.match(self.raw, at)
        assert tag is not None
        self._add(Start(*_split(name), tuple(self._attributes(tag.end(), attributes)), tag.end()))

    def _attributes(self, at: int, given: list[str]) -> Iterator[Attribute]:
        pairs = iter(zip(given[::2], given[1::2], strict=True))
        while (match := _ATTRIBUTE.match(self.raw, _blanks(self.raw, at))) is not None:
            at = match.end()
            span = match.span(2 if match[2] is not None else 3)
            if match[1] == b"xmlns" or match[1].startswith(b"xmlns:"):
                yield Attribute("xmlns", "xmlns", self.raw[slice(*span)].decode("utf-8", "replace"), *span)
            else:
                name, value = next(pairs)
                yield Attribute(*_split(name), value, *span)
        if next(pairs, None) is not None:
            raise DocumentError("document_unreadable", "a part of the file has an attribute that cannot be found")

    def _end(self, name: str) -> None:
        self.text_ends(self.parser.CurrentByteIndex)
        self._depth -= 1
        self._add(End(*_split(name)))

    def _chars(self, text: str) -> None:
        if self._text_at < 0:
            self._text_at = self.parser.CurrentByteIndex
        self._text.append(text)

    def _cdata(self) -> None:
        if self._text_at < 0:
            self._text_at = self.parser.CurrentByteIndex

    def _comment(self, text: str) -> None:
        self.text_ends(self.parser.CurrentByteIndex)
        self._add(Chars(text, 0, 0, fixed=True))

    def _instruction(self, target: str, text: str) -> None:
        self.text_ends(self.parser.CurrentByteIndex)
        self._add(Chars(f"{target} {text}", 0, 0, fixed=True))


def _not_utf8() -> DocumentError:
    return DocumentError("document_unreadable", "a part of the file is not in UTF-8")


def _split(name: str) -> tuple[str, str]:
    namespace, _, local = name.rpartition(_NS)
    return namespace, local


def _blanks(raw: bytes, at: int) -> int:
    while raw[at : at + 1] in (b" ", b"\t", b"\r", b"\n"):
        at += 1
    return at
