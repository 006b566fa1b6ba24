"""A child of the supervisor: `python -m proxy.processes ledger|detection|door`. Told what to do on standard input."""

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from proxy.cli import known_message
from proxy.processes import roles
from proxy.processes.telling import Told, say
from proxy.running import logs

ROLES: dict[str, Callable[[roles.Line], Coroutine[Any, Any, int]]] = {
    "ledger": roles.ledger,
    "detection": roles.detection,
    "door": roles.door,
}
CANNOT = 3


async def main(role: str) -> int:
    """Exit code."""
    words = Told()
    await words.begin()
    try:
        first = await anext(words)
    except StopAsyncIteration:
        return 0
    try:
        line = roles.Line(json.loads(first), words)
        logs.install_here(line.settings.log)
        return await _until_ended(ROLES[role](line), words)
    except Exception as error:
        # The text of an error that is not ours could quote what was inspected.
        say({"error": known_message(error) or f"an unexpected {type(error).__name__} in the {role} process"})
        return CANNOT


async def _until_ended(role: Coroutine[Any, Any, int], words: Told) -> int:
    """A role that serves ends by itself; one that still starts may be waiting for what will never come."""
    working, ended = asyncio.create_task(role), asyncio.create_task(words.ended.wait())
    await asyncio.wait({working, ended}, return_when=asyncio.FIRST_COMPLETED)
    ended.cancel()
    if not working.done() and not words.serves:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        return 0
    return await working


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1])))
