"""`dragoman audit report`: the reports as a page for people or as JSON for programs."""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import orjson
import typer

from audit.reading import (
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
from audit.reports.texts import Language
from audit.values import Question as Asked


class Form(StrEnum):
    """How a report is written."""

    HTML = "html"
    JSON = "json"


def report(
    name: Annotated[str, typer.Argument(help="who, art30, transfers, art15 or incident.")],
    subject: SubjectOption = None,
    application: Annotated[str | None, typer.Option("--app", help="Application.")] = None,
    day: Annotated[str | None, typer.Option(help="One day, 2026-11-24 (UTC).")] = None,
    since: SinceOption = None,
    until: UntilOption = None,
    where: Annotated[list[str] | None, typer.Option(help="field=value; may repeat.")] = None,
    form: Annotated[Form, typer.Option("--format", help="How to write it.")] = Form.HTML,
    language: Annotated[Language, typer.Option("--lang", help="Language of the page.")] = Language.EN,
    out: Annotated[Path | None, typer.Option(help="New file (default: stdout).")] = None,
    home: HomeOption = None,
    database: DatabaseOption = None,
) -> None:
    """Write a report: who holds what, records of processing, third-country transfers, one person's access
    request, or the draft of a breach notification.

    Every report carries the signed checkpoint it was computed from.
    """
    from audit import query as ask
    from audit.reports import NAMES
    from audit.reports.base import ReportError, build
    from audit.reports.html import page
    from audit.reports.texts import Texts

    if name not in NAMES:
        raise typer.BadParameter(f"there are {', '.join(NAMES)}")
    start, end = day_span(day)
    values = conditions(where or [], application=application)
    with reading(home, database) as log:
        refs = log.refs(subject)
        start = start if start is not None else moment(since)
        question = ask.Question(values, start, end if end is not None else moment(until), refs)
        with log.store.read() as connection:
            found = build(connection, NAMES[name], question)
        results = found.facts["covered"]["transfers"]
        log.asked(Asked.REPORT, results, filters=tuple(sorted(values))[:32], refs=(refs or ())[:16])
        if form is Form.JSON:
            text = orjson.dumps({**found.facts, "partial": found.partial}, option=orjson.OPT_INDENT_2).decode() + "\n"
        else:
            text = page(found, Texts(language))
        if out is None:
            typer.echo(text, nl=False)
            return
        try:
            with out.open("x", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise ReportError(f"{out} cannot be written ({error.strerror})") from None


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
