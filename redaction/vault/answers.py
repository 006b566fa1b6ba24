"""Answers that are kept for a comparison: what one recipient was asked and said, sealed under its conversation's keys.

A row goes with its scope, in the same transaction, so a person's erasure, a shred and an expiry take it along; before
that it goes at the end of its own time. Texts come in with placeholders and are never filled in here.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import sqlalchemy as sa

from redaction.vault import tables as t
from redaction.vault.base import Scope
from redaction.vault.cipher import KeyEncryptionKey, seal, unseal
from redaction.vault.database import Database, insert_if_free
from redaction.vault.scopes import LIVE, opened

ALONE_MS = 3_600_000
"""How long an answer waits for the other one of its pair: a model may take ten minutes, and a queue be in front."""
_KIND = "answer"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two answers to one request, the first recipient's and a further one's. attempt: of the further one, from 2.

    swapped: which stands first where nobody is to know whose it is; drawn at random when the pair was kept. created,
    expires: ms since 1970. first, second: the texts as they were kept.
    """

    exchange: str
    attempt: int
    swapped: bool
    created: int
    expires: int
    first: str = field(repr=False)
    second: str = field(repr=False)


class Answers(Protocol):
    """A store of kept answers. Safe to use from several threads and processes."""

    def keep(self, scope: Scope, exchange: str, attempt: int, text: str, ttl_s: int) -> bool:
        """Keep what was asked and answered under a scope. False where the scope was destroyed meanwhile.

        exchange: id of the request, 26 characters. Raises VaultError.
        """
        ...

    def pair(self, exchange: str, attempt: int) -> Pair | None:
        """One pair, None where one of its answers is not there, or not any more. Raises VaultError `damaged`."""
        ...

    def names(self, limit: int, since: int = 0) -> tuple[tuple[str, int], ...]:
        """(exchange, attempt) of the pairs kept since a time in ms, newest first; nothing is opened."""
        ...


class SqlAnswers:
    """`Answers` in the vault's database. clock_ms: milliseconds since 1970."""

    def __init__(self, database: Database, kek: KeyEncryptionKey, clock_ms: Callable[[], int]) -> None:
        self._database, self._kek, self._clock_ms = database, kek, clock_ms

    def keep(self, scope: Scope, exchange: str, attempt: int, text: str, ttl_s: int) -> bool:
        now = self._clock_ms()
        with self._database.write() as connection:
            # Locked, so that no other process destroys the scope in between.
            select = sa.select(t.scope).where(LIVE & (t.scope.c.id == scope.id)).with_for_update()
            row = connection.execute(select).first()
            if row is None:
                return False
            keys = opened(row, self._kek)[1]
            new = {
                "exchange": exchange, "attempt": attempt, "scope": scope.id, "swapped": secrets.randbelow(2),
                "sealed": seal(keys, scope.id, _name(exchange, attempt), _KIND, text),
                "created": now, "expires": now + ttl_s * 1000,
            }  # fmt: skip
            connection.execute(insert_if_free(connection, t.answer), new)
        return True

    def pair(self, exchange: str, attempt: int) -> Pair | None:
        is_it = (t.answer.c.exchange == exchange) & t.answer.c.attempt.in_((1, attempt))
        with self._database.read() as connection:
            rows = {row.attempt: row for row in connection.execute(sa.select(t.answer).where(is_it))}
            of_these = LIVE & t.scope.c.id.in_([row.scope for row in rows.values()])
            keys = {row.id: opened(row, self._kek)[1] for row in connection.execute(sa.select(t.scope).where(of_these))}
        now = self._clock_ms()
        rows = {n: row for n, row in rows.items() if row.scope in keys and row.expires > now}
        if attempt < 2 or len(rows) < 2:
            return None
        first, second = rows[1], rows[attempt]
        texts = [
            unseal(keys[row.scope], row.scope, _name(exchange, row.attempt), _KIND, row.sealed)
            for row in (first, second)
        ]
        ends = min(row.expires for row in rows.values())
        return Pair(exchange, attempt, bool(second.swapped), second.created, ends, *texts)

    def names(self, limit: int, since: int = 0) -> tuple[tuple[str, int], ...]:
        first, second, now = t.answer.alias("first"), t.answer, self._clock_ms()
        both = (first.c.exchange == second.c.exchange) & (first.c.attempt == 1) & (second.c.attempt > 1)
        alive = (first.c.expires > now) & (second.c.expires > now) & (second.c.created >= since)
        joined = second.join(first, both)
        select = sa.select(second.c.exchange, second.c.attempt).select_from(joined).where(alive)
        ordered = select.order_by(second.c.created.desc(), second.c.exchange.desc(), second.c.attempt).limit(limit)
        with self._database.read() as connection:
            return tuple((row.exchange, row.attempt) for row in connection.execute(ordered))


def purge(connection: sa.Connection, now: int) -> None:
    """Forget answers whose time is over, and those that stayed alone. Inside of the caller's transaction."""
    other = t.answer.alias("other")
    beside = sa.select(other.c.exchange).where(
        (other.c.exchange == t.answer.c.exchange) & (other.c.attempt != t.answer.c.attempt)
    )
    alone = (t.answer.c.created <= now - ALONE_MS) & ~beside.exists()
    connection.execute(t.answer.delete().where((t.answer.c.expires <= now) | alone))


def _name(exchange: str, attempt: int) -> str:
    return f"{exchange}/{attempt}"
