"""How the interpreter is set for a process that writes the log, and for one that reads it from end to end."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

TURN_S = 0.0005
"""How long one thread computes while another waits for its turn; Python's own is ten times as long. The log's thread
asks for a turn after each statement of a commit, and everybody whose record is in it waits."""


def settle() -> None:
    """For a process that has made what lives as long as it does: the collector need not walk over that again."""
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(TURN_S)


@contextmanager
def settled() -> Iterator[None]:
    """The same for as long as something is measured."""
    before = sys.getswitchinterval()
    settle()
    try:
        yield
    finally:
        sys.setswitchinterval(before)
        gc.unfreeze()


@contextmanager
def uncollected() -> Iterator[None]:
    """For a command that reads entries by the million, beside nothing else: they have no cycles, and looking for some
    costs a tenth."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()
