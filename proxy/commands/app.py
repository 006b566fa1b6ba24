"""`dragoman app`: on-board a service. A credential is shown once; only its digest is kept.

Names of applications come in, credentials go out to the terminal of whoever asked for them and nowhere else.
"""

import json
import re
import shlex
import time
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from proxy import identity
from proxy.commands.listing import listing, print_list
from proxy.configured import load
from proxy.errors import ConfigError

if TYPE_CHECKING:
    from proxy.control.store import ControlStore
    from proxy.running.onboarding import Connection

app = typer.Typer(help="On-board services: credentials for applications.", no_args_is_help=True)
MIN_KEY, MAX_KEY = 16, 8192
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")

Home = Annotated[Path | None, typer.Option(help="Folder of the running dragoman.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Application, as the policy names it.")],
    home: Home = None,
    wait: Annotated[float, typer.Option(help="Seconds to wait for its first transfer; 0: do not wait.", min=0)] = 0,
    as_json: AsJson = False,
) -> None:
    """Make a credential for an application, print what the service needs, try it, wait for the first transfer.

    Example: dragoman app add messenger --wait 600
    """
    from proxy.running import onboarding

    settings = load(home=home)
    with closing(_store(home, make=True)) as store:
        value = store.add_credential(_checked(name))
    since = time.time_ns() // 1_000_000
    way = onboarding.connection(settings, name, value)
    tried = onboarding.attempt(way.base_url, name, value, verify=settings.tls_certificate is None)
    if not as_json:
        _show(name, value, way)
        typer.echo(f"{'ok  ' if tried.ok else 'MEND'} a try through the gateway: {tried.said}")
        if wait:
            typer.echo(f"waiting for the first transfer of {name}, {wait:g} s at most …")
    first = onboarding.first_transfer(settings, name, since, wait) if wait else None
    if as_json:
        told = {"application": name, "credential": value, **asdict(way), "tried": asdict(tried)}
        typer.echo(json.dumps({**told, "first_transfer": first}))
    elif first:
        typer.echo(f"ok   its first transfer is recorded: dragoman audit show {first}")
    elif wait:
        typer.echo("MEND nothing came; look for refusals: dragoman audit query --kind blocked")
    if wait and not first:
        raise typer.Exit(1)


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
    if as_json:
        typer.echo(json.dumps({"application": name, "credential": value}))
        return
    from proxy.running import onboarding

    _show(name, value, onboarding.connection(load(home=home), name, value))


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
    if not rows:
        typer.echo("no application has a credential; `dragoman app add NAME` makes one")
        return
    table = listing("application", "created", "ends")
    for row in rows:
        table.add_row(row.application, _day(row.created), _day(row.expires) if row.expires else "–")
    print_list(table)


def _store(home: Path | None, *, make: bool = False) -> "ControlStore":
    from proxy.running.databases import control_of

    return control_of(load(home=home), make=make)


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ConfigError("an application's name has lower-case letters, digits and . _ - (at most 63)")
    return name


def _show(name: str, value: str, way: "Connection") -> None:
    lines = [
        f"Credential for {name}, shown only now:\n\n  {value}\n",
        f"Gateway: base URL {way.base_url}/openai/v1 (or /gemini, /anthropic, …), and the credential as the header",
        "`dragoman-credential`, or instead of the provider's key where dragoman holds that key (`provider_keys`).",
    ]
    if way.proxy:
        lines.append("HTTPS proxy, for a service that is not changed:\n")
        lines += [f"  export {key}={shlex.quote(one)}" for key, one in way.environment.items()]
    lines.append(f"\nThe policy knows it by `applications: {{{name}: {{identify: {{credential: {name}}}}}}}`.\n")
    typer.echo("\n".join(lines))


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
