"""What transfers can be filtered and grouped by: the closed set of names, and each as a condition in SQL.

Columns that were derived from entries come first. Every other field of a record is asked of the entry itself, by its
place in the record (`findings.where`, `outcome.stream`); the list of those is made from the record classes, so that a
field added there can be asked for at once. What a caller gives is always a bound value, never SQL.
"""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import sqlalchemy as sa

from audit.checks import Check, Many, Maybe, Whole
from audit.errors import AuditError
from audit.fields import Nested, table
from audit.questions.inside import Holds, Inside, Part
from audit.record import BlockedRecord, OutcomeRecord, TransferRecord
from audit.tables import FINDINGS_OF, UNUSUAL, entry, finding, transfer

_OURS = {"idx", "outcome_idx", "day", "countries", "boot", "findings_of"}
COLUMNS: tuple[str, ...] = tuple(column.name for column in transfer.columns if column.name not in _OURS)
FINDING_COLUMNS = ("entity_type", "operator", "rule", "recognizer", "language")
COUNTED = {"findings", "bytes_in", "bytes_out"}
"""What a group adds up, and therefore not what it is made by."""
_ALONE = {"id", "at", "ended"} | COUNTED
GROUPS: tuple[str, ...] = ("day", *(name for name in COLUMNS if name not in _ALONE), *FINDING_COLUMNS)
SCORE_FROM = "score_from"
_USUAL = {"complete", "blocked"}
"""States that most transfers have; the others have an index of their own."""

_COLUMN_OF = {
    "purpose.name": "purpose", "purpose.controller": "controller", "purpose.basis": "basis",
    "destination.name": "destination", "destination.contracting_entity": "entity", "destination.role": "role",
    "destination.transfer": "mechanism", "destination.retention": "retention", "destination.training": "training",
    "subjects.role": "role_of_subject", "outcome.id": "id", "outcome.attempt": "attempt", "outcome.at": "ended",
    "outcome.state": "state", "outcome.status": "status", "outcome.tokens_in": "tokens_in",
    "outcome.tokens_out": "tokens_out", **{f"findings.{name}": name for name in FINDING_COLUMNS},
}  # fmt: skip
"""Fields of a record that have a column of another name."""
_BY_PERSON = "subjects.ref"
"""Asked by the real identifier instead."""


def _leaves(check: Check, path: tuple[str, ...], listed: int = 0) -> Iterator[tuple[tuple[str, ...], int, Check]]:
    """The fields at or below one field of a record: path, how many of its steps lead to a list (0: none), check."""
    check = check.check if isinstance(check, Maybe) else check
    if isinstance(check, Many):
        yield from _leaves(check.check, path, len(path))
    elif isinstance(check, Nested):
        for rule in table(check.of).rules:
            yield from _leaves(rule.check, (*path, rule.name), listed)
    else:
        yield path, listed, check


def _inside() -> dict[str, Inside]:
    found: dict[str, Inside] = {}
    answered = {*COLUMNS, *FINDING_COLUMNS, "role_of_subject"}
    for of, prefix in ((TransferRecord, ""), (BlockedRecord, ""), (OutcomeRecord, "outcome.")):
        for rule in table(of).rules:
            for path, listed, check in _leaves(rule.check, (rule.name,)):
                name = prefix + ".".join(path)
                if _COLUMN_OF.get(name, name) not in answered and name != _BY_PERSON:
                    found[name] = Inside(
                        path[:listed] or path, path[listed:], listed > 0, bool(prefix), isinstance(check, Whole)
                    )
    return found


INSIDE: Mapping[str, Inside] = _inside()
"""Conditions that only the entries can answer, by name."""
CONDITIONS: tuple[str, ...] = (*COLUMNS, *FINDING_COLUMNS, "country", "role_of_subject", SCORE_FROM, *INSIDE)
"""What may be asked for by value; `state=open` asks for transfers without an outcome, `score_from=0.7` for findings of
at least that score. Several conditions on findings are about the same finding."""


class QueryError(AuditError):
    """The question names a field that does not exist, or a value that cannot be one."""

    code = "query"


def unknown(name: str, known: Sequence[str]) -> QueryError:
    """Never repeats what was given: it may be somebody's address in the wrong place."""
    near = get_close_matches(name, known, 1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(known))}"
    return QueryError(f"there is no such field; {hint}")


