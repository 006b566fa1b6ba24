"""Whom scopes concern: written with the placeholders, asked when somebody is erased. Inside the caller's transaction.

References of persons come in as the log names them and say nothing here; who they belong to is known to the log alone.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import batched

import sqlalchemy as sa

from redaction.vault import tables as t
from redaction.vault.base import SESSION, ConcernedScope, ProviderObject
from redaction.vault.cipher import ScopeKeys, unseal
from redaction.vault.database import insert_if_free
from redaction.vault.scopes import LIVE

_BATCH = 500  # bound parameters of one statement


def add(connection: sa.Connection, scope_id: str, refs: Iterable[str]) -> None:
    """Say that a scope concerns these persons; what is said already stays."""
    rows = [{"scope": scope_id, "ref": ref} for ref in refs]
    if rows:
        connection.execute(insert_if_free(connection, t.person), rows)


def scopes_of(connection: sa.Connection, refs: Sequence[str]) -> tuple[ConcernedScope, ...]:
    """The live scopes of these persons, oldest first."""
    mappings = _count(t.mapping.c.scope)
    others = _count(t.person.c.scope, t.person.c.ref.not_in(refs))
    mine = sa.select(t.person.c.scope).where(t.person.c.ref.in_(refs))
    columns = (t.scope.c.id, t.scope.c.kind, t.scope.c.destination, mappings, others)
    rows = sa.select(*columns).where(LIVE & t.scope.c.id.in_(mine)).order_by(t.scope.c.created, t.scope.c.id)
    return tuple(ConcernedScope(*row) for row in connection.execute(rows))


def live(connection: sa.Connection, ids: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Those of the scopes whose keys are still there, and how many placeholders each holds."""
    for some in batched(ids, _BATCH):
        rows = sa.select(t.scope.c.id, _count(t.mapping.c.scope)).where(LIVE & t.scope.c.id.in_(some))
        yield from ((row[0], row[1]) for row in connection.execute(rows))


def objects(connection: sa.Connection, keys: Mapping[str, ScopeKeys]) -> tuple[ProviderObject, ...]:
    """The provider objects that are bound to these scopes, each once, by their real ids."""
    found: dict[tuple[str, str], ProviderObject] = {}
    for some in batched(keys, _BATCH):
        rows = sa.select(t.binding).where(t.binding.c.scope.in_(some), t.binding.c.sealed.is_not(None))
        for row in connection.execute(rows.order_by(t.binding.c.created)):
            name = unseal(keys[row.scope], row.scope, "object", row.destination, row.sealed)
            found.setdefault((row.destination, name), ProviderObject(row.destination, name, row.created, row.expires))
    return tuple(found.values())


def unattributed(connection: sa.Connection) -> int:
    """Live conversations that hold placeholders and of which nobody said whom they concern."""
    held = sa.select(t.mapping.c.scope).where(t.mapping.c.scope == t.scope.c.id).exists()
    said = sa.select(t.person.c.scope).where(t.person.c.scope == t.scope.c.id).exists()
    rows = sa.select(sa.func.count()).select_from(t.scope).where(LIVE & (t.scope.c.kind == SESSION) & held & ~said)
    return int(connection.execute(rows).scalar_one())


def _count(of_scope: "sa.Column[str]", *where: sa.ColumnElement[bool]) -> sa.ScalarSelect[int]:
    rows = sa.select(sa.func.count()).where(of_scope == t.scope.c.id, *where)
    return rows.correlate(t.scope).scalar_subquery()
