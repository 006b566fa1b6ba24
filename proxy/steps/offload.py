"""Where pure work is done: at once, or apart from the event loop where it is large."""

from collections.abc import Awaitable, Callable
from typing import Protocol


class Offload(Protocol):
    """Runs pure work; a large one not in the event loop. size: bytes that the work looks at."""

    def __call__[T](self, size: int, work: Callable[[], T]) -> Awaitable[T]: ...


async def at_once[T](size: int, work: Callable[[], T]) -> T:
    """An `Offload` where nobody else waits for this thread."""
    return work()
