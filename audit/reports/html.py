"""A report as one HTML page: no script, no font, no image from anywhere; prints on paper as it stands on the screen."""

from collections.abc import Iterator
from html import escape

from audit.reports.base import Chart, Section, Table
from audit.reports.document import Document, Partial

_STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; --bar: #7aa7d9; --part: #1f5fa8; }
body { max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; line-height: 1.25; } h2 { font-size: 1.15rem; margin-top: 2rem; }
p { overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: fit-content(50%) 1fr; gap: .15rem 1.2rem; margin: 0; }
dt { font-weight: 600; } dd { margin: 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; margin: .6rem 0; font-size: .93rem; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #8886; vertical-align: top; hyphens: auto; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.partial { border: 2px solid #b45309; padding: .6rem 1rem; }
figure { margin: .8rem 0; } figcaption { font-weight: 600; } svg { width: 100%; max-width: 46rem; height: auto; }
svg text { fill: currentColor; font: 13px system-ui, sans-serif; }
svg .bar { fill: var(--bar); } svg .part { fill: var(--part); }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font-size: .85rem; }
@media (max-width: 36rem) { dl { display: block; } dd { margin-bottom: .4rem; } }
section { break-inside: avoid-page; }
@media print {
  body { margin: 0; max-width: none; } :root { color-scheme: light; }
  table.wide { font-size: .7rem; } th, td { overflow-wrap: anywhere; padding: .3rem; }
}
""".strip()

_STACKED = """
@media screen and (max-width: WIDTH) {
  NAME, NAME tbody, NAME tr { display: block; }
  NAME thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  NAME tr { padding: .4rem 0; border-bottom: 1px solid #8886; }
  NAME td { display: grid; grid-template-columns: minmax(0, 2fr) minmax(0, 3fr); gap: 0 .8rem; }
  NAME td { border: 0; padding: .1rem 0; text-align: left; overflow-wrap: anywhere; }
  NAME td::before { content: attr(data-label); opacity: .75; }
}
"""
"""Where a table has no room, each row stands below the other, with the names of its columns."""

_STACKS = (
    _STACKED.replace("NAME", "table").replace("WIDTH", "36rem")
    + _STACKED.replace("NAME", "table.wide").replace("WIDTH", "72rem")
    + """
@media screen and (min-width: 36.01rem) and (max-width: 72rem) {
  table.wide tr { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 0 1.5rem; }
}
"""
)

_WIDE = 6
"""Columns from which on a table needs a large screen; two words of a column's name take eight characters and more."""

_WIDTH, _LABEL, _NUMBER, _ROW, _BAR = 720, 260, 90, 24, 15
"""Of a chart, in its own units: whole width, room for labels and figures, height of a row and of its bar."""
_LONGEST = 38
"""Characters of a label that fit into its room; the table beside the chart has the whole of it."""


def page(document: Document) -> str:
    """The page. Every text that came out of the log is escaped here and nowhere else."""
    title = escape(document.title)
    body = "\n".join(line for section in document.sections for line in _section(section))
    warning = "" if document.warning is None else _warning(document.warning)
    return (
        f'<!doctype html>\n<html lang="{document.language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width">\n<title>{title}</title>\n'
        f"<style>\n{_STYLE}{_STACKS}</style>\n</head>\n<body>\n<h1>{title}</h1>\n{warning}{body}\n"
        f"<pre>{escape(document.checkpoint)}</pre>\n</body>\n</html>\n"
    )


def _warning(warning: Partial) -> str:
    rows = "".join(f"<li>{escape(name)}: {escape(n)}</li>" for name, n in warning.rows)
    return f'<div class="partial"><p>{escape(warning.line)}</p><p>{escape(warning.by)}</p><ul>{rows}</ul></div>\n'


def _section(section: Section) -> Iterator[str]:
    yield f"<section>\n<h2>{escape(section.title)}</h2>"
    yield from (f"<p>{escape(line)}</p>" for line in section.lines)
    if section.pairs:
        yield "<dl>"
        yield from (f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in section.pairs)
        yield "</dl>"
    for chart in section.charts:
        yield _chart(chart)
    for table in section.tables:
        yield from _table(table)
    yield "</section>"


def _chart(chart: Chart) -> str:
    """An SVG for eyes; a screen reader is given the title, and the table beside it."""
    longest = max((bar.value for bar in chart.bars), default=0) or 1
    room = _WIDTH - _LABEL - _NUMBER
    rows = []
    for number, bar in enumerate(chart.bars):
        top, width, part = number * _ROW + 4, bar.value / longest * room, bar.part / longest * room
        label = bar.label if len(bar.label) <= _LONGEST else bar.label[: _LONGEST - 1] + "…"
        rows.append(
            f'<text x="0" y="{top + 12}">{escape(label)}</text>'
            f'<rect class="bar" x="{_LABEL}" y="{top}" width="{width:.1f}" height="{_BAR}"/>'
            f'<rect class="part" x="{_LABEL}" y="{top}" width="{part:.1f}" height="{_BAR}"/>'
            f'<text x="{_LABEL + width + 6:.1f}" y="{top + 12}">{escape(bar.shown)}</text>'
        )
    for number, name in enumerate(chart.legend):
        top = (len(chart.bars) + number) * _ROW + 6
        rows.append(
            f'<rect class="{("bar", "part")[number]}" x="{_LABEL}" y="{top}" width="12" height="12"/>'
            f'<text x="{_LABEL + 18}" y="{top + 11}">{escape(name)}</text>'
        )
    height = (len(chart.bars) + len(chart.legend)) * _ROW + 8
    title = escape(chart.title)
    return (
        f'<figure><figcaption>{title}</figcaption><svg viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-label="{title}">{"".join(rows)}</svg></figure>'
    )


def _table(table: Table) -> Iterator[str]:
    def number(at: int) -> str:
        return ' class="number"' if at in table.numbers else ""

    # Stacked rows are no table to a browser any more; the roles say that they are.
    heads = (f'<th role="columnheader"{number(at)}>{escape(name)}</th>' for at, name in enumerate(table.columns))
    labels = [f'<td role="cell" data-label="{escape(name)}"{number(at)}>' for at, name in enumerate(table.columns)]
    wide = ' class="wide"' if len(table.columns) >= _WIDE else ""
    yield f'<table role="table"{wide}>\n<thead role="rowgroup"><tr role="row">{"".join(heads)}</tr></thead>'
    yield '<tbody role="rowgroup">'
    for row in table.rows:
        cells = "".join(f"{label}{escape(text)}</td>" for label, text in zip(labels, row, strict=True))
        yield f'<tr role="row">{cells}</tr>'
    yield "</tbody>\n</table>"
