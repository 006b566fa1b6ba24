"""Sessions over WebSocket: each message of the client a body of its own, all messages of the provider one stream.

A format file says what stands where in the messages of both sides; reading, splicing and restoring are those of every
other JSON. Pure; framing, limits and records are not its business.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from proxy.formats.base import Inspected, MediaPart, Usage
from proxy.formats.channels import EVERY, Channels, type_of
from proxy.formats.core import keeping, splice
from proxy.formats.document import decode
from proxy.formats.inspection import Inspection, Place
from proxy.formats.jsonscan import Scan
from proxy.formats.media import OCTETS
from proxy.formats.shape import Shape
from proxy.formats.stream import StreamReader
from proxy.framing.events import Event
from proxy.framing.websocket import MessageEvent
from proxy.messages import Refusal
from redaction.restore import Restorer
from redaction.segment import Segment, SegmentKind

_SOUND = re.compile(r"(?:audio|video|image)/[a-z0-9.+\-]{1,40}(?:; ?(?:rate|channels)=[0-9]{1,6}){0,2}")
MAX_OBJECTS = 64  # handles of one session that are remembered as bound; a new one replaces the one before


@dataclass(frozen=True, slots=True)
class JsonDialect:
    """The messages of one API. client, server: their shapes. channels: of the server's.

    turns: types of events after which what was said is complete; an event that ends channels by a note is one, too.
    told: a refusal of one message as an event of the provider's; without it the provider ends the session instead.
    resumes: a fact whose presence asks the provider to keep the session. unnamed: media type of bytes without one.
    """

    client: Shape
    server: Shape
    channels: Channels = field(default_factory=Channels)
    turns: frozenset[str] = frozenset()
    told: Callable[[Refusal, str], Mapping[str, object]] | None = None
    resumes: str = ""
    unnamed: str = "audio/pcm"

    def read(self, message: bytes) -> Inspected:
        """Take a message of the client apart. Raises FormatError."""
        decoded = decode(message)
        inspection = Inspection()
        document, found = inspection.json(decoded.text, self.client, Place("", "", SegmentKind.USER))
        document, keeps, unkept = keeping(document, found, stores=False)
        inspected = inspection.finish(decoded, message, document, found.facts, found.noted)
        resumes = bool(self.resumes) and found.facts.get(self.resumes, "null") != "null"
        return replace(
            inspected,
            segments=tuple(one for one in inspected.segments if not _is_media_type(one)),
            media=tuple(self._named(part) for part in inspected.media),
            keeps=keeps or resumes,
            unkept={} if resumes else unkept,
        )

    def splice(self, inspected: Inspected, replacements: Mapping[str, str]) -> bytes:
        """The message with the texts of the given pointers replaced."""
        return splice(inspected, replacements)

    def reader(self, restorer: Restorer) -> "MessageReader":
        """A reader of everything that the provider says in a session."""
        return MessageReader(self, restorer)

    def refused(self, refusal: Refusal, message: bytes) -> bytes | None:
        """What the client is told of a message that was not sent; None where the session ends instead."""
        if self.told is None:
            return None
        return json.dumps(self.told(refusal, _event_id(message))).encode()

    def _named(self, part: MediaPart) -> MediaPart:
        return replace(part, media_type=self.unnamed) if part.media_type == OCTETS else part


def _is_media_type(segment: Segment) -> bool:
    """Whether a text is the name of a medium with its rate (RFC 2586), which is structure but no identifier."""
    return segment.hint in ("mimeType", "mime_type") and _SOUND.fullmatch(segment.text) is not None


def _event_id(message: bytes) -> str:
    """The client's own name for a message, which its error repeats; "" where there is none that looks like one."""
    try:
        value = json.loads(message)
    except (ValueError, RecursionError):
        return ""
    name = value.get("event_id") if isinstance(value, dict) else None
    return name if isinstance(name, str) and len(name) <= 512 else ""


class _NoFrames:
    """Messages come whole."""

    def feed(self, data: bytes) -> Sequence[Event]:
        return ()

    def finish(self) -> Sequence[Event]:
        return ()


class MessageReader(StreamReader):
    """Restores what the provider says in one session, message by message."""

    def __init__(self, dialect: JsonDialect, restorer: Restorer) -> None:
        super().__init__(_NoFrames(), dialect.server, dialect.channels, restorer)
        self._turns = dialect.turns
        self._counted = Usage()
        self._bound: dict[str, None] = {}
        self.turn_ended = False

    def message(self, raw: bytes) -> list[bytes]:
        """One message of the provider; out come those for the client, one or more."""
        try:
            data = raw.decode("utf-8")
        except UnicodeDecodeError:
            return [raw]  # no text: there is no placeholder in it
        return self._event(MessageEvent(raw, data))

    def close(self, *, complete: bool) -> list[bytes]:
        """The session ends: messages with what was held back."""
        rest = self._flush(EVERY)
        self._count()
        self.facts.usage, self.facts.complete = self._counted, complete
        return rest

    def new_objects(self) -> list[str]:
        """Provider objects that were named and not asked for before."""
        new = [one for one in self._noticed.objects() if one not in self._bound]
        self._bound.update(dict.fromkeys(new))
        while len(self._bound) > MAX_OBJECTS:
            del self._bound[next(iter(self._bound))]
        return new

    def said(self) -> tuple[list[str], bool]:
        """What the provider said since the last time, each text once; whether some of it was too much to keep."""
        self.turn_ended = False
        texts, truncated = self._noticed.taken()
        return list(dict.fromkeys(texts)), truncated

    def _json(self, event: Event, data: str, found: Scan) -> list[bytes]:
        restored = super()._json(event, data, found)
        if type_of(self._channels.event(found)[0]) in self._turns or found.closing:
            self.turn_ended = True
            self._count()
        return restored

    def _count(self) -> None:
        """Each turn has a count of its own; the outcome has their sum."""
        now, before = self.facts.usage, self._counted
        self.facts.usage = Usage()
        if now != Usage():
            self._counted = Usage(
                (before.input_tokens or 0) + (now.input_tokens or 0),
                (before.output_tokens or 0) + (now.output_tokens or 0),
            )
