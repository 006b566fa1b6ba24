"""How long work says how far it is, without knowing who watches."""

from typing import Protocol


class Progress(Protocol):
    """Told how much of how much is done."""

    def __call__(self, done: int, total: int) -> None: ...


def silent(done: int, total: int) -> None:
    """Shows nothing."""
