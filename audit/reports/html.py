"""A report as one HTML page: no script, no font, no image from anywhere; prints on paper as it stands on the screen."""

from collections.abc import Iterator
from datetime import UTC, datetime
from html import escape

from audit.render import when
from audit.reports.base import Facts, Report, Section, Table, day
from audit.reports.texts import Texts

_STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; line-height: 1.25; } h2 { font-size: 1.15rem; margin-top: 2rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.2rem; margin: 0; }
dt { font-weight: 600; } dd { margin: 0; }
table { border-collapse: collapse; width: 100%; margin: .6rem 0; font-size: .93rem; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #8886; vertical-align: top; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.partial { border: 2px solid #b45309; padding: .6rem 1rem; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font-size: .85rem; }
section { break-inside: avoid-page; }
@media print { body { margin: 0; max-width: none; } :root { color-scheme: light; } }
""".strip()


def page(report: Report, say: Texts) -> str:
    """The page. Every text that came out of the log is escaped here and nowhere else."""
    title = say(report.kind.name)
    if report.partial:
        title = f"{say('partial')}: {title}"
    sections = [_head(report, say), *report.kind.sections(report.facts, say), *_end(report.facts, say)]
    body = "\n".join(line for section in sections for line in _section(section))
    warning = _partial(report.facts["covered"], say) if report.partial else ""
    checkpoint = escape(report.facts["log"]["checkpoint"])
    return (
        f'<!doctype html>\n<html lang="{say.language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width">\n<title>{escape(title)}</title>\n'
        f"<style>\n{_STYLE}\n</style>\n</head>\n<body>\n<h1>{escape(title)}</h1>\n{warning}{body}\n"
        f"<pre>{checkpoint}</pre>\n</body>\n</html>\n"
    )


def _partial(covered: Facts, say: Texts) -> str:
    line = say("partial_line", without=covered["without_subject"], total=covered["in_scope"])
    by = "".join(f"<li>{escape(name)}: {n}</li>" for name, n in sorted(covered["without_subject_by"].items()))
    return f'<div class="partial"><p>{escape(line)}</p><p>{escape(say("by_application"))}</p><ul>{by}</ul></div>\n'


def _head(report: Report, say: Texts) -> Section:
    facts = report.facts
    filters = [f"{name} = {value}" for name, value in sorted(facts["filters"].items())]
    if facts["about_one_person"]:
        filters.append(say("one_person"))
    since = day(facts["since"]) or say("from_begin")
    until = when(facts["until"]) or say("until_now")
    covered = facts["covered"]
    lines = [say("coverage_line", **covered)]
    if covered["observed_only"]:
        lines.append(say("observed_line", **covered))
    if covered["sealed_below"]:
        lines.append(say("sealed_line", last=covered["sealed_below"] - 1))
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
        (say.term(gap["cause"]), when(gap["since"]), when(gap["until"]), str(gap["interrupted"])) for gap in gaps
    )
    yield Section(
        say("gaps"),
        () if gaps else (say("no_gaps"),),
        tables=(Table(columns, rows, frozenset({3})),) if gaps else (),
    )
    yield Section(say("limits"), (say("limits_line"),))
    log = facts["log"]
    yield Section(say("proof"), (say("proof_line", size=log["size"], origin=log["origin"]),))


def _section(section: Section) -> Iterator[str]:
    yield f"<section>\n<h2>{escape(section.title)}</h2>"
    yield from (f"<p>{escape(line)}</p>" for line in section.lines)
    if section.pairs:
        yield "<dl>"
        yield from (f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in section.pairs)
        yield "</dl>"
    for table in section.tables:
        yield from _table(table)
    yield "</section>"


def _table(table: Table) -> Iterator[str]:
    def cell(tag: str, at: int, text: str) -> str:
        number = ' class="number"' if at in table.numbers else ""
        return f"<{tag}{number}>{escape(text)}</{tag}>"

    yield (
        "<table>\n<thead><tr>"
        + "".join(cell("th", at, name) for at, name in enumerate(table.columns))
        + "</tr></thead>"
    )
    yield "<tbody>"
    for row in table.rows:
        yield "<tr>" + "".join(cell("td", at, text) for at, text in enumerate(row)) + "</tr>"
    yield "</tbody>\n</table>"
