"""How often each value of a field stood in transfers, by day: what one more roll-up says about all fields at once.

It answers "by model", "by language" without reading a transfer, says at once that nothing has a value, and where to
look for what few have. Kept by the writer's transaction; a row speaks of one field alone, so it names nobody.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from audit.tables import daily_value, finding, transfer

OF_TRANSFER = (
    "environment", "identified_by", "purpose", "controller", "basis", "entity", "role", "mechanism", "countries",
    "retention", "training", "provider", "host", "endpoint", "model", "format", "door", "mode", "network",
    "policy_digest", "policy_name", "action", "reason",
)  # fmt: skip
OF_FINDING = ("operator", "rule", "recognizer", "language")
RARE = 10_000
"""Transfers with a value below which they are looked for day by day; above it a walk from the newest comes to a page
sooner."""

_of_transfer = itemgetter(*OF_TRANSFER)
_of_finding = itemgetter(*OF_FINDING)
_PAGE = 20_000

type Row = dict[str, Any]
type Key = tuple[str, int, str]


@dataclass(slots=True)
class Values:
    """Sums of transfers, findings, bytes in and out, and the first and last index, by field, day and value.

    Transfers that agree in all fields are added up first: a batch has few kinds of them.
    """

    _alike: dict[tuple[Any, ...], list[int]] = field(default_factory=dict)
    _found: dict[Key, list[int]] = field(default_factory=dict)

    def add(self, row: Mapping[str, Any], findings: Iterable[Mapping[str, Any]]) -> None:
        """Adds a transfer, as `rows` makes it, and its findings."""
        index, day = row["idx"], row["day"]
        _sum(self._alike, (day, _of_transfer(row)), (1, row["findings"], row["bytes_in"], row["bytes_out"]), index)
        seen: dict[Key, int] = {}
        for one in findings:
            for name, value in zip(OF_FINDING, _of_finding(one), strict=True):
                key = name, day, value or ""
                seen[key] = seen.get(key, 0) + one["n"]
        for key, n in seen.items():
            _sum(self._found, key, (1, n, 0, 0), index)

    def rows(self) -> list[Row]:
        """What to add to the roll-up."""
        sums: dict[Key, list[int]] = dict(self._found)
        for (day, values), (*counts, first, last) in self._alike.items():
            for name, value in zip(OF_TRANSFER, values, strict=True):
                _sum(sums, (name, day, value or ""), counts, first)
                sums[name, day, value or ""][5] = max(last, sums[name, day, value or ""][5])
        columns = ("name", "day", "value", "transfers", "findings", "bytes_in", "bytes_out", "first", "last")
        return [dict(zip(columns, (*key, *numbers), strict=True)) for key, numbers in sums.items()]


def _sum[K](sums: dict[K, list[int]], key: K, counts: Sequence[int], index: int) -> None:
    found = sums.get(key)
    if found is None:
        sums[key] = [*counts, index, index]
        return
    for at, count in enumerate(counts):
        found[at] += count
    found[4], found[5] = min(found[4], index), max(found[5], index)


def known(values: Mapping[str, str]) -> dict[str, sa.ColumnElement[bool]]:
    """Of some conditions those that the roll-up knows, as conditions on its rows."""
    found = {name: daily_value.c.value == value for name, value in values.items() if name in OF_TRANSFER + OF_FINDING}
    if "country" in values:
        found["countries"] = daily_value.c.value.contains(f" {values['country']} ", autoescape=True)
    return found


def ranges(
    connection: sa.Connection, values: Mapping[str, str], days: tuple[int | None, int | None], before: int | None
) -> list[tuple[int, int]] | None:
    """Where transfers of these conditions can be, as ranges of indices, the newest first; None for anywhere.

    days: first day, and the one after the last. Of several conditions the rarest says it; a rare one day by day.
    """
    found: list[list[tuple[int, int, int]]] = []
    for name, condition in known(values).items():
        rows = sa.select(daily_value.c.transfers, daily_value.c.first, daily_value.c.last)
        rows = rows.where(daily_value.c.name == name, condition, *_within(days))
        if before is not None:
            rows = rows.where(daily_value.c.first < before)
        found.append([(row.transfers, row.first, row.last) for row in connection.execute(rows)])
    if not found:
        return None
    rarest = min(found, key=lambda those: sum(n for n, _, _ in those))
    if sum(n for n, _, _ in rarest) > RARE:
        return [(min(first for _, first, _ in rarest), max(last for _, _, last in rarest))]
    return _apart(rarest)


def _apart(those: Iterable[tuple[int, int, int]]) -> list[tuple[int, int]]:
    """The ranges, the newest first; those that overlap (machines' clocks differ) as one, so that none is read twice."""
    found: list[tuple[int, int]] = []
    for _, first, last in sorted(those, key=itemgetter(2), reverse=True):
        if found and last >= found[-1][0]:
            found[-1] = min(first, found[-1][0]), found[-1][1]
        else:
            found.append((first, last))
    return found


def alone(by: Sequence[str], values: Mapping[str, str]) -> str | None:
    """The one field, beside the day, that a group is asked by, where no other is asked for."""
    names = {*by, *values} - {"day"}
    name = next(iter(names), "")
    return name if len(names) == 1 and name in by and name in OF_TRANSFER + OF_FINDING else None


def groups(
    connection: sa.Connection, name: str, by: Sequence[str], value: str | None, days: tuple[int | None, int | None]
) -> Iterator[Row]:
    """How many transfers, findings and bytes for each value of a field (and day), the most frequent first.

    Of a field of findings only these. days: as in `ranges`.
    """
    columns = [daily_value.c.value if one == name else daily_value.c.day for one in by]
    sums = ("findings",) if name in OF_FINDING else ("transfers", "findings", "bytes_in", "bytes_out")
    counted = [sa.func.sum(daily_value.c[one]).label(one) for one in sums]
    named = [column.label(one) for column, one in zip(columns, by, strict=True)]
    rows = sa.select(*named, *counted).where(daily_value.c.name == name, *_within(days))
    if value is not None:
        rows = rows.where(daily_value.c.value == value)
    for row in connection.execute(rows.group_by(*columns).order_by(counted[0].desc(), *columns)).mappings():
        yield {str(one): found for one, found in row.items()}


def _within(days: tuple[int | None, int | None]) -> Iterator[sa.ColumnElement[bool]]:
    since, until = days
    if since is not None:
        yield daily_value.c.day >= since
    if until is not None:
        yield daily_value.c.day < until


def fill(connection: sa.Connection) -> None:
    """Makes the roll-up from the rows that are there."""
    at = -1
    while True:
        columns = (transfer.c.idx, transfer.c.day, transfer.c.findings, transfer.c.bytes_in, transfer.c.bytes_out)
        rows = sa.select(*columns, *(transfer.c[name] for name in OF_TRANSFER)).where(transfer.c.idx > at)
        found = connection.execute(rows.order_by(transfer.c.idx).limit(_PAGE)).mappings().all()
        if not found:
            return
        last = found[-1]["idx"]
        said = sa.select(finding.c.idx, finding.c.n, *(finding.c[name] for name in OF_FINDING))
        by_index: dict[int, list[Mapping[str, Any]]] = {}
        for one in connection.execute(said.where(finding.c.idx > at, finding.c.idx <= last)).mappings():
            by_index.setdefault(one["idx"], []).append(dict(one))
        values = Values()
        for row in found:
            values.add(dict(row), by_index.get(row["idx"], ()))
        add(connection, values.rows())
        at = last


def add(connection: sa.Connection, rows: Sequence[Row]) -> None:
    """Adds rows to the roll-up as the writer does."""
    from audit.statements import Statements

    Statements(connection.dialect).add["daily_value"].run(connection, rows)
