"""The body of a provider's answer on its way to a client, piece by piece."""

import asyncio
from collections.abc import AsyncIterator, Iterator

from proxy.exchange import Exchange
from proxy.transport import UpstreamAnswer


class Restored:
    """The body as it comes, less what is held back. What it creates is bound before its last piece.

    No generator: the event loop keeps a book of those, which costs more than all that a small answer goes through.
    """

    __slots__ = ("_answer", "_ended", "_exchange", "_unpacked")

    def __init__(self, exchange: Exchange, answer: UpstreamAnswer) -> None:
        self._exchange, self._answer = exchange, answer
        self._unpacked: Iterator[tuple[int, bytes]] = iter(())
        self._ended = False

    async def more(self) -> bytes:
        """Bytes for the client as soon as there are any, b"" at the end. Raises UpstreamError, ProxyError."""
        exchange = self._exchange
        while not self._ended:
            for number, piece in self._unpacked:
                if number:
                    await asyncio.sleep(0)  # others go on in between, however much a chunk unpacks to
                if passed := await exchange.take(piece):
                    return passed
            if chunk := await self._answer.more():
                self._unpacked = enumerate(exchange.unpacked(chunk))
                continue
            self._ended = True
            rest = await exchange.end()
            await exchange.bound()
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


async def restored_of(exchange: Exchange, chunk: bytes) -> AsyncIterator[bytes]:
    """What of a chunk of the body goes to the client; others go on in between, however much it unpacks to."""
    for number, piece in enumerate(exchange.unpacked(chunk)):
        if number:
            await asyncio.sleep(0)
        if passed := await exchange.take(piece):
            yield passed
