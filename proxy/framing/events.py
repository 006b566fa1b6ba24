"""Events of a stream: the bytes of each as they came, and the text inside that a format may look into.

Every framing cuts the same way for any cut of the bytes, and hands out every byte it was given exactly once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from proxy.errors import FormatError

MAX_EVENT = 32 * 1024 * 1024  # bytes; a provider's largest single event (an image in base64) stays below 20 MB


@dataclass(frozen=True, slots=True)
class Event:
    """One event. raw: its bytes, terminator included. data: its payload, None where there is none to look into."""

    raw: bytes
    data: str | None = None

    @property
    def end(self) -> str:
        """The line break behind the payload where payloads are lines, else "": a word never goes on behind it."""
        return ""

    def spelled(self, data: str) -> bytes:
        """The event with another payload."""
        raise NotImplementedError

    def added(self, data: str) -> bytes:
        """An event like this one with that payload, to stand right behind an event of the same stream."""
        return self.spelled(data)


class Framer(Protocol):
    """Cuts a stream into events."""

    def feed(self, data: bytes) -> Sequence[Event]:
        """Bytes in, the events that they complete out. Raises FormatError `upstream_unreadable` on a huge one."""
        ...

    def finish(self) -> Sequence[Event]:
        """The stream ended: what is left, complete or not."""
        ...


def too_large() -> FormatError:
    """An event that would have to be kept in memory whole."""
    return FormatError(
        f"the provider sent one event of more than {MAX_EVENT >> 20} MB", code="upstream_unreadable", status=502
    )


def to_text(raw: bytes) -> str:
    """UTF-8; bytes that are none survive the way there and back (PEP 383)."""
    return raw.decode("utf-8", "surrogateescape")


def to_bytes(text: str) -> bytes:
    """The reverse of `to_text`; other lone surrogates become question marks, as JSON escapes them before."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")
