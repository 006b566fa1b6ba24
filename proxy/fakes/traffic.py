"""What a fake provider received and what it answers, as values.

Bytes are kept exactly as they came, because tests ask what left the machine. Pure; the socket is in `server.py`.
"""

import json
import zlib
from dataclasses import dataclass
from typing import Any

import brotli  # type: ignore[import-untyped]
import zstandard

from proxy.messages import Headers

MAX_DECODED = 256 * 1024 * 1024  # a test may send a bomb on purpose; the fake must survive it to report it
SSE = "text/event-stream"
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it stood on the wire. target: raw path and query. body: content-encoded if it came so."""

    method: str
    target: bytes
    headers: Headers
    body: bytes

    @property
    def path(self) -> str:
        """The raw path, without the query."""
        return self.target.partition(b"?")[0].decode("utf-8", "replace")

    @property
    def query(self) -> str:
        """The raw query, without `?`."""
        return self.target.partition(b"?")[2].decode("utf-8", "replace")

    def decoded(self) -> bytes:
        """The body with its content-encodings undone. Raises ValueError on an unknown one or broken data."""
        body = self.body
        for coding in reversed(
            [part.strip().lower() for part in (self.headers.get("content-encoding") or "").split(",")]
        ):
            body = _decode(coding, body)
        return body

    def json(self) -> Any:
        """The body as JSON. Raises ValueError."""
        return json.loads(self.decoded())


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as a list of writes. events: one SSE event, array element or whole body each.

    streamed: chunked, one write after the other; otherwise with a Content-Length. broken: the connection goes down
    after half of the bytes (`fin`: closed, `rst`: reset); empty: it ends as it should.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    events: tuple[bytes, ...]
    streamed: bool = False
    broken: str = ""


def whole(
    value: object, *, status: int = 200, ascii_only: bool = False, extra: tuple[tuple[str, str], ...] = ()
) -> Answer:
    """A JSON answer in one piece."""
    return Answer(status, (("content-type", JSON), *extra), (dump(value, ascii_only=ascii_only),))


def dump(value: object, *, ascii_only: bool = False) -> bytes:
    """JSON as UTF-8; as ASCII with `\\u` escapes where asked, or where lone surrogates leave no other way."""
    if not ascii_only:
        try:
            return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        except UnicodeEncodeError:
            pass
    return json.dumps(value, separators=(",", ":")).encode("ascii")


def pieces(text: str, size: int) -> list[str]:
    """A text in pieces of `size` characters, all in one where size is 0; at least one piece."""
    step = size or max(1, len(text))
    return [text[at : at + step] for at in range(0, len(text), step)] or [""]


def compressed(answer: Answer) -> Answer:
    """The same answer in gzip, flushed after every event so that a stream still streams."""
    squeeze = zlib.compressobj(wbits=31)
    events = [squeeze.compress(event) + squeeze.flush(zlib.Z_SYNC_FLUSH) for event in answer.events]
    events.append(squeeze.flush())
    if not answer.streamed:
        events = [b"".join(events)]
    headers = (*answer.headers, ("content-encoding", "gzip"))
    return Answer(answer.status, headers, tuple(events), answer.streamed, answer.broken)


def _decode(coding: str, body: bytes) -> bytes:
    if coding in {"", "identity"}:
        return body
    try:
        if coding in {"gzip", "x-gzip", "deflate"}:
            return zlib.decompressobj(wbits=47 if coding != "deflate" else 15).decompress(body, MAX_DECODED)
        if coding == "br":
            return bytes(brotli.decompress(body))
        if coding == "zstd":
            return zstandard.ZstdDecompressor().decompress(body, max_output_size=MAX_DECODED)
    except (zlib.error, brotli.error, zstandard.ZstdError) as error:
        raise ValueError(f"the {coding} body is broken") from error
    raise ValueError("the request has a content-encoding that no provider takes")
