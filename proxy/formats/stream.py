"""Restoring a stream: every event goes out as soon as it came, with its piece of text restored in place.

A piece may come out shorter, as the restorer holds back what may be half a placeholder; that joins the next event of
its channel. When a channel ends with text held back, the event that ends it carries the rest, or one is added before
it. Events in which nothing changed go out byte for byte.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from proxy.errors import FormatError
from proxy.formats.base import ResponseFacts
from proxy.formats.channels import EVERY, Calls, Channels, type_of
from proxy.formats.document import json_like
from proxy.formats.facts import Noticed
from proxy.formats.jsonscan import Form, Leaf, Scan, scan, string_of
from proxy.formats.shape import Shape, Use
from proxy.framing.events import Event, Framer
from redaction.errors import RestoreError
from redaction.restore import Encoding, Restorer
from redaction.segment import SegmentKind

_OPEN, _CLOSE = ("{", "["), ("}", "]")
_NUMBER = re.compile(r"[0-9]{1,9}")
WORDS = "words"
DONE = "[DONE]"
"""OpenAI's last event, and that of those who follow it."""


@dataclass(slots=True)
class _Last:
    """The last event of a channel: enough to make one more like it."""

    event: Event
    data: str
    path: tuple[str | int, ...]


@dataclass(slots=True)
class Piece:
    """One literal of a JSON text and what stands there now. channel: "" where it is a text of its own.

    bare: what stands there now is a number.
    """

    leaf: Leaf
    value: str
    now: str
    channel: str = ""
    bare: bool = False


class StreamReader:
    """Restores one stream. strict: only placeholders in brackets count (streams of which nothing is known)."""

    def __init__(
        self, framer: Framer, shape: Shape, channels: Channels, restorer: Restorer, *, strict: bool = False
    ) -> None:
        self._framer = framer
        self._shape = shape
        self._channels = channels
        self._restorer = restorer
        self._strict = strict
        self._noticed = Noticed()
        self._final = False
        self._last: dict[str, _Last] = {}
        self._calls = Calls(channels) if restorer.asks_for_tools else None

    @property
    def facts(self) -> ResponseFacts:
        """What was learned so far."""
        return self._noticed.facts

    def feed(self, data: bytes) -> bytes:
        """Upstream bytes in, bytes for the client out."""
        return b"".join([piece for event in self._framer.feed(data) for piece in self._event(event)])

    def finish(self) -> bytes:
        """The stream ended, properly or not."""
        self._final = True
        rest = [piece for event in self._framer.finish() for piece in self._event(event)]
        return b"".join([*rest, *self._flush(EVERY)])

    def _event(self, event: Event) -> list[bytes]:
        """The event as it goes on, behind those that had to be added before it."""
        data = event.data
        if data is None:
            return [event.raw]
        self._noticed.event()
        if data.strip() == DONE:
            self._noticed.complete()
            return [*self._flush(EVERY), event.raw]
        try:
            found = scan(data, self._shape)
        except FormatError:
            return [self._words(event, data)]
        self._noticed.found(found)
        try:
            return self._json(event, data, found)
        except RestoreError:
            pass
        raise FormatError("the provider's stream opens too many texts", code="upstream_unreadable", status=502)

    def _words(self, event: Event, data: str) -> bytes:
        """An event that is no JSON: the next piece of one text."""
        # With the break a line is decided: what was held back of it would come behind the next one.
        restored = self._restorer.feed(WORDS, data + event.end, strict=True).removesuffix(event.end)
        if self._final and not event.end:
            restored += self._restorer.flush(WORDS)
        self._noticed.text(WORDS, data)
        self._last[WORDS] = _Last(event, data, ())
        return event.raw if restored == data else event.spelled(restored)

    def _json(self, event: Event, data: str, found: Scan) -> list[bytes]:
        event_itself, channels = self._channels.event(found)
        kind = type_of(event_itself)
        if self._calls is not None:
            self._calls.found(found)
        pieces = [
            piece for leaf in found.leaves if (piece := self._piece(event, data, leaf, kind, channels)) is not None
        ]
        before: list[bytes] = []
        closed = self._channels.closed(found)
        if EVERY in closed or found.closing:
            self._noticed.complete()
        for scope in closed:
            before += self._close(scope, pieces)
        changed = [piece for piece in pieces if piece.now != piece.value]
        return [*before, event.spelled(spliced(data, changed)) if changed else event.raw]

    def _piece(self, event: Event, data: str, leaf: Leaf, kind: str, channels: Channels) -> Piece | None:
        shape = leaf.shape
        is_media = shape.use in (Use.OPAQUE, Use.MEDIA)
        if leaf.form not in (Form.STRING, Form.KEY) or (is_media and not self._restorer.restorable.echoes):
            return None
        value = string_of(data[leaf.start : leaf.end])
        if is_media:
            return Piece(leaf, value, self._restorer.echoed(value))
        tool = self._calls.tool(leaf, kind) if self._calls is not None else None
        strict = self._strict or not leaf.listed
        if leaf.form is Form.KEY or shape.use is not Use.DELTA:
            encoding = Encoding.JSON if shape.json or looks_like_json(value) else Encoding.PLAIN
            if leaf.form is Form.STRING and shape.use is not Use.STRUCTURAL:
                self._noticed.whole(value)
            at_root = kind and leaf.frame.parent is None
            self._restorer.element = _numbered(self._channels.name(leaf)) if at_root else element_of(leaf)
            number = number_of(leaf, value, self._restorer, tool)
            self._restorer.alone = is_value(leaf)
            return number or Piece(leaf, value, self._restorer.whole(value, encoding, strict=strict, tool=tool))
        if kind in channels.opaque:
            return None
        channel = self._channels.name(leaf)
        known = self._last.get(channel)
        encoding = Encoding.PLAIN
        if known is None and (shape.json or kind in channels.json or value.lstrip()[:1] == "{"):
            encoding = Encoding.JSON
        if known is None:
            # Events with types tell one element after the other; those without are of answers beside each other.
            self._restorer.element = _numbered(channel) if kind else None
        now = self._restorer.feed(channel, value, encoding, strict=strict, tool=tool)
        self._noticed.text(channel, value)
        self._last[channel] = _Last(event, data, path_of(leaf))
        return Piece(leaf, value, now, channel)

    def _close(self, scope: str, pieces: list[Piece]) -> list[bytes]:
        """End the channels of a scope: the rest goes into this event's own pieces, or into events before it."""
        own = {piece.channel: piece for piece in pieces if piece.channel.startswith(scope) and piece.channel}
        for channel, piece in own.items():
            piece.now += self._restorer.flush(channel)
            self._last.pop(channel, None)
        return self._flush(scope)

    def _flush(self, scope: str) -> list[bytes]:
        added: list[bytes] = []
        for channel in [name for name in self._last if name.startswith(scope)]:
            last = self._last.pop(channel)
            rest = self._restorer.flush(channel)
            if rest:
                more = one_more(last.data, self._shape, last.path, rest) if last.path else rest
                added.append(last.event.added(more))
        return added


