"""`dragoman stream`: how far each stream out of the log has come, and setting it back."""

import json
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from proxy.commands.listing import listing, print_list
from proxy.config import Settings
from proxy.configured import load
from proxy.errors import ConfigError

app = typer.Typer(help="Streams out of the log.", no_args_is_help=True, rich_markup_mode=None)

Home = Annotated[Path | None, typer.Option(help="Folder of the running dragoman.")]
Config = Annotated[Path | None, typer.Option(help="TOML file with settings (default: HOME/config.toml).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command(name="list")
def list_(home: Home = None, config: Config = None, as_json: AsJson = False) -> None:
    """Where each stream stands. Exit code 1 where one of them fails.

    Example: dragoman stream list
    """
    rows = _rows(load(config, home=home))
    if as_json:
        typer.echo(json.dumps(rows))
    elif not rows:
        typer.echo("no streams: config.toml names none (`[streams.NAME]`)")
    else:
        table = listing("stream", "to", "delivered below", "behind", "last delivery", "failures", "error")
        for row in rows:
            sent = row["sent"]
            when = "" if sent is None else datetime.fromtimestamp(sent / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
            position = "not begun" if row["position"] is None else str(row["position"])
            table.add_row(
                row["name"], row["to"], position, str(row["behind"]), when, str(row["failures"]), row["error"]
            )
        print_list(table)
    raise typer.Exit(1 if any(row["failures"] for row in rows) else 0)


@app.command()
def reset(
    name: Annotated[str, typer.Argument(help="Stream, as the settings name it.")],
    to: Annotated[int, typer.Option(min=0, help="Entry to go on from; everything from there is sent again.")] = 0,
    home: Home = None,
    config: Config = None,
) -> None:
    """Set a stream back (or forward), for a receiver that lost what it had. Acts within
    half a minute.

    Example: dragoman stream reset siem --to 120000
    """
    from proxy.running.databases import control_of

    with closing(control_of(load(config, home=home))) as control:
        if not control.cursors.place(name, to):
            raise ConfigError("there is no stream of this name that has begun; `dragoman stream list` shows them")
    typer.echo(f"{name} goes on from entry {to}")


def _rows(settings: Settings) -> list[dict[str, Any]]:
    from audit.home import Home as AuditHome
    from audit.questions import following
    from audit.store import Store
    from proxy.outbound.settings import OutboundSettings
    from proxy.running.databases import AUDIT, control_of, database_url

    streams = {stream.name: stream for stream in OutboundSettings.of(settings).streams}
    url, place = database_url(settings, AUDIT), AuditHome(settings.home)
    if not url:
        place.read_vkey()  # a home without a log is said to be one
    store = Store.open(url or place.database_url, read_only=True)
    with closing(store), closing(control_of(settings)) as control:
        with store.read() as connection:
            size, _ = following.head(connection)
        cursors = {cursor.name: cursor for cursor in control.cursors.all()}
    rows = []
    for name in sorted(streams.keys() | cursors.keys()):
        cursor = cursors.get(name)
        position = None if cursor is None else cursor.position
        rows.append(
            {
                "name": name,
                "to": streams[name].to if name in streams else "not configured",
                "position": position,
                "behind": size - (position or 0),
                "sent": None if cursor is None else cursor.sent,
                "failures": 0 if cursor is None else cursor.failures,
                "error": "" if cursor is None else cursor.error,
            }
        )
    return rows
