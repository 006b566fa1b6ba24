"""Rows that tie what a provider keeps to the scopes whose placeholders are in it, under a transaction of the caller."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from redaction.vault import tables as t
from redaction.vault.cipher import ScopeKeys, seal
from redaction.vault.database import insert_if_free


@dataclass(frozen=True, slots=True)
class Bound:
    """A provider's object. ref, owner: keyed hashes of its id and of the application that made it."""

    destination: str
    object_id: str = field(repr=False)
    ref: bytes
    owner: str


def bind(
    connection: sa.Connection,
    keys: Mapping[str, ScopeKeys],
    places: Mapping[str, int],
    bound: Bound,
    now: int,
    until: int,
) -> None:
    """Ties an object to those of its scopes that are alive, and lets them live as long. Times in ms since 1970.

    keys: of the live scopes, locked. places: scope -> its place among the object's, session first.
    """
    rows = [
        {"destination": bound.destination, "object_ref": bound.ref, "scope": scope, "place": place, "lost": 0,
         "sealed": seal(keys[scope], scope, "object", bound.destination, bound.object_id),
         "created": now, "expires": until, "owner": bound.owner}
        for scope, place in places.items()
        if scope in keys
    ]  # fmt: skip
    if rows:
        connection.execute(insert_if_free(connection, t.binding), rows)
        sooner = t.scope.c.id.in_(keys) & (t.scope.c.expires < until)
        connection.execute(t.scope.update().where(sooner).values(expires=until))
