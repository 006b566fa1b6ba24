"""Content codings (RFC 9110, section 8.4.1): gzip, deflate, br, zstd, in any order a header names, piece by piece.

Bytes enter, at most `limit` bytes leave; a bomb is refused before it is unpacked. Nothing is ever coded again:
requests leave as identity, answers reach the client as identity.
"""

import zlib
from typing import Protocol

import brotli  # type: ignore[import-untyped]
import zstandard

from proxy.errors import FormatError

MAX_RESPONSE = 1 << 30  # bytes of one answer; a stream of text never comes near
_STEP = 1 << 16
_CODINGS = 3  # more than two is unheard of, and each costs memory


class Decoder(Protocol):
    """Decodes one body."""

    def feed(self, data: bytes) -> bytes:
        """Coded bytes in, what they give out."""
        ...

    def finish(self) -> bytes:
        """The body ended. Raises FormatError where it is cut."""
        ...


def decode_body(body: bytes, coding: str | None, *, limit: int) -> bytes:
    """A complete request body without its codings.

    Raises FormatError: `unknown_coding` (415), `body_too_large` (413), `invalid_coding` (400).
    """
    names = _names(coding)
    if not names:
        if len(body) > limit:
            raise _too_large(limit)
        return body
    decoder = _Chain([_one(name, limit) for name in reversed(names)])
    return decoder.feed(body) + decoder.finish()


def decoder(coding: str, *, limit: int = MAX_RESPONSE) -> Decoder:
    """A decoder for an answer's codings; `FormatError` as above."""
    return _Chain([_one(name, limit) for name in reversed(_names(coding))])


def _names(coding: str | None) -> list[str]:
    names = [name.strip().lower() for name in (coding or "").split(",")]
    names = [name for name in names if name not in ("", "identity")]
    if len(names) > _CODINGS:
        raise FormatError("the body has too many content codings; send one", code="unknown_coding", status=415)
    return names


def _one(name: str, limit: int) -> "_Limited":
    if name in ("gzip", "x-gzip"):
        return _Zlib(limit, 31)
    if name == "deflate":
        return _Zlib(limit, 15)
    if name == "br":
        return _Brotli(limit)
    if name == "zstd":
        return _Zstd(limit)
    raise FormatError(
        "the body's content coding is not known; send gzip, deflate, br, zstd or none",
        code="unknown_coding",
        status=415,
    )


def _too_large(limit: int) -> FormatError:
    return FormatError(f"the body is larger than {limit} bytes when decoded", code="body_too_large", status=413)


def _invalid() -> FormatError:
    return FormatError("the body is not valid in the content coding that its header names", code="invalid_coding")


class _Limited:
    """Counts what came out."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._left = limit

    def feed(self, data: bytes) -> bytes:
        raise NotImplementedError

    def finish(self) -> bytes:
        raise NotImplementedError

    def _counted(self, data: bytes) -> bytes:
        self._left -= len(data)
        if self._left < 0:
            raise _too_large(self._limit)
        return data


class _Chain:
    """The codings of one body, outermost first."""

    def __init__(self, decoders: list[_Limited]) -> None:
        self._decoders = decoders

    def feed(self, data: bytes) -> bytes:
        for decoder in self._decoders:
            data = decoder.feed(data)
        return data

    def finish(self) -> bytes:
        data = b""
        for decoder in self._decoders:
            data = (decoder.feed(data) if data else b"") + decoder.finish()
        return data


class _Zlib(_Limited):
    """gzip (several members allowed, RFC 1952 section 2.2) and deflate (with or without zlib's header)."""

    def __init__(self, limit: int, wbits: int) -> None:
        super().__init__(limit)
        self._wbits = wbits
        self._decompress = zlib.decompressobj(wbits)
        self._begun = False

    def feed(self, data: bytes) -> bytes:
        out: list[bytes] = []
        while data:
            if self._decompress.eof:
                if self._wbits != 31:
                    raise _invalid()
                self._decompress = zlib.decompressobj(self._wbits)
            out.append(self._counted(self._step(data)))
            data = self._decompress.unconsumed_tail or self._decompress.unused_data
        return b"".join(out)

    def _step(self, data: bytes) -> bytes:
        try:
            piece = self._decompress.decompress(data, min(self._left + 1, _STEP * 16))
        except zlib.error:
            if self._begun or self._wbits != 15:
                raise _invalid() from None
            # Some senders leave zlib's header out (RFC 9110 section 8.4.1.2 notes it).
            self._wbits, self._decompress = -15, zlib.decompressobj(-15)
            return self._step(data)
        self._begun = True
        return piece

    def finish(self) -> bytes:
        if self._begun and not self._decompress.eof:
            raise _invalid()
        return b""


class _Brotli(_Limited):
    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self._decompress = brotli.Decompressor()
        self._begun = False

    def feed(self, data: bytes) -> bytes:
        out: list[bytes] = []
        try:
            while data or not self._decompress.can_accept_more_data():
                self._begun = True
                piece = self._decompress.process(data, output_buffer_limit=min(self._left + 1, _STEP * 16))
                data = b""
                out.append(self._counted(piece))
                if not piece and self._decompress.can_accept_more_data():
                    break
        except brotli.error:
            raise _invalid() from None
        return b"".join(out)

    def finish(self) -> bytes:
        if self._begun and not self._decompress.is_finished():
            raise _invalid()
        return b""


class _Zstd(_Limited):
    """Zstandard (RFC 8878); the window is bounded at 8 MB as RFC 9659 asks."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self._decompress = self._fresh()
        self._begun = False

    @staticmethod
    def _fresh() -> "zstandard.ZstdDecompressionObj":
        return zstandard.ZstdDecompressor(max_window_size=1 << 23).decompressobj()

    def feed(self, data: bytes) -> bytes:
        out: list[bytes] = []
        while data:
            if self._decompress.eof:
                self._decompress = self._fresh()
            self._begun = True
            # One step of input can give at most one block, 128 kB, for three bytes: small steps bound the memory.
            step, data = data[:1024], data[1024:]
            try:
                piece = self._decompress.decompress(step)
            except zstandard.ZstdError:
                raise _invalid() from None
            out.append(self._counted(piece))
            data = self._decompress.unused_data + data
        return b"".join(out)

    def finish(self) -> bytes:
        if self._begun and not self._decompress.eof:
            raise _invalid()
        return b""
