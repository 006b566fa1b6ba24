"""`dragoman app`: on-board a service. A credential is shown once; only its digest is kept.

Names of applications come in, credentials go out to the terminal of whoever asked for them and nowhere else.
"""

import json
import re
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from proxy import identity
from proxy.config import load
from proxy.errors import ConfigError

if TYPE_CHECKING:
    from proxy.control.store import ControlStore

app = typer.Typer(help="On-board services: credentials for applications.", no_args_is_help=True)
MIN_KEY, MAX_KEY = 16, 8192
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")

Home = Annotated[Path | None, typer.Option(help="Folder of the running dragoman.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Application, as the policy names it.")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Make a credential for an application and print what the service needs.

    Example: dragoman app add messenger
    """
    with closing(_store(home)) as store:
        value = store.add_credential(_checked(name))
    _show(name, value, as_json)


@app.command()
def rotate(
    name: Annotated[str, typer.Argument(help="Application, as the policy names it.")],
    overlap: Annotated[int, typer.Option(help="Seconds for which the old credential still works.", min=0)] = 86400,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Make a new credential; the old one works until the overlap ends.

    Example: dragoman app rotate messenger --overlap 3600
    """
    with closing(_store(home)) as store:
        if not any(item.application == name for item in store.credentials()):
            raise ConfigError(f"{name} has no credential yet; use `dragoman app add {name}`")
        value = store.add_credential(_checked(name), overlap_s=overlap)
    _show(name, value, as_json)


@app.command()
def fingerprint(
    file: Annotated[typer.FileText, typer.Argument(help="File with the provider's key, or - for standard input.")],
) -> None:
    """Print what a policy calls a provider's key: `identify: {provider_key: sha256:...}`. The key is kept nowhere.

    Example: printenv OPENAI_API_KEY | dragoman app fingerprint -
    """
    key = file.read(MAX_KEY + 1).strip()
    if not MIN_KEY <= len(key) <= MAX_KEY:
        raise ConfigError(f"a provider's key has {MIN_KEY} to {MAX_KEY:,} characters; a shorter one could be guessed")
    typer.echo(identity.fingerprint(key))


@app.command(name="list")
def list_(home: Home = None, as_json: AsJson = False) -> None:
    """Which applications have credentials, and until when.

    Example: dragoman app list --json
    """
    with closing(_store(home)) as store:
        rows = store.credentials()
    if as_json:
        data = [{"application": row.application, "created": row.created, "expires": row.expires} for row in rows]
        typer.echo(json.dumps(data))
        return
    table = Table("application", "created", "ends")
    for row in rows:
        table.add_row(row.application, _day(row.created), _day(row.expires) if row.expires else "–")
    Console().print(table)


def _store(home: Path | None) -> "ControlStore":
    from proxy.databases import control_of

    return control_of(load(home=home))


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ConfigError("an application's name has lower-case letters, digits and . _ - (at most 63)")
    return name


def _show(name: str, value: str, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"application": name, "credential": value}))
        return
    typer.echo(
        f"Credential for {name}, shown only now:\n\n  {value}\n\n"
        f"Gateway: send it as the header `dragoman-credential`, or instead of the provider's key where the\n"
        f"proxy holds that key (`provider_keys` in config.toml).\n"
        f"HTTPS proxy: HTTPS_PROXY=http://{name}:{value}@127.0.0.1:8789, and trust the CA (`dragoman ca env`).\n"
        f"The policy knows the app by `applications: {{{name}: {{identify: {{credential: {name}}}}}}}`."
    )


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
