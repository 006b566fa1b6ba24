"""Content codings (RFC 9110, section 8.4.1): gzip, deflate, br, zstd, in any order a header names, piece by piece.

Bytes enter, at most `limit` bytes leave, a step of bounded size at a time: a bomb is refused before it is unpacked, and
whoever unpacks much can let others go on between two steps. Nothing is ever coded again: requests leave as identity,
answers reach the client as identity.
"""

import zlib
from collections.abc import Iterator
from typing import Protocol

import brotli  # type: ignore[import-untyped]
import zstandard

from proxy.errors import FormatError

MAX_RESPONSE = 1 << 30  # bytes of one answer; a stream of text never comes near
STEP = 1 << 18  # bytes that leave at a time: what a socket gives at a time where nothing is coded
RATIO = 250  # of what leaves to what enters; JSON that says the same all the time comes to 100, zeros to 1000 and more
RATIO_FROM = 1 << 24  # bytes; what is smaller costs nobody anything
_SLICE = 1 << 16  # bytes that enter at a time: a library copies what it has not used yet
_ZLIB_HEADER = 2  # bytes (RFC 1950 section 2.2)
_CODINGS = 3  # more than two is unheard of, and each costs memory


class Decoder(Protocol):
    """Decodes one body."""

    def steps(self, data: bytes) -> Iterator[bytes]:
        """Coded bytes in, what they give out, at most `STEP` bytes at a time."""
        ...

    def finish(self) -> None:
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
    decoded = b"".join(decoder.steps(body))
    decoder.finish()
    return decoded


def decoder(coding: str, *, limit: int = MAX_RESPONSE) -> Decoder:
    """A decoder for an answer's codings; `FormatError` as above, `body_too_large` also where it gives far too much."""
    return _Chain([_one(name, limit, ratio=RATIO) for name in reversed(_names(coding))])


def _names(coding: str | None) -> list[str]:
    names = [name.strip().lower() for name in (coding or "").split(",")]
    names = [name for name in names if name not in ("", "identity")]
    if len(names) > _CODINGS:
        raise FormatError("the body has too many content codings; send one", code="unknown_coding", status=415)
    return names


def _one(name: str, limit: int, ratio: int = 0) -> "_Limited":
    if name in ("gzip", "x-gzip"):
        return _Zlib(limit, ratio, 31)
    if name == "deflate":
        return _Zlib(limit, ratio, 15)
    if name == "br":
        return _Brotli(limit, ratio)
    if name == "zstd":
        return _Zstd(limit, ratio)
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
    """Counts what went in and what came out. ratio: how many times as much may come out, 0 for any."""

    def __init__(self, limit: int, ratio: int) -> None:
        self._limit, self._ratio = limit, ratio
        self._came = self._gave = 0

    def steps(self, data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), _SLICE):
            piece = data[start : start + _SLICE]
            self._came += len(piece)
            yield from self._counted(self._steps(piece))

    def _counted(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self._gave += len(piece)
            if self._gave > self._limit:
                raise _too_large(self._limit)
            if self._ratio and self._gave > max(RATIO_FROM, self._ratio * self._came):
                raise FormatError(
                    f"the body gives more than {self._ratio} times its size when decoded",
                    code="body_too_large",
                    status=413,
                )
            if piece:
                yield piece

    def finish(self) -> None:
        raise NotImplementedError

    def _steps(self, data: bytes) -> Iterator[bytes]:
        raise NotImplementedError


class _Chain:
    """The codings of one body, outermost first."""

    def __init__(self, decoders: list[_Limited]) -> None:
        self._decoders = decoders

    def steps(self, data: bytes) -> Iterator[bytes]:
        return self._through(0, data)

    def _through(self, number: int, data: bytes) -> Iterator[bytes]:
        if number == len(self._decoders):
            yield data
            return
        for piece in self._decoders[number].steps(data):
            yield from self._through(number + 1, piece)

    def finish(self) -> None:
        for decoder in self._decoders:
            decoder.finish()


class _Zlib(_Limited):
    """gzip (several members allowed, RFC 1952 section 2.2) and deflate (with or without zlib's header)."""

    def __init__(self, limit: int, ratio: int, wbits: int) -> None:
        super().__init__(limit, ratio)
        self._wbits = wbits
        self._decompress = zlib.decompressobj(wbits)
        self._first = b""

    def _steps(self, data: bytes) -> Iterator[bytes]:
        more = True
        while data or more:
            if self._decompress.eof:
                if self._wbits != 31:
                    raise _invalid()
                self._decompress = zlib.decompressobj(self._wbits)
            piece = self._step(data)
            yield piece
            data = self._decompress.unconsumed_tail or self._decompress.unused_data
            more = len(piece) == STEP and not self._decompress.eof

    def _step(self, data: bytes) -> bytes:
        before = self._first
        try:
            piece = self._decompress.decompress(data, STEP)
        except zlib.error:
            if self._wbits != 15 or len(before) >= _ZLIB_HEADER:
                raise _invalid() from None
            # Some senders leave zlib's header out (RFC 9110 section 8.4.1.2 notes it).
            self._wbits, self._decompress = -15, zlib.decompressobj(-15)
            return self._step(before + data)
        if len(before) < _ZLIB_HEADER:
            self._first = (before + data)[:_ZLIB_HEADER]
        return piece

    def finish(self) -> None:
        if self._first and not self._decompress.eof:
            raise _invalid()


class _Brotli(_Limited):
    def __init__(self, limit: int, ratio: int) -> None:
        super().__init__(limit, ratio)
        self._decompress = brotli.Decompressor()
        self._begun = False

    def _steps(self, data: bytes) -> Iterator[bytes]:
        self._begun = True
        more = True
        while more:
            try:
                piece = self._decompress.process(data, output_buffer_limit=STEP)
            except brotli.error:
                raise _invalid() from None
            data = b""
            for start in range(0, len(piece), STEP):
                yield piece[start : start + STEP]
            # What has come in may be used up while more is to come out.
            more = not self._decompress.is_finished() and (bool(piece) or not self._decompress.can_accept_more_data())

    def finish(self) -> None:
        if self._begun and not self._decompress.is_finished():
            raise _invalid()


class _Zstd(_Limited):
    """Zstandard (RFC 8878); the window is bounded at 8 MB as RFC 9659 asks."""

    def __init__(self, limit: int, ratio: int) -> None:
        super().__init__(limit, ratio)
        self._decompress = self._fresh()
        self._begun = False

    @staticmethod
    def _fresh() -> "zstandard.ZstdDecompressionObj":
        return zstandard.ZstdDecompressor(max_window_size=1 << 23).decompressobj()

    def _steps(self, data: bytes) -> Iterator[bytes]:
        at = 0
        while at < len(data):
            if self._decompress.eof:
                self._decompress = self._fresh()
            self._begun = True
            # One step of input can give at most one block, 128 kB, for four bytes: small steps bound the memory.
            step = data[at : at + 256]
            try:
                piece = self._decompress.decompress(step)
            except zstandard.ZstdError:
                raise _invalid() from None
            at += len(step) - len(self._decompress.unused_data)
            for start in range(0, len(piece), STEP):
                yield piece[start : start + STEP]

    def finish(self) -> None:
        if self._begun and not self._decompress.eof:
            raise _invalid()
