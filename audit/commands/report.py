"""`dragoman audit report`: the reports as a page or PDF for people, or as JSON for programs."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import orjson
import typer

from audit.commands.reading import (
    DatabaseOption,
    HomeOption,
    JsonOption,
    SinceOption,
    SubjectOption,
    UntilOption,
    conditions,
    day_span,
    moment,
    reading,
)
from audit.errors import unwritable
from audit.reports.texts import Language, Texts
from audit.reports.writing import Form
from audit.values import Question as Asked


def report(
    name: Annotated[str, typer.Argument(help="Which one; `dragoman audit report list` names them.")],
    subject: SubjectOption = None,
    application: Annotated[str | None, typer.Option("--app", help="Application.")] = None,
    day: Annotated[str | None, typer.Option(help="One day, 2026-11-24 (UTC).")] = None,
    since: SinceOption = None,
    until: UntilOption = None,
    where: Annotated[list[str] | None, typer.Option(help="field=value; may repeat.")] = None,
    form: Annotated[Form, typer.Option("--format", help="How to write it.")] = Form.HTML,
    language: Annotated[Language, typer.Option("--lang", help="Language of the page.")] = Language.EN,
    out: Annotated[Path | None, typer.Option(help="New file (default: stdout).")] = None,
    prices: Annotated[Path | None, typer.Option(help="Table of prices (default: prices.toml of the home).")] = None,
    recall: Annotated[
        Path | None,
        typer.Option(help="Output of `dragoman evaluate --json` (default: recall.json of the home, else ours)."),
    ] = None,
    home: HomeOption = None,
    database: DatabaseOption = None,
) -> None:
    """Write a report: who holds what, records of processing, third-country transfers, one person's access request, the
    draft of a breach notification, retention due, policy history, exceptions, costs, an answer for one user, a
    transparency page, an annex to an impact assessment.

    Every report carries the signed checkpoint it was computed from.
    """
    from audit import query as ask
    from audit.reports import NAMES
    from audit.reports.base import build
    from audit.reports.writing import rendered, tables_of

    if name == "list":
        width = max(map(len, NAMES))
        for kind in NAMES.values():
            typer.echo(f"{kind.name:<{width}}  {Texts(language, kind.texts)(kind.name)}")
        return
    if name not in NAMES:
        raise typer.BadParameter(f"there are {', '.join(NAMES)}")
    start, end = day_span(day)
    values = conditions(where or [], application=application)
    with reading(home, database) as log:
        refs = log.refs(subject)
        start = start if start is not None else moment(since)
        question = ask.Question(values, start, end if end is not None else moment(until), refs)
        given = tables_of(log.home.path, prices, recall)
        with log.store.read() as connection:
            found = build(connection, NAMES[name], question, **given)
        results = found.facts["covered"]["transfers"]
        log.asked(Asked.REPORT, results, filters=tuple(sorted(values))[:32], refs=(refs or ())[:16])
        _write(rendered(found, form, language), out)


def _write(data: bytes, out: Path | None) -> None:
    from audit.reports.base import ReportError

    if out is None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    try:
        with out.open("xb") as file:
            file.write(data)
    except OSError as error:
        raise ReportError(unwritable(out, error)) from None


def schema(
    as_page: Annotated[bool, typer.Option("--page", help="The page for people instead of JSON Schema.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Print what a record may hold: JSON Schema 2020-12, or a page that explains every field."""
    from audit import schema as record

    if as_page and not as_json:
        typer.echo(record.page(), nl=False)
    else:
        typer.echo(orjson.dumps(record.schema(), option=orjson.OPT_INDENT_2).decode())


COMMANDS: dict[str, tuple[Callable[..., None], str]] = {
    "report": (report, "dragoman audit report art30 --since 365d --lang de --out art30.html"),
    "schema": (schema, "dragoman audit schema --page"),
}
