"""From leaves to segments: what of a body is read, in how many layers, and what cannot be read.

JSON inside a string is taken apart, base64 and data: URLs that hold text are opened, so no encoding hides a word.
Everything found here goes into an `Inspected`; nothing is judged and nothing is kept.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from types import MappingProxyType

from audit.flat import slotted
from proxy.documents.base import READABLE
from proxy.errors import FormatError
from proxy.formats import media
from proxy.formats.base import Attachment, Inspected, MediaPart
from proxy.formats.document import Body, Decoded, Document, Slot, Write, json_like, not_a_number, plain, through
from proxy.formats.jsonscan import MAX_LEAVES, Form, Frame, Leaf, Scan, scan, string_of, too_many
from proxy.formats.media import Read
from proxy.formats.shape import Shape, Use, free
from redaction.segment import Segment, SegmentKind

MAX_LAYERS = 6  # JSON in a string in JSON …; an app that nests deeper hides something
NUMBERS = "application/x-numbers"
TOKEN_IDS = "application/x-token-ids"  # noqa: S105 (a media type)

_FREE = free()
_NO_ID = ("null", "{", "[")
_BEGINNINGS = frozenset('[{" \t\n\r')  # of a JSON text that could hold more than one word
_CONTAINER = re.compile(r"\s*[\[{].*[\]}]\s*\Z", re.DOTALL)
_ESCAPED = re.compile(r'\s*".*\\.*"\s*\Z', re.DOTALL)

ROLES: Mapping[str, SegmentKind] = {
    "system": SegmentKind.SYSTEM,
    "developer": SegmentKind.SYSTEM,
    "user": SegmentKind.USER,
    "human": SegmentKind.USER,
    "assistant": SegmentKind.ASSISTANT,
    "model": SegmentKind.ASSISTANT,
    "chatbot": SegmentKind.ASSISTANT,
    "tool": SegmentKind.TOOL_RESULT,
    "function": SegmentKind.TOOL_RESULT,
    "ipython": SegmentKind.TOOL_RESULT,
}


type Noted = tuple[str, str, int, int]
"""A note of the scan: name, value, where its literal stands."""


@slotted
@dataclass(frozen=True, slots=True)
class Place:
    """Where a text stands: what its segment will say."""

    pointer: str
    schema: str
    kind: SegmentKind = SegmentKind.UNKNOWN
    hint: str = ""


def state_of(noted: Sequence[Noted]) -> dict[str, str]:
    """The provider objects that a body names; a second one of a kind as `<kind>.2`, and so on."""
    state: dict[str, str] = {}
    values: set[str] = set()
    counts: dict[str, int] = {}
    for name, value, _, _ in noted:
        if name.startswith("state.") and value and value not in _NO_ID and value not in values:
            kind = name[6:]
            values.add(value)
            counts[kind] = n = counts.get(kind, 0) + 1
            state[f"{kind}.{n}" if n > 1 else kind] = value
    return state


@dataclass(slots=True)
class Inspection:
    """Collects one request. roles: what a `role` says about the words beside it."""

    roles: Mapping[str, SegmentKind] = field(default_factory=lambda: ROLES)
    segments: list[Segment] = field(default_factory=list)
    media: list[MediaPart] = field(default_factory=list)
    uninspected: list[MediaPart] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    _pointers: dict[str, int] = field(default_factory=dict)

    def json(self, text: str, shape: Shape, place: Place, layer: int = 0) -> tuple[Document, Scan]:
        """Take a JSON text apart. Raises FormatError where it is none, or too deep."""
        found = scan(text, shape)
        slots: list[Slot] = []
        for leaf in found.leaves:
            slot = self._leaf(text, leaf, place, layer)
            if slot is not None:
                slots.append(slot)
        return Document(text, tuple(slots)), found

    def text(self, start: int, end: int, text: str, place: Place, write: Write, layer: int = 0) -> Slot | None:
        """The slot of one decoded text, opened as far as it can be; None where there is nothing to write back."""
        if not text:
            return None
        if layer < MAX_LAYERS:
            opened = self._nested(start, end, text, place, write, layer) or self._coded(
                start, end, text, place, write, layer
            )
            if opened is not None:
                return opened[0]
        elif _CONTAINER.match(text):
            raise FormatError(
                f"JSON is nested in strings more than {MAX_LAYERS} times; send it flatter", code="too_deep"
            )
        return Slot(start, end, write, self._add(place, text))

    def finish(
        self,
        decoded: Decoded,
        raw: bytes,
        document: Document,
        facts: Mapping[str, str],
        noted: Sequence[Noted] = (),
        *,
        opened: bool = False,
        named: Mapping[str, str] = MappingProxyType({}),
        keeps: bool = False,
        unkept: Mapping[str, str] = MappingProxyType({}),
    ) -> Inspected:
        """Everything found. facts: `model`, `stream`; noted: `state.<kind>`, as the scan saw them.

        opened: see `Body`. named: provider objects besides those noted. keeps, unkept: see `Inspected`.
        """
        return Inspected(
            segments=tuple(self.segments),
            source=Body(raw, document, decoded.codec, decoded.bom, opened),
            media=tuple(self.media),
            uninspected=tuple(self.uninspected),
            model=facts.get("model", ""),
            stream=facts.get("stream") == "true",
            attachments=tuple(self.attachments),
            state={**named, **state_of(noted)},
            keeps=keeps,
            unkept=unkept,
        )

    def opaque(self, place: Place, media_type: str, size: int) -> None:
        """A part that nothing here can read."""
        self.uninspected.append(MediaPart(self._unique(place.pointer), media_type, size))

    def file(self, start: int, end: int, read: Read, place: Place, write: Write) -> Slot | None:
        """A part that is no text: reported, and a slot for its bytes where it is a file that can be opened."""
        pointer = self._unique(place.pointer)
        digest = sha256(read.raw).digest() if read.raw else b""
        self.media.append(MediaPart(pointer, read.media_type, read.size, digest=digest))
        if read.media_type not in READABLE or not read.raw:
            return None
        self.attachments.append(Attachment(pointer, read.media_type, read.raw, place.schema))
        return Slot(start, end, write if read.write is None else through(read.write, write), pointer)

    def _add(self, place: Place, text: str) -> str:
        """One segment more; its pointer. Raises FormatError `too_many_texts`."""
        if len(self.segments) >= MAX_LEAVES:
            raise too_many()
        pointer = self._unique(place.pointer)
        self.segments.append(Segment(pointer, text, place.kind, place.schema, place.hint))
        return pointer

    def _unique(self, pointer: str) -> str:
        """The pointer, with `~d2`, `~d3`, … (never valid in RFC 6901) where a duplicate key had it."""
        count = self._pointers.get(pointer, 0) + 1
        self._pointers[pointer] = count
        return pointer if count == 1 else self._unique(f"{pointer}~d{count}")

    def _leaf(self, text: str, leaf: Leaf, around: Place, layer: int) -> Slot | None:
        place = self._place(leaf, around)
        if leaf.form is Form.NUMBERS:
            self.opaque(place, TOKEN_IDS if leaf.shape.tokens else NUMBERS, leaf.end - leaf.start)
            return None
        literal = text[leaf.start : leaf.end]
        if leaf.form is Form.NUMBER:
            may = leaf.shape.free or leaf.frame.free
            pointer = self._add(place, literal)
            return Slot(leaf.start, leaf.end, json_like('"', "") if may else not_a_number, pointer)
        value = string_of(literal)
        write = json_like(literal, value)
        if leaf.form is Form.STRING and leaf.shape.use in (Use.OPAQUE, Use.MEDIA):
            return self._bytes(leaf, value, place, write, layer)
        return self.text(leaf.start, leaf.end, value, place, write, layer)

    def _place(self, leaf: Leaf, around: Place) -> Place:
        if leaf.form is Form.KEY:
            # A schema names a property as a key, in `required` and in text: one kind, one scope, one placeholder.
            defines = leaf.frame.kind is SegmentKind.TOOL_DEFINITION
            kind = SegmentKind.TOOL_DEFINITION if defines else SegmentKind.KEY
        elif leaf.form is Form.NUMBER:
            kind = SegmentKind.NUMBER
        else:
            kind = leaf.shape.kind or leaf.frame.kind or self._by_role(leaf.frame) or around.kind
        return Place(around.pointer + leaf.pointer, around.schema + leaf.schema, kind, leaf.hint or around.hint)

    def _by_role(self, frame: Frame) -> SegmentKind | None:
        role = frame.noted("role")
        return self.roles.get(role.lower()) if role is not None else None

    def _bytes(self, leaf: Leaf, value: str, place: Place, write: Write, layer: int) -> Slot | None:
        """An opaque or media string: opened where it holds text, reported where it is media, else left alone."""
        if leaf.shape.medium:
            if not media.stands_as_it_is(value, leaf.shape.medium):
                return self.text(leaf.start, leaf.end, value, place, write, layer)
            self.media.append(MediaPart(self._unique(place.pointer), leaf.shape.medium, len(value)))
            return None
        opaque = leaf.shape.use is Use.OPAQUE
        named = "" if opaque else media.media_type_of(leaf.frame.noted("mime"))
        read = media.read_data_url(value) or media.read_base64(value, named, blanks=True)
        if read is None or (opaque and len(value) < 16 and read.text is not None):
            return None if opaque and read else self.text(leaf.start, leaf.end, value, place, write, layer)
        if opaque and read.text is None:
            return self._headed(leaf.start, leaf.end, value, read, place, write)
        return self._opened(leaf.start, leaf.end, value, read, place, write, layer)

    def _nested(
        self, start: int, end: int, text: str, place: Place, write: Write, layer: int
    ) -> tuple[Slot | None] | None:
        """JSON in the text: a slot with a document of its own; None where the text is no JSON."""
        if text[0] not in _BEGINNINGS or not (_CONTAINER.match(text) or _ESCAPED.match(text)):
            return None
        try:
            inner = Place(f"{place.pointer}#", f"{place.schema}#", place.kind, place.hint)
            document, _ = self.json(text, _FREE, inner, layer + 1)
        except FormatError as error:
            if error.code != "invalid_json":
                raise
            return None
        return (Slot(start, end, write, inner=document),)

    def _coded(
        self, start: int, end: int, text: str, place: Place, write: Write, layer: int
    ) -> tuple[Slot | None] | None:
        """A data: URL or long base64 where words were expected; None where it is neither."""
        read = media.read_data_url(text) if text[:5].lower() == "data:" and media.begins_data_url(text) else None
        if read is None and media.is_long_base64(text):
            read = media.read_base64(text)
        if read is None:
            return None
        if read.text is None and read.media_type == media.OCTETS:
            self.opaque(place, read.media_type, read.size)
            return (self._headed(start, end, text, read, place, write),)
        return (self._opened(start, end, text, read, place, write, layer),)

    def _opened(
        self, start: int, end: int, value: str, read: Read, place: Place, write: Write, layer: int
    ) -> Slot | None:
        """What base64 or a data: URL holds, read as text where it is text, and as a file where it is none."""
        if read.text is None:
            inner = self.file(read.head, len(value), read, place, plain)
        else:
            kind = SegmentKind.FILE if place.kind in (SegmentKind.UNKNOWN, SegmentKind.USER) else place.kind
            whole = Place(place.pointer, place.schema, kind, place.hint)
            slot = self.text(0, len(read.text), read.text, whole, plain, layer + 1)
            assert read.write is not None
            inner = slot and Slot(read.head, len(value), read.write, inner=Document(read.text, (slot,)))
        return self._headed(start, end, value, read, place, write, inner)

    def _headed(
        self, start: int, end: int, value: str, read: Read, place: Place, write: Write, inner: Slot | None = None
    ) -> Slot | None:
        """A data: URL with its content, and with its head where that names more than types."""
        slots = [inner] if inner is not None else []
        if read.named:
            slots.insert(
                0,
                Slot(0, read.head, plain, self._add(replace(place, pointer=f"{place.pointer}~h"), value[: read.head])),
            )
        return Slot(start, end, write, inner=Document(value, tuple(slots))) if slots else None
