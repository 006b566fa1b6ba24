"""`control.db`: credentials of applications, stops, policy history. Small, read every second, never in a transfer.

Credentials enter as digests only; the credential itself is shown once, when it is made, and kept nowhere.
"""

import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from proxy.control.approvals import Approvals
from proxy.control.tables import credential, policy_activation, stop
from proxy.control.tokens import Tokens
from proxy.errors import ConfigError
from proxy.identity import CREDENTIAL_PREFIX, digest

HEAD = "0003"
"""The newest schema; a test holds it against the migrations."""


@dataclass(frozen=True, slots=True)
class ApplicationCredential:
    """One credential of an application, without the credential. Times: milliseconds since 1970; expires may be None."""

    application: str
    created: int
    expires: int | None


class ControlStore:
    """Reads and writes `control.db`. Synchronous; called from commands and from a thread."""

    def __init__(self, url: str) -> None:
        self._engine = sa.create_engine(url)
        if self._engine.dialect.name == "sqlite":
            sa.event.listen(self._engine, "connect", _sqlite_settings)
        self._migrate()
        self.tokens = Tokens(self._engine)
        self.approvals = Approvals(self._engine)

    @classmethod
    def at(cls, home: Path) -> "ControlStore":
        """The store in a home folder, made when it is not there."""
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = home / "control.db"
        # SQLite gives its journal the mode of the database, so both are made for the owner only.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        path.chmod(0o600)
        return cls(f"sqlite:///{path}")

    def add_credential(self, application: str, *, overlap_s: int | None = None) -> str:
        """A new credential, returned once. overlap_s: seconds after which the older ones of this app end."""
        value = CREDENTIAL_PREFIX + secrets.token_urlsafe(32)
        now = _now_ms()
        with self._engine.begin() as connection:
            if overlap_s is not None:
                end = now + overlap_s * 1000
                older = (credential.c.application == application) & (
                    credential.c.expires.is_(None) | (credential.c.expires > end)
                )
                connection.execute(credential.update().where(older).values(expires=end))
            connection.execute(
                credential.insert().values(digest=digest(value), application=application, created=now, expires=None)
            )
        return value

    def credentials(self) -> tuple[ApplicationCredential, ...]:
        """Every credential that has not ended, oldest first."""
        with self._engine.connect() as connection:
            rows = connection.execute(_valid().order_by(credential.c.created))
            return tuple(ApplicationCredential(row.application, row.created, row.expires) for row in rows)

    def digests(self) -> dict[bytes, str]:
        """Digest -> application of every credential that has not ended."""
        with self._engine.connect() as connection:
            return {row.digest: row.application for row in connection.execute(_valid())}

    def set_stop(self, target: str, name: str, *, stopped: bool) -> bool:
        """Stop or resume a `destination` or `application`. False when nothing changed."""
        where = (stop.c.target == target) & (stop.c.name == name)
        with self._engine.begin() as connection:
            there = connection.execute(sa.select(stop.c.since).where(where)).first() is not None
            if there == stopped:
                return False
            if stopped:
                connection.execute(stop.insert().values(target=target, name=name, since=_now_ms()))
            else:
                connection.execute(stop.delete().where(where))
        return True

    def stops(self) -> dict[str, frozenset[str]]:
        """`{"destination": names, "application": names}` of what is stopped."""
        found: dict[str, set[str]] = {"destination": set(), "application": set()}
        with self._engine.connect() as connection:
            for row in connection.execute(sa.select(stop.c.target, stop.c.name)):
                found[row.target].add(row.name)
        return {target: frozenset(names) for target, names in found.items()}

    def last_policy(self) -> str | None:
        """Digest of the policy that was activated last, or None."""
        newest = sa.select(policy_activation.c.digest).order_by(policy_activation.c.id.desc()).limit(1)
        with self._engine.connect() as connection:
            return connection.execute(newest).scalar()

    def activated(self, name: str, policy_digest: str) -> None:
        """Remember that a policy became active."""
        with self._engine.begin() as connection:
            connection.execute(policy_activation.insert().values(at=_now_ms(), name=name, digest=policy_digest))

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def _migrate(self) -> None:
        """Bring the schema up to date; costs one query when it is (loading Alembic takes 0.2 s)."""
        with self._engine.begin() as connection:
            if sa.inspect(connection).has_table("alembic_version"):
                version = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
                if version == HEAD:
                    return
            _upgrade(connection)


def _upgrade(connection: sa.Connection) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", "proxy.control:migrations")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise ConfigError(
            "control.db was written by a newer dragoman; start that version, or restore a backup"
        ) from error


def _valid() -> sa.Select[tuple[bytes, str, int, int | None]]:
    columns = (credential.c.digest, credential.c.application, credential.c.created, credential.c.expires)
    return sa.select(*columns).where(credential.c.expires.is_(None) | (credential.c.expires > _now_ms()))


def _sqlite_settings(connection: object, _: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA busy_timeout=5000")
    cursor.close()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
