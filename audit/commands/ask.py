"""`dragoman audit query|show|who|tail|stats`: the commands that ask."""

import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from audit.commands import render
from audit.commands.reading import (
    DatabaseOption,
    HomeOption,
    JsonOption,
    Reader,
    SessionOption,
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

if TYPE_CHECKING:
    from audit import query as ask
    from audit.questions import holders

LanguageOption = Annotated[Language, typer.Option(help="Language of the sentences.")]
PAGE = 100
"""Rows that are shown where nobody said how many."""
LIST_COLUMNS = ("at", "application", "destination", "model", "action", "state", "findings", "id")


def query(
    since: SinceOption = None,
    until: UntilOption = None,
    application: Annotated[str | None, typer.Option("--app", help="Application.")] = None,
    destination: Annotated[str | None, typer.Option(help="Destination.")] = None,
    provider: Annotated[str | None, typer.Option(help="Provider.")] = None,
    entity_type: Annotated[str | None, typer.Option("--type", help="Kind of data that was found.")] = None,
    action: Annotated[str | None, typer.Option(help="Decision.")] = None,
    kind: Annotated[str | None, typer.Option(help="transfer or blocked.")] = None,
    rule: Annotated[str | None, typer.Option(help="Rule that decided about a finding.")] = None,
    recognizer: Annotated[str | None, typer.Option(help="Recognizer that found something.")] = None,
    exception: Annotated[str | None, typer.Option(help="Exception that let something pass.")] = None,
    place: Annotated[str | None, typer.Option(help="Schema pointer where something was found.")] = None,
    score_from: Annotated[str | None, typer.Option(help="Least score of a finding, 0.7 for example.")] = None,
    subject: SubjectOption = None,
    session: SessionOption = None,
    where: Annotated[list[str] | None, typer.Option(help="field=value, for every other field; may repeat.")] = None,
    group_by: Annotated[list[str] | None, typer.Option(help="Fields, separated by commas; may repeat.")] = None,
    form: Annotated[render.Format, typer.Option("--format", help="How to print.")] = render.Format.TABLE,
    as_json: JsonOption = False,
    out: Annotated[Path | None, typer.Option(help="New file for Parquet (default: stdout).")] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="At most so many rows (default: 100 as a table or JSON, else all).")
    ] = None,
    before: Annotated[int | None, typer.Option(help="Go on below this entry (`idx` of the last row).")] = None,
    home: HomeOption = None,
    database: DatabaseOption = None,
) -> None:
    """List transfers and refusals, newest first, or count them by fields."""
    from audit import query as ask

    values = conditions(
        where or [],
        application=application,
        destination=destination,
        provider=provider,
        entity_type=entity_type,
        action=action,
        kind=kind,
        rule=rule,
        recognizer=recognizer,
        score_from=score_from,
        **{"findings.exception": exception, "findings.where": place},
    )
    with reading(home, database) as log:
        refs, sessions = log.refs(subject), log.sessions(session)
        question = ask.Question(values, moment(since), moment(until), refs, sessions=sessions)
        form = render.Format.JSON if as_json else form
        by = [name.strip() for names in group_by or [] for name in names.split(",")]
        most = limit or (PAGE if form in {render.Format.TABLE, render.Format.JSON} else None)
        with log.store.read() as connection:
            found = (
                ask.groups(connection, question, by)
                if by
                else _newest(ask.transfers(connection, question, before=before, limit=most and most + 1), most)
            )
            columns = LIST_COLUMNS if not by and form is render.Format.TABLE else None
            to_file = form is render.Format.PARQUET
            n = _parquet(found, by, out) if to_file else render.rows(found, form, columns=columns)
        named = tuple(sorted(values)) if session is None else (*sorted(values), "session")
        log.asked(Asked.QUERY, n, filters=named[:32], refs=(*(refs or ()), *(sessions or ()))[:16])


def _newest(found: "Iterable[ask.Row]", most: int | None) -> "Iterator[ask.Row]":
    """So many rows; says on stderr where there are more, because nobody sees of a file that it ends early."""
    last = None
    for n, row in enumerate(found):
        if n == most:
            text = f"note: the newest {most} rows; there are more: give --limit, or go on with --before {last}"
            typer.echo(text, err=True)
            return
        last = row["idx"]
        yield row


