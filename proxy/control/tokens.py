"""Tokens for the API and the console: who may look and act, with which role, until when.

A token enters once, as a digest; the token itself is shown when it is made and kept nowhere. A team's token is bound to
applications and never sees another's transfers.
"""

import re
import secrets
import time
import unicodedata
from dataclasses import asdict, dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from proxy.control.database import ControlDatabase
from proxy.control.tables import api_token
from proxy.errors import ConfigError

PREFIX = "dgt_"
SHAPE = re.compile(PREFIX + r"[A-Za-z0-9_-]{43}", re.ASCII)
_APPLICATION = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}", re.ASCII)
_NAME = re.compile(r"[\w][\w .,()/@+-]{0,95}")
DAY_MS = 86_400_000
MAX_DAYS = 3660


def same_name(one: str, other: str) -> bool:
    """Whether two names are one person's, as far as anybody can tell: capital letters and spaces tell nobody apart."""
    return _folded(one) == _folded(other)


def _folded(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


class Role(StrEnum):
    """What a token may do; which questions each role may ask stands in `proxy.console.access`."""

    TEAM = "team"
    AUDITOR = "auditor"
    OFFICER = "officer"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Token:
    """A token without its secret. id: public. applications: of a team, else empty. Times: ms since 1970."""

    id: str
    role: Role
    name: str
    applications: tuple[str, ...]
    created: int
    expires: int
    revoked: int | None = None

    def valid(self, at: int) -> bool:
        """Whether it opens anything at that time (ms)."""
        return self.revoked is None and at < self.expires

    def data(self) -> dict[str, Any]:
        """As command and API tell it."""
        return {**asdict(self), "role": str(self.role), "applications": list(self.applications)}


class Tokens:
    """The tokens of one control database. Synchronous."""

    def __init__(self, database: ControlDatabase) -> None:
        self._database = database

    def create(self, role: Role, name: str, applications: tuple[str, ...], days: int) -> tuple[str, Token]:
        """A new token and what is kept of it. Raises ConfigError."""
        _check(role, name, applications, days)
        value = PREFIX + secrets.token_urlsafe(32)
        now = time.time_ns() // 1_000_000
        made = Token(secrets.token_hex(4), role, name, applications, now, now + days * DAY_MS)
        with self._database.write() as connection:
            connection.execute(
                api_token.insert().values(
                    id=made.id,
                    digest=digest(value),
                    role=str(role),
                    name=name,
                    applications=" ".join(applications),
                    created=made.created,
                    expires=made.expires,
                )
            )
        return value, made

    def all(self) -> tuple[Token, ...]:
        """Every token that was ever made, oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(sa.select(api_token).order_by(api_token.c.created, api_token.c.id))
            return tuple(_token(row) for row in rows.mappings())

    def revoke(self, token_id: str) -> bool:
        """End a token at once. False where there is none of that id, or it was revoked before."""
        where = (api_token.c.id == token_id) & api_token.c.revoked.is_(None)
        now = time.time_ns() // 1_000_000
        with self._database.write() as connection:
            return connection.execute(api_token.update().where(where).values(revoked=now)).rowcount > 0

    def opens(self, token: Token) -> bool:
        """Whether a token that was found before still opens anything; one of an identity provider is in no table."""
        revoked = sa.select(api_token.c.revoked).where(api_token.c.id == token.id)
        with self._database.read() as connection:
            return connection.execute(revoked).scalar() is None and token.valid(time.time_ns() // 1_000_000)

    def find(self, token_digest: bytes) -> Token | None:
        """The token of a digest where it is valid now; None otherwise.

        Looked up by the digest of 256 random bits, so that the time it takes says nothing that can be used.
        """
        with self._database.read() as connection:
            row = connection.execute(sa.select(api_token).where(api_token.c.digest == token_digest)).mappings().first()
        found = None if row is None else _token(row)
        return found if found is not None and found.valid(time.time_ns() // 1_000_000) else None


def digest(value: str) -> bytes:
    """What is kept of a token: SHA-256; the token has 256 random bits, so it needs no salt."""
    return sha256(value.encode("utf-8", "surrogatepass")).digest()


def _check(role: Role, name: str, applications: tuple[str, ...], days: int) -> None:
    if not _NAME.fullmatch(name):
        what = "a token's name says whose it is, in letters, digits and . , ( ) / @ + - _ (at most 96)"
        raise ConfigError(what, code="token_name")
    if role is Role.TEAM and not applications:
        what = "a team's token needs its applications: --application NAME, which may be repeated"
        raise ConfigError(what, code="names_a_team")
    if role is not Role.TEAM and applications:
        what = f"the role {role} sees every application; --application is for the role team"
        raise ConfigError(what, code="names_nobody")
    if not all(_APPLICATION.fullmatch(one) for one in applications):
        what = "an application's name has lower-case letters, digits and . _ - (at most 63)"
        raise ConfigError(what, code="application_name")
    if not 1 <= days <= MAX_DAYS:
        raise ConfigError(f"a token holds from 1 to {MAX_DAYS} days")


def _token(row: Any) -> Token:
    return Token(
        id=row["id"],
        role=Role(row["role"]),
        name=row["name"],
        applications=tuple(row["applications"].split()),
        created=row["created"],
        expires=row["expires"],
        revoked=row["revoked"],
    )
