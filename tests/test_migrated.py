"""What tests get for the migrations is what the migrations make."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command

from audit.log import Ledger
from proxy.control.store import ControlStore
from redaction.vault import open_vault
from tests.migrated import statements

OPENED: dict[str, Callable[[Path], Any]] = {"audit": Ledger.open, "control": ControlStore.at, "vault": open_vault}


def schema(file: Path) -> list[Any]:
    """Its tables, indices and revision; other rows are what each opening writes anew."""
    with closing(sa.create_engine(f"sqlite:///{file}", poolclass=sa.NullPool).connect()) as connection:
        rows = connection.exec_driver_sql("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY rowid").all()
        (revision,) = [made for made in statements(connection) if made[0].startswith("INSERT") and "version" in made[0]]
    return [*rows, revision]


@pytest.mark.parametrize("name", OPENED)
def test_a_new_file_has_the_schema_that_its_migrations_make(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, migrations: Callable[..., None]
) -> None:
    for home in ("first", "again"):
        OPENED[name](tmp_path / home).close()
    monkeypatch.setattr(command, "upgrade", migrations)
    OPENED[name](tmp_path / "really").close()
    first, again, really = (schema(tmp_path / home / f"{name}.db") for home in ("first", "again", "really"))
    assert first == again == really
    assert len(really) > 5
