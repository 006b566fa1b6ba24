"""Which databases vault, log and control state live in: SQLite in the home folder, or PostgreSQL where settings say so.

Settings hold references only, because a URL holds a password: it is read here, where a store is opened, and goes no
further than the store. What several machines share, and what each has of its own, is in `docs/postgresql.md`.
"""

import functools
import inspect
import logging
from collections.abc import Callable
from copy import copy
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from proxy.config import DEFAULT_NODE, Settings, secret
from proxy.configured import load
from proxy.errors import ConfigError

if TYPE_CHECKING:
    from audit.log import Ledger
    from proxy.control.store import ControlStore
    from redaction.vault import SqlVault

log = logging.getLogger("dragoman")

VAULT = "vault_database"
AUDIT = "audit_database"
CONTROL = "control_database"

_PATIENCE = {"connect_timeout": "5", "tcp_user_timeout": "10000"}
"""libpq's names, seconds and milliseconds. Without them a request waits for minutes on a machine that is gone."""


def database_url(settings: Settings, setting: str) -> str:
    """SQLAlchemy's URL of a store, "" for the file in the home. setting: VAULT, AUDIT or CONTROL.

    Raises ConfigError, which never shows the URL.
    """
    reference = str(getattr(settings, setting))
    if not reference:
        return ""
    import sqlalchemy as sa

    try:
        url = sa.make_url(secret(reference))
    except (sa.exc.ArgumentError, ValueError):
        url = None
    if url is None or url.get_backend_name() not in {"postgresql", "postgres", "sqlite"}:
        raise ConfigError(f"{setting} ({reference}): write postgresql://USER:PASSWORD@HOST/DATABASE")
    if url.get_backend_name() == "sqlite":
        return url.render_as_string(hide_password=False)
    if find_spec("psycopg") is None:
        raise ConfigError(f"{setting}: the driver for PostgreSQL is missing; install dragoman[postgresql]")
    patience = {name: value for name, value in _PATIENCE.items() if name not in url.query}
    url = url.set(drivername="postgresql+psycopg").update_query_dict(patience)
    return url.render_as_string(hide_password=False)


def serve_log(settings: Settings, *, resume: bool = False) -> "Ledger":
    """The log, for the process that serves this home; blocks. resume: as in `Ledger.open`.

    Raises AuditError, ConfigError.
    """
    from audit.home import Home
    from audit.log import Ledger
    from audit.store import revision_of
    from audit.tables import REVISION

    url = database_url(settings, AUDIT)
    if url.startswith("postgresql") and settings.node == DEFAULT_NODE:
        # At its start a process closes what its node left open: two of one name would close each other's transfers.
        raise ConfigError(
            "audit_database is on PostgreSQL, where other machines may write as well: give this one a name of its own, "
            "`node` in config.toml or DRAGOMAN_NODE"
        )
    found = revision_of(url or Home(settings.home).database_url)
    if found is not None and found < REVISION:
        text = "the audit database goes from schema %s to %s first; with millions of transfers this takes minutes"
        log.warning(text, found, REVISION)
    return Ledger.open(
        settings.home,
        database_url=url or None,
        node=settings.node,
        origin=settings.origin or None,
        sending_marks=True,
        resume=resume,
    )


def join_log(settings: Settings) -> "Ledger":
    """The log beside the process that serves it, to append a few records. Raises AuditError, ConfigError."""
    from audit.log import Ledger

    return Ledger.join(settings.home, database_url=database_url(settings, AUDIT) or None, node=settings.node)


def vault_of(settings: Settings) -> "SqlVault":
    """The store of originals; blocks. Raises RedactionError, ConfigError."""
    from redaction.vault import open_vault

    return open_vault(settings.home, database_url(settings, VAULT))


def control_of(settings: Settings, *, make: bool = False) -> "ControlStore":
    """Credentials, stops, approvals, tokens, policy history; blocks. make: the home too, where there is none.

    Raises ConfigError, UnavailableError.
    """
    from proxy.control.store import ControlStore

    url = database_url(settings, CONTROL)
    if not (make or url or settings.home.is_dir()):
        # Whoever asks about a home that is spelt wrong is not told that there is nothing in it.
        raise ConfigError(f"there is no folder {settings.home}; name the home of a dragoman that ran (--home)")
    return ControlStore(url) if url else ControlStore.at(settings.home)


def trouble(settings: Settings, setting: str) -> str:
    """Why a configured database does not answer, "" where it does; asks for nothing and changes nothing."""
    import sqlalchemy as sa

    try:
        engine = sa.create_engine(database_url(settings, setting), poolclass=sa.NullPool, hide_parameters=True)
        with engine.connect() as connection:
            connection.execute(sa.select(1))
    except ConfigError as error:
        return error.message
    except sa.exc.SQLAlchemyError as error:
        # The driver's words may hold host and user; its kind says enough.
        return f"does not answer ({type(getattr(error, 'orig', None) or error).__name__})"
    return ""


def in_force[C: typer.Typer | Callable[..., Any]](command: C, setting: str) -> C:
    """A leaf's command, or group of them, whose `--database` is what the settings say where it is not given.

    Otherwise `dragoman audit` would read, and `dragoman vault rotate` change, another store than `dragoman run` uses.
    """
    if not isinstance(command, typer.Typer):
        return _with_database(command, setting)
    group = copy(command)
    group.registered_commands = [copy(info) for info in command.registered_commands]
    for info in group.registered_commands:
        if info.callback is not None:
            info.callback = _with_database(info.callback, setting)
    return group


def _with_database[F: Callable[..., Any]](run: F, setting: str) -> F:
    if "database" not in inspect.signature(run).parameters:
        return run

    @functools.wraps(run)
    def wrapped(**given: Any) -> Any:
        # An export is verified on any machine, whatever is configured there.
        if not given["database"] and not given.get("export"):
            home: Path | None = given["home"]
            given["database"] = database_url(load(home=home), setting) or given["database"]
        return run(**given)

    return wrapped  # type: ignore[return-value]  # the same parameters, by name
