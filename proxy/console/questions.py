"""What can be asked of the log, once for the API and the pages: role, answer, and the record that somebody looked.

Values of personal data never leave here, because the log has none; a person's identifier enters as an argument, is
hashed in memory, and is neither stored nor recorded.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from audit import prove, query
from audit.errors import VerifyError
from audit.query import Row
from audit.questions import holders, overview, tell
from audit.questions.acts import acts_since
from audit.questions.conditions import QueryError
from audit.questions.holders import Holding
from audit.questions.unregistered import REASON as SHADOW_AI
from audit.references import Space
from audit.reports import NAMES as REPORTS
from audit.reports.base import Report, ReportError, build
from audit.reports.texts import Language
from audit.reports.writing import tables_of
from audit.stored import newest_checkpoint
from audit.sums.rows import DAY_MS
from audit.values import Question as Asked
from proxy.console.access import Right, Visitor
from proxy.console.log import AuditLog
from proxy.errors import FormatError, ProxyError

MAX_PAGE = 500
MAX_GROUPS = 1_000
COMPARED = ("destination", "application", "entity_type")


class NotFoundError(ProxyError):
    """What was asked about is not there, or is not the visitor's to see, which looks the same."""

    code = "not_found"
    status = 404


@dataclass(frozen=True, slots=True)
class Filters:
    """Which transfers. values: condition to value. since, until: ms. subject, session: identifiers, in
    memory only. refs: references of somebody who was asked about before, instead of the identifier."""

    values: Mapping[str, str]
    since: int | None = None
    until: int | None = None
    subject: str | None = None
    session: str | None = None
    refs: tuple[str, ...] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Fields that it filters by, as a record may name them."""
        times = (("since", self.since), ("until", self.until))
        return (*self.values, *(name for name, at in times if at is not None))


@dataclass(frozen=True, slots=True)
class Page:
    """next: index below which the next page begins, None on the last one; a page may be short, or empty, before."""

    rows: list[Row]
    next: int | None


@dataclass(frozen=True, slots=True)
class Exchange:
    """One exchange: its entries in the order of the log, with their indices."""

    id: str
    entries: list[tuple[int, Row]]

    def story(self, language: Language) -> list[str]:
        """It in sentences."""
        return list(tell.story(self.entries, language))


@dataclass(frozen=True, slots=True)
class Proved:
    """An entry's bytes, and the C2SP tlog-proof that leads from them to the signed checkpoint."""

    index: int
    kind: str
    entry: bytes
    proof: prove.Proof


@dataclass(frozen=True, slots=True)
class Holdings:
    """Who holds what. transfers, without_subject: only where a person was asked for; partial where some have none."""

    lines: list[Holding]
    transfers: int | None = None
    without_subject: int | None = None

    @property
    def partial(self) -> bool:
        """Whether there are transfers that may concern the person and do not say so."""
        return bool(self.without_subject)


@dataclass(frozen=True, slots=True)
class Changes:
    """compared: field -> value, count before, count now; what changed most first. acts: what people and the system
    did, newest first."""

    compared: Mapping[str, list[tuple[str, int, int]]]
    acts: list[Row]


def _counts(connection: sa.Connection, question: query.Question, name: str) -> dict[str | None, int]:
    rows = query.groups(connection, question, (name,))
    return {row[name]: int(row["transfers"] if "transfers" in row else row["findings"]) for row in rows}


class Following:
    """The newest page of a search, asked again and again: only what has come or changed since the last time."""

    def __init__(self, log: AuditLog, question: query.Question, limit: int) -> None:
        self._log, self._question, self._limit = log, question, limit
        self._size, self._states = -1, dict[int, str | None]()

    def changed(self) -> list[Row]:
        """Rows, newest first; all of the page the first time. Asks for the log's size alone where nothing came."""
        with self._log.read() as connection:
            size = query.size(connection)
            if size == self._size:
                return []
            lowest = query.lowest_of_page(connection, self._question, None)
            rows = list(query.transfers(connection, self._question, limit=self._limit, lowest=lowest))
        before, self._size = self._states, size
        self._states = {row["idx"]: row["state"] for row in rows}
        return [row for row in rows if row["idx"] not in before or before[row["idx"]] != row["state"]]


