"""Searches that people keep: a name of their own for a set of filters. Filters are fields of the log and values.

A search belongs to a person as tokens name them: two tokens of one name and role are one person's.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from audit.ids import new_id
from proxy.control.database import ControlDatabase
from proxy.control.tables import saved_search
from proxy.control.tokens import Token
from proxy.errors import FormatError, RefusedError

LONGEST_NAME = 80
LONGEST_FILTERS = 4_000
MOST = 50
"""Searches of one person."""


@dataclass(frozen=True, slots=True)
class SavedSearch:
    """One of them. filters: field of the page's form to its value."""

    id: str
    name: str
    filters: Mapping[str, str]


class Searches:
    """The searches of one control database. Synchronous. Raises UnavailableError."""

    def __init__(self, database: ControlDatabase) -> None:
        self._database = database

    def all(self, token: Token) -> tuple[SavedSearch, ...]:
        """A person's searches, by name."""
        rows = sa.select(saved_search).where(*_of(token)).order_by(saved_search.c.name)
        with self._database.read() as connection:
            return tuple(SavedSearch(row.id, row.name, json.loads(row.filters)) for row in connection.execute(rows))

    def save(self, token: Token, name: str, filters: Mapping[str, str]) -> None:
        """Keeps a search; one of the same name is replaced. Raises FormatError, RefusedError for too many."""
        name, text = _name(name), json.dumps(dict(filters))
        if len(text) > LONGEST_FILTERS:
            raise FormatError("the filters are too long to be kept", code="input")
        with self._database.write() as connection:
            connection.execute(saved_search.delete().where(*_of(token), saved_search.c.name == name))
            count = sa.select(sa.func.count()).select_from(saved_search).where(*_of(token))
            if connection.execute(count).scalar_one() >= MOST:
                raise RefusedError(f"you keep {MOST} searches already; remove one first", code="full")
            row = {"role": str(token.role), "owner": token.name, "name": name, "filters": text}
            connection.execute(saved_search.insert().values(id=new_id(), at=time.time_ns() // 1_000_000, **row))

    def remove(self, token: Token, search: str) -> None:
        """Forgets one; somebody else's is left alone."""
        with self._database.write() as connection:
            connection.execute(saved_search.delete().where(*_of(token), saved_search.c.id == search))


def _of(token: Token) -> tuple[sa.ColumnElement[bool], ...]:
    return saved_search.c.role == str(token.role), saved_search.c.owner == token.name


def _name(given: str) -> str:
    name = " ".join(given.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise FormatError(f"a search has a name of 1 to {LONGEST_NAME} printable characters", code="input")
    return name
