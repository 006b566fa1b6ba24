"""The body of a provider's answer on its way to a client of the gateway, piece by piece."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

from proxy.exchange import Exchange
from proxy.transport import UpstreamAnswer


async def restored(exchange: Exchange, answer: UpstreamAnswer) -> AsyncGenerator[bytes]:
    """The body as it comes, less what is held back. What it creates is bound before its last piece.

    Others go on in between, however much one piece of it unpacks to. Raises UpstreamError, ProxyError.
    """
    async for chunk in answer.pieces():
        first = True
        for piece in exchange.unpacked(chunk):
            if not first:
                await asyncio.sleep(0)
            first = False
            if passed := await exchange.take(piece):
                yield passed
    rest = await exchange.end()
    await exchange.bound()
    if rest:
        yield rest


async def as_far_as(pieces: AsyncIterator[bytes], size: int) -> tuple[list[bytes], bool]:
    """Pieces until they are larger than that together, or end; whether they have ended."""
    kept: list[bytes] = []
    async for piece in pieces:
        kept.append(piece)
        size -= len(piece)
        if size < 0:
            return kept, False
    return kept, True
