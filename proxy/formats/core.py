"""What all formats whose bodies are JSON share: a table of operations, read and spliced and restored the same way.

A format file is data: for each operation the path, the shape of its request, of its answer, and how it streams.
Pure and immutable.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from urllib.parse import parse_qsl, unquote

from proxy.errors import FormatError
from proxy.formats import refusal as refusals
from proxy.formats.answers import RawReader, TextReader, WholeReader
from proxy.formats.base import Dialect, Endpoint, Inspected, MediaPart, RequestHead, ResponseReader
from proxy.formats.bodies import FORM, read_body
from proxy.formats.channels import Channels
from proxy.formats.document import Body, Document, Slot, decode, plain
from proxy.formats.fields import is_markup
from proxy.formats.inspection import Inspection, Place
from proxy.formats.jsonscan import Scan
from proxy.formats.media import is_text_type
from proxy.formats.shape import UNKNOWN, Shape
from proxy.formats.stream import StreamReader
from proxy.formats.uploads import charset_of
from proxy.framing.events import Framer
from proxy.framing.lines import ArrayFramer, LineFramer
from proxy.framing.sse import SseFramer
from proxy.messages import Headers, Refusal, Reply
from redaction.restore import Encoding, Restorer
from redaction.segment import SegmentKind

STORE = "~store"
"""The pointer, valid in no body, under which a request is told not to be kept."""

MAX_ECHOES = 1024 * 1024  # characters that an exchange keeps besides its body; a text file of half a megabyte in base64

_OPENED = re.compile(r"[ \t\n\r]*\{")
_EMPTY = re.compile(r"[ \t\n\r]*\}")


class Streams(StrEnum):
    """How an operation streams where the answer's content type does not say. FILE: lines, whatever it says."""

    SSE = "sse"
    LINES = "lines"
    ARRAY = "array"
    FILE = "file"
    AWS = "aws event stream"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of an API. path: matched against the whole raw path; its group `model` names the model, any other
    group a provider's object.

    answer: shape of complete answers and of stream events alike. kind: whose words an unlisted text is.
    creates: every request creates an object that the provider keeps. stores: so does one that does not say
    `store: false` (a shape notes the field as `@store`); without it, one that says `store: true`.
    uploads: the body may be of any content type. refused: why nothing of it is let through. session: it opens a session
    over WebSocket, whose messages are so. beside: it sets up a way around us, which is a part for the policy, of this
    media type. talk: the header field in which a client names one session in all its requests.
    """

    name: str
    path: re.Pattern[str]
    request: Shape = UNKNOWN
    answer: Shape = UNKNOWN
    streams: Streams = Streams.NONE
    channels: Channels = field(default_factory=Channels)
    methods: frozenset[str] = frozenset(("POST",))
    kind: SegmentKind = SegmentKind.UNKNOWN
    creates: bool = False
    stores: bool = False
    uploads: bool = False
    refused: str = ""
    session: Dialect | None = None
    beside: str = ""
    talk: str = ""


@dataclass(frozen=True, slots=True)
class JsonFormat:
    """One provider API with JSON bodies. error: the shape of its errors, which known_by tells (see `Format`).

    roles: what a `role` says about words, where special.
    """

    name: str
    operations: tuple[Operation, ...]
    error: refusals.Shape = refusals.openai
    error_event: str = ""
    roles: Mapping[str, SegmentKind] | None = None
    hosts: Callable[[str], bool] = lambda _host: True
    known_by: tuple[str, ...] = ()

    def endpoint(self, head: RequestHead) -> Endpoint | None:
        """The operation, or None where this format does not know the request."""
        if not self.hosts(head.host):
            return None
        for operation in self.operations:
            match = operation.path.fullmatch(head.path)
            if match is None or head.upgrade != (operation.session is not None):
                continue
            if head.method.upper() in operation.methods:
                named = unquote(match.groupdict().get("model") or "")
                model = named or (head.upgrade and _asked_model(head.query)) or ""
                return Endpoint(self.name, operation.name, model, operation.session)
        return None

    def read(self, endpoint: Endpoint, head: RequestHead, body: bytes) -> Inspected:
        """Take a decoded JSON body apart. Raises FormatError."""
        operation = self._operation(endpoint)
        if operation.refused:
            raise FormatError(operation.refused, code="operation_refused", status=501)
        inspected = self._read(operation, head, body)
        if operation.beside and not any(part.media_type == operation.beside for part in inspected.media):
            part = MediaPart("", operation.beside, len(body))
            inspected = replace(inspected, uninspected=(*inspected.uninspected, part))
        if operation.talk and (named := head.headers.get(operation.talk)):
            inspected = replace(inspected, talk=named)
        return inspected

    def _read(self, operation: Operation, head: RequestHead, body: bytes) -> Inspected:
        named = _named(operation, head)
        if not body:
            return Inspected((), Body(body, Document("")), state=named, keeps=operation.creates)
        inspection = Inspection() if self.roles is None else Inspection(roles=self.roles)
        content_type = head.headers.get("content-type") or ""
        if "upload" in (head.headers.get("x-goog-upload-command") or ""):
            content_type = ""  # Google's SDK says JSON whatever the file is
        form = content_type.lower().startswith(FORM)
        if form and (inspected := self._said_to_be_a_form(operation, head, body)) is not None:
            return inspected
        if form or operation.uploads or content_type.lower().startswith("multipart/"):
            read = read_body(inspection, content_type, body, operation.request)
            return replace(read, state=named, keeps=operation.creates)
        decoded = decode(body, charset_of(content_type))
        document, found = inspection.json(decoded.text, operation.request, Place("", "", operation.kind))
        document, keeps, unkept = keeping(document, found, stores=operation.stores)
        return inspection.finish(
            decoded,
            body,
            document,
            found.facts,
            found.noted,
            named=named,
            keeps=keeps or operation.creates,
            unkept={} if operation.creates else unkept,
        )

    def _said_to_be_a_form(self, operation: Operation, head: RequestHead, body: bytes) -> Inspected | None:
        """JSON that curl calls a form where nobody says what it is; None where it is no JSON."""
        if not _OPENED.match(body[:64].decode("latin-1")):
            return None
        try:
            return self._read(operation, replace(head, headers=head.headers.without(("content-type",))), body)
        except FormatError as error:
            if error.code != "invalid_json":
                raise
            return None

    def splice(self, inspected: Inspected, replacements: Mapping[str, str]) -> bytes:
        """The body with the texts of the given pointers replaced."""
        return splice(inspected, replacements)

    def reader(self, endpoint: Endpoint, status: int, headers: Headers, restorer: Restorer) -> ResponseReader:
        """A reader chosen by the answer's content type, then by the operation."""
        operation = self._operation(endpoint)
        if operation.session is not None and status == 101:
            return operation.session.reader(restorer)
        return reader_for(headers, operation.answer, operation.streams, operation.channels, restorer, status=status)

    def refuse(self, endpoint: Endpoint | None, refusal: Refusal) -> Reply:
        """The refusal as this provider's SDK expects an error."""
        return refusals.reply(refusal, self.error)

    def stream_error(self, endpoint: Endpoint, refusal: Refusal) -> bytes:
        """Bytes that end a begun stream with the provider's own error event."""
        streams = self._operation(endpoint).streams
        if streams is Streams.LINES:
            return refusals.line(refusal, self.error)
        if streams is Streams.ARRAY:
            return b"," + refusals.line(refusal, self.error).strip() + b"]"
        return refusals.sse(refusal, self.error, event=self.error_event) if streams is Streams.SSE else b""

    def _operation(self, endpoint: Endpoint) -> Operation:
        for operation in self.operations:
            if operation.name == endpoint.operation:
                return operation
        raise FormatError("this format does not know the operation", code="unknown_operation")


