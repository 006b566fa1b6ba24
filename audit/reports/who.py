"""*Who holds what*: each recipient with contracting entity, storage, use and purpose, as the register stood."""

from audit.reports.base import Facts, Kind, Section, Source, recipient
from audit.reports.parts import data_table, purpose_pairs, recipient_pairs, recipients_chart, span_pairs
from audit.reports.texts import UNNAMED, Texts


def _facts(source: Source, context: Facts) -> Facts:
    return {"holdings": [recipient(holding) for holding in source.holdings()]}


def _sections(facts: Facts, say: Texts) -> list[Section]:
    if not facts["holdings"]:
        return [Section(say("recipients"), (say("nothing"),))]
    found = facts["holdings"]
    chart = Section(say("recipients"), charts=(recipients_chart(say, found),))
    return [chart, *(holding_section(one, say) for one in found)]


def holding_section(one: Facts, say: Texts) -> Section:
    """One recipient for one application and purpose."""
    pairs = ((say("application"), say.name(one["application"])), *purpose_pairs(say, one), *recipient_pairs(say, one))
    table = (data_table(say, one["data"]),) if one["data"] else ()
    lines = () if one["data"] else (say("nothing_found"),)
    return Section(_title(say, one), lines, (*pairs, *span_pairs(say, one)), table)


def _title(say: Texts, one: Facts) -> str:
    name = say.name(one["entity"])
    return name if one["entity"].startswith(UNNAMED) else f"{name} ({one['destination']})"


REPORT = Kind("who", _facts, _sections)
