"""What a wire format is: how one provider API spells text, structure, streams and errors.

A format is pure (bytes in, values out) and knows one provider API; framing (SSE, NDJSON, JSON array) and the JSON
engine are shared. Unknown means text: a string that no rule of the format names is a segment.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from audit.flat import slotted
from proxy.messages import Headers, Refusal, Reply
from redaction.restore import Restorer
from redaction.segment import Segment

SDP, SESSION_KEY = "application/sdp", "application/x-session-key"
BESIDE_US = {
    SDP: "a call's sound and words would flow beside dragoman (WebRTC, SIP); use a WebSocket session",
    SESSION_KEY: "the key would open sessions that do not pass dragoman; open them here, with the app's own key",
}
"""Media types of what sets up a way around this proxy, and what a refusal says of it."""


@slotted
@dataclass(frozen=True, slots=True)
class RequestHead:
    """The part of a request that routes it. path: raw, without query; query: raw, without `?`.

    upgrade: it asks for a WebSocket (RFC 6455 section 4.1).
    """

    method: str
    host: str
    path: str
    query: str
    headers: Headers
    upgrade: bool = False


class SessionReader(Protocol):
    """Restores what a provider says in one session."""

    turn_ended: bool

    @property
    def facts(self) -> "ResponseFacts": ...

    def message(self, raw: bytes) -> list[bytes]:
        """A message of the provider in, messages for the client out. Raises FormatError on a hostile one."""
        ...

    def close(self, *, complete: bool) -> list[bytes]:
        """The session ends: what was held back."""
        ...

    def new_objects(self) -> list[str]:
        """Ids of what the provider keeps, named since the last time."""
        ...

    def said(self) -> tuple[list[str], bool]:
        """Texts since the last time, as the provider sent them; whether some were too much to keep."""
        ...

    def feed(self, data: bytes) -> bytes: ...

    def finish(self) -> bytes: ...


class Dialect(Protocol):
    """How the messages of a session are read. Immutable and shared."""

    def read(self, message: bytes) -> "Inspected":
        """Take a message of the client apart. Raises FormatError."""
        ...

    def splice(self, inspected: "Inspected", replacements: Mapping[str, str]) -> bytes:
        """See `Format.splice`."""
        ...

    def reader(self, restorer: Restorer) -> SessionReader: ...

    def refused(self, refusal: Refusal, message: bytes) -> bytes | None:
        """The provider's own error event for a message that was not sent; None where the session has to end."""
        ...


@slotted
@dataclass(frozen=True, slots=True)
class Endpoint:
    """Which operation of a provider API a request is.

    format: the format's name. operation: from a closed set (`chat`, `embeddings`, `generate`, `unknown`), it stands
    in the record. model: from the path where the API puts it there, else "". session: how messages are read, where the
    request opens a session.
    """

    format: str
    operation: str
    model: str = ""
    session: Dialect | None = None


@dataclass(frozen=True, slots=True)
class MediaPart:
    """Something in a body that is not text to us: an image, audio, an opaque file. size: decoded bytes.

    inspectable: everything in it that could be personal was looked into. treated: what became of it, for the record.
    digest: SHA-256 of a file's bytes as they came, "" where it is none; a short file can be guessed from it, so it goes
    nowhere but into a commitment.
    """

    pointer: str
    media_type: str
    size: int
    inspectable: bool = False
    treated: str = ""
    digest: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file in a body that `proxy.documents` can read. Replaced as a whole: new bytes as Latin-1, under its pointer.

    place: schema pointer. The media part of the same pointer is this file.
    """

    pointer: str
    media_type: str
    raw: bytes
    place: str


@dataclass(frozen=True, slots=True)
class Inspected:
    """A request body taken apart.

    segments: every text to inspect, each pointer once. media: what cannot be read as text. uninspected: media-like
    parts that pass unread only where the policy says so (reason codes). model, stream: what the request asks for.
    state: ids of provider objects that the request names (previous response, cached content, ...): {kind: id}.
    keeps: whether the provider will keep an object that this request creates, so that later requests can name it.
    unkept: replacements for `splice` with which it will not; empty where there is no such way.
    attachments: files among `media` that can be opened.
    talk: the protocol's own name of the session that the request belongs to.
    source: what the format itself needs to splice; opaque to everybody else.
    """

    segments: tuple[Segment, ...]
    source: object
    media: tuple[MediaPart, ...] = ()
    uninspected: tuple[MediaPart, ...] = ()
    model: str = ""
    stream: bool = False
    state: Mapping[str, str] = field(default_factory=dict)
    keeps: bool = False
    unkept: Mapping[str, str] = field(default_factory=dict)
    attachments: tuple[Attachment, ...] = ()
    talk: str = ""


@slotted
@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that the provider counted, where it said so."""

    input_tokens: int | None = None
    output_tokens: int | None = None


@dataclass(slots=True)
class ResponseFacts:
    """What a reader learned from a response, filled while it passes; one and the same object all along.

    objects: provider objects the response creates ({kind: id}), to be bound to the request's scope before it ends; a
    second one of a kind as `<kind>.2`.
    texts: the answer's text per channel **as the upstream sent it** (placeholders not restored), bounded, for
    inspection after the stream; truncated says that the bound was reached. wholes: texts that came in one piece.
    complete: the response ended as its format says it ends.
    """

    usage: Usage = field(default_factory=Usage)
    model: str = ""
    objects: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    wholes: dict[str, None] = field(default_factory=dict)
    truncated: bool = False
    complete: bool = False
    events: int = 0


class ResponseReader(Protocol):
    """Restores one response on its way to the client; any cut of the bytes gives the same result."""

    @property
    def facts(self) -> ResponseFacts:
        """What was learned so far; complete after `finish`."""
        ...

    def feed(self, data: bytes) -> bytes:
        """Bytes of the (decoded) upstream body in, bytes for the client out; raises FormatError on hostile input."""
        ...

    def finish(self) -> bytes:
        """The upstream ended its body: what was held back, and nothing after it."""
        ...


class Format(Protocol):
    """One provider API. Instances are immutable and shared."""

    @property
    def name(self) -> str:
        """As in the register and in records."""
        ...

    @property
    def known_by(self) -> tuple[str, ...]:
        """Words in the name of a destination or host behind which an SDK expects this format's errors."""
        ...

    def endpoint(self, head: RequestHead) -> Endpoint | None:
        """The operation, or None where this format does not know the request."""
        ...

    def read(self, endpoint: Endpoint, head: RequestHead, body: bytes) -> Inspected:
        """Take a decoded body apart. Raises FormatError (code, HTTP status) where it cannot be read."""
        ...

    def splice(self, inspected: Inspected, replacements: Mapping[str, str]) -> bytes:
        """The body with the texts of the given pointers replaced, every other byte as it came.

        An empty mapping returns the identical body. Raises FormatError where a replacement cannot stand there.
        """
        ...

    def reader(self, endpoint: Endpoint, status: int, headers: Headers, restorer: Restorer) -> ResponseReader:
        """A reader for the response to that request; chosen by status and content type."""
        ...

    def refuse(self, endpoint: Endpoint | None, refusal: Refusal) -> Reply:
        """The refusal as this provider's SDK expects an error."""
        ...

    def stream_error(self, endpoint: Endpoint, refusal: Refusal) -> bytes:
        """Bytes that end a stream, which already began, with the provider's own error event."""
        ...
