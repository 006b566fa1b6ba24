"""`dragoman token`: who may use the API and the console. A token is shown once; only its digest is kept."""

import json
import shlex
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from proxy.commands.listing import listing, print_list
from proxy.configured import load
from proxy.control.tokens import Role
from proxy.errors import ConfigError

if TYPE_CHECKING:
    from proxy.control.store import ControlStore

app = typer.Typer(help="Who may use the API and the console.", no_args_is_help=True, rich_markup_mode=None)

Home = Annotated[Path | None, typer.Option(help="Folder of the running dragoman.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def create(
    role: Annotated[Role, typer.Option(help="team, auditor, officer or operator.")],
    name: Annotated[str, typer.Option(help="Whose it is; shown in lists.")] = "unnamed",
    application: Annotated[
        list[str] | None, typer.Option("--application", help="Application that a team may see; may be repeated.")
    ] = None,
    days: Annotated[int, typer.Option(help="How long it holds.")] = 90,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Make a token and print it once. A team sees its applications; the other roles see all.

    Example: dragoman token create --role team --application messenger --name "messenger team"
    """
    with closing(_store(home, make=True)) as store:
        value, made = store.tokens.create(role, name, tuple(dict.fromkeys(application or ())), days)
    if as_json:
        typer.echo(json.dumps({"token": value, **made.data()}))
        return
    typer.echo(
        f"Token {made.id} for the role {role}, until {_day(made.expires)}, shown only now:\n\n  {value}\n\n"
        "Sign in to the console with it, or send it to the API as `Authorization: Bearer TOKEN`.\n"
        f"`dragoman token revoke {made.id}{f' --home {shlex.quote(str(home))}' if home else ''}` ends it."
    )


@app.command(name="list")
def list_(home: Home = None, as_json: AsJson = False) -> None:
    """Which tokens there are, for whom, and until when.

    Example: dragoman token list --json
    """
    with closing(_store(home)) as store:
        found = store.tokens.all()
    if as_json:
        typer.echo(json.dumps([one.data() for one in found]))
        return
    if not found:
        typer.echo("no tokens yet; `dragoman token create --role officer` makes one")
        return
    table = listing("id", "role", "name", "applications", "made", "ends")
    for one in found:
        ends = f"revoked {_day(one.revoked)}" if one.revoked is not None else _day(one.expires)
        table.add_row(one.id, one.role, one.name, ", ".join(one.applications) or "all", _day(one.created), ends)
    print_list(table)


@app.command()
def revoke(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the token, from `dragoman token list`.")],
    home: Home = None,
) -> None:
    """End a token at once, and every console session that was opened with it.

    Example: dragoman token revoke 3f9a1c20
    """
    with closing(_store(home)) as store:
        if not store.tokens.revoke(token_id):
            raise ConfigError("there is no valid token of this id; `dragoman token list` shows them")
    typer.echo(f"token {token_id} is revoked")


def _store(home: Path | None, *, make: bool = False) -> "ControlStore":
    from proxy.running.databases import control_of

    return control_of(load(home=home), make=make)


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
