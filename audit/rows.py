"""From the facts of an entry to the rows the questions are asked of.

Pure: what stands in a row stands in the entry, so every derived table can be built again from the log alone.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from operator import itemgetter
from typing import Any

from audit.tables import transfer
from audit.values_by_day import Values

DAY_MS = 86_400_000
DAILY = ("day", "kind", "environment", "application", "purpose", "destination", "entity", "provider", "action")
DAILY_FINDING = ("day", "kind", "environment", "application", "destination", "provider", "entity_type", "operator")

HOLDER = (
    "application", "purpose", "controller", "basis", "destination", "entity", "role", "mechanism", "countries",
    "retention", "training",
)  # fmt: skip
"""What makes one line of *who holds what*: if one fact of the register changed, it is another line."""

_holder = itemgetter(*HOLDER)
_daily = itemgetter(*DAILY)
_daily_finding = itemgetter(*DAILY_FINDING[:-2])

type Row = dict[str, Any]

_NOTHING: Row = {}
_BLANK: Row = {column.name: None for column in transfer.columns} | {"bytes_out": 0}

_NO_FINDING: Row = dict.fromkeys(("rule", "recognizer", "language"))


def _no_transfers() -> Row:
    return dict.fromkeys(("transfers", "with_subject", "findings", "bytes_in", "bytes_out"), 0)


def _no_findings() -> Row:
    return {"n": 0, "transfers": 0}


@lru_cache(maxsize=4096)
def holder_id(key: tuple[str | None, ...]) -> int:
    """The id of a line of *who holds what*: 63 bits of its hash, so that no writer has to ask for it."""
    text = "\x1f".join("\x00" if value is None else value for value in key)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) >> 1


@dataclass(slots=True)
class Rows:
    """What one batch adds to the derived tables."""

    transfers: list[Row] = field(default_factory=list)
    outcomes: list[Row] = field(default_factory=list)
    findings: list[Row] = field(default_factory=list)
    subjects: list[Row] = field(default_factory=list)
    _daily: defaultdict[tuple[Any, ...], Row] = field(default_factory=lambda: defaultdict(_no_transfers))
    _daily_findings: defaultdict[tuple[Any, ...], Row] = field(default_factory=lambda: defaultdict(_no_findings))
    _values: Values = field(default_factory=Values)
    _holders: dict[int, tuple[str | None, ...]] = field(default_factory=dict)
    _daily_holders: dict[tuple[int, int], Row] = field(default_factory=dict)
    _daily_holder_findings: defaultdict[tuple[Any, ...], int] = field(default_factory=lambda: defaultdict(int))

    def add(self, index: int, facts: Row) -> None:
        """Adds what the entry at that index says."""
        if facts["kind"] in {"transfer", "blocked"}:
            row = _transfer(index, facts)
            findings, subjects = facts.get("findings", ()), facts.get("subjects", ())
            self.transfers.append(row)
            found = _findings(index, findings)
            self.findings += found
            self._values.add(row, found)
            seen = {(subject["ref"], subject["role"]) for subject in subjects}
            self.subjects += [{"ref": ref, "idx": index, "role": role} for ref, role in sorted(seen)]
            self._count(row)
            totals = _totals(findings)
            self._count_findings(row, totals)
            if facts["kind"] == "transfer":
                self._count_holder(row, totals)
        elif facts["kind"] == "outcome":
            self.outcomes.append(_outcome(index, facts))

    def _count(self, row: Row) -> None:
        sums = self._daily[_key(_daily(row))]
        sums["transfers"] += 1
        sums["with_subject"] += row["subjects"] > 0
        sums["findings"] += row["findings"]
        sums["bytes_in"] += row["bytes_in"]
        sums["bytes_out"] += row["bytes_out"]

    def _count_holder(self, row: Row, totals: Mapping[tuple[str, str], int]) -> None:
        key = _holder(row)
        at, day, holder = row["at"], row["day"], holder_id(key)
        self._holders[holder] = key
        sums = self._daily_holders.setdefault((day, holder), {"transfers": 0, "first": at, "last": at, "newest": 0})
        sums["transfers"] += 1
        sums["first"], sums["last"] = min(sums["first"], at), max(sums["last"], at)
        sums["newest"] = row["idx"]
        for what, n in totals.items():
            self._daily_holder_findings[day, holder, *what] += n

    def _count_findings(self, row: Row, totals: Mapping[tuple[str, str], int]) -> None:
        if not totals:
            return
        common = _key(_daily_finding(row))
        for what, n in totals.items():
            sums = self._daily_findings[common + what]
            sums["n"] += n
            sums["transfers"] += 1

    @property
    def daily(self) -> list[Row]:
        """What to add to the roll-up by day."""
        return [{**dict(zip(DAILY, key, strict=True)), **sums} for key, sums in self._daily.items()]

    @property
    def daily_values(self) -> list[Row]:
        """What to add to the roll-up by day and value of each field."""
        return self._values.rows()

    @property
    def daily_findings(self) -> list[Row]:
        """What to add to the roll-up by day and kind of data."""
        return [{**dict(zip(DAILY_FINDING, key, strict=True)), **sums} for key, sums in self._daily_findings.items()]

    @property
    def holders(self) -> list[Row]:
        """Lines of *who holds what*; most are there already."""
        return [{"id": holder, **dict(zip(HOLDER, key, strict=True))} for holder, key in self._holders.items()]

    @property
    def daily_holders(self) -> list[Row]:
        """What to add to each by day."""
        return [{"day": day, "holder": holder, **sums} for (day, holder), sums in self._daily_holders.items()]

    @property
    def daily_holder_findings(self) -> list[Row]:
        """What to add to each by day and kind of data."""
        names = ("day", "holder", "entity_type", "operator")
        return [{**dict(zip(names, key, strict=True)), "n": n} for key, n in self._daily_holder_findings.items()]


def _totals(findings: Iterable[Row]) -> dict[tuple[str, str], int]:
    """How many of each kind of data and operator."""
    totals: dict[tuple[str, str], int] = {}
    for finding in findings:
        what = finding["entity_type"], finding["operator"]
        totals[what] = totals.get(what, 0) + finding["n"]
    return totals


def day_of(at: int) -> int:
    """The UTC day of a time in milliseconds, as days since 1970."""
    return at // DAY_MS


def _key(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Keys of a roll-up are never NULL, because NULLs are never equal."""
    return tuple("" if value is None else value for value in values) if None in values else values


