"""Exceptions: everything that went another way than the rules alone would have sent it.

Exceptions that let a finding pass, held requests that an officer approved or denied, stops, what was only observed, what
was not looked into, and originals that were shown to people.
"""

# ruff: noqa: E501 - one text, one line: translations are compared by eye
from collections.abc import Sequence
from typing import Any

from audit.commands.render import when
from audit.reports.base import Facts, Kind, Section, Source, Table
from audit.reports.texts import Texts, Words

_APPROVALS = frozenset({"approved", "denied"})
_MARKS = (b'"exception":', b'"uninspected":')
"""What an entry that matters here holds; looked for before it is parsed."""


def _facts(source: Source, context: Facts) -> Facts:
    used: dict[tuple[str, str, str], int] = {}
    passed: dict[tuple[str, str], list[int]] = {}
    for facts in source.entries(_MARKS):
        for row in facts.get("findings", ()):
            if "exception" in row:
                key = row["exception"], facts["application"], row["entity_type"]
                used[key] = used.get(key, 0) + row["n"]
        for part in facts.get("uninspected", ()):
            counts = passed.setdefault((part["reason"], part["media_type"]), [0, 0])
            counts[0] += 1
            counts[1] += part["bytes"]
    approvals = [event for event in source.events("policy") if event["event"] in _APPROVALS]
    names = ("exception", "application", "entity_type")
    return {
        "used": [{**dict(zip(names, key, strict=True)), "n": n} for key, n in sorted(used.items())],
        "uninspected": [
            {"reason": reason, "media_type": media, "parts": parts, "bytes": size}
            for (reason, media), (parts, size) in sorted(passed.items())
        ],
        "approvals": [
            {"at": one["at"], "event": one["event"], "request": one.get("request"), "rules": one.get("rules", []),
             "until": one.get("until"), "reason": one.get("reason"), "actor": one["actor"]}
            for one in approvals
        ],
        "stops": [{name: one[name] for name in ("at", "target", "name", "state", "actor")} for one in source.events("stop")],
        "reveals": [
            {**{name: one[name] for name in ("at", "reason", "actor", "approver", "n")}, "ticket": one.get("ticket")}
            for one in source.events("reveal")
        ],
    }  # fmt: skip


def _sections(facts: Facts, say: Texts) -> list[Section]:
    return [
        _part(say, "used", facts["used"], lambda one: (one["exception"], say.name(one["application"]), say.entity(one["entity_type"]), say.number(one["n"])),
              ("exception", "application", "data", "n"), {3}),
        _part(say, "approvals", facts["approvals"],
              lambda one: (when(one["at"]), say.term(one["event"]), one["request"] or "", ", ".join(one["rules"]), when(one["until"]),
                           say.term(one["reason"]), one["actor"]),
              ("when", "event", "request", "rules", "until", "reason", "actor")),
        _part(say, "uninspected", facts["uninspected"],
              lambda one: (say.term(one["reason"]), one["media_type"], say.number(one["parts"]), say.number(one["bytes"])),
              ("reason", "media", "parts", "bytes"), {2, 3}),
        _part(say, "stops", facts["stops"],
              lambda one: (when(one["at"]), say.term(one["state"]), say.term(one["target"]), one["name"], one["actor"]),
              ("when", "event", "target", "name", "actor")),
        _part(say, "reveals", facts["reveals"],
              lambda one: (when(one["at"]), say.term(one["reason"]), one["ticket"] or "", one["actor"], one["approver"], say.number(one["n"])),
              ("when", "reason", "ticket", "actor", "approver", "n"), {5}),
    ]  # fmt: skip


def _part(
    say: Texts, title: str, rows: Sequence[Facts], cells: Any, columns: Sequence[str], numbers: set[int] | None = None
) -> Section:
    """One table under its heading, `none` in words where it has no rows."""
    if not rows:
        return Section(say(title), (say("none_in_period"),))
    table = Table(tuple(say(name) for name in columns), tuple(map(cells, rows)), frozenset(numbers or ()))
    return Section(say(title), tables=(table,))


TEXTS: Words = {
    "exceptions": ("Exceptions: what went another way than the rules alone", "Ausnahmen: was einen anderen Weg nahm als die Regeln allein", "Ngoại lệ: những gì đi khác với quy tắc"),
    "used": ("Exceptions of the policy that let findings pass", "Ausnahmen der Richtlinie, die Funde passieren ließen", "Ngoại lệ của chính sách đã cho phép dữ liệu đi qua"),
    "approvals": ("Held requests, decided by an officer", "Angehaltene Anfragen, von einer Person entschieden", "Yêu cầu bị giữ, do cán bộ quyết định"),
    "uninspected": ("Parts that nothing looked into", "Teile, in die nichts hineinsah", "Phần không được kiểm tra"),
    "stops": ("Stopped and resumed", "Angehalten und wieder aufgenommen", "Dừng và tiếp tục"),
    "reveals": ("Originals shown to people", "Originale, die Personen gezeigt wurden", "Dữ liệu gốc đã hiển thị cho người"),
    "none_in_period": ("None in the period.", "Keine im Zeitraum.", "Không có trong khoảng thời gian này."),
    "exception": ("Exception", "Ausnahme", "Ngoại lệ"),
    "when": ("When", "Wann", "Thời điểm"),
    "event": ("What happened", "Was geschah", "Sự kiện"),
    "request": ("Request", "Anfrage", "Yêu cầu"),
    "rules": ("Rules", "Regeln", "Quy tắc"),
    "actor": ("Who", "Wer", "Người thực hiện"),
    "approver": ("Second person", "Zweite Person", "Người thứ hai"),
    "reason": ("Reason", "Grund", "Lý do"),
    "ticket": ("Case", "Vorgang", "Hồ sơ"),
    "media": ("Kind of content", "Art des Inhalts", "Loại nội dung"),
    "parts": ("Parts", "Teile", "Số phần"),
    "bytes": ("Bytes", "Bytes", "Số byte"),
    "target": ("Kind", "Art", "Loại"),
    "name": ("Name", "Name", "Tên"),
}  # fmt: skip

REPORT = Kind("exceptions", _facts, _sections, TEXTS)
