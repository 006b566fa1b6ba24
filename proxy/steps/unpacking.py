"""An answer's content coding, taken off in steps of bounded size; nobody asked the provider for one, but some send it.

A fault in it is the provider's, never the app's. Pure.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from proxy.errors import FormatError


class BodyDecoder(Protocol):
    """Decodes a content-encoded body piece by piece, in steps of bounded size."""

    def steps(self, data: bytes) -> Iterator[bytes]: ...

    def finish(self) -> None: ...


class Unpacking:
    """One answer's body. decoder: makes what takes off a coding. Raises FormatError `upstream_unreadable` (502)."""

    def __init__(self, coding: str | None, decoder: Callable[[str], BodyDecoder] | None = None) -> None:
        coding = (coding or "identity").strip().lower()
        self._decoder: BodyDecoder | None = None
        if coding != "identity":
            assert decoder is not None, "nothing can take off a coding"
            self._decoder = _from_upstream(lambda: decoder(coding))

    @property
    def coded(self) -> bool:
        """Whether one piece may come to many."""
        return self._decoder is not None

    def pieces(self, chunk: bytes) -> Iterable[bytes]:
        """What a chunk of the body comes to; where it is coded, bytes of bounded size each."""
        if self._decoder is None:
            return (chunk,) if chunk else ()
        return self._steps(self._decoder, chunk)

    def finish(self) -> None:
        """The body has ended."""
        if self._decoder is not None:
            _from_upstream(self._decoder.finish)

    @staticmethod
    def _steps(decoder: BodyDecoder, chunk: bytes) -> Iterator[bytes]:
        steps = decoder.steps(chunk)
        while (piece := _from_upstream(lambda: next(steps, None))) is not None:
            yield piece


def _from_upstream[T](read: Callable[[], T]) -> T:
    try:
        return read()
    except (zlib.error, ValueError, FormatError) as error:
        raise FormatError(
            "the provider's answer is not valid in the content coding that it names",
            code="upstream_unreadable",
            status=502,
        ) from error
