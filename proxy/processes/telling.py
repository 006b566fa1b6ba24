"""What a supervisor and its children say to each other: JSON lines on the child's standard input and output.

The first line tells a child its settings; then words (`retire`, `drain`). The end of its input is the sign to end at
once, so that no child outlives the supervisor. Between them it is asked whether it still hears: one that hangs lives on
for the kernel, and would keep its connections for ever.
"""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from pydantic import TypeAdapter

from proxy.config import Settings

_SETTINGS = TypeAdapter(Settings)
HEARING = "hearing"
"""The word that asks for it, and what a child says then."""


def settings_to_json(settings: Settings) -> str:
    """Settings as text; they hold references to secrets, never a secret."""
    return orjson.dumps(settings, default=_plain).decode()


def settings_from_json(text: str) -> Settings:
    """The inverse."""
    return _SETTINGS.validate_json(text)


def _plain(value: object) -> object:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(type(value).__name__)


def say(message: Mapping[str, Any]) -> None:
    """From a child to the supervisor; nothing where it is gone, which `Told` notices."""
    with contextlib.suppress(BrokenPipeError):
        os.write(sys.stdout.fileno(), (json.dumps(message) + "\n").encode())


class Told:
    """The lines of the supervisor, as they come; they end when it wants this process to end, or is gone.

    Whether this process hears is answered here. ended: set with the end, also while nobody waits for a line.
    """

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self.serves = False
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()

    async def begin(self) -> None:
        """Once, before the first line is asked for."""
        reader = asyncio.StreamReader(limit=2**22)
        protocol = asyncio.StreamReaderProtocol(reader)
        self._transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
        self._reading = asyncio.create_task(self._read(reader))

    def ready(self) -> None:
        """Says that this process serves: from here on it ends in its own order when the lines do."""
        self.serves = True
        say({"ready": True})

    def __aiter__(self) -> "Told":
        return self

    async def __anext__(self) -> str:
        line = await self._lines.get()
        if line is None:
            self._lines.put_nowait(None)
            raise StopAsyncIteration
        return line

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            word = line.decode().rstrip("\n")
            if word == HEARING:
                say({HEARING: True})
            else:
                self._lines.put_nowait(word)
        self._lines.put_nowait(None)
        self.ended.set()
        self._transport.close()
