"""One period at a glance: how many transfers, persons, recipients; what was not looked into; what flowed where.

Counts come from the roll-ups and tables that were derived from entries. What was not inspected stands in the entries
alone, so it is counted over the newest ones, and the answer says over how many.
"""

from dataclasses import dataclass

import orjson
import sqlalchemy as sa

from audit import query
from audit.holders import completeness
from audit.query import Question
from audit.tables import entry, subject, transfer

LOOKED_INTO = 5_000
"""Entries that are read for what was not inspected: about 50 ms of parsing."""
KEPT = "keep"


@dataclass(frozen=True, slots=True)
class Flow:
    """Findings of one kind that one application had for one destination. kept: left as they were; blocked: refused."""

    application: str
    entity_type: str
    destination: str
    replaced: int
    kept: int
    blocked: int

    @property
    def n(self) -> int:
        """All of them."""
        return self.replaced + self.kept + self.blocked


@dataclass(frozen=True, slots=True)
class Overview:
    """persons: different references. uninspected: transfers with a part that nothing looked into, among `looked_into`.

    recipients: destinations that something was sent to. without_subject: transfers that refer to nobody, whom they
    concern all the same. flows: the largest first.
    """

    transfers: int
    blocked: int
    persons: int
    without_subject: int
    recipients: int
    uninspected: int
    looked_into: int
    flows: tuple[Flow, ...]


def overview(connection: sa.Connection, question: Question) -> Overview:
    """The overview of the transfers in question; whole days are answered from the roll-ups."""
    kinds = {"transfer": 0, "blocked": 0}
    recipients: set[str] = set()
    for row in query.groups(connection, question, ("kind", "destination")):
        kinds[row["kind"]] += row["transfers"]
        if row["kind"] == "transfer" and row["destination"]:
            recipients.add(row["destination"])
    uninspected, looked_into = _uninspected(connection, question)
    return Overview(
        transfers=kinds["transfer"],
        blocked=kinds["blocked"],
        persons=_persons(connection, question),
        without_subject=completeness(connection, question)[1],
        recipients=len(recipients),
        uninspected=uninspected,
        looked_into=looked_into,
        flows=_flows(connection, question),
    )


def _persons(connection: sa.Connection, question: Question) -> int:
    """Different references, by leaping from one to the next in the index and asking for one transfer of each.

    Counting distinct references would read every row of the table, which has one for each transfer and person.
    """
    least = sa.select(sa.func.min(subject.c.ref).label("ref")).cte("person", recursive=True)
    following = sa.select(sa.func.min(subject.c.ref)).where(subject.c.ref > least.c.ref).scalar_subquery()
    refs = least.union_all(sa.select(following).where(least.c.ref.is_not(None)))
    fits = sa.select(transfer.c.idx).where(transfer.c.idx == subject.c.idx, *question.conditions())
    theirs = sa.select(subject.c.idx).where(subject.c.ref == refs.c.ref, fits.correlate(subject).exists())
    if question.since is not None:
        first = query.first_since(connection, question.since)
        if first is None:
            return 0
        theirs = theirs.where(subject.c.idx >= first)
    rows = sa.select(sa.func.count()).select_from(refs).where(theirs.correlate(refs).exists())
    return int(connection.execute(rows).scalar_one())


def _uninspected(connection: sa.Connection, question: Question) -> tuple[int, int]:
    chosen = sa.select(transfer.c.idx).where(*question.conditions(), transfer.c.kind == "transfer")
    newest = chosen.order_by(transfer.c.idx.desc()).limit(LOOKED_INTO).subquery()
    rows = sa.select(entry.c.body).join(newest, newest.c.idx == entry.c.idx)
    found = looked = 0
    for body in connection.execute(rows).scalars():
        facts = orjson.loads(body)
        looked += 1
        found += bool(facts.get("uninspected") or facts.get("uninspected_overflow"))
    return found, looked


def _flows(connection: sa.Connection, question: Question) -> tuple[Flow, ...]:
    sums: dict[tuple[str, str, str], list[int]] = {}
    by = ("kind", "application", "entity_type", "destination", "operator")
    for row in query.groups(connection, question, by):
        key = row["application"], row["entity_type"], row["destination"] or ""
        counts = sums.setdefault(key, [0, 0, 0])
        where = 2 if row["kind"] == "blocked" else 1 if row["operator"] == KEPT else 0
        counts[where] += row["findings"]
    flows = (Flow(*key, replaced=some[0], kept=some[1], blocked=some[2]) for key, some in sums.items())
    return tuple(sorted(flows, key=lambda flow: (-flow.n, flow.application, flow.entity_type, flow.destination)))