class Questions:
    """Raises RefusedError for a role that may not, NotFoundError, FormatError for wrong fields, AuditError."""

    def __init__(self, log: AuditLog) -> None:
        self.log = log

    def transfers(self, visitor: Visitor, filters: Filters, *, before: int | None, limit: int) -> Page:
        """Transfers and refusals, newest first."""
        question = self.of(visitor, filters)
        with self.log.read() as connection, _wrong_fields():
            lowest = query.lowest_of_page(connection, question, before)
            rows = list(query.transfers(connection, question, before=before, limit=limit + 1, lowest=lowest))
        page = Page(rows[:limit], rows[limit - 1]["idx"] if len(rows) > limit else lowest or None)
        named = [*filters.values] if filters.session is None else [*filters.values, "session"]
        refs = (*(question.refs or ()), *(question.sessions or ()))
        self.log.asked(visitor, Asked.QUERY, len(page.rows), filters=named, refs=refs)
        return page

    def follow(self, visitor: Visitor, filters: Filters, limit: int) -> Following:
        """The same while it changes; one record for all of the looking."""
        question = self.of(visitor, filters)
        self.log.asked(visitor, Asked.TAIL, limit, filters=filters.values, refs=question.refs)
        return Following(self.log, question, limit)

    def groups(self, visitor: Visitor, filters: Filters, by: Sequence[str]) -> list[Row]:
        """How many by fields, the most frequent first; at most `MAX_GROUPS`."""
        question = self.of(visitor, filters)
        with self.log.read() as connection, _wrong_fields():
            rows = [row for row, _ in zip(query.groups(connection, question, by), range(MAX_GROUPS), strict=False)]
        self.log.asked(visitor, Asked.QUERY, len(rows), filters=[*filters.values, *by], refs=question.refs)
        return rows

    def who(self, visitor: Visitor, filters: Filters) -> Holdings:
        """Who controls, stores and uses what left."""
        question = self.of(visitor, filters)
        with self.log.read() as connection, _wrong_fields():
            lines = holders.who(connection, question)
            complete = holders.completeness(connection, question) if question.refs is not None else None
        self.log.asked(visitor, Asked.WHO, len(lines), filters=filters.values, refs=question.refs)
        return Holdings(lines) if complete is None else Holdings(lines, *complete)

    def overview(self, visitor: Visitor, filters: Filters) -> overview.Overview:
        """A period at a glance."""
        question = self.of(visitor, filters)
        with self.log.read() as connection, _wrong_fields():
            found = overview.overview(connection, question)
        self.log.asked(visitor, Asked.STATS, found.transfers + found.blocked, filters=filters.values)
        return found

    def changes(self, visitor: Visitor, since: int, days: int) -> Changes:
        """What a period of whole days has that the one before had not, or had more or less of."""
        span, now = days * DAY_MS, self.of(visitor, Filters({}, since=since))
        before = self.of(visitor, Filters({}, since=since - span, until=since))
        compared, acts = {}, []
        with self.log.read() as connection:
            for name in COMPARED:
                counts = [_counts(connection, one, name) for one in (before, now)]
                names = {one for one in (*counts[0], *counts[1]) if one is not None}
                rows = [(one, counts[0].get(one, 0), counts[1].get(one, 0)) for one in names]
                compared[name] = sorted(rows, key=lambda row: (-abs(row[2] - row[1]), row[0]))
            if visitor.may(Right.LOG):
                acts = acts_since(connection, since)
        self.log.asked(visitor, Asked.STATS, len(acts), filters=COMPARED)
        return Changes(compared, acts)

    def shadow_ai(self, visitor: Visitor, since: int) -> int:
        """Requests to model services that nobody registered, refused; part of a question that is recorded."""
        question = self.of(visitor, Filters({"reason": SHADOW_AI}, since=since))
        with self.log.read() as connection:
            return sum(row["transfers"] for row in query.groups(connection, question, ("reason",)))

    def exchange(self, visitor: Visitor, transfer_id: str) -> Exchange:
        """One transfer with all that happened to it."""
        found = self._exchange(visitor, transfer_id)
        self.log.asked(visitor, Asked.SHOW, len(found.entries), transfer=found.id)
        return found

    def reasons(self, visitor: Visitor, transfer_id: str) -> Exchange:
        """The same, to tell why each thing was replaced or not."""
        found = self._exchange(visitor, transfer_id)
        self.log.asked(visitor, Asked.EXPLAIN, len(found.entries), transfer=found.id)
        return found

    def proofs(self, visitor: Visitor, transfer_id: str) -> list[Proved]:
        """For every entry of an exchange its bytes and its way to the newest checkpoint."""
        found = self._exchange(visitor, transfer_id)
        proved = []
        with self.log.read() as connection:
            for index, facts in found.entries:
                at, body = next(query.entries(connection, since=index))
                if at != index:
                    raise NotFoundError("this transfer was sealed into an archive just now; prove it from there")
                proved.append(Proved(index, facts["kind"], body, prove.prove(connection, index)))
        self.log.asked(visitor, Asked.PROVE, len(proved), transfer=found.id)
        return proved

    def report(self, visitor: Visitor, name: str, filters: Filters, *, glance: bool = False) -> Report:
        """One of the reports. Raises FormatError where it needs a person or a transfer, NotFoundError. glance: figures
        for a page, without what needs every entry."""
        question = self.of(visitor, filters)
        given = tables_of(self.log.home)
        try:
            with self.log.read() as connection, _wrong_fields():
                found = build(connection, REPORTS[name], question, **given, glance=glance)
        except ReportError as error:
            if error.code == "report_missing":
                raise NotFoundError("no transfer has this id") from None
            raise FormatError(error.message, code="report") from None
        n = found.facts["covered"]["transfers"]
        self.log.asked(visitor, Asked.REPORT, n, filters=filters.values, refs=question.refs)
        return found

    def statistics(self, visitor: Visitor) -> Row:
        """Size, span and kinds of the log."""
        visitor.require(Right.LOG)
        with self.log.read() as connection:
            found = query.statistics(connection)
        self.log.asked(visitor, Asked.STATS, len(found))
        return {"log": self.log.vkey.name, **found}

    def checkpoint(self) -> bytes:
        """The newest signed checkpoint: what anybody should keep; it says nothing about anybody."""
        with self.log.read() as connection:
            note = newest_checkpoint(connection)
        if note is None:
            raise VerifyError("there is no log in this database yet", code="missing")
        return note

    def _exchange(self, visitor: Visitor, transfer_id: str) -> Exchange:
        visitor.require(Right.TRANSFERS)
        with self.log.read() as connection:
            entries = query.exchange(connection, transfer_id)
        if not entries or not visitor.sees(entries[0][1]["application"]):
            raise NotFoundError("no transfer has this id")
        return Exchange(entries[0][1]["id"], entries)

    def of(self, visitor: Visitor, filters: Filters) -> query.Question:
        """What is asked of the log: only what this visitor may see. Raises RefusedError, FormatError."""
        visitor.require(Right.TRANSFERS)
        refs, sessions = filters.refs, None
        if filters.refs is not None:
            visitor.require(Right.PERSONS)
        if filters.subject is not None:
            visitor.require(Right.PERSONS)
            refs = self.log.refs(filters.subject)
        if filters.session is not None:
            visitor.require(Right.PERSONS)
            sessions = self.log.refs(filters.session, Space.SESSION)
        values = dict(filters.values)
        with _wrong_fields():
            return query.Question(
                values, filters.since, filters.until, refs, applications=visitor.applications, sessions=sessions
            )


@contextmanager
def _wrong_fields() -> Iterator[None]:
    """A question about a field that does not exist is the asker's error, not the log's."""
    try:
        yield
    except QueryError as error:
        raise FormatError(error.message, code="question") from None
