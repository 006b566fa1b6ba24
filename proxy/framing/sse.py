"""Server-sent events (WHATWG HTML, section 9.2): any line ending, any cut, comments, several data lines.

`event`, `id`, `retry`, comments and unknown fields are kept byte for byte; only data lines may be spelled anew.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from proxy.framing.events import MAX_EVENT, Event, to_bytes, to_text, too_large

# A CR at the very end may be half of a CR LF: the event is complete all the same, a LF that follows belongs to it.
_END = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?!\n))")
_LINE = re.compile(rb"([^\r\n]*)(\r\n|\n|\r|\Z)")
_SIMPLE = re.compile(rb"data: ?+([^\r\n]*)(?:\r\n|\n|\r)(?:\r\n|\n|\r)\Z")
_DATA = re.compile(rb"data(?:: ?|\Z)")
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class SseEvent(Event):
    """spans: where the values of its data lines stand in `raw`."""

    spans: tuple[tuple[int, int], ...] = ()

    def spelled(self, data: str) -> bytes:
        """As many data lines as the payload has lines; everything else as it came."""
        lines = [to_bytes(line) for line in data.split("\n")]
        parts: list[bytes] = []
        done, last = 0, len(self.spans) - 1
        for number, (start, end) in enumerate(self.spans):
            parts.append(self.raw[done:start])
            mine = b"\ndata: ".join(lines[number:] if number == last else lines[number : number + 1])
            # A line that is nothing but the field's name has an empty value and no colon yet.
            parts.append(b": " + mine if mine and self.raw[start - 1 : start] == b"a" else mine)
            done = end
        parts.append(self.raw[done:])
        return b"".join(parts)

    def added(self, data: str) -> bytes:
        """One more event; where the stream ended within this one, that has to end first."""
        if _END.search(self.raw[-4:]):
            return self.spelled(data)
        return b"\n\n" + self.spelled(data) + b"\n\n"


class SseFramer:
    """Cuts a byte stream into events."""

    __slots__ = ("_after_cr", "_begun", "_buffer", "_looked")

    def __init__(self) -> None:
        self._buffer = b""
        self._looked = 0  # no event ends before this
        self._after_cr = False
        self._begun = False

    def feed(self, data: bytes) -> Sequence[Event]:
        """Bytes in, complete events out."""
        events: list[Event] = []
        if self._after_cr and data:
            self._after_cr = False
            if data[:1] == b"\n":
                events.append(Event(b"\n"))
                data = data[1:]
        buffer = self._buffer + data if self._buffer else data
        start, look = 0, self._looked
        while (match := _END.search(buffer, look)) is not None:
            events.append(self._event(buffer[start : match.end()]))
            start = look = match.end()
        if start == len(buffer):
            self._after_cr = self._after_cr or buffer[-1:] == b"\r"
        self._buffer = buffer[start:]
        self._looked = max(0, len(self._buffer) - 3)
        if len(self._buffer) > MAX_EVENT:
            raise too_large()
        return events

    def finish(self) -> Sequence[Event]:
        """An event that was not ended, if there is one."""
        rest, self._buffer, self._looked = self._buffer, b"", 0
        return [self._event(rest)] if rest else []

    def _event(self, raw: bytes) -> Event:
        offset = 0
        if not self._begun:
            self._begun = True
            offset = len(_BOM) if raw.startswith(_BOM) else 0
        simple = _SIMPLE.match(raw, offset)
        if simple is not None:
            return SseEvent(raw, to_text(simple[1]), (simple.span(1),))
        spans: list[tuple[int, int]] = []
        for line in _LINE.finditer(raw, offset):
            field = _DATA.match(line[1])
            if field is not None:
                spans.append((line.start() + field.end(), line.end(1)))
        if not spans:
            return Event(raw)
        return SseEvent(raw, "\n".join(to_text(raw[start:end]) for start, end in spans), tuple(spans))
