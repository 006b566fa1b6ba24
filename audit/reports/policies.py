"""Policy history: which policy decided from when on, what was refused, and how much each of them decided."""

# ruff: noqa: E501 - one text, one line: translations are compared by eye
from collections.abc import Sequence

from audit import query
from audit.commands.render import when
from audit.reports.base import Bar, Chart, Facts, Kind, Section, Source, Table
from audit.reports.texts import Texts, Words

_EVENTS = frozenset({"activated", "refused"})
_FIELDS = ("at", "event", "name", "version", "old_digest", "new_digest", "stricter", "weaker", "actor")
_SHORT = 12
"""Digits of a digest that are shown; enough to tell two policies apart, and the JSON has all."""


def _facts(source: Source, context: Facts) -> Facts:
    decided = [
        {"name": row["policy_name"] or "unknown", "digest": row["policy_digest"] or "unknown", **_counts(row)}
        for row in query.groups(source.connection, source.question, ("policy_name", "policy_digest", "kind"))
    ]
    events = [
        {name: event.get(name) for name in _FIELDS} for event in source.events("policy") if event["event"] in _EVENTS
    ]
    return {"events": events, "decided": _merged(decided)}


def _counts(row: query.Row) -> Facts:
    sent = row["kind"] == "transfer"
    return {"transfers": row["transfers"] if sent else 0, "refused": 0 if sent else row["transfers"]}


def _merged(rows: Sequence[Facts]) -> list[Facts]:
    found: dict[tuple[str, str], Facts] = {}
    for row in rows:
        one = found.setdefault((row["name"], row["digest"]), {**row, "transfers": 0, "refused": 0})
        one["transfers"] += row["transfers"]
        one["refused"] += row["refused"]
    return [found[key] for key in sorted(found)]


def _sections(facts: Facts, say: Texts) -> list[Section]:
    events, decided = facts["events"], facts["decided"]
    names = ("when", "event", "policy", "before", "after", "stricter", "weaker", "actor")
    rows = tuple(
        (
            when(one["at"]),
            say.term(one["event"]),
            f"{one['name']} {one['version'] or ''}".rstrip(),
            (one["old_digest"] or "")[:_SHORT],
            one["new_digest"][:_SHORT],
            say.number(one["stricter"]),
            say.number(one["weaker"]),
            one["actor"],
        )
        for one in events
    )
    history = (Table(tuple(say(name) for name in names), rows, frozenset({5, 6})),) if rows else ()
    columns = tuple(say(name) for name in ("policy", "after", "count", "refused"))
    cells = tuple(
        (one["name"], one["digest"][:_SHORT], say.number(one["transfers"]), say.number(one["refused"]))
        for one in decided
    )
    bars = tuple(
        Bar(f"{one['name']} {one['digest'][:_SHORT]}", total, say.number(total), one["refused"])
        for one in decided
        if (total := one["transfers"] + one["refused"])
    )
    chart = Chart(say("decided"), bars, (say("count"), say("refused")))
    return [
        Section(say("history"), (say("history_line") if rows else say("no_history"),), tables=history),
        Section(
            say("decided"),
            () if decided else (say("nothing"),),
            tables=(Table(columns, cells, frozenset({2, 3})),) if decided else (),
            charts=(chart,) if bars else (),
        ),
    ]


TEXTS: Words = {
    "policies": ("Policy history", "Geschichte der Richtlinien", "Lịch sử chính sách"),
    "history": ("What changed", "Was sich änderte", "Những thay đổi"),
    "history_line": ("Stricter and weaker count combinations of application, destination and kind of data. Who acted is a pseudonymous reference.",
                     "Strenger und schwächer zählen Kombinationen aus Anwendung, Ziel und Datenart. Wer handelte, steht als pseudonymer Bezug.",
                     "Chặt hơn và lỏng hơn đếm các tổ hợp ứng dụng, đích và loại dữ liệu. Người thực hiện được ghi bằng tham chiếu bút danh."),
    "no_history": ("No policy was activated or refused in the period.", "Im Zeitraum wurde keine Richtlinie aktiviert oder abgelehnt.", "Không có chính sách nào được kích hoạt hoặc bị từ chối trong khoảng thời gian này."),
    "when": ("When", "Wann", "Thời điểm"),
    "event": ("What happened", "Was geschah", "Sự kiện"),
    "policy": ("Policy", "Richtlinie", "Chính sách"),
    "before": ("Digest before", "Prüfsumme vorher", "Mã băm trước"),
    "after": ("Digest", "Prüfsumme", "Mã băm"),
    "stricter": ("Stricter", "Strenger", "Chặt hơn"),
    "weaker": ("Weaker", "Schwächer", "Lỏng hơn"),
    "actor": ("Who", "Wer", "Người thực hiện"),
    "decided": ("What each policy decided", "Was jede Richtlinie entschied", "Mỗi chính sách đã quyết định"),
    "refused": ("Refused", "Abgelehnt", "Bị từ chối"),
}  # fmt: skip

REPORT = Kind("policies", _facts, _sections, TEXTS)
