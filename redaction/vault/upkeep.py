"""What is done to a vault besides its daily work: counting, wrapping keys anew. Inside of the caller's transaction.

Counts and wrapped keys only; no original is read here.
"""

from collections import Counter
from typing import Any

import sqlalchemy as sa

from redaction.vault import tables as t
from redaction.vault.base import VaultStats
from redaction.vault.cipher import KeyEncryptionKey, unwrap_scope, wrap_scope
from redaction.vault.scopes import LIVE


def stats(connection: sa.Connection, now: int) -> VaultStats:
    """Counts; see `VaultStats`."""
    count = sa.func.count()
    kinds = sa.select(t.scope.c.kind, t.scope.c.destination, count).where(LIVE)
    types = sa.select(t.mapping.c.entity_type, count).group_by(t.mapping.c.entity_type)
    keys = Counter({row[0]: row[1] for row in connection.execute(_by_key(t.scope).where(LIVE))})
    keys.update({row[0]: row[1] for row in connection.execute(_by_key(t.secret))})
    return VaultStats(
        scopes={
            (row[0], row[1]): row[2]
            for row in connection.execute(kinds.group_by(t.scope.c.kind, t.scope.c.destination))
        },
        mappings={row[0]: row[1] for row in connection.execute(types)},
        bindings=_number(connection, sa.select(count).select_from(t.binding)),
        expired=_number(connection, sa.select(count).select_from(t.scope).where(LIVE & (t.scope.c.expires <= now))),
        shredded=_number(connection, sa.select(count).select_from(t.scope).where(t.scope.c.shredded.is_not(None))),
        keys=dict(keys),
    )


def wrap_anew(connection: sa.Connection, kek: KeyEncryptionKey) -> int:
    """Wrap what is under an older key with the current one. Returns how many scopes were."""
    older = sa.select(t.scope).where(LIVE & (t.scope.c.key_id != kek.current)).with_for_update()
    rows = connection.execute(older).all()
    for row in rows:
        key_id, wrapped = wrap_scope(unwrap_scope(row.key_id, row.keys, row.id, kek), row.id, kek)
        connection.execute(t.scope.update().where(t.scope.c.id == row.id).values(key_id=key_id, keys=wrapped))
    for row in connection.execute(sa.select(t.secret).where(t.secret.c.key_id != kek.current)).all():
        plain = kek.unwrap(row.key_id, row.wrapped, row.name.encode())
        key_id, wrapped = kek.wrap(plain, row.name.encode())
        connection.execute(t.secret.update().where(t.secret.c.name == row.name).values(key_id=key_id, wrapped=wrapped))
    return len(rows)


def _by_key(table: sa.Table) -> "sa.Select[Any]":
    return sa.select(table.c.key_id, sa.func.count()).group_by(table.c.key_id)


def _number(connection: sa.Connection, select: "sa.Select[Any]") -> int:
    return int(connection.execute(select).scalar_one())
