"""The databases, in the home or on a server."""

from collections.abc import Iterator
from contextlib import closing

from proxy.config import DEFAULT_NODE, Settings
from proxy.installation.base import Check


def databases(settings: Settings) -> Iterator[Check]:
    """The files of the home, as SQLite sees them."""
    import sqlite3

    elsewhere = {
        "audit.db": settings.audit_database,
        "vault.db": settings.vault_database,
        "control.db": settings.control_database,
    }
    for name in ("audit.db", "vault.db", "control.db"):
        path = settings.home / name
        if elsewhere.get(name) or not path.exists():
            continue
        try:
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=2)) as connection:
                answer = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        except sqlite3.DatabaseError:
            answer = "unreadable"
        yield Check(name, answer == "ok", "sound" if answer == "ok" else "damaged", "restore it from a backup")


def servers(settings: Settings) -> Iterator[Check]:
    """The databases that are elsewhere, and this machine's name among those that share them."""
    from proxy.running.databases import AUDIT, CONTROL, VAULT, trouble

    for setting in (AUDIT, VAULT, CONTROL):
        if reference := str(getattr(settings, setting)):
            found = trouble(settings, setting)
            yield Check(
                setting.replace("_", " "),
                not found,
                found or f"answers ({reference})",
                f"look at {reference} and at the server; while it is away every request is refused",
            )
    if settings.audit_database:
        yield Check(
            "node",
            settings.node != DEFAULT_NODE,
            f"this machine is {settings.node!r} in the log",
            "give every machine a name of its own: `node` in config.toml, or DRAGOMAN_NODE",
        )
