"""Third-country transfers: by recipient and country, with declared mechanism and first day (GDPR Art. 44-49).

The same rows carry Vietnam's clock: a dossier is due 60 days after the first transfer abroad (Decree 356/2025,
Art. 18), counted for each controller, recipient and country.
"""

from collections.abc import Iterator, Sequence

from audit.query import Holding
from audit.reports.base import EEA, Facts, Kind, Section, Table, day, merged, recipient
from audit.reports.parts import third
from audit.reports.texts import Texts

CLOCK_MS = 60 * 86_400_000
HOME = "VN"
_WEAK = frozenset({"unknown", "none-needed"})
"""Mechanisms that do not carry a transfer to a third country by themselves."""


def _facts(holdings: Sequence[Holding], context: Facts) -> Facts:
    found = [recipient(holding) for holding in holdings]
    flows: dict[tuple[str, ...], Facts] = {}
    for one in found:
        for country, what in (one["countries"] or {"unknown": []}).items():
            key = (one["controller"] or "", one["entity"], country, one["mechanism"])
            row = flows.setdefault(key, _flow(one, country))
            row["what"] = sorted({*row["what"], *what})
            row["transfers"] += one["transfers"]
            row["first"], row["last"] = min(row["first"], one["first"]), max(row["last"], one["last"])
            row["data"] = merged([*row["data"], *one["data"]])
    return {"flows": [flows[key] for key in sorted(flows)], "points": list(_points(found))}


def _flow(one: Facts, country: str) -> Facts:
    named = {name: one[name] for name in ("controller", "entity", "agreement", "mechanism", "first", "last")}
    return {**named, "country": country, "outside_eea": country not in EEA, "what": [], "transfers": 0, "data": []}


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
    points = [
        say(point["point"], **{name: point[name] for name in ("entity", "countries", "mechanism")})
        for point in facts["points"]
    ]
    return [
        Section(say("third_countries"), () if abroad else (say("no_third"),), tables=(_table(facts["flows"], say),)),
        Section(say("open_points"), tuple(points) or (say("no_points"),)),
        Section(say("vietnam"), (say("vietnam_line"),), tables=(_clock(facts["flows"], say),)),
    ]


def _table(flows: Sequence[Facts], say: Texts) -> Table:
    who = ("controller", "recipient", "country", "outside_eea", "what", "mechanism", "agreement")
    names = (*who, "data", "first", "last", "count")
    rows = tuple(
        (
            row["controller"] or say("unknown"),
            row["entity"],
            say.term(row["country"]),
            say("yes") if row["outside_eea"] else say("no"),
            ", ".join(say.term(what) for what in row["what"]),
            say.term(row["mechanism"]),
            row["agreement"] or say("unknown"),
            ", ".join(sorted({one["entity_type"] for one in row["data"]})),
            day(row["first"]),
            day(row["last"]),
            str(row["transfers"]),
        )
        for row in flows
    )
    return Table(tuple(say(name) for name in names), rows, frozenset({len(names) - 1}))


def _clock(flows: Sequence[Facts], say: Texts) -> Table:
    """The earliest transfer by controller, recipient and country other than Vietnam, and the day 60 days later."""
    first: dict[tuple[str, str, str], int] = {}
    for row in flows:
        key = (row["controller"] or "", row["entity"], row["country"])
        if row["country"] != HOME:
            first[key] = min(first.get(key, row["first"]), row["first"])
    names = ("controller", "recipient", "country", "first", "due")
    rows = tuple(
        (controller or say("unknown"), entity, say.term(country), day(at), day(at + CLOCK_MS))
        for (controller, entity, country), at in sorted(first.items())
    )
    return Table(tuple(say(name) for name in names), rows)


REPORT = Kind("transfers", _facts, _sections)
