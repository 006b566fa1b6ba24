"""`dragoman audit migrate`: the database of the log for this release, before anything is started with it."""

import os
import time
from collections.abc import Callable
from typing import Any

import typer

from audit.commands.reading import DatabaseOption, HomeOption, home_path, told


def migrate(home: HomeOption = None, database: DatabaseOption = None) -> None:
    """Bring the log's database to this release, while dragoman is stopped; a start does the same where it is needed.

    One transaction: what is interrupted has changed nothing. An older release does not open the database afterwards.
    """
    from audit.home import Home
    from audit.store import Store, revision_of

    with told():
        place = Home(home_path(home))
        place.read_vkey()  # there is a log here
        url = database or place.database_url
        before = revision_of(url)
        lock = place.lock()
        begun = time.monotonic()
        try:
            store = Store.open(url)
            after, where = store.revision(), store.where
            store.close()
        finally:
            os.close(lock)
    if before == after:
        typer.echo(f"{where} has schema {after} already")
    else:
        typer.echo(f"{where}: schema {before} -> {after} in {time.monotonic() - begun:,.0f} s")


COMMANDS: dict[str, tuple[Callable[..., Any], str]] = {
    "migrate": (migrate, "dragoman audit migrate --home /var/lib/dragoman"),
}