def is_value(leaf: Leaf) -> bool:
    """Whether a text is one of a call's arguments, which a program reads and not a person."""
    return (leaf.shape.kind or leaf.frame.kind) is SegmentKind.TOOL_ARGUMENTS


def element_of(leaf: Leaf) -> tuple[str, int] | None:
    """The array in whose elements a text stands under this key, and the place of its own; None where it is in none."""
    frame = leaf.frame
    if frame.position < 0 or frame.parent is None or leaf.position >= 0:
        return None
    return f"{frame.parent.pointer}/*/{leaf.key}", frame.position


def _numbered(channel: str) -> tuple[str, int] | None:
    """The same of a channel of a stream: its last number is the provider's for the element."""
    numbers = list(_NUMBER.finditer(channel))
    if not numbers:
        return None
    return channel[: numbers[-1].start()] + "*" + channel[numbers[-1].end() :], int(numbers[-1][0])


def number_of(leaf: Leaf, value: str, restorer: Restorer, tool: str | None) -> Piece | None:
    """A placeholder that stands for a number in the app's own data; None for every other text."""
    if leaf.form is not Form.STRING or not (leaf.shape.free or leaf.frame.free):
        return None
    number = restorer.number(value, tool)
    return None if number is None else Piece(leaf, value, number, bare=True)


def looks_like_json(text: str) -> bool:
    """Whether a text is most probably a JSON document, in which a restored value must be escaped."""
    if text.lstrip()[:1] not in _OPEN or text.rstrip()[-1:] not in _CLOSE:
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def path_of(leaf: Leaf) -> tuple[str | int, ...]:
    """The way from the root to a leaf's value."""
    steps: list[str | int] = [leaf.key if leaf.position < 0 else leaf.position]
    frame = leaf.frame
    while frame.parent is not None:
        steps.append(frame.key if frame.position < 0 else frame.position)
        frame = frame.parent
    return tuple(reversed(steps))


def spliced(data: str, pieces: Sequence[Piece]) -> str:
    """The text with these literals written anew, in their order."""
    parts: list[str] = []
    done = 0
    for piece in pieces:
        literal = data[piece.leaf.start : piece.leaf.end]
        parts.append(data[done : piece.leaf.start])
        parts.append(piece.now if piece.bare else json_like(literal, piece.value)(piece.now))
        done = piece.leaf.end
    parts.append(data[done:])
    return "".join(parts)


def one_more(data: str, shape: Shape, path: tuple[str | int, ...], text: str) -> str:
    """An event like `data` that carries nothing but `text` at `path`.

    Ids, indices and types that say where it belongs stay; everything that was said already goes: other texts, usage,
    log-probabilities, and what the shape marks as said once.
    """
    return json.dumps(_only(json.loads(data), shape, path, text), separators=(",", ":"))


def _only(value: object, shape: Shape, path: tuple[str | int, ...], text: str) -> object:
    if not path:
        return text
    step, rest = path[0], path[1:]
    if isinstance(value, list) and isinstance(step, int):
        return [_only(value[step], shape.item(), rest, text)]
    assert isinstance(value, dict)
    kept: dict[str, object] = {}
    for key, item in value.items():
        child = shape.member(key)
        if key == step:
            kept[key] = _only(item, child, rest, text)
        elif isinstance(item, dict | list) or (child.once and item is not None):
            continue
        elif child.use is Use.STRUCTURAL or child.note or item is None:
            kept[key] = item
    return kept
