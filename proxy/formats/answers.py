"""Restoring an answer that is no stream of events: one JSON document, a text, or bytes that are neither.

A JSON document is kept until it is complete and spliced, never serialized again. A text goes on as it comes. What is
not text (audio, images, archives) passes untouched.
"""

import codecs

from proxy.errors import FormatError
from proxy.formats.base import ResponseFacts
from proxy.formats.channels import Calls, Channels
from proxy.formats.document import decode
from proxy.formats.facts import Noticed
from proxy.formats.jsonscan import Form, scan, string_of
from proxy.formats.shape import Shape, Use
from proxy.formats.stream import Piece, element_of, is_value, looks_like_json, number_of, spliced
from redaction.restore import Encoding, Restorer

MAX_WHOLE = 256 * 1024 * 1024  # bytes; images of a generation API come as base64 of some 20 MB
_BODY = "body"


class WholeReader:
    """One JSON document; a body that turns out to be none is restored as text where it is text."""

    def __init__(
        self, shape: Shape, restorer: Restorer, channels: Channels | None = None, *, strict: bool = False
    ) -> None:
        self._calls = Calls(channels or Channels()) if restorer.asks_for_tools else None
        self._noticed = Noticed()
        self._shape = shape
        self._restorer = restorer
        self._strict = strict
        self._chunks: list[bytes] = []
        self._size = 0

    @property
    def facts(self) -> ResponseFacts:
        """What was learned; all of it in `finish`."""
        return self._noticed.facts

    def feed(self, data: bytes) -> bytes:
        """Keeps the piece. Raises FormatError `upstream_too_large`."""
        self._size += len(data)
        if self._size > MAX_WHOLE:
            raise FormatError(
                f"the provider's answer is larger than {MAX_WHOLE >> 20} MB", code="upstream_too_large", status=502
            )
        self._chunks.append(data)
        return b""

    def finish(self) -> bytes:
        """The restored document."""
        raw = b"".join(self._chunks)
        self._chunks.clear()
        if not raw:
            return b""
        try:
            decoded = decode(raw)
        except FormatError:
            return raw  # not text: there is no placeholder in it
        self._noticed.complete()
        try:
            text = self._json(decoded.text)
        except FormatError:
            self._noticed.text(_BODY, decoded.text)
            self._noticed.whole(decoded.text)
            text = self._restorer.whole(decoded.text, strict=self._strict)
        if text == decoded.text:
            return raw
        return decoded.bom + text.encode(decoded.codec, "replace")

    def _json(self, text: str) -> str:
        found = scan(text, self._shape)
        self._noticed.found(found)
        pieces: list[Piece] = []
        for leaf in found.leaves:
            if leaf.form not in (Form.STRING, Form.KEY):
                continue
            is_media = leaf.shape.use in (Use.OPAQUE, Use.MEDIA)
            if is_media and not self._restorer.restorable.echoes:
                continue
            value = string_of(text[leaf.start : leaf.end])
            if is_media:
                if (written := self._restorer.echoed(value)) is not value:
                    pieces.append(Piece(leaf, value, written))
                continue
            encoding = Encoding.JSON if leaf.shape.json or looks_like_json(value) else Encoding.PLAIN
            tool = self._calls.tool(leaf) if self._calls is not None else None
            if (number := number_of(leaf, value, self._restorer, tool)) is not None:
                pieces.append(number)
                continue
            self._restorer.element = element_of(leaf)
            self._restorer.alone = is_value(leaf)
            now = self._restorer.whole(value, encoding, strict=self._strict or not leaf.listed, tool=tool)
            if leaf.form is Form.STRING and leaf.shape.use is not Use.STRUCTURAL:
                self._noticed.text(leaf.pointer, value)
                self._noticed.whole(value)
            if now != value:
                pieces.append(Piece(leaf, value, now))
        return spliced(text, pieces) if pieces else text


class TextReader:
    """A text of any length, piece by piece. guess: it may be no text at all, then it passes from there on."""

    def __init__(
        self,
        restorer: Restorer,
        *,
        charset: str = "utf-8",
        strict: bool = False,
        guess: bool = False,
        encoding: Encoding = Encoding.PLAIN,
    ) -> None:
        self._noticed = Noticed()
        self._restorer = restorer
        self._strict = strict
        self._guess = guess
        self._encoding = encoding
        self._codec = _codec(charset)
        self._decoder = codecs.getincrementaldecoder(self._codec)("strict" if guess else "surrogateescape")
        self._raw = False

    @property
    def facts(self) -> ResponseFacts:
        """What was learned so far."""
        return self._noticed.facts

    def feed(self, data: bytes) -> bytes:
        """Restored text, as far as it is decided."""
        return self._take(data, final=False)

    def finish(self) -> bytes:
        """The rest."""
        out = self._take(b"", final=True)
        self._noticed.complete()
        return out if self._raw else out + self._encode(self._restorer.flush(_BODY))

    def _take(self, data: bytes, *, final: bool) -> bytes:
        if self._raw:
            return data
        waiting = self._decoder.getstate()[0]
        try:
            text = self._decoder.decode(data, final)
        except UnicodeDecodeError:
            self._raw = True
        if self._raw:
            return self._encode(self._restorer.flush(_BODY)) + waiting + data
        self._noticed.text(_BODY, text)
        return self._encode(self._restorer.feed(_BODY, text, self._encoding, strict=self._strict))

    def _encode(self, text: str) -> bytes:
        try:
            return text.encode(self._codec, "surrogateescape")
        except UnicodeEncodeError:
            return text.encode(self._codec, "replace")


def _codec(charset: str) -> str:
    """A charset that can be read piece by piece; any other as Latin-1, which keeps every byte."""
    try:
        name = codecs.lookup(charset or "utf-8").name
        codecs.getincrementaldecoder(name)
    except (LookupError, ValueError):
        return "latin-1"
    return name if name in _READABLE else "latin-1"


_READABLE = frozenset(("utf-8", "ascii", "iso8859-1", "iso8859-15", "cp1252", "latin-1", "cp1258", "iso8859-2"))


class RawReader:
    """Bytes that are no text to us."""

    def __init__(self) -> None:
        self._noticed = Noticed()

    @property
    def facts(self) -> ResponseFacts:
        """Only that it ended."""
        return self._noticed.facts

    def feed(self, data: bytes) -> bytes:
        """The same bytes."""
        return data

    def finish(self) -> bytes:
        """Nothing more."""
        self._noticed.complete()
        return b""
