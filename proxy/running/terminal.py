"""The terminal behind a process that serves: whether there is one, and lines for whoever watches it."""

import contextlib
import os
import sys

from rich.console import Console


def terminal() -> bool:
    """Whether there is a terminal behind this process; there is none any more once its window was closed."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True


def tell(text: str) -> None:
    """A line on standard error, where anybody still reads it."""
    with contextlib.suppress(OSError):
        Console(file=sys.stderr).print(text, highlight=False, soft_wrap=True)