def _transfer(index: int, facts: Row) -> Row:
    """The facts under the columns' names; what no column is named after is left in and ignored."""
    destination, purpose = facts.get("destination", _NOTHING), facts.get("purpose", _NOTHING)
    countries = {country for name in ("processing", "storage", "access") for country in destination.get(name, ())}
    findings = facts.get("findings", ())
    return {
        **_BLANK,
        **facts,
        "idx": index,
        "day": day_of(facts["at"]),
        "purpose": purpose.get("name"),
        "controller": purpose.get("controller"),
        "basis": purpose.get("basis"),
        "destination": destination.get("name"),
        "entity": destination.get("contracting_entity"),
        "role": destination.get("role"),
        "mechanism": destination.get("transfer"),
        "countries": f" {' '.join(sorted(countries))} ",
        "retention": destination.get("retention"),
        "training": destination.get("training"),
        "subjects": len(facts.get("subjects", ())) + facts["subjects_overflow"],
        "findings": sum([finding["n"] for finding in findings]) + facts["findings_overflow"],
        "state": "blocked" if facts["kind"] == "blocked" else None,
    }


def _outcome(index: int, facts: Row) -> Row:
    """Named so that they can be bound in an UPDATE beside the columns they set."""
    return {
        "of_id": facts["id"],
        "of_attempt": facts["attempt"],
        "to_outcome_idx": index,
        "to_state": facts["state"],
        "to_status": facts.get("status"),
        "to_ended": facts["at"],
        "to_tokens_in": facts.get("tokens_in"),
        "to_tokens_out": facts.get("tokens_out"),
    }


def _findings(index: int, findings: Iterable[Row]) -> list[Row]:
    return [{**_NO_FINDING, **finding, "idx": index, "row": row} for row, finding in enumerate(findings)]
