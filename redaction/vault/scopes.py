"""Scopes in the database: found, made, kept alive, destroyed. Every function works inside of its caller's transaction.

A row's keys come in and go out wrapped; whoever changes a scope locks its row first, so that nothing is written into
a scope while another process destroys it.
"""

import secrets
from collections.abc import Generator
from typing import Any

import sqlalchemy as sa

from redaction.tokens import SESSION_LENGTH, WIDE_LENGTH
from redaction.vault import tables as t
from redaction.vault.base import SESSION, Scope
from redaction.vault.cipher import KeyEncryptionKey, ScopeKeys, unwrap_scope, wrap_scope
from redaction.vault.database import insert_if_free

type Row = sa.Row[tuple[Any, ...]]

_PAGE = 500

LIVE = t.scope.c["keys"].is_not(None)


def opened(row: Row, kek: KeyEncryptionKey) -> tuple[Scope, ScopeKeys]:
    """A live row's scope and keys. Raises VaultError `key` or `damaged`."""
    keys = unwrap_scope(row.key_id, row.keys, row.id, kek)
    return Scope(row.id, row.kind, row.destination, row.token_length, keys.token, keys.commit), keys


def _touching(where: sa.ColumnElement[bool]) -> sa.sql.dml.ReturningUpdate[Any]:
    now = sa.bindparam("touched_at", type_=sa.BigInteger)
    later = now + t.scope.c.ttl_s * 1000
    return (
        t.scope.update()
        .where(where & LIVE & (t.scope.c.expires > now))
        .values(used=now, expires=sa.case((t.scope.c.expires > later, t.scope.c.expires), else_=later))
        .returning(*t.scope.c)
    )


_TOUCHING_ONE = _touching(t.scope.c.id == sa.bindparam("of_scope"))
# Made once: making it costs more than what the database does with it, and every new placeholder asks for it.


def touched(connection: sa.Connection, where: sa.ColumnElement[bool], now: int) -> list[Row]:
    """The live, unexpired rows that fit, their life begun anew and locked until the transaction ends."""
    return list(connection.execute(_touching(where), {"touched_at": now}))


def touched_one(connection: sa.Connection, scope_id: str, now: int) -> list[Row]:
    """The same of one scope: its row, or none."""
    return list(connection.execute(_TOUCHING_ONE, {"of_scope": scope_id, "touched_at": now}))


def make(
    connection: sa.Connection, ref: str, kind: str, destination: str, ttl_s: int, now: int, kek: KeyEncryptionKey
) -> None:
    """A new scope with random keys, unless another process was faster."""
    scope_id = secrets.token_hex(16)
    length = SESSION_LENGTH if kind == SESSION else WIDE_LENGTH
    key_id, wrapped = wrap_scope(ScopeKeys.random(), scope_id, kek)
    row = {
        "id": scope_id, "ref": ref, "kind": kind, "destination": destination, "token_length": length,
        "key_id": key_id, "keys": wrapped, "ttl_s": ttl_s, "created": now, "used": now, "expires": now + ttl_s * 1000,
    }  # fmt: skip
    connection.execute(insert_if_free(connection, t.scope), row)


def of_destination(connection: sa.Connection, destination: str, until: int, kek: KeyEncryptionKey) -> Generator[Scope]:
    """The live scopes of a destination that were made by then, newest first. Raises VaultError `key` or `damaged`."""
    mine = LIVE & (t.scope.c.destination == destination) & (t.scope.c.created <= until)
    rows = sa.select(t.scope).where(mine).order_by(t.scope.c.created.desc(), t.scope.c.id)
    for row in connection.execute(rows.execution_options(yield_per=_PAGE)):
        yield opened(row, kek)[0]


def destroy(connection: sa.Connection, where: sa.ColumnElement[bool], now: int) -> dict[str, int]:
    """Destroy the keys of the live scopes that fit and everything under them. Scope id -> placeholders that went."""
    change = t.scope.update().where(where & LIVE).values(keys=None, ref=None, shredded=now).returning(t.scope.c.id)
    gone: dict[str, int] = {}
    for scope_id in list(connection.execute(change).scalars()):
        lost = connection.execute(t.mapping.delete().where(t.mapping.c.scope == scope_id)).rowcount
        connection.execute(t.person.delete().where(t.person.c.scope == scope_id))
        connection.execute(t.answer.delete().where(t.answer.c.scope == scope_id))
        bound = t.binding.update().where(t.binding.c.scope == scope_id)
        connection.execute(bound.values(sealed=None, lost=t.binding.c.lost + lost))
        gone[scope_id] = lost
    return gone
