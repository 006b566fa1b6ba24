"""`dragoman vault reveal`: one person asks for an original, another agrees, the first sees it once; all on the record.

Who acts is the token in DRAGOMAN_TOKEN, as for the API; it stands on no command line.
"""

import json
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from audit.values import RevealReason
from proxy.commands.listing import listing, print_list
from proxy.configured import load
from proxy.control.reveals import RevealKind, RevealRequest, Wanted, data
from proxy.control.tokens import SHAPE, Token, digest
from proxy.errors import ConfigError
from proxy.running.revealing import Revealing

VARIABLE = "DRAGOMAN_TOKEN"

app = typer.Typer(
    help="Show an original, or who an actor is: with a reason and a second person.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Home = Annotated[Path | None, typer.Option(help="Folder of the running dragoman.")]
Request = Annotated[str, typer.Argument(help="Id of the request, from `ask` or `list`.")]
Reason = Annotated[RevealReason, typer.Option(help="Why; the ticket says the rest.")]
Ticket = Annotated[str, typer.Option(help="Reference of the case.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def ask(
    placeholder: Annotated[str, typer.Argument(help="As it stands in the text: [PERSON_4V0M7KQ2].")],
    reason: Reason,
    ticket: Ticket = "",
    scope: Annotated[str, typer.Option(help="Scope, where several have this placeholder.")] = "",
    transfer: Annotated[str, typer.Option(help="Id of the transfer it was seen in.")] = "",
    home: Home = None,
) -> None:
    """Ask to see what a placeholder stands for; another officer has to agree.

    Example: DRAGOMAN_TOKEN=… dragoman vault reveal ask '[PERSON_4V0M7KQ2]' --reason incident --ticket INC-7
    """
    wanted = Wanted(RevealKind.ORIGINAL, placeholder, str(reason), scope, transfer, ticket)
    with _revealing(home) as (revealing, token):
        _asked(revealing.ask(token, wanted))


@app.command()
def actor(
    reference: Annotated[str, typer.Argument(help="Reference of an actor, from a record of the log.")],
    reason: Reason,
    ticket: Ticket = "",
    home: Home = None,
) -> None:
    """Ask who acted under a reference; another officer has to agree.

    Example: DRAGOMAN_TOKEN=… dragoman vault reveal actor 3Jk0xPQ9aZ_1bC-dEfGh2w --reason incident
    """
    with _revealing(home) as (revealing, token):
        _asked(revealing.ask(token, Wanted(RevealKind.ACTOR, reference, str(reason), ticket=ticket)))


@app.command(name="list")
def list_(home: Home = None, as_json: AsJson = False) -> None:
    """The requests of the last week.

    Example: dragoman vault reveal list
    """
    with _revealing(home) as (revealing, token):
        found = revealing.waiting(token)
    if as_json:
        typer.echo(json.dumps([data(one) for one in found]))
        return
    if not found:
        typer.echo("nobody asked for an original in the last week")
        return
    table = listing("id", "kind", "what", "reason", "ticket", "asks", "agreed", "state", "until")
    for one in found:
        wanted = one.wanted
        table.add_row(
            one.id, wanted.kind, wanted.what, wanted.reason, wanted.ticket, one.asker_name, one.approver_name,
            one.state, _when(one.until),
        )  # fmt: skip
    print_list(table)


@app.command()
def approve(request: Request, home: Home = None) -> None:
    """Agree, as another person than the one who asks; holds for an hour and one look.

    Example: DRAGOMAN_TOKEN=… dragoman vault reveal approve 01M8A5DX03Q19X5TJNFHR07A0Q
    """
    with _revealing(home) as (revealing, token):
        found = revealing.approve(token, request)
    typer.echo(f"{found.asker_name} may look once until {_when(found.until)}")


@app.command()
def deny(request: Request, home: Home = None) -> None:
    """Refuse, or take back.

    Example: DRAGOMAN_TOKEN=… dragoman vault reveal deny 01M8A5DX03Q19X5TJNFHR07A0Q
    """
    with _revealing(home) as (revealing, token):
        revealing.deny(token, request)
    typer.echo("nothing is shown")


@app.command()
def show(request: Request, home: Home = None) -> None:
    """Show what was asked for, once, to the one who asked; the record is durable before.

    Example: DRAGOMAN_TOKEN=… dragoman vault reveal show 01M8A5DX03Q19X5TJNFHR07A0Q
    """
    with _revealing(home) as (revealing, token):
        found = revealing.show(token, request)
    typer.echo(found.text)


@contextmanager
def _revealing(home: Path | None) -> Iterator[tuple[Revealing, Token]]:
    from proxy.running.databases import control_of, join_log, vault_of

    settings = load(home=home)
    given = os.environ.get(VARIABLE, "").strip()
    with closing(control_of(settings)) as control, closing(join_log(settings)) as ledger:
        token = control.tokens.find(digest(given)) if SHAPE.fullmatch(given) else None
        if token is None:
            raise ConfigError(f"put a valid officer's token into {VARIABLE}; `dragoman token create` makes one")
        yield Revealing(control, lambda: ledger, lambda: vault_of(settings)), token


def _asked(request: RevealRequest) -> None:
    typer.echo(
        f"{request.id} waits until {_when(request.until)} for another officer:\n"
        f"  dragoman vault reveal approve {request.id}"
    )


def _when(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
