"""Third-country transfers: by recipient and country, with declared mechanism and first day (GDPR Art. 44-49).

The same rows carry Vietnam's clock: a dossier is due 60 days after the first transfer abroad (Decree 356/2025,
Art. 18), counted for each controller, recipient and country.
"""

from collections.abc import Iterator, Sequence

from audit.reports.base import EEA, Bar, Chart, Facts, Kind, Section, Source, Table, day, merged, recipient
from audit.reports.parts import MOST_BARS, third
from audit.reports.texts import Texts, Words

CLOCK_MS = 60 * 86_400_000
# ruff: noqa: E501 - one text, one line: translations are compared by eye
HOME = "VN"
_WEAK = frozenset({"unknown", "none-needed"})
"""Mechanisms that do not carry a transfer to a third country by themselves."""


def _facts(source: Source, context: Facts) -> Facts:
    found = [recipient(holding) for holding in source.holdings()]
    flows: dict[tuple[str, ...], Facts] = {}
    for one in found:
        for country, what in (one["countries"] or {"unknown": []}).items():
            key = (one["controller"] or "", one["entity"], country, one["mechanism"])
            row = flows.setdefault(key, _flow(one, country))
            row["what"] = sorted({*row["what"], *what})
            row["transfers"] += one["transfers"]
            row["first"], row["last"] = min(row["first"], one["first"]), max(row["last"], one["last"])
            row["data"] = merged([*row["data"], *one["data"]])
            row["purposes"] = sorted({*row["purposes"], one["purpose"] or "unknown"})
            row["bases"] = sorted({*row["bases"], one["basis"]})
    return {"flows": [flows[key] for key in sorted(flows)], "points": list(_points(found))}


def _flow(one: Facts, country: str) -> Facts:
    named = {name: one[name] for name in ("controller", "entity", "agreement", "mechanism", "first", "last")}
    return {**named, "country": country, "outside_eea": country not in EEA, "what": [], "transfers": 0, "data": [],
            "purposes": [], "bases": []}  # fmt: skip


def _points(found: Sequence[Facts]) -> Iterator[Facts]:
    """What the declared facts leave open; each once."""
    seen = set()
    for one in found:
        abroad = third(one["countries"])
        if not any(what in done for done in one["countries"].values() for what in ("processing", "storage")):
            point = ("point_countries", one["entity"], "", "")
        elif abroad and one["mechanism"] in _WEAK:
            point = ("point_mechanism", one["entity"], ", ".join(abroad), one["mechanism"])
        else:
            continue
        if point not in seen:
            seen.add(point)
            yield dict(zip(("point", "entity", "countries", "mechanism"), point, strict=True))


def _sections(facts: Facts, say: Texts) -> list[Section]:
    if not facts["flows"]:
        return [Section(say("recipients"), (say("nothing"),))]
    abroad = [row for row in facts["flows"] if row["outside_eea"]]
    points = [_point(point, say) for point in facts["points"]]
    return [
        Section(
            say("third_countries"),
            () if abroad else (say("no_third"),),
            tables=(_table(facts["flows"], say),),
            charts=(_chart(facts["flows"], say),),
        ),
        Section(say("open_points"), tuple(points) or (say("no_points"),)),
        Section(say("vietnam"), (say("vietnam_line"),), tables=(_clock(facts["flows"], say),)),
        *_annex(facts["flows"], say),
    ]


def _point(point: Facts, say: Texts) -> str:
    named = ", ".join(map(say.name, point["countries"].split(", ")))
    mechanism = say.name(point["mechanism"])
    return say(point["point"], entity=say.name(point["entity"]), countries=named, mechanism=mechanism)


def _table(flows: Sequence[Facts], say: Texts) -> Table:
    who = ("controller", "recipient", "country", "outside_eea", "what", "mechanism", "agreement")
    names = (*who, "data", "first", "last", "count")
    rows = tuple(
        (
            row["controller"] or say("unknown"),
            say.name(row["entity"]),
            say.term(row["country"]),
            say("yes") if row["outside_eea"] else say("no"),
            ", ".join(say.term(what) for what in row["what"]),
            say.term(row["mechanism"]),
            row["agreement"] or say("unknown"),
            ", ".join(sorted({say.entity(one["entity_type"]) for one in row["data"]})),
            day(row["first"]),
            day(row["last"]),
            say.number(row["transfers"]),
        )
        for row in flows
    )
    return Table(tuple(say(name) for name in names), rows, frozenset({len(names) - 1}))


