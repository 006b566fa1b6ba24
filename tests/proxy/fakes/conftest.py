"""A client for the fakes, and readers of their streams."""

import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

import aiohttp
import pytest

from proxy.fakes.apis import respond
from proxy.fakes.behaviour import Behaviour, Play
from proxy.fakes.traffic import Answer, Received
from proxy.messages import Headers


class Asked:
    """Asks a fake without a socket and reads its answers."""

    @staticmethod
    def of(api: str, path: str, body: Any, *, behaviour: Behaviour = Behaviour.ECHO, **play: Any) -> Answer:
        data = b"" if body is None else json.dumps(body).encode()
        call = Received("GET" if body is None else "POST", path.encode(), Headers(), data)
        return respond(api, call, Play(behaviour, **play))

    @staticmethod
    def json(answer: Answer) -> Any:
        return json.loads(b"".join(answer.events))

    @staticmethod
    def events(answer: Answer) -> list[Any]:
        """The data of server-sent events, `[DONE]` as it is."""
        lines = b"".join(answer.events).decode().splitlines()
        data = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
        return [item if item == "[DONE]" else json.loads(item) for item in data]

    @staticmethod
    def joined(items: Iterable[Any], *path: str | int) -> str:
        """The texts found at a path, where it leads anywhere, joined."""
        texts = []
        for item in items:
            for key in path:
                try:
                    item = item[key]
                except (KeyError, IndexError, TypeError):
                    break
            else:
                texts.append(item or "")
        return "".join(texts)


@pytest.fixture
def ask() -> type[Asked]:
    """Asks a fake without a socket."""
    return Asked


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A plain client that decodes nothing."""
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        yield session
