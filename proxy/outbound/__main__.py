"""The process of the streams. Reads its settings from the first line of standard input, says on standard output that it
runs, and ends when standard input does: so it never outlives the process that started it.
"""

import json
import sys
import threading
from collections.abc import Mapping
from typing import Any

from audit.errors import AuditError
from proxy.errors import ProxyError
from proxy.outbound.settings import OutboundSettings
from proxy.running import logs

CANNOT = 3
"""Exit code where starting again would not help."""


def main() -> int:
    """Sends until standard input ends; returns the exit code."""
    from audit.home import Home
    from audit.store import Store
    from proxy.outbound.streams.shipping import Shipping
    from proxy.running.databases import AUDIT, control_of, database_url

    settings = OutboundSettings.from_line(sys.stdin.buffer.readline())
    logs.install_here(settings.log)
    try:
        own = settings.as_settings
        store = Store.open(database_url(own, AUDIT) or Home(own.home).database_url, read_only=True)
        control = control_of(own)
        shippings = [Shipping(own, stream, store, control.cursors) for stream in settings.streams]
    except (ProxyError, AuditError) as error:
        _say({"error": error.message})
        return CANNOT
    ended = threading.Event()
    threads = [threading.Thread(target=one.run, args=(ended,), daemon=True) for one in shippings]
    for thread in threads:
        thread.start()
    _say({"streams": [stream.name for stream in settings.streams]})
    sys.stdin.buffer.read()
    ended.set()
    for thread in threads:
        thread.join(3)
    return 0


def _say(data: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(data) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
