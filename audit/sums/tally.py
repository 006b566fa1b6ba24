"""Numbers under keys while they are added up, before they go to the tables of `sums`."""

from collections.abc import Sequence
from typing import Any

type Key = tuple[Any, ...]


class Tally(dict[Key, list[int]]):
    """Numbers under keys. sums: how many of them are added up; the next is the least, all after it the greatest."""

    def __init__(self, sums: int) -> None:
        self._sums = sums

    def add(self, key: Key, numbers: Sequence[int]) -> None:
        """Adds numbers under a key."""
        found = self.get(key)
        if found is None:
            self[key] = list(numbers)
        else:
            _add(found, numbers, self._sums)

    def rows(self) -> list[Key]:
        """As the table has them."""
        return [(*key, *numbers) for key, numbers in self.items()]


def _add(found: list[int], numbers: Sequence[int], sums: int) -> None:
    for at in range(sums):
        found[at] += numbers[at]
    if sums < len(found):
        if numbers[sums] < found[sums]:
            found[sums] = numbers[sums]
        for at in range(sums + 1, len(found)):
            if numbers[at] > found[at]:
                found[at] = numbers[at]


class ValuesByDay:
    """What `daily_value` gets: for each day and field the numbers under each value; as `Tally`, but the key of a
    field is never built, because each transfer has some thirty."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._days: dict[int, tuple[dict[Any, list[int]], ...]] = {}

    def of(self, day: int) -> tuple[dict[Any, list[int]], ...]:
        """The fields of a day, in the order of their names."""
        found = self._days.get(day)
        if found is None:
            found = self._days[day] = tuple([{} for _ in self._names])
        return found

    def rows(self) -> list[Key]:
        """As the table has them."""
        return [
            (name, day, "" if value is None else str(value), *numbers)
            for day, fields in self._days.items()
            for name, values in zip(self._names, fields, strict=True)
            for value, numbers in values.items()
        ]


def add_value(values: dict[Any, list[int]], value: Any, numbers: Sequence[int]) -> None:
    """Adds transfers, findings, bytes in and out, first and last index under a value."""
    found = values.get(value)
    if found is None:
        values[value] = list(numbers)
        return
    found[0] += numbers[0]
    found[1] += numbers[1]
    found[2] += numbers[2]
    found[3] += numbers[3]
    if numbers[4] < found[4]:
        found[4] = numbers[4]
    if numbers[5] > found[5]:
        found[5] = numbers[5]
