"""Uploads that come in pieces (Google's resumable protocol): held until they are whole, then sent as one.

A name may stand across two pieces, and a new text makes them longer, so no piece leaves by itself. Held pieces are
sealed, bounded in number, size and time (`proxy.running.pieces`); beyond that an upload is refused. Source: Gemini API
reference, files.
"""

import asyncio
from dataclasses import replace

from proxy.errors import FormatError
from proxy.messages import Egress, Headers, Reply
from proxy.steps.services import Pieces

COMMAND, OFFSET, STATUS = "x-goog-upload-command", "x-goog-upload-offset", "x-goog-upload-status"
DECLARED_SIZE = "x-goog-upload-header-content-length"
"""The size of what is to come, which nobody knows before it was rewritten; the protocol does without it."""
MAX_AGE_S = 900.0  # an app that waits longer between two pieces has gone


class Uploads:
    """The pieces of uploads that are not whole yet. limit: bytes of one upload."""

    def __init__(self, pieces: Pieces, limit: int) -> None:
        self._pieces = pieces
        self._limit = limit

    async def take(self, egress: Egress) -> Egress | Reply:
        """A request as it is to be inspected, or our own answer to a piece that is held.

        Raises FormatError `upload_too_large`, `upload_out_of_order`, `too_many_uploads`; UnavailableError.
        """
        if egress.headers.get(COMMAND) is None:
            return egress
        commands = _commands(egress.headers)
        if not commands & {"upload", "finalize", "query", "cancel"} or "start" in commands:
            return egress
        return await asyncio.to_thread(self._take, egress, commands)

    def _take(self, egress: Egress, commands: frozenset[str]) -> Egress | Reply:
        pieces, upload = self._pieces, _name(egress)
        if "upload" not in commands and "finalize" not in commands:
            return self._asked(egress, upload, commands)
        offset = int(value) if (value := egress.headers.get(OFFSET) or "0").isdigit() else -1
        if offset != pieces.size(upload):
            raise _out_of_order()
        if offset + len(egress.body) > self._limit:
            pieces.drop(upload)
            raise too_large(self._limit)
        if "finalize" in commands:
            held = pieces.take(upload)
            return egress if held is None else _whole(egress, b"".join([*held.values(), egress.body]))
        if pieces.head(upload) is None:
            pieces.begin(upload, b"", MAX_AGE_S)
        # Of two that say they come next, one does.
        if egress.body and not pieces.add(upload, f"{offset:020d}", egress.body, MAX_AGE_S):
            raise _out_of_order()
        return _answer(offset + len(egress.body))

    def _asked(self, egress: Egress, upload: str, commands: frozenset[str]) -> Egress | Reply:
        """How far an upload is, or that it ends: the provider knows of neither while nothing was sent."""
        if "cancel" in commands:
            self._pieces.drop(upload)
            return egress
        return egress if self._pieces.head(upload) is None else _answer(self._pieces.size(upload))


def _commands(headers: Headers) -> frozenset[str]:
    return frozenset(word.strip().lower() for word in (headers.get(COMMAND) or "").split(","))


def _name(egress: Egress) -> str:
    """One upload of one sender: nobody adds to the upload of another."""
    host = egress.origin.authority if egress.origin is not None else egress.destination
    sender = egress.headers.get("x-goog-api-key") or egress.headers.get("authorization") or ""
    return "\0".join([host, egress.peer, egress.credential, sender, egress.target.decode("latin-1"), egress.method])


def _out_of_order() -> FormatError:
    return FormatError("a piece of an upload is not the next one; begin the upload again", code="upload_out_of_order")


def _whole(egress: Egress, body: bytes) -> Egress:
    headers = egress.headers.with_field("X-Goog-Upload-Command", "upload, finalize")
    return replace(egress, headers=headers.with_field("X-Goog-Upload-Offset", "0"), body=body)


def _answer(size: int) -> Reply:
    """The provider's answer to a piece: the upload goes on."""
    fields = ((b"X-Goog-Upload-Status", b"active"), (b"X-Goog-Upload-Size-Received", str(size).encode()))
    return Reply(200, Headers((*fields, (b"Content-Length", b"0"))), b"")


def too_large(limit: int) -> FormatError:
    """What is said of an upload that has more bytes than one may have."""
    return FormatError(
        f"an upload in pieces is held until it is whole, and this one has more than {limit} bytes; "
        "raise `limits.body_bytes` or send a smaller file",
        code="upload_too_large",
        status=413,
    )
