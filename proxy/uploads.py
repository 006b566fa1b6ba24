"""Uploads that come in pieces (Google's resumable protocol): held until they are whole, then sent as one.

A name may stand across two pieces, and a new text makes them longer, so no piece leaves by itself. Held pieces are in
memory only, bounded in number, size and time; beyond that an upload is refused. Source: Gemini API reference, files.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from proxy.errors import FormatError
from proxy.messages import Egress, Headers, Reply

COMMAND, OFFSET, STATUS = "x-goog-upload-command", "x-goog-upload-offset", "x-goog-upload-status"
DECLARED_SIZE = "x-goog-upload-header-content-length"
"""The size of what is to come, which nobody knows before it was rewritten; the protocol does without it."""
MAX_UPLOADS = 16  # held at one time: each may be as large as a body
MAX_AGE_S = 900.0  # an app that waits longer between two pieces has gone


@dataclass(slots=True)
class _Held:
    touched: float
    body: bytearray = field(default_factory=bytearray)


class Uploads:
    """The pieces of uploads that are not whole yet. limit: bytes of one upload. Used in the event loop alone."""

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._held: dict[tuple[str, str, bytes, str], _Held] = {}

    def take(self, egress: Egress) -> Egress | Reply:
        """A request as it is to be inspected, or our own answer to a piece that is held.

        Raises FormatError `upload_too_large`, `upload_out_of_order`, `too_many_uploads`.
        """
        commands = _commands(egress.headers)
        if not commands & {"upload", "finalize", "query", "cancel"} or "start" in commands:
            return egress
        key = _key(egress)
        self._forget_old()
        held = self._held.get(key)
        if "upload" not in commands and "finalize" not in commands:
            return self._asked(egress, key, commands)
        offset = int(value) if (value := egress.headers.get(OFFSET) or "0").isdigit() else -1
        if offset != (len(held.body) if held is not None else 0):
            raise FormatError(
                "a piece of an upload is not the next one; begin the upload again", code="upload_out_of_order"
            )
        if offset + len(egress.body) > self._limit:
            self._held.pop(key, None)
            raise FormatError(
                f"an upload in pieces is held until it is whole, and this one has more than {self._limit} bytes; "
                "raise `limits.body_bytes` or send a smaller file",
                code="upload_too_large",
                status=413,
            )
        if "finalize" in commands:
            self._held.pop(key, None)
            return egress if held is None else _whole(egress, bytes(held.body) + egress.body)
        if held is None:
            if len(self._held) >= MAX_UPLOADS:
                raise FormatError("too many uploads are under way; try again", code="too_many_uploads", status=429)
            held = self._held[key] = _Held(self._clock())
        held.body += egress.body
        held.touched = self._clock()
        return _answer(len(held.body))

    def _asked(self, egress: Egress, key: tuple[str, str, bytes, str], commands: frozenset[str]) -> Egress | Reply:
        """How far an upload is, or that it ends: the provider knows of neither while nothing was sent."""
        if "cancel" in commands:
            self._held.pop(key, None)
            return egress
        held = self._held.get(key)
        return egress if held is None else _answer(len(held.body))

    def _forget_old(self) -> None:
        oldest = self._clock() - MAX_AGE_S
        for key in [key for key, held in self._held.items() if held.touched < oldest]:
            del self._held[key]


def _commands(headers: Headers) -> frozenset[str]:
    return frozenset(word.strip().lower() for word in (headers.get(COMMAND) or "").split(","))


def _key(egress: Egress) -> tuple[str, str, bytes, str]:
    """One upload of one sender: nobody adds to the upload of another."""
    host = egress.origin.authority if egress.origin is not None else egress.destination
    sender = egress.headers.get("x-goog-api-key") or egress.headers.get("authorization") or ""
    return host, f"{egress.peer} {egress.credential} {sender}", egress.target, egress.method


def _whole(egress: Egress, body: bytes) -> Egress:
    headers = egress.headers.with_field("X-Goog-Upload-Command", "upload, finalize")
    return replace(egress, headers=headers.with_field("X-Goog-Upload-Offset", "0"), body=body)


def _answer(size: int) -> Reply:
    """The provider's answer to a piece: the upload goes on."""
    fields = ((b"X-Goog-Upload-Status", b"active"), (b"X-Goog-Upload-Size-Received", str(size).encode()))
    return Reply(200, Headers((*fields, (b"Content-Length", b"0"))), b"")
