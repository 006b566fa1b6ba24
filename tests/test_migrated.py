"""What tests get for the migrations is what the migrations make."""

import resource
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command

from audit.errors import AuditError
from audit.log import Ledger
from proxy.control.store import ControlStore
from proxy.errors import ProxyError
from redaction.errors import RedactionError
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


@contextmanager
def no_file_beyond(size: int) -> Iterator[None]:
    """Files of this process do not grow beyond a size: to whoever writes, the disk is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("name", OPENED)
def test_a_first_start_on_a_full_disk_says_so_and_the_next_one_begins_anew(name: str, tmp_path: Path) -> None:
    OPENED[name](tmp_path / "whole").close()
    told = []
    for size in range(0, 160_000, 12_345):
        home = tmp_path / str(size)
        try:
            with no_file_beyond(size):
                OPENED[name](home).close()
        except (AuditError, ProxyError, RedactionError, OSError) as error:
            told.append(str(error))
        OPENED[name](home).close()
        assert schema(home / f"{name}.db") == schema(tmp_path / "whole" / f"{name}.db"), size
    assert told
    assert any("its disk is full" in one for one in told), told
