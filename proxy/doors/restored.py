"""The body of a provider's answer on its way to a client, piece by piece."""

import asyncio
from collections.abc import Iterator

from proxy.exchange import Exchange
from proxy.transport import UpstreamAnswer


class Chunk:
    """A piece of the body as it came, of which others go on in between, however much it unpacks to.

    No generator: the event loop keeps a book of those, which costs more than all that a small answer goes through.
    """

    __slots__ = ("_exchange", "_unpacked")

    def __init__(self, exchange: Exchange, data: bytes) -> None:
        self._exchange = exchange
        self._unpacked: Iterator[tuple[int, bytes]] = enumerate(exchange.unpacked(data))

    async def more(self) -> bytes:
        """What goes to the client as soon as there is any, b"" at the end. Raises ProxyError."""
        for number, piece in self._unpacked:
            if number:
                await asyncio.sleep(0)
            if passed := await self._exchange.take(piece):
                return passed
        return b""


class Restored:
    """The body as it comes, less what is held back. What it creates is bound before its last piece."""

    __slots__ = ("_answer", "_chunk", "_ended", "_exchange")

    def __init__(self, exchange: Exchange, answer: UpstreamAnswer) -> None:
        self._exchange, self._answer = exchange, answer
        self._chunk: Chunk | None = None
        self._ended = False

    async def more(self) -> bytes:
        """Bytes for the client as soon as there are any, b"" at the end. Raises UpstreamError, ProxyError."""
        while not self._ended:
            if self._chunk is not None and (passed := await self._chunk.more()):
                return passed
            if data := await self._answer.more():
                self._chunk = Chunk(self._exchange, data)
                continue
            self._ended = True
            rest = await self._exchange.end()
            await self._exchange.bound()
            return rest
        return b""

    async def as_far_as(self, size: int) -> tuple[list[bytes], bool]:
        """Pieces until they are larger than that together, or end; whether they have ended."""
        kept: list[bytes] = []
        while piece := await self.more():
            kept.append(piece)
            size -= len(piece)
            if size < 0:
                return kept, False
        return kept, True