def _asked_model(query: str) -> str:
    return next((value for name, value in parse_qsl(query) if name == "model"), "")


def _named(operation: Operation, head: RequestHead) -> dict[str, str]:
    """The provider objects that the path names."""
    match = operation.path.fullmatch(head.path)
    groups = match.groupdict() if match is not None else {}
    return {kind: unquote(value) for kind, value in groups.items() if kind != "model" and value}


def keeping(document: Document, found: Scan, *, stores: bool) -> tuple[Document, bool, dict[str, str]]:
    """The body with a slot in which to say `store: false`, whether it asks to be kept, and what would say no.

    stores: what holds where it says nothing. Every `store` counts, as of two with one name either may be taken.
    """
    said = [(value, start, end) for name, value, start, end in found.noted if name == "store"]
    asked = [one for one in said if one[0] != "false" and (stores or one[0] != "null")]
    if any(value not in ("true", "null") for value, _, _ in asked):
        return document, True, {}  # nobody knows what the provider makes of it
    slots = [Slot(start, end, plain, STORE) for _, start, end in asked]
    if not said and stores and (opened := _OPENED.match(document.text)) is not None:
        comma = "" if _EMPTY.match(document.text, opened.end()) else ","
        slots = [Slot(opened.end(), opened.end(), lambda text: f'"store":{text}{comma}', STORE)]
    if not slots:
        return document, False, {}
    merged = sorted((*document.slots, *slots), key=lambda slot: (slot.start, slot.end))
    return Document(document.text, tuple(merged)), True, {STORE: "false"}


