"""What a store remembers for the next question: the few sums that its tables do not hold yet, worked out once."""

import threading
from collections.abc import Sequence
from typing import Final

from audit.sums.tally import Key

KEPT: Final = "dragoman_kept"
"""The option of a connection that holds its store's `Kept`."""
_MOST = 8

type Added = dict[str, Sequence[Key]]
"""Rows to add, by the name of their table."""


class Kept:
    """What the entries after `tree.summed` add, at the newest checkpoints; shared by the connections of a store."""

    def __init__(self) -> None:
        self._added: dict[tuple[int, bytes], Added] = {}
        self._lock = threading.Lock()

    def get(self, key: tuple[int, bytes]) -> Added | None:
        """Of the tables up to an entry, and the checkpoint of the log."""
        with self._lock:
            return self._added.get(key)

    def put(self, key: tuple[int, bytes], added: Added) -> None:
        """Remembers it, and forgets the oldest."""
        with self._lock:
            while len(self._added) >= _MOST:
                del self._added[next(iter(self._added))]
            self._added[key] = added