def within_entries(values: Mapping[str, str]) -> bool:
    """Whether entries have to be read to answer."""
    return any(name in INSIDE or name in {SCORE_FROM, "role_of_subject"} for name in values)


def of_parts(values: Mapping[str, str]) -> bool:
    """Whether a condition is on what only the entry says about a finding."""
    return SCORE_FROM in values or any(name.startswith("findings.") for name in values)


def conditions(values: Mapping[str, str]) -> list[sa.ColumnElement[bool]]:
    """What to filter the table of transfers by. Raises QueryError for a value that cannot be one."""
    found = [
        _equal(name, value) for name, value in values.items() if name not in (*FINDING_COLUMNS, SCORE_FROM, *INSIDE)
    ]
    if same := of_finding(values):
        rows = sa.select(finding.c.idx).where(finding.c.idx == FINDINGS_OF, *same)
        found.append(rows.correlate(transfer).exists())
    return [*found, *_of_entries(values)]


def of_finding(values: Mapping[str, str]) -> list[sa.ColumnElement[bool]]:
    """What to filter the table of findings by."""
    return [finding.c[name] == value for name, value in values.items() if name in FINDING_COLUMNS]


def _of_entries(values: Mapping[str, str]) -> list[sa.ColumnElement[bool]]:
    """Conditions on entries: those on parts of one list are about the same part."""
    lists: dict[tuple[bool, tuple[str, ...]], list[Part]] = {}
    found = []
    for name, value in values.items():
        inside = INSIDE.get(name)
        if inside is None:
            continue
        given = (_whole(name, value) if inside.whole else value,)
        if inside.listed:
            lists.setdefault((inside.of_outcome, inside.path), []).append((".".join(inside.below), given))
        else:
            found.append(_in_entry(inside.of_outcome, Holds.at(entry.c.body, inside.path, given)))
    findings = (False, ("findings",))
    if SCORE_FROM in values:
        lists.setdefault(findings, []).append(("score_decile", _deciles(values[SCORE_FROM])))
    if findings in lists:
        lists[findings] += [(name, (values[name],)) for name in FINDING_COLUMNS if name in values]
    found += [_in_entry(of, Holds.any_of(entry.c.body, path, parts)) for (of, path), parts in lists.items()]
    return found


def in_country(table: sa.FromClause, country: str) -> sa.ColumnElement[bool]:
    """Whether a country is among those of processing, storage and access."""
    found: sa.ColumnElement[bool] = table.c.countries.contains(f" {country} ", autoescape=True)
    return found


def _in_entry(of_outcome: bool, holds: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    index = transfer.c.outcome_idx if of_outcome else transfer.c.idx
    return sa.select(entry.c.idx).where(entry.c.idx == index, holds).correlate(transfer).exists()


def _whole(name: str, value: str) -> str:
    try:
        return str(int(value))
    except ValueError:
        raise QueryError(f"{name} takes a number") from None


def _deciles(value: str) -> tuple[str, ...]:
    """The deciles of a score and of every higher one; a record holds no finer ones."""
    try:
        score = float(value)
    except ValueError:
        score = -1.0
    if not 0 <= score <= 1:
        raise QueryError(f"{SCORE_FROM} takes a number from 0 to 1")
    # A little more, because 0.7 * 10 is 7.000000000000001 and 0.29 * 100 less than 29.
    return tuple(str(decile) for decile in range(min(9, int(score * 10 + 1e-9)), 10))


def _equal(name: str, value: str) -> sa.ColumnElement[bool]:
    if name == "country":
        return in_country(transfer, value)
    if name == "role_of_subject":  # the table of subjects leads from a person to transfers, not back
        return _in_entry(False, Holds.any_of(entry.c.body, ("subjects",), [("role", (value,))]))
    if name == "state" and value == "open":
        # As a set, because only so the index of the few open ones is taken instead of a walk through all.
        return transfer.c.idx.in_(sa.select(transfer.c.idx).where(transfer.c.state.is_(None)))
    column = transfer.c[name]
    try:
        kind = column.type.python_type
        typed: Any = {"true": True, "false": False}[value] if kind is bool else kind(value)
    except (KeyError, ValueError):
        raise QueryError(f"{name} takes {'true or false' if column.type.python_type is bool else 'a number'}") from None
    if name == "state" and value not in _USUAL:
        return sa.and_(column == typed, UNUSUAL)
    matches: sa.ColumnElement[bool] = column == typed
    return matches
