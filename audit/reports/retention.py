"""Retention due: until when each recipient may still hold what it was sent, by the time it declares; and what is over.

The day is computed from the declared time, not observed at the recipient. Where nothing is declared, nothing is due and
that is said.
"""

# ruff: noqa: E501 - one text, one line: translations are compared by eye
import re
from collections.abc import Sequence

import sqlalchemy as sa

from audit.reports.base import Bar, Chart, Facts, Kind, Section, Source, Table, day
from audit.reports.texts import Texts, Words
from audit.sums.rows import DAY_MS
from audit.tables import transfer

_DAYS = re.compile(r"([0-9]{1,5})d")
_NOT_KEPT = frozenset({"zero", "0d"})
_BY = (transfer.c.day, transfer.c.destination, transfer.c.entity, transfer.c.retention)


def days_of(retention: str) -> int | None:
    """A declared time in days; None where none is known."""
    if retention in _NOT_KEPT:
        return 0
    found = _DAYS.fullmatch(retention)
    return int(found[1]) if found else None


def _facts(source: Source, context: Facts) -> Facts:
    today = context["generated"] // DAY_MS
    held: dict[tuple[str, str, str], Facts] = {}
    rows_by_day = sa.select(*_BY, sa.func.count().label("n")).where(*source.sent()).group_by(*_BY)
    for row in source.connection.execute(rows_by_day):
        name, entity, retention = row.destination or "", row.entity or "", row.retention or "unknown"
        at, n, known = row.day, row.n, days_of(retention)
        one = held.setdefault(
            (entity, name, retention),
            {
                "entity": entity, "destination": name, "retention": retention, "days": known, "transfers": 0,
                "over": 0, "held": 0, "first": at, "last": at,
            },
        )  # fmt: skip
        one["transfers"] += n
        one["over" if known is not None and at + known < today else "held"] += n
        one["first"], one["last"] = min(one["first"], at), max(one["last"], at)
    rows = [held[key] for key in sorted(held)]
    for one in rows:
        known = one["days"]
        one["due_first"] = None if known is None else (one["first"] + known) * DAY_MS
        one["due_last"] = None if known is None else (one["last"] + known) * DAY_MS
        one["first"], one["last"] = one["first"] * DAY_MS, one["last"] * DAY_MS
    return {"held": rows}


def _sections(facts: Facts, say: Texts) -> list[Section]:
    rows = facts["held"]
    if not rows:
        return [Section(say("recipients"), (say("nothing"),))]
    unknown = sorted({one["entity"] for one in rows if one["days"] is None})
    lines = [say("retention_line"), *(say("undeclared", entity=say.name(name)) for name in unknown)]
    bars = tuple(
        Bar(
            f"{say.name(one['entity'])} ({one['destination']})",
            one["transfers"],
            say.number(one["transfers"]),
            one["held"],
        )
        for one in rows
    )
    chart = Chart(say("count"), bars, (say("over"), say("held")))
    return [Section(say("recipients"), tuple(lines), tables=(_table(rows, say),), charts=(chart,))]


def _table(rows: Sequence[Facts], say: Texts) -> Table:
    names = ("recipient", "retention", "first", "last", "due_first", "due_last", "over", "held", "count")
    cells = tuple(
        (
            f"{say.name(one['entity'])} ({one['destination']})",
            say.term(one["retention"]),
            day(one["first"]),
            day(one["last"]),
            day(one["due_first"]) or say("unknown"),
            day(one["due_last"]) or say("unknown"),
            say.number(one["over"]),
            say.number(one["held"]),
            say.number(one["transfers"]),
        )
        for one in rows
    )
    return Table(tuple(say(name) for name in names), cells, frozenset({6, 7, 8}))


TEXTS: Words = {
    "retention": ("Retention due: until when recipients may hold what they were sent",
                  "Fällige Löschung: bis wann Empfänger das Gesendete aufbewahren dürfen",
                  "Thời hạn lưu trữ: bên nhận được giữ dữ liệu đã gửi đến khi nào"),
    "retention_line": ("Days are counted from the transfer by the time that the register declared then. Whether the recipient has deleted is not observed.",
                       "Die Tage zählen ab der Übermittlung nach der Frist, die das Register damals angab. Ob der Empfänger gelöscht hat, wird nicht beobachtet.",
                       "Số ngày tính từ lượt chuyển theo thời hạn mà sổ đăng ký khai báo khi đó. Việc bên nhận đã xóa hay chưa không được quan sát."),
    "undeclared": ("{entity}: no time in days is declared, so no day can be computed.",
                   "{entity}: es ist keine Frist in Tagen angegeben, also lässt sich kein Tag berechnen.",
                   "{entity}: chưa khai báo thời hạn theo ngày nên không thể tính ngày đến hạn."),
    "due_first": ("First due", "Erste fällig", "Đến hạn sớm nhất"),
    "due_last": ("Last due", "Letzte fällig", "Đến hạn muộn nhất"),
    "over": ("Time is over", "Frist abgelaufen", "Đã hết hạn"),
    "held": ("May still be held, or unknown", "Vielleicht noch vorhanden oder unbekannt", "Có thể còn lưu hoặc không rõ"),
}  # fmt: skip

REPORT = Kind("retention", _facts, _sections, TEXTS)
