"""Rows of placeholders: how they are stored by several writers at once, and how they are read back.

Under a transaction of whoever calls; originals are sealed before they become a row, and opened with the scope's keys.
"""

from collections.abc import Mapping, Sequence
from itertools import batched

import sqlalchemy as sa

from redaction.errors import VaultError
from redaction.vault import tables as t
from redaction.vault.cipher import ScopeKeys, seal, unseal
from redaction.vault.database import insert_if_free
from redaction.vault.issuing import Candidate, Store

_BATCH = 500  # bound parameters of one statement; SQLite allows 32,766
_STORED = sa.select(t.mapping.c.token, t.mapping.c.surface_ref).where(
    (t.mapping.c.scope == sa.bindparam("of_scope")) & t.mapping.c.token.in_(sa.bindparam("tokens", expanding=True))
)


def store(connection: sa.Connection, scope: str, keys: ScopeKeys, now: int) -> Store:
    """See `redaction.vault.issuing.issue`. scope: its id; now: ms since 1970."""

    def stored(candidates: Sequence[Candidate]) -> dict[str, bytes]:
        rows = [
            {"scope": scope, "token": one.token, "entity_type": one.item[0], "counter": one.counter,
             "surface_ref": one.surface_ref, "sealed": seal(keys, scope, one.token, *one.item), "created": now}
            for one in candidates
        ]  # fmt: skip
        made = connection.execute(insert_if_free(connection, t.mapping), rows)
        if made.supports_sane_multi_rowcount() and made.rowcount == len(rows):
            return {one.token: one.surface_ref for one in candidates}  # each was free, and is ours
        found: dict[str, bytes] = {}
        for part in batched([one.token for one in candidates], _BATCH):
            there = connection.execute(_STORED, {"of_scope": scope, "tokens": part})
            found.update((row.token, row.surface_ref) for row in there)
        return found

    return stored


def originals(connection: sa.Connection, keys: Mapping[str, ScopeKeys], limit: int) -> dict[str, str]:
    """Placeholder -> original of whole scopes; what two scopes share is in neither. keys: by scope.

    Raises VaultError: `full` beyond the limit, `damaged`.
    """
    rows = connection.execute(sa.select(t.mapping).where(t.mapping.c.scope.in_(keys)).limit(limit + 1)).all()
    if len(rows) > limit:
        raise VaultError(f"the conversation holds more than {limit} placeholders; start a new one", code="full")
    found: dict[str, str] = {}
    twice: set[str] = set()
    for row in rows:
        if row.token in found:
            twice.add(row.token)
        found[row.token] = unseal(keys[row.scope], row.scope, row.token, row.entity_type, row.sealed)
    return {token: value for token, value in found.items() if token not in twice}


def scopes_with(connection: sa.Connection, token: str) -> tuple[str, ...]:
    """The live scopes that have a placeholder, last used first."""
    joined = t.mapping.join(t.scope, t.scope.c.id == t.mapping.c.scope)
    where = (t.mapping.c.token == token) & t.scope.c["keys"].is_not(None)
    rows = sa.select(t.mapping.c.scope).select_from(joined).where(where).order_by(t.scope.c.used.desc())
    return tuple(connection.execute(rows).scalars())
