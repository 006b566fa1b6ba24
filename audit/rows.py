"""From the facts of an entry to the rows the questions are asked of.

Pure: what stands in a row stands in the entry, so every derived table can be built again from the log alone.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from audit.tables import transfer

DAY_MS = 86_400_000
DAILY = ("day", "kind", "environment", "application", "purpose", "destination", "entity", "provider", "action")
DAILY_FINDING = ("day", "kind", "environment", "application", "destination", "provider", "entity_type", "operator")

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


@dataclass(slots=True)
class Rows:
    """What one batch adds to the derived tables."""

    transfers: list[Row] = field(default_factory=list)
    outcomes: list[Row] = field(default_factory=list)
    findings: list[Row] = field(default_factory=list)
    subjects: list[Row] = field(default_factory=list)
    _daily: defaultdict[tuple[Any, ...], Row] = field(default_factory=lambda: defaultdict(_no_transfers))
    _daily_findings: defaultdict[tuple[Any, ...], Row] = field(default_factory=lambda: defaultdict(_no_findings))

    def add(self, index: int, facts: Row) -> None:
        """Adds what the entry at that index says."""
        if facts["kind"] in {"transfer", "blocked"}:
            row = _transfer(index, facts)
            findings, subjects = facts.get("findings", ()), facts.get("subjects", ())
            self.transfers.append(row)
            self.findings += _findings(index, findings)
            seen = {(subject["ref"], subject["role"]) for subject in subjects}
            self.subjects += [{"ref": ref, "idx": index, "role": role} for ref, role in sorted(seen)]
            self._count(row)
            self._count_findings(row, findings)
        elif facts["kind"] == "outcome":
            self.outcomes.append(_outcome(index, facts))

    def _count(self, row: Row) -> None:
        sums = self._daily[_key(_daily(row))]
        sums["transfers"] += 1
        sums["with_subject"] += row["subjects"] > 0
        sums["findings"] += row["findings"]
        sums["bytes_in"] += row["bytes_in"]
        sums["bytes_out"] += row["bytes_out"]

    def _count_findings(self, row: Row, findings: Iterable[Row]) -> None:
        if not findings:
            return
        common = _key(_daily_finding(row))
        totals: dict[tuple[str, str], int] = {}
        for finding in findings:
            what = finding["entity_type"], finding["operator"]
            totals[what] = totals.get(what, 0) + finding["n"]
        for what, n in totals.items():
            sums = self._daily_findings[common + what]
            sums["n"] += n
            sums["transfers"] += 1

    @property
    def daily(self) -> list[Row]:
        """What to add to the roll-up by day."""
        return [{**dict(zip(DAILY, key, strict=True)), **sums} for key, sums in self._daily.items()]

    @property
    def daily_findings(self) -> list[Row]:
        """What to add to the roll-up by day and kind of data."""
        return [{**dict(zip(DAILY_FINDING, key, strict=True)), **sums} for key, sums in self._daily_findings.items()]


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
