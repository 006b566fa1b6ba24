"""`dragoman vault`: what `redaction.cli` does with the store of originals, and a record of what is destroyed.

A shred is in the log before it is done, so that a restored backup cannot bring the scope back. Where a home has no log
(`dragoman redact` alone makes none) there is nobody to tell; where it has one that does not work nothing is destroyed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audit.commands.reading import os_user
from audit.errors import LedgerError
from audit.events import ShredRecord
from audit.ids import now_ms
from audit.values import ShredCause
from proxy.commands import match, reveal
from proxy.configured import default_home, load
from proxy.running.databases import join_log
from redaction.cli import Database, Home
from redaction.cli import vault as plain
from redaction.vault import open_vault

if TYPE_CHECKING:
    from audit.log import Ledger

app = typer.Typer(help="The store of originals.", no_args_is_help=True)
app.add_typer(reveal.app, name="reveal")
app.registered_commands += [
    command
    for command in plain.registered_commands
    if command.callback is not None and command.callback.__name__ not in {"shred", "purge"}
]


app.command()(match.match)


@app.command()
def shred(
    scope: Annotated[str, typer.Argument(help="Scope, as the log names it.")],
    home: Home = None,
    database: Database = "",
) -> None:
    """Destroy the keys of a scope: nothing under it can be put back any more.

    Example: dragoman vault shred 3f2a…
    """
    folder = home or default_home()
    vault = open_vault(folder, database, make=False)
    try:
        alive = vault.live([scope])
        if alive:
            with _log_of(folder) as ledger:
                _record(ledger, ShredCause.COMMAND, alive[scope], scope)
            vault.shred(scope)
    finally:
        vault.close()
    typer.echo("shredded" if alive else "there was nothing to shred")
    raise typer.Exit(0 if alive else 1)


@app.command()
def purge(home: Home = None, database: Database = "") -> None:
    """Shred what has expired.

    Example: dragoman vault purge
    """
    folder = home or default_home()
    vault = open_vault(folder, database, make=False)
    try:
        with _log_of(folder) as ledger:
            gone = vault.purge()
            if gone.scopes:
                # Not named: in a restored backup they have expired as well, and the next purge takes them.
                _record(ledger, ShredCause.EXPIRED, gone.mappings, overflow=gone.scopes)
    finally:
        vault.close()
    typer.echo(f"{gone.scopes} scopes, {gone.mappings} placeholders, {gone.bindings} bindings")


@contextmanager
def _log_of(home: Path) -> Iterator["Ledger | None"]:
    """The home's log, None where it has none. Raises AuditError where there is one that cannot be appended to."""
    try:
        ledger = join_log(load(home=home))
    except LedgerError as error:
        if error.code != "ledger_missing":
            raise
        yield None
        return
    try:
        yield ledger
    finally:
        ledger.close()


def _record(ledger: "Ledger | None", cause: ShredCause, mappings: int, *scopes: str, overflow: int = 0) -> None:
    if ledger is None:
        return
    actor = ledger.references.actor(os_user())
    ledger.append_blocking(
        ShredRecord(at=now_ms(), cause=cause, scopes=scopes, scopes_overflow=overflow, mappings=mappings, actor=actor)
    )
