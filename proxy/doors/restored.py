"""The body of a provider's answer on its way to a client, piece by piece."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

from proxy.exchange import Exchange
from proxy.transport import UpstreamAnswer


async def restored(exchange: Exchange, answer: UpstreamAnswer) -> AsyncGenerator[bytes]:
    """The body as it comes, less what is held back. What it creates is bound before its last piece.

    Raises UpstreamError, ProxyError.
    """
    async for chunk in answer.pieces():
        async for passed in restored_of(exchange, chunk):
            yield passed
    rest = await exchange.end()
    await exchange.bound()
    if rest:
        yield rest


async def restored_of(exchange: Exchange, chunk: bytes) -> AsyncIterator[bytes]:
    """What of a chunk of the body goes to the client; others go on in between, however much it unpacks to."""
    for number, piece in enumerate(exchange.unpacked(chunk)):
        if number:
            await asyncio.sleep(0)
        if passed := await exchange.take(piece):
            yield passed


async def as_far_as(pieces: AsyncIterator[bytes], size: int) -> tuple[list[bytes], bool]:
    """Pieces until they are larger than that together, or end; whether they have ended."""
    kept: list[bytes] = []
    async for piece in pieces:
        kept.append(piece)
        size -= len(piece)
        if size < 0:
            return kept, False
    return kept, True
