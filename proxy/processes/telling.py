"""What a supervisor and its children say to each other: JSON lines on the child's standard input and output.

The first line tells a child its settings; then words (`retire`, `drain`). The end of its input is the sign to end at
once, so that no child outlives the supervisor. Between them it is asked whether it still hears: one that hangs lives on
for the kernel, and would keep its connections for ever.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
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
    """From a child to the supervisor."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


async def told() -> AsyncIterator[str]:
    """The lines of the supervisor, as they come; ends when the supervisor wants this process to end, or is gone.

    Whether this process hears is answered here, so by whoever waits for the next line.
    """
    reader = asyncio.StreamReader(limit=2**22)
    protocol = asyncio.StreamReaderProtocol(reader)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    try:
        while line := await reader.readline():
            word = line.decode().rstrip("\n")
            if word == HEARING:
                say({HEARING: True})
            else:
                yield word
    finally:
        transport.close()
