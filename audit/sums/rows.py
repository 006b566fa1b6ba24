"""From the facts of an entry to the rows the questions are asked of.

Pure: what stands in a row stands in the entry, so every derived table can be built again from the log alone. Rows are
tuples in the order of their table's columns: this runs once for each record, between a request and its first byte.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from operator import itemgetter
from typing import Any

from audit.sums.alike import NONE, Alike, Findings, Said
from audit.sums.summing import Sums, day_of

DAY_MS = 86_400_000

type Row = tuple[Any, ...]
type Facts = Mapping[str, Any]
type Exchange = tuple[str, int]
"""Id and attempt."""

_NOTHING: Facts = {}
_whole = itemgetter("entity_type", "operator", "n", "rule", "recognizer", "language")
_required = itemgetter("id", "attempt", "kind", "at", "node", "boot", "environment", "application", "identified_by")


@dataclass(slots=True)
class Rows:
    """What one batch adds to the derived tables. counted: of transfers before this batch, what sums need of them.

    alike: which transfers before had the same findings.
    """

    transfers: list[Row] = field(default_factory=list)
    outcomes: list[Row] = field(default_factory=list)
    findings: list[Row] = field(default_factory=list)
    subjects: list[Row] = field(default_factory=list)
    sums: Sums = field(default_factory=Sums)
    counted: dict[Exchange, Row] = field(default_factory=dict)
    alike: Alike = field(default_factory=Alike)

    def add(self, index: int, facts: Facts) -> None:
        """Adds what the entry at that index says."""
        kind = facts["kind"]
        self.sums.entry(kind)
        if kind in {"transfer", "blocked"}:
            self._add_transfer(index, facts)
        elif kind == "outcome":
            self.outcomes.append(_outcome(index, facts))
            of = self.counted.get((facts["id"], facts["attempt"]))
            if of is not None:
                self.sums.ended(of, facts["state"], facts.get("status"))

    def _add_transfer(self, index: int, facts: Facts) -> None:
        findings = NONE
        if rows := facts.get("findings"):
            said = tuple([_said(one) for one in rows])
            findings = self.alike.of(index, said)
            if findings.first == index:
                self.findings += [(index, at, *one) for at, one in enumerate(said)]
        row = _transfer(index, facts, findings)
        self.transfers.append(row)
        if subjects := facts.get("subjects"):
            if len(subjects) == 1:
                (one,) = subjects
                self.subjects.append((one["ref"], index, one["role"]))
            else:
                seen = {(subject["ref"], subject["role"]) for subject in subjects}
                self.subjects += [(ref, index, role) for ref, role in sorted(seen)]
        self.sums.add(row, findings.found, findings.numbers)
        if row[3] == "transfer":
            self.counted[row[1], row[2]] = counted_of(row)


def _said(finding: Facts) -> Said:
    try:
        said: Said = _whole(finding)
    except KeyError:  # what is unknown is left out of an entry
        get = finding.get
        return (
            finding["entity_type"],
            finding["operator"],
            finding["n"],
            get("rule"),
            get("recognizer"),
            get("language"),
        )
    return said


def counted_of(row: Row) -> Row:
    """Of a row of transfers what `Sums.ended` needs: index, day, findings, bytes in, bytes out."""
    return row[0], row[5], row[36], row[37], row[38]


def _transfer(index: int, facts: Facts, findings: Findings) -> Row:
    """The facts in the order of the table's columns."""
    get = facts.get
    destination = get("destination", _NOTHING)
    purpose = get("purpose", _NOTHING).get
    of = destination.get
    ident, attempt, kind, at, node, boot, environment, application, identified_by = _required(facts)
    return (
        index, ident, attempt, kind, at, day_of(at), node, boot, environment, application, identified_by,
        get("session"), purpose("name"), purpose("controller"), purpose("basis"),
        of("name"), of("contracting_entity"), of("role"), of("transfer"), _countries(destination), of("retention"),
        of("training"), get("provider"), get("host"), get("endpoint"), get("model"), get("format"), facts["door"],
        facts["mode"], get("network"), get("policy_digest"), get("policy_name"), facts["action"], get("reason"),
        facts["observe"], len(get("subjects", ())) + facts["subjects_overflow"],
        findings.total + facts["findings_overflow"], facts["bytes_in"], get("bytes_out", 0), None,
        "blocked" if kind == "blocked" else None, get("status"), None, None, None,
        None if findings.first in {index, -1} else findings.first,
    )  # fmt: skip


def _countries(destination: Facts) -> str:
    """The countries of processing, storage and access with a space around each."""
    get = destination.get
    return _joined(tuple(get("processing", ())), tuple(get("storage", ())), tuple(get("access", ())))


@lru_cache(maxsize=4096)
def _joined(*countries: tuple[str, ...]) -> str:
    return f" {' '.join(sorted({country for some in countries for country in some}))} "


def _outcome(index: int, facts: Facts) -> Row:
    """In the order in which `statements.closing` takes it: columns, then which transfer."""
    get = facts.get
    return (
        index, facts["state"], get("status"), facts["at"], get("tokens_in"), get("tokens_out"), facts["id"],
        facts["attempt"],
    )  # fmt: skip


def days_of(rows: Iterable[Row]) -> set[int]:
    """The days of rows of transfers."""
    return {row[5] for row in rows}
