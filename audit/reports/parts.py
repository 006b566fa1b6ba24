"""Sections that several reports share: recipients, kinds of data, measures."""

from collections.abc import Mapping, Sequence
from typing import Any

from audit.reports.base import EEA, Bar, Chart, Facts, Section, Table, day
from audit.reports.texts import Texts

UNCHANGED = frozenset({"keep"})
"""Operators after which a finding left as it was."""


def place(say: Texts, found: Mapping[str, Sequence[str]], what: str) -> str:
    """The countries where something is done, or unknown."""
    return ", ".join(say.name(country) for country, done in found.items() if what in done) or say("unknown")


def data_table(say: Texts, rows: Sequence[Facts]) -> Table:
    """Kinds of data and what was done to them."""
    columns = (say("data"), say("operator"), say("n"))
    return Table(
        columns,
        tuple((say.entity(row["entity_type"]), say.term(row["operator"]), say.number(row["n"])) for row in rows),
        _LAST,
    )


_LAST = frozenset({2})


def data_section(say: Texts, rows: Sequence[Facts]) -> Section:
    """The same under its heading, in words where there is nothing."""
    if not rows:
        return Section(say("data_title"), (say("nothing_found"),))
    return Section(say("data_title"), tables=(data_table(say, rows),), charts=(data_chart(say, rows),))


def recipient_pairs(say: Texts, one: Facts) -> tuple[tuple[str, str], ...]:
    """Everything that the register declared of a recipient."""
    return (
        (say("role"), say.term(one["role"])),
        (say("agreement"), one["agreement"] or say("unknown")),
        (say("mechanism"), say.term(one["mechanism"])),
        (say("processing"), place(say, one["countries"], "processing")),
        (say("storage"), place(say, one["countries"], "storage")),
        (say("access"), place(say, one["countries"], "access")),
        (say("retention"), say.term(one["retention"])),
        (say("training"), say.term(one["training"])),
    )


def purpose_pairs(say: Texts, one: Facts) -> tuple[tuple[str, str], ...]:
    """Why, and who decides on it."""
    return (
        (say("controller"), one["controller"] or say("unknown")),
        (say("purpose"), one["purpose"] or say("unknown")),
        (say("basis"), say.term(one["basis"])),
        (say("special_basis"), say.term(one["special_basis"])),
    )


def span_pairs(say: Texts, one: Facts) -> tuple[tuple[str, str], ...]:
    """How many transfers, from when to when."""
    return (
        (say("count"), say.number(one["transfers"])),
        (say("first"), day(one["first"])),
        (say("last"), day(one["last"])),
    )


def measures(rows: Sequence[Facts]) -> dict[str, int]:
    """How many findings left changed, and how many as they were."""
    total = sum(row["n"] for row in rows)
    kept = sum(row["n"] for row in rows if row["operator"] in UNCHANGED)
    return {"total": total, "changed": total - kept, "kept": kept}


def third(found: Mapping[str, Any]) -> list[str]:
    """Countries outside the EEA; `unknown` and `any` count, because nobody can say that they are within it."""
    return [country for country in found if country not in EEA]


MOST_BARS = 15
"""What a chart shows at most, the largest first; the table beside it has all."""


def recipients_chart(say: Texts, found: Sequence[Facts]) -> Chart:
    """Transfers by recipient."""
    sums: dict[str, int] = {}
    for one in found:
        sums[one["entity"]] = sums.get(one["entity"], 0) + one["transfers"]
    return Chart(say("count"), tuple(Bar(say.name(name), n, say.number(n)) for name, n in _largest(sums)))


def data_chart(say: Texts, rows: Sequence[Facts]) -> Chart:
    """Findings by kind of data; the darker part left as it was."""
    sums, kept = dict[str, int](), dict[str, int]()
    for row in rows:
        name, n = say.entity(row["entity_type"]), row["n"]
        sums[name] = sums.get(name, 0) + n
        kept[name] = kept.get(name, 0) + (n if row["operator"] in UNCHANGED else 0)
    bars = tuple(Bar(name, n, say.number(n), kept[name]) for name, n in _largest(sums))
    return Chart(say("data_title"), bars, (say("replaced"), say.term("keep")))


def _largest(sums: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(sums.items(), key=lambda item: (-item[1], item[0]))[:MOST_BARS]
