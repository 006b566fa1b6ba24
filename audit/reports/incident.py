"""Draft of a breach notification (GDPR Art. 33(3), Art. 34): what the log knows of the transfers in question.

The scope is given by the filters: a destination, an application, a time, a kind of data. All its transfers together
bound what a detector may have missed; when the controller became aware is not for the log to know.
"""

from collections.abc import Sequence

from audit.reports.base import Facts, Kind, Section, Source, Table, day, merged, recipient
from audit.reports.parts import UNCHANGED, data_section, data_table, measures, third
from audit.reports.texts import Texts


def _facts(source: Source, context: Facts) -> Facts:
    found = [recipient(holding) for holding in source.holdings()]
    data = merged([row for one in found for row in one["data"]])
    return {
        "holdings": found,
        "data": data,
        "in_clear": [row for row in data if row["operator"] in UNCHANGED],
        "measures": measures(data),
        "third_countries": sorted({country for one in found for country in third(one["countries"])}),
        "first": min((one["first"] for one in found), default=None),
        "last": max((one["last"] for one in found), default=None),
    }


def _sections(facts: Facts, say: Texts) -> list[Section]:
    if not facts["holdings"]:
        return [Section(say("recipients"), (say("nothing"),))]
    clear = facts["in_clear"]
    pairs = (
        (say("first"), day(facts["first"])),
        (say("last"), day(facts["last"])),
        (say("persons"), say.number(facts["covered"]["persons"])),
        (say("unnamed"), say.number(facts["covered"]["unnamed"])),
        (say("third_countries"), ", ".join(map(say.name, facts["third_countries"])) or say("none")),
    )
    return [
        Section(say("nature"), (say("persons_line"),), pairs),
        Section(
            say("in_clear"),
            (say("in_clear_line") if clear else say("in_clear_none"),),
            tables=(data_table(say, clear),) if clear else (),
        ),
        data_section(say, facts["data"]),
        Section(say("measures"), (say("measures_line", **facts["measures"]),)),
        Section(say("recipients"), tables=(_recipients(facts["holdings"], say),)),
        Section(say("clock"), (say("clock_line"),)),
        Section(say("missing"), (say("incident_missing"),)),
    ]


def _recipients(found: Sequence[Facts], say: Texts) -> Table:
    names = ("recipient", "application", "purpose", "role", "retention", "training", "first", "last", "count")
    rows = tuple(
        (
            say.name(one["entity"]),
            say.name(one["application"]),
            one["purpose"] or say("unknown"),
            say.term(one["role"]),
            say.term(one["retention"]),
            say.term(one["training"]),
            day(one["first"]),
            day(one["last"]),
            say.number(one["transfers"]),
        )
        for one in found
    )
    return Table(tuple(say(name) for name in names), rows, frozenset({len(names) - 1}))


REPORT = Kind("incident", _facts, _sections, counts=True)