def _parquet(found: "Iterable[ask.Row]", by: list[str], out: Path | None) -> int:
    from audit.commands import parquet
    from audit.questions.conditions import FINDING_COLUMNS

    only = any(name in FINDING_COLUMNS for name in by)
    columns = parquet.group_columns(by, findings_only=only) if by else parquet.transfer_columns()
    with parquet.opened(out) as stream:
        return parquet.write(found, columns, stream)


def exchange_of(log: Reader, asked: Asked, transfer_id: str) -> "list[tuple[int, ask.Row]]":
    """The entries of one transfer, with the record of who looked. Raises QueryError where no transfer has this id."""
    from audit.query import exchange
    from audit.questions.conditions import QueryError

    with log.store.read() as connection:
        entries = exchange(connection, transfer_id)
    if not entries:
        raise QueryError("no transfer has this id")
    log.asked(asked, len(entries), transfer=entries[0][1]["id"])
    return entries


def explain(
    transfer_id: Annotated[str, typer.Option("--transfer", help="The id the application was told.")],
    as_json: JsonOption = False,
    home: HomeOption = None,
    database: DatabaseOption = None,
) -> None:
    """Tell why each thing in a transfer was replaced or not."""
    from audit.questions import explain as why

    with reading(home, database) as log:
        entries = exchange_of(log, Asked.EXPLAIN, transfer_id)
        lines = list(why.reasons(entries))
        typer.echo(
            orjson.dumps({"id": entries[0][1]["id"], "reasons": lines}).decode() if as_json else "\n".join(lines)
        )


def show(
    transfer_id: Annotated[str, typer.Argument(help="The id the application was told (dragoman-transfer).")],
    lang: LanguageOption = Language.EN,
    as_json: JsonOption = False,
    home: HomeOption = None,
    database: DatabaseOption = None,
) -> None:
    """Tell one transfer as a story: what left, to whom, what was taken out, who decided, how it ended."""
    from audit.questions import tell

    with reading(home, database) as log:
        entries = exchange_of(log, Asked.SHOW, transfer_id)
        if as_json:
            typer.echo(orjson.dumps([{"index": index, **facts} for index, facts in entries]).decode())
        else:
            typer.echo("\n".join(tell.story(entries, lang)))


def who(
    subject: SubjectOption = None,
    application: Annotated[str | None, typer.Option("--app", help="Application.")] = None,
    day: Annotated[str | None, typer.Option(help="One day, 2026-11-24 (UTC).")] = None,
    since: SinceOption = None,
    until: UntilOption = None,
    where: Annotated[list[str] | None, typer.Option(help="field=value; may repeat.")] = None,
    lang: LanguageOption = Language.EN,
    as_json: JsonOption = False,
    home: HomeOption = None,
    database: DatabaseOption = None,
) -> None:
    """Who controls, stores and uses what left: each recipient with the facts as they stood."""
    from audit import query as ask
    from audit.questions import holders, tell
    from audit.stored import sealed_below

    start, end = day_span(day)
    values = conditions(where or [], application=application)
    with reading(home, database) as log:
        refs = log.refs(subject)
        start = start if start is not None else moment(since)
        question = ask.Question(values, start, end if end is not None else moment(until), refs)
        with log.store.read() as connection:
            found = holders.who(connection, question)
            complete = holders.completeness(connection, question) if refs is not None else None
            sealed = sealed_below(connection)
        log.asked(Asked.WHO, len(found), filters=tuple(sorted(values))[:32], refs=(refs or ())[:16])
        if as_json:
            typer.echo(orjson.dumps({**_who_json(found, complete), "sealed_below": sealed}).decode())
        else:
            if sealed:
                typer.echo(f"NOT COVERED: entries 0 to {sealed - 1} were sealed into archives.\n")
            typer.echo("\n".join(tell.holdings(found, complete, lang)))


