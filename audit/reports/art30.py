"""Records of processing (GDPR Art. 30(1)): one section for each activity, grouped from what was really transferred.

An activity is a purpose of a controller under a legal basis. What the log cannot hold (contact details, categories of
data subjects, time limits at the controller) is named as to be completed, never guessed.
"""

from collections.abc import Sequence

from audit.reports.base import Facts, Kind, Section, Source, Table, day, merged, recipient
from audit.reports.parts import data_section, measures, place, third
from audit.reports.texts import Texts

_ACTIVITY = ("controller", "purpose", "basis", "special_basis", "dpia", "notice")


def _facts(source: Source, context: Facts) -> Facts:
    activities: dict[tuple[str | None, ...], list[Facts]] = {}
    for one in map(recipient, source.holdings()):
        activities.setdefault(tuple(one[name] for name in _ACTIVITY), []).append(one)
    ordered = sorted(activities.items(), key=lambda item: tuple(name or "" for name in item[0]))
    return {"activities": [_activity(dict(zip(_ACTIVITY, key, strict=True)), rows) for key, rows in ordered]}


def _activity(key: Facts, rows: Sequence[Facts]) -> Facts:
    data = merged([row for one in rows for row in one["data"]])
    return {
        **key,
        "applications": sorted({one["application"] for one in rows}),
        "recipients": list(rows),
        "third_countries": sorted({country for one in rows for country in third(one["countries"])}),
        "data": data,
        "measures": measures(data),
        "transfers": sum(one["transfers"] for one in rows),
        "first": min(one["first"] for one in rows),
        "last": max(one["last"] for one in rows),
    }


def _sections(facts: Facts, say: Texts) -> list[Section]:
    found = [section for activity in facts["activities"] for section in _about(activity, say)]
    if not found:
        found = [Section(say("recipients"), (say("nothing"),))]
    return [*found, Section(say("missing"), (say("missing_line"),))]


def _about(activity: Facts, say: Texts) -> list[Section]:
    pairs = (
        (say("controller"), activity["controller"] or say("unknown")),
        (say("basis"), say.term(activity["basis"])),
        (say("special_basis"), say.term(activity["special_basis"])),
        (say("dpia"), activity["dpia"] or say("unknown")),
        (say("notice"), activity["notice"] or say("unknown")),
        (say("application"), ", ".join(map(say.name, activity["applications"]))),
        (say("third_countries"), ", ".join(map(say.name, activity["third_countries"])) or say("none")),
        (say("count"), say.number(activity["transfers"])),
        (say("first"), day(activity["first"])),
        (say("last"), day(activity["last"])),
    )
    return [
        Section(say("activity", purpose=activity["purpose"] or say("unknown")), pairs=pairs),
        data_section(say, activity["data"]),
        Section(say("recipients"), tables=(_recipients(activity["recipients"], say),)),
        Section(say("measures"), (say("measures_line", **activity["measures"]),)),
    ]


def _recipients(rows: Sequence[Facts], say: Texts) -> Table:
    names = ("recipient", "role", "agreement", "mechanism", "processing", "storage", "retention", "training", "count")
    cells = tuple(
        (
            say.name(one["entity"]),
            say.term(one["role"]),
            one["agreement"] or say("unknown"),
            say.term(one["mechanism"]),
            place(say, one["countries"], "processing"),
            place(say, one["countries"], "storage"),
            say.term(one["retention"]),
            say.term(one["training"]),
            say.number(one["transfers"]),
        )
        for one in rows
    )
    return Table(tuple(say(name) for name in names), cells, frozenset({len(names) - 1}))


REPORT = Kind("art30", _facts, _sections)
