"""Access request of one person: the actual recipients, not their categories (GDPR Art. 15(1)(c), CJEU C-154/21).

The person is given by the real identifier, which the report never repeats. Transfers without any reference to a
person may concern this one too; they are counted, and the report is then titled partial.
"""

from collections.abc import Sequence

from audit.reports.base import Facts, Kind, Section, Source, merged, recipient
from audit.reports.parts import data_section, third
from audit.reports.texts import Texts
from audit.reports.who import holding_section


def _facts(source: Source, context: Facts) -> Facts:
    found = [recipient(holding) for holding in source.holdings()]
    return {
        "holdings": found,
        "data": merged([row for one in found for row in one["data"]]),
        "recipients": sorted({one["entity"] for one in found}),
        "safeguards": _safeguards(found),
    }


def _safeguards(found: Sequence[Facts]) -> list[Facts]:
    """The declared mechanism for each recipient with a country outside the EEA (Art. 15(2))."""
    rows = {(one["entity"], one["mechanism"], tuple(third(one["countries"]))) for one in found}
    return [
        {"entity": entity, "mechanism": mechanism, "countries": list(names)}
        for entity, mechanism, names in sorted(rows)
        if names
    ]


def _sections(facts: Facts, say: Texts) -> list[Section]:
    if not facts["holdings"]:
        return [Section(say("recipients"), (say("nothing"),))]
    safeguards = tuple(
        (say.name(one["entity"]), f"{', '.join(map(say.name, one['countries']))}: {say.term(one['mechanism'])}")
        for one in facts["safeguards"]
    )
    lines = () if safeguards else (say("no_third"),)
    return [
        Section(say("recipients"), tuple(map(say.name, facts["recipients"]))),
        data_section(say, facts["data"]),
        Section(say("third_countries"), lines, safeguards),
        *(holding_section(one, say) for one in facts["holdings"]),
    ]


REPORT = Kind("art15", _facts, _sections, person=True)
