"""New SQLite files get their schema as the migrations left it the first time, statement by statement.

Thousands of tests begin with an empty log, vault and control database, and a tenth of a second of Alembic for each was
a tenth of the whole run. The migrations themselves run in every test process, once for each kind of file; on whatever
holds a table already and on PostgreSQL they always run.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command

type Statement = tuple[str, tuple[Any, ...]]

_left: dict[tuple[str, str], list[Statement]] = {}
"""Folder of the migrations and their table -> what makes an empty file one of theirs."""


def statements(connection: sa.Connection) -> list[Statement]:
    """Everything that a SQLite file holds, as statements that make another one like it."""
    rows = connection.exec_driver_sql("SELECT type, name, sql FROM sqlite_master ORDER BY rowid").all()
    found: list[Statement] = [(sql, ()) for _, name, sql in rows if sql and not name.startswith("sqlite_")]
    for name in (name for kind, name, _ in rows if kind == "table" and not name.startswith("sqlite_")):
        for row in connection.exec_driver_sql(f'SELECT * FROM "{name}"'):
            found.append((f'INSERT INTO "{name}" VALUES ({", ".join("?" * len(row))})', tuple(row)))
    return found


@contextmanager
def migrated_once() -> Iterator[Callable[..., None]]:
    """See above; gives Alembic's own `upgrade`."""
    upgrade = command.upgrade

    def quick(config: Any, revision: str, *args: Any, **kwargs: Any) -> None:
        connection = config.attributes.get("connection")
        if connection is None or connection.dialect.name != "sqlite" or revision != "head" or statements(connection):
            return upgrade(config, revision, *args, **kwargs)
        key = (config.get_main_option("script_location"), config.attributes.get("version_table", ""))
        for statement, values in _left.get(key, ()):
            connection.exec_driver_sql(statement, values)
        if key not in _left:
            upgrade(config, revision, *args, **kwargs)
            _left[key] = statements(connection)
        return None

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(command, "upgrade", quick)
        yield upgrade
