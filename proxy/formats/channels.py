"""Which growing string a piece of a stream belongs to, and when that string ends.

A channel's name is the way to the piece, with the index that the provider gave an element instead of its position
(`choices/0/delta/content`). Pure; a format whose events have types says in `ends` what they end.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from proxy.formats.jsonscan import Frame, Leaf, Scan

EVERY = ""
"""The scope of all channels: it is a prefix of every name."""

_INDICES = ("index", "index.1", "index.2", "index.3")


@dataclass(frozen=True, slots=True)
class Channels:
    """ends: note `type` at an event's root -> whether every channel ends with it (else those of its own index).

    A type that ends in `.done`, and is not listed, ends those of its own index too. A note `close` in an object ends
    the channels below that object. json, opaque: types whose piece is one of a JSON document, or no text at all.
    """

    ends: Mapping[str, bool] = field(default_factory=lambda: MappingProxyType({}))
    json: frozenset[str] = frozenset()
    opaque: frozenset[str] = frozenset()

    def name(self, leaf: Leaf) -> str:
        """The channel of a piece."""
        if leaf.position >= 0:
            return scope(leaf.frame) + ("" if leaf.frame.shape.joined else str(leaf.position))
        return scope(leaf.frame) + leaf.key

    def closed(self, found: Scan) -> tuple[str, ...]:
        """The scopes that end with this event."""
        scopes = [scope(frame) for frame in found.closing]
        kind = type_of(found)
        if kind in self.ends:
            scopes.append(EVERY if self.ends[kind] else scope(found.root))
        elif kind.endswith(".done"):
            scopes.append(scope(found.root))
        return tuple(scopes)


def type_of(found: Scan) -> str:
    """What an event says it is; "" where it does not."""
    return found.root.notes.get("type", "") if found.root.notes else ""


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
