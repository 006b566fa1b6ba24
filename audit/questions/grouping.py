"""How many by what: groups of transfers and findings, from the sums that know all that is asked, else from the rows."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from audit.questions import values_by_day
from audit.questions.conditions import FINDING_COLUMNS, GROUPS, QueryError, of_finding, of_parts, unknown
from audit.questions.question import Question, Row
from audit.questions.spans import spread, within
from audit.sums.rows import DAY_MS
from audit.sums.summed import Summed
from audit.sums.tables import (
    DAILY,
    DAILY_APPLICATION,
    DAILY_FINDING,
    DAILY_TYPE,
    daily,
    daily_application,
    daily_finding,
    daily_type,
    monthly_finding,
)
from audit.tables import FINDINGS_OF, finding, transfer

_PAGE = 1_000


def groups(connection: sa.Connection, question: Question, by: Sequence[str]) -> Iterator[Row]:
    """How many transfers, findings and bytes for each combination of `by`, the most frequent first.

    Grouped by a column of findings only these are counted, because one transfer would count in several groups.
    """
    for name in by:
        if name not in GROUPS:
            raise unknown(name, GROUPS)
    if of_parts(question.values) and any(name in FINDING_COLUMNS for name in by):
        raise QueryError("findings are counted by their kind, operator, rule, recognizer or language, not by the rest")
    summed = Summed(connection)
    rollup = _rollup(summed, question, by)
    one = values_by_day.alone(by, question.values)
    if rollup is None and one is not None and _of_all_in_whole_days(question):
        statement = values_by_day.groups(summed, one, by, question.values.get(one), question.days)
    else:
        statement = _from_rows(question, by) if rollup is None else _from_rollup(rollup, question, by)
    found = connection.execute(statement, execution_options={"yield_per": _PAGE})
    names = tuple([str(name) for name in found.keys()])  # noqa: SIM118 (a result is iterated by rows)
    shown = [_SHOWN.get(name, _shown) for name in names]
    for row in found:
        yield {name: show(value) for name, show, value in zip(names, shown, row, strict=True)}


def _rollup(summed: Summed, question: Question, by: Sequence[str]) -> sa.FromClause | None:
    """The sums that know all that is asked, the fewest of them; None where only the rows do."""
    asked = {*by, *question.values} | ({"application"} if question.applications is not None else set())
    if not question.of_all or not question.in_whole_days:
        return None
    for columns, table in ((DAILY, daily), (DAILY_APPLICATION, daily_application), (DAILY_TYPE, daily_type)):
        if asked <= set(columns):
            return summed.of(table)
    if not asked <= set(DAILY_FINDING):
        return None
    if "day" in asked:
        return summed.of(daily_finding)
    return spread(summed, daily_finding, monthly_finding, question.days)


def _of_all_in_whole_days(question: Question) -> bool:
    return question.of_all and question.applications is None and question.in_whole_days


def _from_rollup(table: sa.FromClause, question: Question, by: Sequence[str]) -> sa.Select[Any]:
    columns = [table.c[name] for name in by]
    if "n" not in table.c:
        sums = {name: table.c[name] for name in ("transfers", "findings", "bytes_in", "bytes_out")}
    else:
        sums = {"findings": table.c.n}
    counted = [sa.func.sum(column).label(name) for name, column in sums.items()]
    rows = sa.select(*columns, *counted).where(*(table.c[name] == value for name, value in question.values.items()))
    if "day" in table.c:
        rows = rows.where(*within(table, question.days))
    if question.applications is not None:
        rows = rows.where(table.c.application.in_(question.applications))
    return rows.group_by(*columns).order_by(counted[0].desc(), *columns)


def _from_rows(question: Question, by: Sequence[str]) -> sa.Select[Any]:
    of_findings = any(name in FINDING_COLUMNS for name in by)
    columns = [finding.c[name] if name in FINDING_COLUMNS else transfer.c[name] for name in by]
    if of_findings:
        counted = [sa.func.sum(finding.c.n).label("findings")]
        rows = sa.select(*columns, *counted).select_from(transfer.join(finding, finding.c.idx == FINDINGS_OF))
    else:
        sums = [sa.func.sum(transfer.c[name]).label(name) for name in ("findings", "bytes_in", "bytes_out")]
        counted = [sa.func.count().label("transfers"), *sums]
        rows = sa.select(*columns, *counted)
    rows = rows.where(*question.conditions(), *(of_finding(question.values) if of_findings else ()))
    return rows.group_by(*columns).order_by(counted[0].desc(), *columns)


def _shown(value: Any) -> Any:
    return value or None if isinstance(value, str) else value


@lru_cache(maxsize=4_096)
def _date(day: int) -> str:
    return datetime.fromtimestamp(day * DAY_MS / 1000, UTC).date().isoformat()


def _status(value: int | str | None) -> int | None:
    """As a number, whatever table it is from."""
    return int(value) if value else None


_SHOWN: Mapping[str, Callable[[Any], Any]] = {
    "day": _date,
    "status": _status,
    **dict.fromkeys(("transfers", "findings", "bytes_in", "bytes_out"), int),  # of PostgreSQL a sum is a Decimal
}