def _chart(flows: Sequence[Facts], say: Texts) -> Chart:
    """Transfers by country; the darker part went outside the EEA."""
    sums: dict[str, tuple[int, int]] = {}
    for row in flows:
        n, outside = sums.get(row["country"], (0, 0))
        sums[row["country"]] = n + row["transfers"], outside + row["transfers"] * row["outside_eea"]
    ordered = sorted(sums.items(), key=lambda item: (-item[1][0], item[0]))[:MOST_BARS]
    bars = tuple(Bar(say.term(name), n, say.number(n), outside) for name, (n, outside) in ordered)
    return Chart(say("by_country"), bars, (say("inside_eea"), say("outside_eea")))


def _annex(flows: Sequence[Facts], say: Texts) -> Iterator[Section]:
    """What the dossier asks for of each flow abroad, as far as the log knows it (Decree 356/2025, Art. 18)."""
    names = ("controller", "recipient", "country", "purpose", "basis", "data", "measures", "count")
    rows = tuple(
        (
            row["controller"] or say("unknown"),
            say.name(row["entity"]),
            say.term(row["country"]),
            ", ".join(say.term(one) for one in row["purposes"]),
            ", ".join(say.term(one) for one in row["bases"]),
            ", ".join(sorted({say.entity(one["entity_type"]) for one in row["data"]})) or say("none"),
            ", ".join(f"{say.term(name)}: {n}" for name, n in _done(row["data"])) or say("none"),
            say.number(row["transfers"]),
        )
        for row in flows
        if row["country"] != HOME
    )
    if rows:
        table = Table(tuple(say(name) for name in names), rows, frozenset({len(names) - 1}))
        yield Section(say("annex"), (say("annex_line"),), tables=(table,))


def _done(data: Sequence[Facts]) -> list[tuple[str, int]]:
    """Operator to how many findings."""
    sums: dict[str, int] = {}
    for row in data:
        sums[row["operator"]] = sums.get(row["operator"], 0) + row["n"]
    return sorted(sums.items())


def _clock(flows: Sequence[Facts], say: Texts) -> Table:
    """The earliest transfer by controller, recipient and country other than Vietnam, and the day 60 days later."""
    first: dict[tuple[str, str, str], int] = {}
    for row in flows:
        key = (row["controller"] or "", row["entity"], row["country"])
        if row["country"] != HOME:
            first[key] = min(first.get(key, row["first"]), row["first"])
    names = ("controller", "recipient", "country", "first", "due")
    rows = tuple(
        (say.name(controller), say.name(entity), say.name(country), day(at), day(at + CLOCK_MS))
        for (controller, entity, country), at in sorted(first.items())
    )
    return Table(tuple(say(name) for name in names), rows)


TEXTS: Words = {
    "by_country": ("Transfers by country", "Übermittlungen nach Land", "Số lượt chuyển theo quốc gia"),
    "inside_eea": ("Within the EEA", "Innerhalb des EWR", "Trong EEA"),
    "annex": ("Vietnam: annex of actual flows for the dossier", "Vietnam: Anhang der tatsächlichen Übermittlungen für das Dossier", "Việt Nam: phụ lục các luồng chuyển dữ liệu thực tế kèm hồ sơ"),
    "annex_line": ("Computed from what was really sent. The log does not hold: contact details of both sides, the contract's text, the assessment of impact, the consent forms.",
                   "Berechnet aus dem, was wirklich gesendet wurde. Das Protokoll enthält nicht: Kontaktdaten beider Seiten, Vertragstext, Folgenabschätzung, Einwilligungstexte.",
                   "Tính từ những gì đã thực sự gửi. Nhật ký không chứa: thông tin liên hệ của hai bên, văn bản hợp đồng, đánh giá tác động, mẫu đồng ý."),
}  # fmt: skip

REPORT = Kind("transfers", _facts, _sections, TEXTS)
