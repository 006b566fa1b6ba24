"""The console's process. Reads its settings from the first line of standard input, says on standard output where it
listens, and ends when standard input does: so it never outlives the process that started it.
"""

import json
import sys
import threading
from collections.abc import Mapping
from typing import Any

from audit.errors import AuditError
from proxy.console.settings import ConsoleSettings
from proxy.errors import ProxyError
from proxy.running import logs

CANNOT = 3
"""Exit code where starting again would not help."""


def main() -> int:
    """Serves until standard input ends; returns the exit code."""
    from proxy.console.app import application
    from proxy.console.server import Serving, listen

    settings = ConsoleSettings.from_line(sys.stdin.buffer.readline())
    logs.install_here(settings.log)
    try:
        listening = listen(*settings.host_and_port)
        app = application(settings)
    except (ProxyError, AuditError) as error:
        _say({"error": error.message})
        return CANNOT
    except Exception as error:
        _say({"error": f"the console did not start: an unexpected {type(error).__name__}, please report it"})
        return CANNOT
    server = Serving(app, lambda: _say({"address": listening.getsockname()[:2]}))

    def watch() -> None:
        sys.stdin.buffer.read()
        server.should_exit = True

    threading.Thread(target=watch, name="console-parent", daemon=True).start()
    server.run(sockets=[listening])
    return 0


def _say(data: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(data) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
