"""What a report is: facts that were asked of the log in one state, and the sections that tell them in one language.

A report builder is two pure steps, `facts` (for JSON, keys that never change) and `sections` (for people). Every
report carries the checkpoint it was computed from and says what it covers, so that its completeness can be checked.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import orjson
import sqlalchemy as sa

from audit.checkpoint import unverified
from audit.errors import AuditError
from audit.ids import now_ms
from audit.query import Holding, Question, completeness, who
from audit.reports.texts import Texts
from audit.store import newest_checkpoint, sealed_below
from audit.tables import entry, subject, transfer

type Facts = dict[str, Any]

EEA = frozenset({
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "EU", "FI", "FR", "GR", "HR", "HU", "IE", "IS", "IT", "LI",
    "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
})  # fmt: skip
"""Countries where the GDPR applies of itself; EU stands for a place of storage that is only known to be in it."""


class ReportError(AuditError):
    """The report does not exist, or needs something that was not given."""

    code = "report"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns. Cells are texts that nobody has escaped yet; number columns are aligned right."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, sentences, pairs of name and value, tables; each may be empty."""

    title: str
    lines: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True, slots=True)
class Kind:
    """One report. facts: from holdings and context; sections: from those facts. person: needs a subject; counts: how
    many persons its transfers name is counted too."""

    name: str
    facts: Callable[[Sequence[Holding], Facts], Facts]
    sections: Callable[[Facts, Texts], list[Section]]
    person: bool = False
    counts: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """A report that was computed. partial: transfers in its scope carry no reference to any person."""

    kind: Kind
    facts: Facts
    partial: bool


def build(connection: sa.Connection, kind: Kind, question: Question) -> Report:
    """Computes a report; the connection's transaction sees one state of the log. Raises ReportError."""
    if kind.person and question.refs is None:
        raise ReportError(f"the report {kind.name} is about one person: give --subject")
    note = newest_checkpoint(connection)
    if note is None:
        raise ReportError("there is no log in this database yet")
    covered = _covered(connection, question)
    if kind.counts:
        covered |= _persons(connection, question)
    context: Facts = {
        "report": kind.name,
        "generated": now_ms(),
        "since": question.since,
        "until": question.until,
        "filters": dict(question.values),
        "about_one_person": question.refs is not None,
        "covered": covered,
        "log": _log(note),
    }
    without = covered.get("without_subject", 0)
    facts = {**context, **kind.facts(who(connection, question), context)}
    return Report(kind, facts, bool(question.refs is not None and without))


def _log(note: bytes) -> Facts:
    """What the report was computed from: whoever holds the vkey can check it against the log."""
    signed = unverified(note)
    return {"origin": signed.origin, "size": signed.size, "root": signed.root.hex(), "checkpoint": note.decode()}


def _covered(connection: sa.Connection, question: Question) -> Facts:
    """What the question covers, counted from the rows; with a person, what of it cannot be assigned to anybody."""
    state, kind = transfer.c.state, transfer.c.kind
    counts = {
        "transfers": kind == "transfer",
        "refused": kind == "blocked",
        "not_sent": state == "not_sent",
        "without_outcome": (kind == "transfer") & state.is_(None),
        "observed_only": (kind == "transfer") & transfer.c.observe,
    }
    sums = [
        sa.func.coalesce(sa.func.sum(sa.case((where, 1), else_=0)), 0).label(name) for name, where in counts.items()
    ]
    row = connection.execute(sa.select(*sums).where(*question.conditions())).mappings().one()
    found: Facts = {name: int(row[name]) for name in counts}
    found["gaps"] = _gaps(connection, question)
    found["sealed_below"] = sealed_below(connection)
    if question.refs is not None:
        total, without = completeness(connection, question)
        found.update(in_scope=total, without_subject=without, without_subject_by=_without(connection, question))
    return found