def splice(inspected: Inspected, replacements: Mapping[str, str]) -> bytes:
    """Any body that was taken apart here. Raises FormatError where a replacement cannot stand there."""
    source = inspected.source
    assert isinstance(source, Body)
    return source.splice(replacements) if replacements else source.raw


def echoes(inspected: Inspected, replacements: Mapping[str, str]) -> dict[str, str]:
    """Texts that were opened (JSON in a string, base64, data: URLs) and changed: as sent -> as the app wrote them.

    Of two spellings of one text the first counts; texts beyond `MAX_ECHOES` characters in all are left out.
    """
    source, left = inspected.source, MAX_ECHOES
    assert isinstance(source, Body)
    found: dict[str, str] = {}
    for sent, written in source.echoes(replacements) if replacements else ():
        if sent not in found and len(sent) + len(written) <= left:
            left -= len(sent) + len(written)
            found[sent] = written
    return found


def reader_for(
    headers: Headers,
    shape: Shape,
    streams: Streams,
    channels: Channels,
    restorer: Restorer,
    *,
    status: int = 200,
    strict: bool = False,
) -> ResponseReader:
    """The reader for an answer: SSE, JSON lines, an array as it comes, one JSON document, text, or other bytes."""
    content_type = (headers.get("content-type") or "").lower()
    media_type, _, parameters = content_type.partition(";")
    media_type = media_type.strip()
    framer: Framer | None = None
    if streams is Streams.FILE and status < 400:
        framer = LineFramer()
    elif media_type == "text/event-stream":
        framer = SseFramer()
    elif media_type in (
        "application/x-ndjson",
        "application/jsonl",
        "application/x-jsonl",
        "application/x-jsonlines",
        "application/stream+json",
    ):
        framer = LineFramer()
    elif media_type.endswith("json") and status < 400:
        framer = _framer(streams)
    if framer is not None:
        return StreamReader(framer, shape, channels, restorer, strict=strict)
    if media_type.endswith("json"):
        return WholeReader(shape, restorer, channels, strict=strict)
    charset = re.search(r'charset="?([A-Za-z0-9_.:-]+)', parameters)
    if is_text_type(media_type):
        spelling = Encoding.XML if is_markup(media_type) else Encoding.PLAIN
        return TextReader(restorer, charset=charset[1] if charset else "utf-8", strict=strict, encoding=spelling)
    if media_type in ("", "application/octet-stream"):
        return TextReader(restorer, strict=True, guess=True)
    return RawReader()


def _framer(streams: Streams) -> Framer | None:
    if streams is Streams.ARRAY:
        return ArrayFramer()
    return LineFramer() if streams is Streams.LINES else None
