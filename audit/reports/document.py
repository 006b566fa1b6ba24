"""A report as one document in one language: what every form of it, HTML and PDF, shows; nothing is escaped yet."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from audit.commands.render import when
from audit.reports.base import Facts, Report, Section, Table, day
from audit.reports.texts import Language, Texts


@dataclass(frozen=True, slots=True)
class Partial:
    """That a report about a person is partial: the sentence, and how many transfers of which application."""

    line: str
    by: str
    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Document:
    """generated: when, in milliseconds since 1970. checkpoint: the signed note, as it is."""

    language: Language
    title: str
    generated: int
    warning: Partial | None
    sections: tuple[Section, ...]
    checkpoint: str


def document(report: Report, language: Language) -> Document:
    """The document of a report."""
    facts, say = report.facts, Texts(language, report.kind.texts)
    title = say(report.kind.name)
    return Document(
        language,
        f"{say('partial')}: {title}" if report.partial else title,
        facts["generated"],
        _warning(facts["covered"], say) if report.partial else None,
        (_head(facts, say), *report.kind.sections(facts, say), *_end(facts, say)),
        facts["log"]["checkpoint"],
    )


def _warning(covered: Facts, say: Texts) -> Partial:
    line = say("partial_line", without=covered["without_subject"], total=covered["in_scope"])
    rows = tuple((name, say.number(n)) for name, n in sorted(covered["without_subject_by"].items()))
    return Partial(line, say("by_application"), rows)


def _head(facts: Facts, say: Texts) -> Section:
    filters = [f"{name} = {value}" for name, value in sorted(facts["filters"].items())]
    if facts["about_one_person"]:
        filters.append(say("one_person"))
    since = day(facts["since"]) or say("from_begin")
    until = when(facts["until"]) or say("until_now")
    covered = facts["covered"]
    lines = [say("coverage_line", **covered), say("complete_line", **covered)]
    if covered["observed_only"]:
        lines.append(say("observed_line", **covered))
    if covered["sealed_below"]:
        lines.append(say("sealed_line", last=str(covered["sealed_below"] - 1)))
    pairs = (
        (say("generated"), datetime.fromtimestamp(facts["generated"] / 1000, UTC).strftime("%Y-%m-%d %H:%MZ")),
        (say("period"), f"{since} – {until}"),
        (say("filters"), "; ".join(filters) or say("no_filter")),
    )
    return Section(say("coverage"), tuple(lines), pairs)


def _end(facts: Facts, say: Texts) -> Iterator[Section]:
    gaps = facts["covered"]["gaps"]
    columns = (say("cause"), say("since"), say("until"), say("interrupted"))
    rows = tuple(
        (say.term(gap["cause"]), when(gap["since"]), when(gap["until"]), say.number(gap["interrupted"])) for gap in gaps
    )
    yield Section(
        say("gaps"),
        () if gaps else (say("no_gaps"),),
        tables=(Table(columns, rows, frozenset({3})),) if gaps else (),
    )
    yield _recall(facts["recall"], say)
    yield Section(say("limits"), (say("limits_line"),))
    log = facts["log"]
    yield Section(say("proof"), (say("proof_line", size=log["size"], origin=log["origin"]),))


def _recall(recall: Facts | None, say: Texts) -> Section:
    if recall is None:
        return Section(say("recall"), (say("recall_none"),))
    columns = tuple(say(name) for name in ("set", "language", "marked", "share_found", "share_precision"))
    rows = tuple(
        (one["name"], one["language"], say.number(one["gold"]), _rate(one["recall"], say), _rate(one["precision"], say))
        for one in recall["sets"]
    )
    table = Table(columns, rows, frozenset({2, 3, 4}))
    return Section(say("recall"), (say("recall_line", measured=recall["measured"]),), tables=(table,))


def _rate(value: float | None, say: Texts) -> str:
    return "–" if value is None else say.decimal(f"{value:.2f}")
