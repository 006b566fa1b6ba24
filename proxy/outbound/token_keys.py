"""The public keys of whoever issues tokens: a JWK set (RFC 7517), from a file of the home or over https.

Nothing of a request leaves; keys come back. They are kept for five minutes, so that a key that was withdrawn ends, and
read again for a key that nobody knows, at most every ten seconds, so that invented key ids cannot make us ask all day.
"""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import orjson
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from proxy.claims import keys_unavailable
from proxy.next_proxy import NextProxy
from proxy.outbound.clients import async_client

KEPT_S = 300.0
AGAIN_S = 10.0
TIMEOUT_S = 2.0
MAX_BYTES = 256 * 1024


class TokenKeys:
    """`claims.KeysOf`. home: folder that file names are looked up in. observe: counts what cannot be read."""

    def __init__(
        self,
        home: Path,
        observe: Callable[[str, str], None],
        through: NextProxy | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._home, self._observe, self._through, self._clock = home, observe, through, clock
        self._known: dict[str, tuple[float, KeySet]] = {}
        self._asked: dict[str, float] = {}
        self._reading = asyncio.Lock()
        self._client: httpx.AsyncClient | None = None

    async def __call__(self, where: str, again: bool) -> KeySet:
        """The keys. again: those that are known do not suffice. Raises UnavailableError (`token_keys_unavailable`)."""
        async with self._reading:
            read_at, keys = self._known.get(where, (None, None))
            age = KEPT_S if read_at is None else self._clock() - read_at
            if keys is not None and age < (AGAIN_S if again else KEPT_S):
                return keys
            since = self._clock() - self._asked.get(where, -AGAIN_S)
            if since < AGAIN_S and keys is None:
                raise keys_unavailable()  # it failed a moment ago; not every request waits for it again
            self._asked[where] = self._clock()
            try:
                keys = await self._read(where)
            except (OSError, httpx.HTTPError, JoseError, ValueError, KeyError, TypeError) as error:
                self._observe("token_keys_unreadable", type(error).__name__)
                if keys is not None and age < KEPT_S:
                    return keys  # a token with an invented key id must not take everybody's keys away
                self._known.pop(where, None)
                raise keys_unavailable() from None
            self._known[where] = (self._clock(), keys)
            return keys

    async def close(self) -> None:
        """Ends the connections."""
        if self._client is not None:
            await self._client.aclose()

    async def _read(self, where: str) -> KeySet:
        data = await (self._fetch(where) if where.startswith("https://") else self._file(where))
        if len(data) > MAX_BYTES:
            raise ValueError("too large")
        return KeySet.import_key_set(orjson.loads(data))

    async def _file(self, name: str) -> bytes:
        def read() -> bytes:
            with (self._home / name).open("rb") as stream:
                return stream.read(MAX_BYTES + 1)

        return await asyncio.to_thread(read)

    async def _fetch(self, url: str) -> bytes:
        if self._client is None:
            self._client = async_client(self._through, timeout=TIMEOUT_S)
        async with asyncio.timeout(2 * TIMEOUT_S), self._client.stream("GET", url) as answer:
            if answer.status_code != 200:
                raise ValueError("no keys")
            data = b""
            async for piece in answer.aiter_bytes():
                data += piece
                if len(data) > MAX_BYTES:
                    break
            return data
