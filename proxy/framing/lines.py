"""JSON lines (NDJSON) and the streamed JSON array: one payload after the other, without a format around them.

Blanks and commas between payloads are kept byte for byte. An array is cut into its elements as they arrive, so that
nothing waits for its end. A document that somebody printed over several lines is one payload all the same.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from proxy.framing.events import MAX_EVENT, Event, to_bytes, to_text, too_large

_BREAK = re.compile(rb"\r\n|\n")
_STRUCTURE = re.compile(rb'["\[\]{}]|,')
_STRING_END = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_MARK = re.compile(rb'"(?:[^"\\]*+(?:\\.[^"\\]*+)*+")?|[\[\]{}]', re.DOTALL)
"""A bracket, or a whole string; a quotation mark alone where the string does not end."""
_BLANK = re.compile(rb"[ \t\r\n]*+")


@dataclass(frozen=True, slots=True)
class LineEvent(Event):
    """before, after: the bytes around the payload. separator: what stands between two payloads of this stream."""

    before: bytes = b""
    after: bytes = b""
    separator: bytes = b"\n"

    @property
    def end(self) -> str:
        """See `Event`."""
        return self.after.decode("ascii")

    def spelled(self, data: str) -> bytes:
        """The same with another payload."""
        return self.before + to_bytes(data) + self.after

    def added(self, data: str) -> bytes:
        """One more payload behind an earlier one."""
        if self.separator == b"\n":
            return to_bytes(data) + (self.after or b"\n")
        return self.separator + to_bytes(data)


class LineFramer:
    """Cuts JSON lines."""

    __slots__ = ("_buffer", "_depth", "_held", "_looked", "_size")

    def __init__(self) -> None:
        self._buffer = b""
        self._looked = 0
        self._held: list[tuple[bytes, bytes]] = []  # lines, with their breaks, of a document that is not at its end
        self._depth = 0  # of the last of them
        self._size = 0

    def feed(self, data: bytes) -> Sequence[Event]:
        """Bytes in, complete lines out."""
        buffer = self._buffer + data
        events: list[Event] = []
        start, look = 0, self._looked
        while (match := _BREAK.search(buffer, look)) is not None:
            events += self._take(buffer[start : match.start()], match[0])
            start = look = match.end()
        self._buffer = buffer[start:]
        self._looked = max(0, len(self._buffer) - 1)
        if len(self._buffer) + self._size > MAX_EVENT:
            raise too_large()
        return events

    def finish(self) -> Sequence[Event]:
        """A last line without its end."""
        rest, self._buffer, self._looked = self._buffer, b"", 0
        events = self._take(rest, b"") if rest else []
        return [*events, *self._apart()]

    def _take(self, line: bytes, after: bytes) -> list[Event]:
        depth = _depth_after(line, self._depth)
        if depth:
            self._held.append((line, after))
            self._depth = depth
            self._size += len(line) + len(after)
            return []
        if not self._held or depth is None:
            return [*self._apart(), _line(line, after)]
        document = b"".join([*(part for held in self._held for part in held), line])
        self._clear()
        return [_line(document, after)]

    def _apart(self) -> list[Event]:
        """What began like a document over several lines, and is none: each line by itself."""
        events = [_line(line, after) for line, after in self._held]
        self._clear()
        return events

    def _clear(self) -> None:
        self._held.clear()
        self._depth = self._size = 0


def _depth_after(line: bytes, depth: int) -> int | None:
    """How many brackets of JSON are open behind a line; None where no document can have this line in it."""
    if not depth and (line.lstrip()[:1] not in (b"{", b"[") or _balanced(line)):
        return 0
    for match in _MARK.finditer(line):
        mark = match[0]
        if mark in b"[{":
            depth += 1
        elif mark in b"]}":
            depth -= 1
        elif mark == b'"':
            return None  # a string that is open: no line break may stand in one (RFC 8259 section 7)
        if depth < 0:
            return None
    return depth


def _balanced(line: bytes) -> bool:
    """The cheap answer for nearly every line: as many brackets open as close."""
    return line.count(b"{") == line.count(b"}") and line.count(b"[") == line.count(b"]")


def _line(line: bytes, after: bytes) -> Event:
    if not line.strip():
        return Event(line + after)
    return LineEvent(line + after, to_text(line), b"", after)


class ArrayFramer:
    """Cuts a JSON array into its elements; a body that is no array comes out whole at the end."""

    __slots__ = ("_buffer", "_depth", "_open", "_position", "_start")

    def __init__(self) -> None:
        self._buffer = b""
        self._position = 0  # everything before it was looked at
        self._start = -1  # where the element begins that is being read, -1 between elements
        self._depth = 0
        self._open: bool | None = None  # None: nothing but blanks so far; False: not an array, or after its end

    def feed(self, data: bytes) -> Sequence[Event]:
        """Bytes in, complete elements out."""
        self._buffer += data
        if len(self._buffer) > MAX_EVENT:
            raise too_large()
        events: list[Event] = []
        if self._open is None:
            begin = _BLANK.match(self._buffer)
            at = begin.end() if begin else 0
            if at == len(self._buffer):
                return events
            self._open = self._buffer[at : at + 1] == b"["
            self._position = at + 1
        while self._open and (event := self._next()) is not None:
            events.append(event)
        return events

    def finish(self) -> Sequence[Event]:
        """What is left: an element that was cut, or a body that is no array."""
        rest, self._buffer = self._buffer, b""
        if not rest:
            return []
        return [LineEvent(rest, to_text(rest), b"", b"", b",") if self._open is False else Event(rest)]

    def _next(self) -> Event | None:
        """The next complete element or the array's end, None where more bytes are needed."""
        while True:
            if self._start < 0 and not self._begin():
                return None
            match = _STRUCTURE.search(self._buffer, self._position)
            if match is None:
                self._position = len(self._buffer)
                return None
            char = match[0]
            if char == b'"':
                end = _STRING_END.match(self._buffer, match.end())
                if end is None:
                    self._position = match.start()
                    return None
                self._position = end.end()
            elif char in b"[{":
                self._depth += 1
                self._position = match.end()
            elif self._depth:
                self._depth -= char in b"]}"
                self._position = match.end()
                if not self._depth:
                    return self._cut(self._position)
            elif char == b"}":  # closes nothing: no JSON, but it must not stop us
                self._position = match.end()
            elif char == b"]" and match.start() == self._start:
                return self._ended(match.end())
            else:
                return self._cut(match.start())

    def _begin(self) -> bool:
        """Find where the next element, or the end of the array, begins."""
        at = self._position
        while at < len(self._buffer) and self._buffer[at] in b" \t\r\n,":
            at += 1
        self._position = at
        if at == len(self._buffer):
            return False
        self._start = at
        return True

    def _cut(self, end: int) -> Event:
        before, data, raw = self._buffer[: self._start], self._buffer[self._start : end], self._buffer[:end]
        self._buffer, self._position, self._start = self._buffer[end:], 0, -1
        return LineEvent(raw, to_text(data), before, b"", b",")

    def _ended(self, end: int) -> Event:
        raw, self._buffer, self._open = self._buffer[:end], self._buffer[end:], None
        self._position, self._start = 0, -1
        return Event(raw)
