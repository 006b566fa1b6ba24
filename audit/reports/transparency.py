"""A page that can be published: who receives what kinds of data for what, and what is taken out before.

No application, person, rule or case is named, and numbers below ten are not given, because a small number may point at
somebody.
"""

# ruff: noqa: E501 - one text, one line: translations are compared by eye
from collections.abc import Sequence

from audit.reports.base import Facts, Kind, Section, Source, Table, merged, recipient
from audit.reports.parts import UNCHANGED, data_chart, place, recipients_chart
from audit.reports.texts import Texts, Words

FEWEST = 10


def _facts(source: Source, context: Facts) -> Facts:
    found: dict[tuple[str, ...], Facts] = {}
    rows = [recipient(holding) for holding in source.holdings()]
    for one in rows:
        key = one["entity"], one["role"], one["purpose"] or "", one["retention"], one["training"]
        line = found.setdefault(key, _line(one))
        line["transfers"] += one["transfers"]
        for country, what in one["countries"].items():
            line["countries"][country] = sorted({*line["countries"].get(country, ()), *what})
    return {
        "recipients": [found[key] for key in sorted(found)],
        "data": merged([row for one in rows for row in one["data"]]),
    }


def _line(one: Facts) -> Facts:
    names = ("entity", "role", "purpose", "basis", "retention", "training", "mechanism")
    return {**{name: one[name] for name in names}, "transfers": 0, "countries": {}}


def few(n: int, say: Texts) -> str:
    """A number, or that it is a small one."""
    return say("few", n=FEWEST) if 0 < n < FEWEST else say.number(n)


def _sections(facts: Facts, say: Texts) -> list[Section]:
    rows = facts["recipients"]
    if not rows:
        return [Section(say("recipients"), (say("nothing"),))]
    shown = [one for one in rows if one["transfers"] >= FEWEST]
    names = ("recipient", "role", "purpose", "basis", "processing", "storage", "retention", "training", "count")
    cells = tuple(
        (
            say.name(one["entity"]),
            say.term(one["role"]),
            one["purpose"] or say("unknown"),
            say.term(one["basis"]),
            place(say, one["countries"], "processing"),
            place(say, one["countries"], "storage"),
            say.term(one["retention"]),
            say.term(one["training"]),
            few(one["transfers"], say),
        )
        for one in rows
    )
    table = Table(tuple(say(name) for name in names), cells, frozenset({8}))
    charts = (recipients_chart(say, shown),) if shown else ()
    return [Section(say("recipients"), tables=(table,), charts=charts), *_data(facts["data"], say)]


def _data(data: Sequence[Facts], say: Texts) -> list[Section]:
    sums: dict[str, list[int]] = {}
    for row in data:
        counts = sums.setdefault(row["entity_type"], [0, 0])
        counts[row["operator"] in UNCHANGED] += row["n"]
    if not sums:
        return [Section(say("data_title"), (say("nothing_found"),))]
    columns = (say("data"), say("replaced"), say.term("keep"))
    rows = tuple((name, few(changed, say), few(kept, say)) for name, (changed, kept) in sorted(sums.items()))
    shown = [row for row in data if all(n == 0 or n >= FEWEST for n in sums[row["entity_type"]])]
    charts = (data_chart(say, shown),) if shown else ()
    return [
        Section(
            say("data_title"), (say("before_line"),), tables=(Table(columns, rows, frozenset({1, 2})),), charts=charts
        )
    ]


TEXTS: Words = {
    "transparency": ("What we send to providers of language models", "Was wir an Anbieter von Sprachmodellen senden", "Những gì chúng tôi gửi cho nhà cung cấp mô hình ngôn ngữ"),
    "before_line": ("What was found was replaced, removed or left as our policy says. Detection misses things.",
                    "Gefundenes wurde ersetzt, entfernt oder belassen, wie unsere Richtlinie es bestimmt. Erkennung übersieht auch.",
                    "Dữ liệu đã phát hiện được thay thế, loại bỏ hoặc giữ nguyên theo chính sách của chúng tôi. Bộ phát hiện có thể bỏ sót."),
    "few": ("fewer than {n}", "weniger als {n}", "dưới {n}"),
}  # fmt: skip

REPORT = Kind("transparency", _facts, _sections, TEXTS)
