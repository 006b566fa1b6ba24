"""One period at a glance: how many transfers, persons, recipients; what was not looked into; what flowed where.

Counts come from the roll-ups and tables that were derived from entries; very many persons are estimated. What was not
inspected stands in the entries alone, so it is counted over the newest ones, and the answer says over how many.
"""

from dataclasses import dataclass

import orjson
import sqlalchemy as sa

from audit import query
from audit.query import Question
from audit.questions.holders import completeness
from audit.questions.persons import LEAPS, count_persons
from audit.tables import entry, transfer

LOOKED_INTO = 5_000
"""Entries that are read for what was not inspected: about 50 ms of parsing."""
NAMED, NONE_LEFT_OUT = b'"uninspected":[', b'"uninspected_overflow":0'
"""How an entry tells of such parts (RFC 8785: no white space). No text in one can hold either: its quotation marks are
escaped."""
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
    """persons: different references, estimated where not `persons_exact`. uninspected: transfers with a part that
    nothing looked into, among `looked_into`.

    recipients: destinations that something was sent to. without_subject: transfers that refer to nobody, whom they
    concern all the same. flows: the largest first.
    """

    transfers: int
    blocked: int
    persons: int
    persons_exact: bool
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
    persons, exact = count_persons(
        connection, question.conditions(), question.since, LEAPS, only_since=_only_since(question)
    )
    return Overview(
        transfers=kinds["transfer"],
        blocked=kinds["blocked"],
        persons=persons,
        persons_exact=exact,
        without_subject=completeness(connection, question)[1],
        recipients=len(recipients),
        uninspected=uninspected,
        looked_into=looked_into,
        flows=_flows(connection, question),
    )


def _only_since(question: Question) -> bool:
    """Whether it asks for nothing but a beginning."""
    return question == Question(since=question.since)


def _uninspected(connection: sa.Connection, question: Question) -> tuple[int, int]:
    chosen = sa.select(transfer.c.idx).where(*question.conditions(), transfer.c.kind == "transfer")
    if question.since is not None:  # else few transfers of a day would be looked for in all years
        first = query.first_since(connection, question.since)
        chosen = chosen.where(sa.false() if first is None else transfer.c.idx >= first)
    newest = chosen.order_by(transfer.c.idx.desc()).limit(LOOKED_INTO).subquery()
    rows = sa.select(entry.c.body).join(newest, newest.c.idx == entry.c.idx)
    found = looked = 0
    for body in connection.execute(rows).scalars():
        looked += 1
        if NAMED in body or NONE_LEFT_OUT not in body:  # reading all of them would take longer than fetching them
            facts = orjson.loads(body)
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
