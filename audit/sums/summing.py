"""What one batch, or a whole log that is counted again, adds to the tables of `sums`.

Transfers that agree in all that is counted by are added up first and spread over the tables once: a batch has few
kinds of them, and a transfer counts under some forty values.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from operator import itemgetter
from typing import Any

from audit.sums.alike import Found
from audit.sums.tables import (
    BLOCK,
    DAILY,
    DAILY_APPLICATION,
    DAILY_FINDING,
    DAILY_TYPE,
    HOLDER,
    daily,
    daily_application,
    daily_finding,
    daily_holder,
    daily_holder_finding,
    daily_type,
    daily_value,
    finding_block,
    kinds,
    monthly_finding,
    monthly_holder,
    monthly_holder_finding,
)
from audit.sums.tally import Key, Tally, ValuesByDay, add_value
from audit.tables import transfer

OF_TRANSFER = (
    "environment", "identified_by", "purpose", "controller", "basis", "entity", "role", "mechanism", "countries",
    "retention", "training", "provider", "host", "endpoint", "model", "format", "door", "mode", "network",
    "policy_digest", "policy_name", "action", "reason", "state", "status",
)  # fmt: skip
"""Fields of a transfer whose every value is counted by day; the last two change when it ends."""
OF_FINDING = ("operator", "rule", "recognizer", "language")
VALUED = (*OF_TRANSFER, *OF_FINDING)
_STATE, _STATUS = OF_TRANSFER.index("state"), OF_TRANSFER.index("status")
_DAY_MS = 86_400_000
_EPOCH = date(1970, 1, 1).toordinal()

_COUNTED = ("day", "kind", "application", "destination", *OF_TRANSFER)
_ORDER = [column.name for column in transfer.columns]


def _of_row(names: Sequence[str]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    return itemgetter(*[_ORDER.index(name) for name in names])


def _of_counted(names: Sequence[str]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    return itemgetter(*[_COUNTED.index(name) for name in names])


_counted = _of_row(_COUNTED)
_numbers = _of_row(("idx", "at", "subjects", "findings", "bytes_in", "bytes_out"))
_daily = _of_counted(DAILY)
_daily_finding = _of_counted(DAILY_FINDING[:-2])
_daily_type = _of_counted(DAILY_TYPE[:-2])
_daily_application = _of_counted(DAILY_APPLICATION[:-2])
_holder = _of_counted(HOLDER)
_values = _of_counted(OF_TRANSFER)


def day_of(at: int) -> int:
    """The UTC day of a time in milliseconds, as days since 1970."""
    return at // _DAY_MS


@lru_cache(maxsize=4096)
def month_of(day: int) -> int:
    """The first day of a day's month; of days that no calendar has, the nearest one that has."""
    within = min(max(_EPOCH + day, date.min.toordinal()), date.max.toordinal())
    return date.fromordinal(within).replace(day=1).toordinal() - _EPOCH


@lru_cache(maxsize=4096)
def holder_id(key: tuple[str | None, ...]) -> int:
    """The id of a line of *who holds what*: 63 bits of its hash, so that no writer has to ask for it."""
    text = "\x1f".join("\x00" if value is None else value for value in key)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) >> 1


@dataclass(slots=True)
class _Alike:
    """Transfers that agree in what they are counted by. found: how many of each of their findings."""

    transfers: int
    with_subject: int
    findings: int
    bytes_in: int
    bytes_out: int
    first: int
    last: int
    first_at: int
    last_at: int
    found: list[int]

    def join(self, other: "_Alike") -> None:
        """Adds others."""
        self.transfers += other.transfers
        self.with_subject += other.with_subject
        self.findings += other.findings
        self.bytes_in += other.bytes_in
        self.bytes_out += other.bytes_out
        self.first, self.last = min(self.first, other.first), max(self.last, other.last)
        self.first_at, self.last_at = min(self.first_at, other.first_at), max(self.last_at, other.last_at)


