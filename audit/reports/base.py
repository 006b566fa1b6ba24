"""What a report is: facts that were asked of the log in one state, and the sections that tell them in one language.

A report builder is two steps, `facts` (asked of one state of the log; for JSON, keys that never change) and `sections`
(pure; for people). Every report carries the checkpoint it was computed from and says what it covers: how many entries,
and the RFC 6962 root over their leaf hashes, so that whoever has an export can check that none is left out.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import orjson
import sqlalchemy as sa

from audit.checkpoint import unverified
from audit.errors import AuditError
from audit.ids import now_ms
from audit.merkle import Frontier
from audit.query import Question, first_since
from audit.questions.holders import Holding, completeness, who
from audit.questions.persons import LEAPS, count_persons
from audit.reports.prices import Prices
from audit.reports.recall import Recall
from audit.reports.texts import UNNAMED, Texts, Words
from audit.stored import newest_checkpoint, sealed_below
from audit.tables import ACTS, entry, transfer

type Facts = dict[str, Any]

PAGE = 1_000
"""Rows of a page while streaming."""

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
class Bar:
    """One bar: what it stands for, its length in the unit of the chart, how much of it is darker, what is written."""

    label: str
    value: float
    shown: str
    part: float = 0.0


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars from zero under a title; a table beside it says the same in figures. legend: of the lighter and the darker
    part where the bars have two."""

    title: str
    bars: tuple[Bar, ...]
    legend: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, sentences, pairs of name and value, charts, tables; each may be empty."""

    title: str
    lines: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    tables: tuple[Table, ...] = ()
    charts: tuple[Chart, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """What a report is computed from: one state of the log, the question, what the operator gave besides."""

    connection: sa.Connection
    question: Question
    prices: Prices | None = None
    recall: Recall | None = None

    def holdings(self) -> list[Holding]:
        """Who was sent something."""
        return who(self.connection, self.question)

    def sent(self) -> tuple[sa.ColumnElement[bool], ...]:
        """Conditions for the transfers in question that may have reached somebody."""
        unsent = transfer.c.state.is_not_distinct_from("not_sent")
        return (*self.question.conditions(), transfer.c.kind == "transfer", ~unsent)

    def entries(self, marks: Sequence[bytes] = ()) -> Iterator[Facts]:
        """The transfers and refusals in question as they were signed, oldest first; only those that hold a mark."""
        rows = sa.select(entry.c.body).join(transfer, transfer.c.idx == entry.c.idx).where(*self.question.conditions())
        streamed = self.connection.execute(rows.order_by(entry.c.idx), execution_options={"yield_per": PAGE})
        for body in streamed.scalars():
            if not marks or any(mark in body for mark in marks):
                yield orjson.loads(body)

    def events(self, kind: str) -> Iterator[Facts]:
        """The acts of a kind in the period, oldest first. Applications do not bound them; none for a bound reader."""
        if self.question.applications is not None:
            return
        rows = sa.select(entry.c.body).where(ACTS, entry.c.kind == kind, entry.c.at >= (self.question.since or 0))
        if self.question.until is not None:
            rows = rows.where(entry.c.at < self.question.until)
        for body in self.connection.execute(rows.order_by(entry.c.idx)).scalars():
            yield orjson.loads(body)


@dataclass(frozen=True, slots=True)
class Kind:
    """One report. facts: from source and context; sections: from those facts. texts: words of its own. person: needs a
    subject; transfer: needs the id of one transfer; counts: how many persons its transfers name is counted too."""

    name: str
    facts: Callable[[Source, Facts], Facts]
    sections: Callable[[Facts, Texts], list[Section]]
    texts: Words = field(default_factory=dict)
    person: bool = False
    transfer: bool = False
    counts: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """A report that was computed. partial: transfers in its scope carry no reference to any person."""

    kind: Kind
    facts: Facts
    partial: bool


def build(
    connection: sa.Connection,
    kind: Kind,
    question: Question,
    *,
    prices: Prices | None = None,
    recall: Recall | None = None,
    glance: bool = False,
) -> Report:
    """Computes a report; the connection's transaction sees one state of the log. Raises ReportError.

    glance: for a page that shows some of its figures. Then the root over its entries is left out, for which each of
    them is read, and of very many persons the number is estimated; `covered` says in `persons_exact` whether it was.
    """
    if kind.person and question.refs is None:
        raise ReportError(
            f"the report {kind.name} is about one person: name it (--subject, or `subject` in a POST)",
            code="report_person",
        )
    if kind.transfer and "id" not in question.values:
        raise ReportError(
            f"the report {kind.name} is about one transfer: give its id (--where id=ID, or `id=ID`)",
            code="report_transfer",
        )
    note = newest_checkpoint(connection)
    if note is None:
        raise ReportError("there is no log in this database yet")
    source, covered = Source(connection, question, prices, recall), _covered(connection, question, glance)
    if kind.counts:
        covered |= _persons(source, glance)
    context: Facts = {
        "report": kind.name,
        "generated": now_ms(),
        "since": question.since,
        "until": question.until,
        "filters": dict(question.values),
        "about_one_person": question.refs is not None,
        "covered": covered,
        "recall": None if recall is None else recall.facts(),
        "log": _log(note),
    }
    without = covered.get("without_subject", 0)
    facts = {**context, **kind.facts(source, context)}
    return Report(kind, facts, bool(question.refs is not None and without))


def _log(note: bytes) -> Facts:
    """What the report was computed from: whoever holds the vkey can check it against the log."""
    signed = unverified(note)
    return {"origin": signed.origin, "size": signed.size, "root": signed.root.hex(), "checkpoint": note.decode()}


def _covered(connection: sa.Connection, question: Question, glance: bool) -> Facts:
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
    if not glance:
        found.update(_complete(connection, question))
    found["gaps"] = _gaps(connection, question)
    found["sealed_below"] = sealed_below(connection)
    if question.refs is not None:
        total, without = completeness(connection, question)
        found.update(in_scope=total, without_subject=without, without_subject_by=_without(connection, question))
    return found


def _complete(connection: sa.Connection, question: Question) -> Facts:
    """The entries in question, transfers and refusals, in the order of the log: how many, and the root over them."""
    rows = sa.select(entry.c.leaf).join(transfer, transfer.c.idx == entry.c.idx).where(*question.conditions())
    if question.since is not None:  # else the whole log would be walked through for its last hour
        first = first_since(connection, question.since)
        rows = rows.where(sa.false() if first is None else entry.c.idx >= first)
    tree = Frontier()
    for leaf in connection.execute(rows.order_by(entry.c.idx), execution_options={"yield_per": PAGE}).scalars():
        tree.append(leaf)
    return {"entries": tree.size, "entries_root": tree.root().hex()}


def _persons(source: Source, glance: bool) -> Facts:
    """How many references to persons its transfers hold, and how many transfers hold none. One person may have several
    references: two machines that met somebody at the same moment, or another identifier."""
    connection, sent = source.connection, source.sent()
    unnamed = sa.select(sa.func.count()).select_from(transfer).where(*sent, transfer.c.subjects == 0)
    persons, exact = count_persons(connection, sent, source.question.since, LEAPS if glance else None)
    found = {"persons": persons, "unnamed": int(connection.execute(unnamed).scalar_one())}
    return found | ({"persons_exact": exact} if glance else {})


def _without(connection: sa.Connection, question: Question) -> dict[str, int]:
    """Transfers that carry no reference to a person, by application."""
    others = replace(question, refs=None)
    unnamed = (transfer.c.kind == "transfer") & (transfer.c.subjects == 0)
    rows = sa.select(transfer.c.application, sa.func.count().label("n")).where(*others.conditions(), unnamed)
    return {row.application: row.n for row in connection.execute(rows.group_by(transfer.c.application))}


def _gaps(connection: sa.Connection, question: Question) -> list[Facts]:
    """The times within the period for which the log says that it can say nothing."""
    rows = sa.select(entry.c.body).where(ACTS, entry.c.kind == "gap").order_by(entry.c.idx)
    gaps = [orjson.loads(body) for body in connection.execute(rows).scalars()]
    since, until = question.since or 0, question.until
    return [
        {name: gap[name] for name in ("cause", "since", "until", "interrupted", "not_sent")}
        for gap in gaps
        if gap["until"] >= since and (until is None or gap["since"] < until)
    ]


def day(at: int | None) -> str:
    """A time in milliseconds as its date in UTC."""
    return "" if at is None else datetime.fromtimestamp(at / 1000, UTC).date().isoformat()


def entity_of(destination: Mapping[str, Any]) -> str:
    """Who the contract is with; where nobody knows, the name that the policy gives keeps recipients apart."""
    entity = str(destination.get("contracting_entity", "unknown"))
    return f"{UNNAMED}{destination['name']})" if entity == "unknown" and "name" in destination else entity


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
        "entity": entity_of(facts),
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
