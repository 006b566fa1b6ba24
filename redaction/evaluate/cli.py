"""`dragoman evaluate`: precision, recall and speed per language and type, next to plain Presidio in the same run."""

import json
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from redaction.errors import RedactionError
from redaction.evaluate.examples import DataSet, message_sets

_MESSAGES = Path("tests/data/messages")
_CORPORA = Path("../shared/data")


def evaluate(
    messages: Annotated[
        Path, typer.Argument(help="Folder of message sets, `<language>*.jsonl` with `«TYPE|value»` in `text`.")
    ] = _MESSAGES,
    corpora: Annotated[
        Path, typer.Option(help="Folder of licensed corpora; left out when it is not there.")
    ] = _CORPORA,
    languages: Annotated[str, typer.Option(help="Languages, with commas.")] = "en,de,vi",
    detectors: Annotated[str, typer.Option(help="Detectors, with commas.")] = "patterns,names,chat,presidio",
    limit: Annotated[int, typer.Option(help="At most this many examples of each corpus.", min=1)] = 300,
    baseline: Annotated[bool, typer.Option("--baseline/--no-baseline", help="Measure plain Presidio as well.")] = True,
    types: Annotated[bool, typer.Option("--types/--no-types", help="Show each entity type.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write a page with every miss to this file.")] = None,
) -> None:
    """Measure detection on marked texts.

    Example: dragoman evaluate --html report.html
    """
    from redaction.evaluate.report import page, table
    from redaction.evaluate.systems import dragoman, presidio, run_all
    from redaction.settings import EngineSettings

    wanted = tuple(languages.split(","))
    sets = [data for data in _sets(messages, corpora, limit) if data.language in wanted]
    if not sets:
        raise RedactionError(f"nothing to measure: no *.jsonl in {messages} and no corpora in {corpora}", code="input")
    settings = EngineSettings(wanted, tuple(detectors.split(",")))
    systems = [dragoman(settings)]
    if baseline:
        systems.append(presidio(EngineSettings().spacy_models["en"]))
    results = run_all(systems, sets)
    if html is not None:
        html.write_text(page(results), "utf-8")
    if as_json:
        today = datetime.now(UTC).date().isoformat()
        sys.stdout.write(
            json.dumps([{"measured": today, **scores.to_dict()} for scores, _ in results], ensure_ascii=False, indent=1)
            + "\n"
        )
        return
    from rich.console import Console

    # A pipe or a narrow window must not cut figures off.
    console = Console(width=max(140, Console().width))
    console.print(table(results, per_type=types))


def _sets(messages: Path, corpora: Path, limit: int) -> list[DataSet]:
    found = message_sets(messages) if messages.is_dir() else []
    if corpora.is_dir():
        from redaction.evaluate.corpora import held_out, read_corpora

        for data in map(held_out, read_corpora(corpora)):
            found.append(replace(data, examples=data.examples[:limit]))
    return found
