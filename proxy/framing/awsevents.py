"""AWS event stream messages (`application/vnd.amazon.eventstream`): lengths and checksums around headers and a payload.

A message is `total length, headers length, CRC-32 of both, headers, payload, CRC-32 of all before`, big-endian. A new
payload gets new lengths and checksums, every header stays. Source: AWS SDKs and Tools, event stream encoding.
"""

import base64
import binascii
import json
import re
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from proxy.errors import FormatError
from proxy.framing.events import MAX_EVENT, Event, to_bytes, to_text, too_large

CONTENT_TYPE = "application/vnd.amazon.eventstream"
_PRELUDE = struct.Struct(">III")
_CRC = struct.Struct(">I")
_STRING = 7
_FIXED = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}  # bytes of a header's value by its type
_CHUNK = re.compile(r'\s*\{\s*"bytes"\s*:\s*"([A-Za-z0-9+/]*={0,2})"\s*')


@dataclass(frozen=True, slots=True)
class AwsEvent(Event):
    """head: the message's headers. before, after: the payload around what `data` shows. coded: that is base64.

    `data` of an event that is no chunk begins with `mark`: its type as a member, which the payload does not have.
    """

    head: bytes = b""
    before: str = ""
    after: str = ""
    mark: str = ""
    coded: bool = False

    def spelled(self, data: str) -> bytes:
        """The same message with another payload."""
        if self.coded:
            data = base64.b64encode(to_bytes(data)).decode("ascii")
        elif self.mark:
            data = "{" + data.removeprefix(self.mark)
        return message(self.head, to_bytes(self.before + data + self.after))


class AwsFramer:
    """Cuts a stream into messages. Checksums are checked: a broken message ends the transfer."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> Sequence[Event]:
        """Bytes in, complete messages out. Raises FormatError `upstream_unreadable`."""
        self._buffer += data
        events: list[Event] = []
        at = 0
        while len(self._buffer) - at >= _PRELUDE.size:
            total, headers, checksum = _PRELUDE.unpack_from(self._buffer, at)
            if zlib.crc32(self._buffer[at : at + 8]) != checksum or headers + 16 > total:
                raise _broken()
            if total > MAX_EVENT:
                raise too_large()
            if len(self._buffer) - at < total:
                break
            events.append(_event(self._buffer[at : at + total], headers))
            at += total
        self._buffer = self._buffer[at:]
        return events

    def finish(self) -> Sequence[Event]:
        """What is left is half a message, which its reader will miss as well."""
        rest, self._buffer = self._buffer, b""
        return [Event(rest)] if rest else []


def message(head: bytes, payload: bytes) -> bytes:
    """One message from its encoded headers and its payload."""
    lengths = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    begun = lengths + _CRC.pack(zlib.crc32(lengths)) + head + payload
    return begun + _CRC.pack(zlib.crc32(begun))


def encoded_headers(headers: Mapping[str, str]) -> bytes:
    """Headers whose values are strings."""
    coded = [(name.encode(), value.encode()) for name, value in headers.items()]
    return b"".join(
        bytes([len(name)]) + name + struct.pack(">BH", _STRING, len(value)) + value for name, value in coded
    )


def headers_of(head: bytes) -> dict[str, str]:
    """Names and values of the headers that are strings. Raises FormatError `upstream_unreadable`."""
    try:
        return dict(_headers(head))
    except (struct.error, IndexError, KeyError, UnicodeDecodeError):
        raise _broken() from None


def _headers(head: bytes) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(head):
        named = at + 1 + head[at]
        name, kind = head[at + 1 : named].decode(), head[named]
        at = named + 1
        if kind in (6, _STRING):
            (size,) = struct.unpack_from(">H", head, at)
            at += 2
            if kind == _STRING:
                yield name, head[at : at + size].decode()
        else:
            size = _FIXED[kind]
        at += size
    if at != len(head):
        raise _broken()


def _event(raw: bytes, headers: int) -> Event:
    if zlib.crc32(raw[:-4]) != _CRC.unpack(raw[-4:])[0]:
        raise _broken()
    head, payload = raw[12 : 12 + headers], to_text(raw[12 + headers : -4])
    said = headers_of(head)
    kind = said.get(":event-type") or said.get(":exception-type") or ""
    chunk = _CHUNK.match(payload)
    if kind == "chunk" and chunk is not None:
        try:
            data = to_text(base64.b64decode(chunk[1], validate=True))
        except binascii.Error:
            raise _broken() from None
        return AwsEvent(raw, data, head, payload[: chunk.start(1)], payload[chunk.end(1) :], coded=True)
    start, opened, rest = payload.partition("{")
    if not opened or start.strip() or not kind:
        return AwsEvent(raw, payload if payload.strip() else None, head)
    mark = '{"type":' + json.dumps(kind) + ("" if rest.lstrip().startswith("}") else ",")
    return AwsEvent(raw, mark + rest, head, mark=mark)


def _broken() -> FormatError:
    return FormatError("the provider's event stream is damaged", code="upstream_unreadable", status=502)
