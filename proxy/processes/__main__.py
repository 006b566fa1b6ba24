"""A child of the supervisor: `python -m proxy.processes ledger|detection|door`. Told what to do on standard input."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable

from proxy.cli import known_message
from proxy.processes import roles
from proxy.processes.telling import say, told
from proxy.running import logs

ROLES: dict[str, Callable[[roles.Line], Awaitable[int]]] = {
    "ledger": roles.ledger,
    "detection": roles.detection,
    "door": roles.door,
}
CANNOT = 3


async def main(role: str) -> int:
    """Exit code."""
    words = told()
    try:
        first = await anext(words)
    except StopAsyncIteration:
        return 0
    try:
        line = roles.Line(json.loads(first), words)
        logs.install_here(line.settings.log)
        return await ROLES[role](line)
    except Exception as error:
        # The text of an error that is not ours could quote what was inspected.
        say({"error": known_message(error) or f"an unexpected {type(error).__name__} in the {role} process"})
        return CANNOT


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1])))