def _persons(connection: sa.Connection, question: Question) -> Facts:
    """How many references to persons its transfers hold, and how many transfers hold none. One person may have several
    references: two machines that met somebody at the same moment, or another identifier."""
    unsent = transfer.c.state.is_not_distinct_from("not_sent")
    sent = (*question.conditions(), transfer.c.kind == "transfer", ~unsent)
    rows = sa.select(sa.func.count(subject.c.ref.distinct())).join(transfer, transfer.c.idx == subject.c.idx)
    unnamed = sa.select(sa.func.count()).select_from(transfer).where(*sent, transfer.c.subjects == 0)
    return {
        "persons": int(connection.execute(rows.where(*sent)).scalar_one()),
        "unnamed": int(connection.execute(unnamed).scalar_one()),
    }


def _without(connection: sa.Connection, question: Question) -> dict[str, int]:
    """Transfers that carry no reference to a person, by application."""
    others = replace(question, refs=None)
    unnamed = (transfer.c.kind == "transfer") & (transfer.c.subjects == 0)
    rows = sa.select(transfer.c.application, sa.func.count().label("n")).where(*others.conditions(), unnamed)
    return {row.application: row.n for row in connection.execute(rows.group_by(transfer.c.application))}


def _gaps(connection: sa.Connection, question: Question) -> list[Facts]:
    """The times within the period for which the log says that it can say nothing."""
    bodies = connection.execute(sa.select(entry.c.body).where(entry.c.kind == "gap").order_by(entry.c.idx)).scalars()
    gaps = [orjson.loads(body) for body in bodies]
    since, until = question.since or 0, question.until
    return [
        {name: gap[name] for name in ("cause", "since", "until", "interrupted", "not_sent")}
        for gap in gaps
        if gap["until"] >= since and (until is None or gap["since"] < until)
    ]


def day(at: int | None) -> str:
    """A time in milliseconds as its date in UTC."""
    return "" if at is None else datetime.fromtimestamp(at / 1000, UTC).date().isoformat()


def countries(facts: Mapping[str, Any]) -> dict[str, list[str]]:
    """What is done in which country, as the register declared it: country to processing, storage, access."""
    found: dict[str, list[str]] = {}
    for what in ("processing", "storage", "access"):
        for country in facts.get(what, ()):
            found.setdefault(country, []).append(what)
    return dict(sorted(found.items()))


def types(holding: Holding) -> list[Facts]:
    """What kinds of data went with a holding and what was done to them, the most frequent first."""
    items = sorted(holding.types.items(), key=lambda item: (-item[1], item[0]))
    return [{"entity_type": entity_type, "operator": operator, "n": n} for (entity_type, operator), n in items]


def merged(rows: Sequence[Facts]) -> list[Facts]:
    """Kinds of data of several holdings, added up."""
    sums: dict[tuple[str, str], int] = {}
    for row in rows:
        key = row["entity_type"], row["operator"]
        sums[key] = sums.get(key, 0) + row["n"]
    items = sorted(sums.items(), key=lambda item: (-item[1], item[0]))
    return [{"entity_type": entity_type, "operator": operator, "n": n} for (entity_type, operator), n in items]


def recipient(holding: Holding) -> Facts:
    """Who received, with everything the register declared when it last did."""
    facts = holding.facts
    return {
        "application": holding.application,
        "destination": facts.get("name"),
        "entity": facts.get("contracting_entity", "unknown"),
        "role": facts.get("role", "unknown"),
        "agreement": facts.get("agreement"),
        "mechanism": facts.get("transfer", "unknown"),
        "countries": countries(facts),
        "retention": facts.get("retention", "unknown"),
        "training": facts.get("training", "unknown"),
        "purpose": holding.purpose.get("name"),
        "controller": holding.purpose.get("controller"),
        "basis": holding.purpose.get("basis", "unknown"),
        "special_basis": holding.purpose.get("special_basis", "none"),
        "dpia": holding.purpose.get("dpia"),
        "notice": holding.purpose.get("notice"),
        "transfers": holding.transfers,
        "first": holding.first,
        "last": holding.last,
        "data": types(holding),
    }
