"""A client's connection in the engine, less what nobody listens to.

The engine walks all addons twice for each event of a flow, and starts a task for each. It makes a connection by a name
in one of its modules, under which ours stands. This is half-public, so its version is pinned and tests guard it.
"""

# mypy: allow-untyped-calls

from collections.abc import Iterable
from typing import Any

from mitmproxy import ctx
from mitmproxy.addonmanager import safecall
from mitmproxy.exceptions import AddonHalt
from mitmproxy.proxy import commands, layer, mode_servers
from mitmproxy.proxy.mode_servers import ProxyConnectionHandler

type Commands = layer.CommandGenerator[Any]

JOINED_BYTES = 64 * 1024
"""Pieces up to this size are joined before they are written; copying larger ones would cost more than a system call."""


class LeanConnection(ProxyConnectionHandler):
    """The engine's own, with the shortest way to those who listen."""

    async def handle_hook(self, hook: commands.StartHook) -> None:
        """Tell every addon that listens, in their order, as the engine does; what one raises is logged there."""
        addons = self.master.addons
        with self.timeout_watchdog.disarm():
            try:
                for addon in addons.chain:
                    if hasattr(addon, hook.name):
                        with safecall():
                            await addons.invoke_addon(addon, hook)
            except AddonHalt:
                return


mode_servers.ProxyConnectionHandler = LeanConnection  # type: ignore[misc]


def spared(found: Commands) -> Commands:
    """The same commands, less the engine's hooks that nobody listens to.

    Each would hold the request up until a task has come back with nothing. A generator in, for its replies.
    """
    reply: Any = None
    while True:
        try:
            command = found.send(reply)
        except StopIteration:
            return
        if isinstance(command, commands.StartHook) and not listened(command.name):
            reply = None
        else:
            reply = yield command


def listened(hook: str) -> bool:
    """Whether an addon has a hook of that name; asked each time, for addons come and go."""
    return any(hasattr(addon, hook) for addon in ctx.master.addons.chain)


def joined(found: Iterable[commands.Command]) -> Commands:
    """The same commands, with small pieces for one connection that follow each other in one.

    The engine writes a head and its body one after the other: two system calls, two packets, two TLS records.
    """
    waiting: commands.SendData | None = None
    for command in found:
        if isinstance(command, commands.SendData) and len(command.data) <= JOINED_BYTES:
            if waiting is None:
                waiting = command
            elif waiting.connection is command.connection and len(waiting.data) <= JOINED_BYTES:
                waiting.data += command.data
            else:
                yield waiting
                waiting = command
            continue
        if waiting is not None:
            yield waiting
            waiting = None
        yield command
    if waiting is not None:
        yield waiting
