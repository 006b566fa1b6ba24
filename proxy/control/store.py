"""The control store: credentials of applications, stops, policy history. Small, read each second, never in a transfer.

Credentials enter as digests only; the credential itself is shown once, when it is made, and kept nowhere.
"""

import secrets
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from audit.ids import now_ms
from proxy.control.approvals import Approvals
from proxy.control.cursors import Cursors
from proxy.control.database import ControlDatabase, file_url, insert_if_free
from proxy.control.erasures import ErasureRequests
from proxy.control.policies import Policies
from proxy.control.ratings import Ratings
from proxy.control.reveals import Reveals
from proxy.control.searches import Searches
from proxy.control.tables import credential, policy_activation, stop
from proxy.control.tokens import Tokens
from proxy.identity import CREDENTIAL_PREFIX, digest


@dataclass(frozen=True, slots=True)
class ApplicationCredential:
    """One credential of an application, without the credential. Times: milliseconds since 1970; expires may be None."""

    application: str
    created: int
    expires: int | None


class ControlStore:
    """Reads and writes one control database. Synchronous; called from commands and from a thread.

    Every call raises UnavailableError where the database does not answer.
    """

    def __init__(self, url: str) -> None:
        self._database = ControlDatabase(url)
        self.tokens = Tokens(self._database)
        self.approvals = Approvals(self._database)
        self.cursors = Cursors(self._database)
        self.reveals = Reveals(self._database)
        self.policies = Policies(self._database)
        self.searches = Searches(self._database)
        self.ratings = Ratings(self._database)
        self.erasures = ErasureRequests(self._database)

    @classmethod
    def at(cls, home: Path) -> "ControlStore":
        """The store in a home folder, made when it is not there."""
        return cls(file_url(home))

    @property
    def shared(self) -> bool:
        """Whether other machines may write to it as well."""
        return not self._database.sqlite

    def add_credential(self, application: str, *, overlap_s: int | None = None) -> str:
        """A new credential, returned once. overlap_s: seconds after which the older ones of this app end."""
        value = CREDENTIAL_PREFIX + secrets.token_urlsafe(32)
        now = now_ms()
        with self._database.write() as connection:
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
        with self._database.read() as connection:
            rows = connection.execute(_valid().order_by(credential.c.created))
            return tuple(ApplicationCredential(row.application, row.created, row.expires) for row in rows)

    def digests(self) -> dict[bytes, str]:
        """Digest -> application of every credential that has not ended."""
        with self._database.read() as connection:
            return {row.digest: row.application for row in connection.execute(_valid())}

    def set_stop(self, target: str, name: str, *, stopped: bool) -> bool:
        """Stop or resume a `destination` or `application`. False when nothing changed."""
        where = (stop.c.target == target) & (stop.c.name == name)
        with self._database.write() as connection:
            if not stopped:
                return connection.execute(stop.delete().where(where)).rowcount > 0
            # Another machine may stop the same at this moment; then it is stopped, and that is what was wanted.
            new = insert_if_free(connection, stop).values(target=target, name=name, since=now_ms())
            return connection.execute(new).rowcount > 0

    def stops(self) -> dict[str, frozenset[str]]:
        """`{"destination": names, "application": names}` of what is stopped."""
        found: dict[str, set[str]] = {"destination": set(), "application": set()}
        with self._database.read() as connection:
            for row in connection.execute(sa.select(stop.c.target, stop.c.name)):
                found[row.target].add(row.name)
        return {target: frozenset(names) for target, names in found.items()}

    def last_policy(self) -> str | None:
        """Digest of the policy that was activated last, or None."""
        newest = sa.select(policy_activation.c.digest).order_by(policy_activation.c.id.desc()).limit(1)
        with self._database.read() as connection:
            return connection.execute(newest).scalar()

    def activated(self, name: str, policy_digest: str) -> None:
        """Remember that a policy became active."""
        with self._database.write() as connection:
            connection.execute(policy_activation.insert().values(at=now_ms(), name=name, digest=policy_digest))

    def close(self) -> None:
        """Close every connection."""
        self._database.close()


def _valid() -> sa.Select[tuple[bytes, str, int, int | None]]:
    columns = (credential.c.digest, credential.c.application, credential.c.created, credential.c.expires)
    return sa.select(*columns).where(credential.c.expires.is_(None) | (credential.c.expires > now_ms()))