def _who_json(found: "list[holders.Holding]", complete: tuple[int, int] | None) -> dict[str, Any]:
    lines = [
        {
            "application": holding.application,
            "destination": holding.facts,
            "purpose": holding.purpose,
            "transfers": holding.transfers,
            "first": holding.first,
            "last": holding.last,
            "findings": [
                {"entity_type": entity_type, "operator": operator, "n": n}
                for (entity_type, operator), n in sorted(holding.types.items())
            ],
        }
        for holding in found
    ]
    if complete is None:
        return {"holdings": lines}
    return {"holdings": lines, "partial": complete[1] > 0, "transfers": complete[0], "without_subject": complete[1]}


def shadow(
    since: SinceOption = None,
    until: UntilOption = None,
    application: Annotated[str | None, typer.Option("--app", help="Application.")] = None,
    form: Annotated[render.Format, typer.Option("--format", help="How to print.")] = render.Format.TABLE,
    as_json: JsonOption = False,
    home: HomeOption = None,
    database: DatabaseOption = None,
) -> None:
    """Shadow AI: model services that apps asked for and that nobody registered, with counts."""
    from audit import query as ask
    from audit.questions import unregistered

    values = conditions([], application=application)
    with reading(home, database) as log:
        question = ask.Question(values, moment(since), moment(until))
        form = render.Format.JSON if as_json else form
        with log.store.read() as connection:
            n = render.rows(unregistered.shadow(connection, question), form)
        log.asked(Asked.QUERY, n, filters=("shadow_ai", *sorted(values)))


def tail(
    n: Annotated[int, typer.Option("-n", min=0, help="Start with so many of the newest entries.")] = 10,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes.")] = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
    database: DatabaseOption = None,
) -> None:
    """Print the newest entries of every kind, and go on with what comes.

    The record of this reading itself comes after them: it is shown with --follow only.
    """
    from audit import query as ask

    with reading(home, database) as log:
        with log.store.read() as connection:
            size = ask.size(connection)
        log.asked(Asked.TAIL, min(n, size))
        at = max(0, size - n)
        end = threading.Event()
        while True:
            with log.store.read() as connection:
                for index, body in ask.entries(connection, since=at):
                    if index >= size and not follow:
                        return
                    at = index + 1
                    typer.echo(body.decode() if as_json else _line(index, orjson.loads(body)))
            if not follow:
                return
            try:
                end.wait(0.5)
            except KeyboardInterrupt:
                return


def _line(index: int, facts: dict[str, Any]) -> str:
    who = facts.get("application") or facts.get("name") or ""
    what = [facts.get("destination", {}).get("name"), facts.get("action"), facts.get("reason"), facts.get("state")]
    more = " ".join(str(part) for part in (who, *what, facts.get("event"), facts.get("question")) if part)
    return f"{index:>8}  {render.when(facts['at'])}  {facts['kind']:<9} {more} {facts.get('id', '')}".rstrip()


def stats(as_json: JsonOption = False, home: HomeOption = None, database: DatabaseOption = None) -> None:
    """Size, kinds and span of the log, and what has no outcome yet."""
    from audit import query as ask

    with reading(home, database) as log:
        with log.store.read() as connection:
            found = ask.statistics(connection)
        log.asked(Asked.STATS, len(found))
        found = {"log": log.vkey.name, **found}
        if as_json:
            typer.echo(orjson.dumps(found).decode())
            return
        for name, value in found.items():
            typer.echo(f"{name:<14} {render.shown(name, value)}")


COMMANDS: dict[str, tuple[Callable[..., None], str]] = {
    "query": (query, "dragoman audit query --since 7d --app messenger --group-by destination,day"),
    "show": (show, "dragoman audit show 01KB8Q0W3Z8V6T4R2N1M0K9J8H"),
    "explain": (explain, "dragoman audit explain --transfer 01KB8Q0W3Z8V6T4R2N1M0K9J8H"),
    "who": (who, "dragoman audit who --subject anna@example.com --since 90d"),
    "shadow": (shadow, "dragoman audit shadow --since 30d"),
    "tail": (tail, "dragoman audit tail --follow --json"),
    "stats": (stats, "dragoman audit stats --json"),
}
