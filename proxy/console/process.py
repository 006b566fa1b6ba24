"""The console as a child process: started beside the doors, started again when it ends, never in their way."""

from proxy.console.settings import ConsoleSettings
from proxy.running.child import FIRST_WAIT_S, ChildProcess


class ConsoleProcess:
    """`start` returns where it listens, or why it does not; `stop` ends it. What happens to it raises nothing."""

    def __init__(self, settings: ConsoleSettings, *, first_wait_s: float = FIRST_WAIT_S) -> None:
        self.child = ChildProcess("proxy.console", settings.line(), "the console", first_wait_s=first_wait_s)

    async def start(self) -> tuple[str, int] | str:
        """Starts it and watches over it. Returns its address, or one line that says why there is no console."""
        found = await self.child.start()
        if isinstance(found, str):
            return found
        host, port = found["address"]
        return str(host), int(port)

    async def stop(self) -> None:
        """Ends it; safe to call twice."""
        await self.child.stop()
