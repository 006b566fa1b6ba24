"""Ports that nobody is given by chance: for a test that has to know one before anything listens on it.

Where a test can, it listens on port 0 and asks what it became. A port that was found by binding to 0 and closing again
may be given to the next connection of a test in another process; these lie below the range from which the kernel takes
those, and each test process has some of its own.
"""

import itertools
import os
import socket
from contextlib import closing, suppress
from pathlib import Path

RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
OWN = 500
"""How many each process has; they come again after that."""
_numbers = itertools.count(os.getpid())


def free_port() -> int:
    """A port of this machine on which nothing listens now, and on which nothing will by chance."""
    process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    end = int(RANGE.read_text().split()[0]) - process * OWN
    for _ in range(OWN):
        port = end - 1 - next(_numbers) % OWN
        with closing(socket.socket()) as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("every port of this process is taken")
