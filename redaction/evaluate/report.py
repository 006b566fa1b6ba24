"""Reports of a measurement: a table for people, and a page that shows each miss in its sentence.

The page quotes the measured texts, so it belongs where the data set belongs.
"""

from collections.abc import Sequence
from html import escape
from typing import Final

from rich.table import Table

from redaction.evaluate.examples import Example, Span
from redaction.evaluate.measure import PER_CHARS, Counts, Scores, is_false_alarm, meets

_STYLE: Final = """
:root { color-scheme: light dark; --hit: #2e7d3233; --miss: #c6282866; --alarm: #ef6c0055 }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0 }
td, th { padding: .2rem .7rem; text-align: right; border-bottom: 1px solid #8884 }
td:first-child, th:first-child, td:nth-child(2), th:nth-child(2) { text-align: left }
p.example { white-space: pre-wrap; border-left: 3px solid #8886; padding-left: .8rem }
mark { color: inherit; border-radius: 3px; padding: 0 .15em } mark.hit { background: var(--hit) }
mark.miss { background: var(--miss); outline: 2px solid #c62828 }
mark.alarm { background: var(--alarm); outline: 1px dashed #ef6c00 }
small { opacity: .75; font-size: .72em; margin-left: .3em }
"""
_COLUMNS: Final = (
    "set",
    "system",
    "type",
    "gold",
    "precision",
    "recall",
    "F2",
    "exact F2",
    "covered",
    "false",
    "chars/s",
)
_MOST_EXAMPLES: Final = 400

type Result = tuple[Scores, list[list[Span]]]


def table(results: Sequence[Result], *, per_type: bool) -> Table:
    """Totals of each system on each set; with `per_type` also each entity type."""
    made = Table(title=f"Overlap of same type; false: alarms per {PER_CHARS} characters")
    for column in _COLUMNS:
        made.add_column(column, justify="left" if column in _COLUMNS[:3] else "right", no_wrap=column in _COLUMNS[:3])
    for scores, _ in results:
        speed = f"{scores.data.chars / scores.seconds:,.0f}" if scores.seconds else ""
        made.add_row(
            scores.data.name, scores.system, "all", *_cells(scores.total, scores.data.chars), speed, style="bold"
        )
        for name in sorted(scores.types) if per_type else ():
            made.add_row("", "", name, *_cells(scores.types[name], scores.data.chars), "")
    return made


def _cells(counts: Counts, chars: int) -> list[str]:
    rates = counts.to_dict(chars)
    wanted = ("precision", "recall", "f2", "f2_exact", "covered", f"false_alarms_per_{PER_CHARS}_chars")
    return [str(counts.gold), *("–" if rates[name] is None else f"{rates[name]:.2f}" for name in wanted)]


def page(results: Sequence[Result]) -> str:
    """The whole report as one HTML page without scripts; texts with misses or false alarms of our engine are shown."""
    parts = [
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Detection, measured</title>',
        f"<style>{_STYLE}</style><h1>Detection, measured</h1>",
        '<p><mark class="hit">found</mark> <mark class="miss">missed</mark> <mark class="alarm">false alarm</mark></p>',
        _html_table(results),
    ]
    for scores, found in results:
        shown = [
            (example, spans)
            for example, spans in zip(scores.data.examples, found, strict=True)
            if _is_off(example, spans, scores)
        ]
        parts.append(f"<h2>{escape(scores.data.name)}: {escape(scores.system)} ({len(shown)} texts)</h2>")
        parts += [
            f'<p class="example">{highlighted(example, spans, scores)}</p>' for example, spans in shown[:_MOST_EXAMPLES]
        ]
    return "\n".join(parts)


def _html_table(results: Sequence[Result]) -> str:
    rows = ["<tr>" + "".join(f"<th>{name}</th>" for name in _COLUMNS) + "</tr>"]
    for scores, _ in results:
        speed = f"{scores.data.chars / scores.seconds:,.0f}" if scores.seconds else ""
        for name, counts in (("all", scores.total), *sorted(scores.types.items())):
            cells = [
                scores.data.name,
                scores.system,
                name,
                *_cells(counts, scores.data.chars),
                speed if name == "all" else "",
            ]
            rows.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>")
    return f"<table>{''.join(rows)}</table>"


def _alarms(example: Example, spans: Sequence[Span], scores: Scores) -> list[Span]:
    return [
        span
        for span in spans
        if span.entity_type in scores.data.types
        and is_false_alarm(span, example)
        and not any(meets(span, other) for other in example.ignored)
    ]


def _missed(gold: Span, spans: Sequence[Span]) -> bool:
    return not any(span.entity_type == gold.entity_type and meets(span, gold) for span in spans)


def _is_off(example: Example, spans: Sequence[Span], scores: Scores) -> bool:
    return any(_missed(gold, spans) for gold in example.gold) or bool(_alarms(example, spans, scores))


def highlighted(example: Example, spans: Sequence[Span], scores: Scores) -> str:
    """The text as HTML with its gold spans as found or missed, and false alarms where they cover no gold span."""
    marks = [(gold, "miss" if _missed(gold, spans) else "hit") for gold in example.gold]
    marks += [
        (span, "alarm")
        for span in _alarms(example, spans, scores)
        if not any(meets(span, gold) for gold in example.gold)
    ]
    text, at = [], 0
    for span, kind in sorted(marks):
        if span.start < at:
            continue
        text.append(escape(example.text[at : span.start]))
        value = escape(example.text[span.start : span.end])
        text.append(f'<mark class="{kind}">{value}<small>{span.entity_type}</small></mark>')
        at = span.end
    return "".join(text) + escape(example.text[at:])