@dataclass(slots=True)
class Sums:
    """Adds up transfers, and says at the end what each table gets."""

    _alike: dict[tuple[Key, tuple[Found, ...]], _Alike] = field(default_factory=dict)
    _kinds: dict[str, int] = field(default_factory=dict)
    _values: ValuesByDay = field(default_factory=lambda: ValuesByDay(VALUED))
    _blocks: set[tuple[str, int]] = field(default_factory=set)

    def entry(self, kind: str) -> None:
        """Counts an entry of that kind."""
        self._kinds[kind] = self._kinds.get(kind, 0) + 1

    def add(self, row: tuple[Any, ...], found: tuple[Found, ...], numbers: Sequence[int]) -> None:
        """Adds a transfer or refusal, as its table holds it, its findings and how many there are of each."""
        key = _counted(row), found
        index, at, subjects, findings, bytes_in, bytes_out = _numbers(row)
        block = index // BLOCK
        alike = self._alike.get(key)
        if alike is None:
            counts = 1, int(subjects > 0), findings, bytes_in, bytes_out
            self._alike[key] = _Alike(*counts, index, index, at, at, list(numbers))
            self._blocks.update([(what[0], block) for what in found])
            return
        if block != alike.last // BLOCK:
            self._blocks.update([(what[0], block) for what in found])
        alike.transfers += 1
        alike.with_subject += subjects > 0
        alike.findings += findings
        alike.bytes_in += bytes_in
        alike.bytes_out += bytes_out
        if index < alike.first:
            alike.first = index
        if index > alike.last:
            alike.last = index
        if at < alike.first_at:
            alike.first_at = at
        if at > alike.last_at:
            alike.last_at = at
        for position, n in enumerate(numbers):
            alike.found[position] += n

    def ended(self, of: tuple[Any, ...], state: str, status: int | None) -> None:
        """Counts a transfer under how it ended. of: index, day, findings, bytes in and out of its row."""
        index, day, *counts = of
        fields, findings, bytes_in, bytes_out = self._values.of(day), *counts
        for field_of, value in ((fields[_STATE], state), (fields[_STATUS], status)):
            if value is not None:
                add_value(field_of, None, (-1, -findings, -bytes_in, -bytes_out, index, index))
                add_value(field_of, value, (1, findings, bytes_in, bytes_out, index, index))

    def rows(self) -> tuple[dict[str, list[Key]], list[Key]]:
        """What to add to each table of sums, by its name; and the lines of *who holds what*, most of them known."""
        tables = {
            daily.name: Tally(5), daily_holder.name: Tally(2),
            monthly_holder.name: Tally(2), daily_finding.name: Tally(2), monthly_finding.name: Tally(1),
            daily_type.name: Tally(1), daily_application.name: Tally(1),
            daily_holder_finding.name: Tally(1), monthly_holder_finding.name: Tally(1),
        }  # fmt: skip
        lines: dict[int, Key] = {}
        transfers: dict[Key, _Alike] = {}
        for (key, found), alike in self._alike.items():
            if key in transfers:
                transfers[key].join(alike)
            else:
                transfers[key] = _alone(alike)
            if found:
                _spread_findings(tables, self._values, key, found, alike)
        for key, alike in transfers.items():
            _spread(tables, self._values, lines, key, alike)
        given = {name: table.rows() for name, table in tables.items()}
        given[daily_value.name] = self._values.rows()
        given[kinds.name] = list(self._kinds.items())
        given[finding_block.name] = sorted(self._blocks)
        return given, [(holder, *line) for holder, line in lines.items()]


def _alone(alike: _Alike) -> _Alike:
    """A copy without findings, to add others to."""
    return _Alike(
        alike.transfers, alike.with_subject, alike.findings, alike.bytes_in, alike.bytes_out, alike.first, alike.last,
        alike.first_at, alike.last_at, [],
    )  # fmt: skip


def _blank(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Keys of sums are never NULL, because NULLs are never equal."""
    return tuple(["" if value is None else value for value in values]) if None in values else values


def _spread(tables: Mapping[str, Tally], fields: ValuesByDay, lines: dict[int, Key], key: Key, alike: _Alike) -> None:
    """Counts transfers under everything but their findings."""
    day, kind = key[0], key[1]
    counts = alike.transfers, alike.findings, alike.bytes_in, alike.bytes_out
    tables[daily.name].add(_blank(_daily(key)), (counts[0], alike.with_subject, *counts[1:]))
    numbers = *counts, alike.first, alike.last
    for values, value in zip(fields.of(day), _values(key), strict=False):
        add_value(values, value, numbers)
    if kind == "transfer":
        line = _holder(key)
        holder = holder_id(line)
        lines[holder] = line
        held = alike.transfers, alike.with_subject, alike.first_at, alike.last_at, alike.last
        tables[daily_holder.name].add((day, holder), held)
        tables[monthly_holder.name].add((month_of(day), holder), held)


def _spread_findings(
    tables: Mapping[str, Tally], fields: ValuesByDay, key: Key, found: tuple[Found, ...], alike: _Alike
) -> None:
    """Counts the findings of transfers that have the same ones."""
    day, month = key[0], month_of(key[0])
    totals: dict[tuple[str, str], int] = {}
    for what, n in zip(found, alike.found, strict=True):
        totals[what[:2]] = totals.get(what[:2], 0) + n
    for values, at in zip(fields.of(day)[len(OF_TRANSFER) :], range(1, 5), strict=True):
        seen: dict[str | None, int] = {}
        for what, n in zip(found, alike.found, strict=True):
            seen[what[at]] = seen.get(what[at], 0) + n
        for value, n in seen.items():
            add_value(values, value, (alike.transfers, n, 0, 0, alike.first, alike.last))
    common, coarse, of_application = _blank(_daily_finding(key)), _blank(_daily_type(key)), _daily_application(key)
    holder = holder_id(_holder(key)) if key[1] == "transfer" else None
    for kind, n in totals.items():
        tables[daily_finding.name].add(common + kind, (n, alike.transfers))
        tables[monthly_finding.name].add((month, *common[1:], *kind), (n,))
        tables[daily_type.name].add(coarse + kind, (n,))
        tables[daily_application.name].add(of_application + kind, (n,))
        if holder is not None:
            tables[daily_holder_finding.name].add((day, holder, *kind), (n,))
            tables[monthly_holder_finding.name].add((month, holder, *kind), (n,))
