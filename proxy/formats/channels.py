"""Which growing string a piece of a stream belongs to, and when that string ends.

A channel's name is the way to the piece, with the index that the provider gave an element instead of its position
(`choices/0/delta/content`). Pure; a format whose events have types says in `ends` what they end.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from proxy.formats.jsonscan import Frame, Leaf, Scan
from proxy.formats.leaves import UNCLEAR
from redaction.segment import SegmentKind

EVERY = ""
"""The scope of all channels: it is a prefix of every name."""

MAX_CALLS = 4096  # remembered names of one response; of a call beyond them nobody knows whose it is
_PASSED_ON = ("function_call", "custom_tool_call", "mcp_call")  # whose tool only their name says
_INDICES = ("index", "index.1", "index.2", "index.3")


@dataclass(frozen=True, slots=True)
class Channels:
    """ends: note `type` at an event's root -> whether every channel ends with it (else those of its own index).

    A type that ends in `.done`, and is not listed, ends those of its own index too. A note `close` in an object ends
    the channels below that object. json, opaque: types whose piece is one of a JSON document, or no text at all.
    call: the key at an event's root whose object says which call the event's index is. arguments: whether texts at the
    root of an event of that type are a call's arguments.
    within, nested: the key at a root whose object is an event of another stream, and what holds for that one. typed:
    pieces at the root of events of different types are different strings.
    """

    ends: Mapping[str, bool] = field(default_factory=lambda: MappingProxyType({}))
    json: frozenset[str] = frozenset()
    opaque: frozenset[str] = frozenset()
    call: str = ""
    arguments: Callable[[str], object] = lambda _kind: False
    within: str = ""
    nested: "Channels | None" = None
    typed: bool = False

    def event(self, found: Scan) -> "tuple[Frame, Channels]":
        """The object that is the event, and the channels that it belongs to."""
        if self.nested is not None:
            for frame in found.typed:
                if frame.parent is found.root and frame.key == self.within and frame.position < 0:
                    return frame, self.nested
        return found.root, self

    def name(self, leaf: Leaf) -> str:
        """The channel of a piece."""
        if leaf.position >= 0:
            return scope(leaf.frame) + ("" if leaf.frame.shape.joined else str(leaf.position))
        kind = f"{type_of(leaf.frame)}/" if self.typed and leaf.frame.parent is None else ""
        return kind + scope(leaf.frame) + leaf.key

    def closed(self, found: Scan) -> tuple[str, ...]:
        """The scopes that end with this event."""
        scopes = [scope(frame) for frame in found.closing]
        event, channels = self.event(found)
        kind = type_of(event)
        if kind in channels.ends:
            every = EVERY if event is found.root else f"{self.within}/"
            scopes.append(every if channels.ends[kind] else scope(event))
        elif kind.endswith(".done"):
            scopes.append(scope(event))
        return tuple(scopes)


class Calls:
    """Whose arguments a text is: the tool's name from the call around it, or from an earlier event of its index."""

    def __init__(self, channels: Channels) -> None:
        self._channels = channels
        self._names: dict[str, str] = {}
        self._event: Frame | None = None

    def found(self, found: Scan) -> None:
        """Remember the calls that an event names. A call that changes its name has none."""
        self._event, channels = self._channels.event(found)
        for frame in found.calls:
            name = _named(frame)
            if not name:
                continue
            of_event = frame.parent is self._event and frame.position < 0 and frame.key == channels.call
            at = scope(self._event if of_event else frame)
            if of_event and not at and (own := _index(frame)):
                at = f"{own}/"  # the event names its call only by the object that it carries
            if at in self._names or len(self._names) < MAX_CALLS:
                self._names[at] = name if self._names.get(at, name) == name else ""

    def tool(self, leaf: Leaf, kind: str = "") -> str | None:
        """The tool, "" where nobody said which, None where the text is no arguments. kind: type of the event found."""
        arguments = (leaf.shape.kind or leaf.frame.kind) is SegmentKind.TOOL_ARGUMENTS
        channels = self._channels if leaf.frame.parent is None else self._channels.nested
        at_root = leaf.frame is self._event and channels is not None and channels.arguments(kind)
        if not arguments and not at_root:
            return None
        frames: list[Frame] = []
        frame: Frame | None = leaf.frame
        while frame is not None:
            if (name := _named(frame)) is not None:
                return name
            frames.append(frame)
            frame = frame.parent
        return next((self._names[at] for one in frames if (at := scope(one)) in self._names), "")


def _named(frame: Frame) -> str | None:
    """What an object says the tool is called; one without a name is the provider's own, named by its type.

    None where it says nothing. `web_search_call` is a call of `web_search`.
    """
    notes = frame.notes or {}
    name, kind = notes.get("tool", ""), notes.get("call")
    if name not in ("", "null"):
        return "" if name == UNCLEAR else name
    if kind is None:
        return None
    return kind.removesuffix("_call") if kind.endswith("_call") and kind not in _PASSED_ON else ""


def type_of(event: Frame) -> str:
    """What an event says it is; "" where it does not."""
    return event.notes.get("type", "") if event.notes else ""


def scope(frame: Frame) -> str:
    """What the names of all channels below an object begin with; "" for the root of an event without an index."""
    parts: list[str] = []
    current: Frame | None = frame
    while current is not None:
        index = _index(current)
        if index:
            parts.append(index)
        if current.parent is not None and current.position < 0:
            parts.append(current.key)
        current = current.parent
    return "/".join([*reversed(parts), ""]) if parts else ""


def _index(frame: Frame) -> str:
    notes = frame.notes
    if notes:
        # Each in its own place: a summary's part 0 is not the content's part 0.
        found = ".".join([notes.get(name, "") for name in _INDICES]).rstrip(".")
        if found:
            return found
    return str(frame.position) if frame.position >= 0 and not frame.shape.joined else ""
