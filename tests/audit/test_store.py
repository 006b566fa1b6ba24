"""The database: one writer at a time, readers that see one state, errors without parameters; on both databases."""

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from audit.engines import sqlite_url
from audit.errors import StoreError, VerifyError
from audit.log import Ledger
from audit.store import BusyError, Store
from audit.stored import StoredTiles, newest_checkpoint
from audit.tables import REVISION, boot, metadata
from audit.tiles import ENTRIES, TileId


def add_boot(connection: sa.Connection, name: str) -> None:
    connection.execute(sa.insert(boot), {"boot": name, "node": "local", "started": 1, "ended": None})


def boots(store: Store) -> list[str]:
    with store.read() as connection:
        return list(connection.execute(sa.select(boot.c.boot).order_by(boot.c.boot)).scalars())


def test_opening_brings_the_schema_up_to_date_once(database: str) -> None:
    store = Store.open(database)
    assert store.revision() == REVISION
    with store.write() as connection:
        add_boot(connection, "a")
    store.close()
    again = Store.open(database)
    assert boots(again) == ["a"]
    again.close()


def test_the_migrations_make_the_tables_that_the_queries_see(database: str) -> None:
    store = Store.open(database)
    with store.read() as connection:
        found = sa.inspect(connection)
        for table in metadata.sorted_tables:
            assert {column["name"] for column in found.get_columns(table.name)} == set(table.columns.keys())
            assert {index["name"] for index in found.get_indexes(table.name)} >= {index.name for index in table.indexes}
    store.close()


def test_what_fails_in_a_transaction_is_not_there(database: str) -> None:
    store = Store.open(database)
    with pytest.raises(RuntimeError), store.write() as connection:
        add_boot(connection, "a")
        raise RuntimeError
    assert boots(store) == []
    store.close()


def test_a_second_writer_waits_until_the_first_has_committed(database: str) -> None:
    store, other = Store.open(database), Store.open(database)
    begun = threading.Event()
    order: list[str] = []

    def write() -> None:
        begun.set()
        with other.write() as connection:
            order.append("second")
            add_boot(connection, "b")

    thread = threading.Thread(target=write)
    with store.write() as connection:
        thread.start()
        assert begun.wait(30)
        add_boot(connection, "a")
        order.append("first")
    thread.join(30)
    assert order == ["first", "second"]
    assert boots(store) == ["a", "b"]
    store.close()
    other.close()


def test_a_reader_neither_waits_for_a_writer_nor_sees_half_of_what_it_writes(database: str) -> None:
    store = Store.open(database)
    with store.write() as connection:
        add_boot(connection, "a")
        assert boots(store) == []
    assert boots(store) == ["a"]
    store.close()


def test_a_lock_that_is_not_to_be_had_is_told_from_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audit.engines.BUSY_MS", 20)
    store, other = (Store.open(sqlite_url(tmp_path / "audit.db")) for _ in range(2))
    with store.write(), pytest.raises(BusyError) as raised, other.write():
        pass
    assert raised.value.code == "store_busy"
    store.close()
    other.close()


def test_a_store_for_reading_neither_creates_nor_writes(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "audit.db")
    with pytest.raises(StoreError):
        Store.open(url, read_only=True)
    assert not (tmp_path / "audit.db").exists()
    Store.open(url).close()
    reader = Store.open(url, read_only=True)
    with pytest.raises(StoreError) as raised, reader.write():
        pass
    assert raised.value.code == "store_read_only"
    reader.close()


def test_an_empty_database_is_not_read_as_a_log(postgres_url: str) -> None:
    with pytest.raises(StoreError) as raised:
        Store.open(postgres_url, read_only=True)
    assert raised.value.code == "store_schema"


def test_errors_hold_neither_password_nor_parameters(database: str) -> None:
    store = Store.open(database)
    with pytest.raises(sa.exc.IntegrityError) as raised, store.write() as connection:
        add_boot(connection, "anna@example.com")
        add_boot(connection, "anna@example.com")
    assert "anna@example.com" not in str(raised.value).partition("DETAIL")[0]
    store.close()
    with pytest.raises(StoreError) as refused:
        Store.open("postgresql+psycopg://proxy:hunter2@/none?host=/nonexistent")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("lost", [TileId(0, 0), TileId(0, 1, 3), TileId(1, 0, 1), TileId(ENTRIES, 0)])
def test_a_hole_in_the_database_is_not_filled(home: Path, transfer, lost: TileId) -> None:
    ledger = Ledger.open(home)
    ledger._append_all(transfer() for _ in range(258))
    with ledger.store.read() as connection:
        tiles = StoredTiles(connection)
        assert tiles.bundle(lost) if lost.level == ENTRIES else tiles.hashes(lost)
    with ledger.store.write() as connection:
        connection.exec_driver_sql("DELETE FROM tile WHERE level = 0")
        connection.exec_driver_sql("DELETE FROM entry WHERE idx IN (3, 257)")
    with ledger.store.read() as connection, pytest.raises(VerifyError, match="missing from the database"):
        tiles = StoredTiles(connection)
        assert tiles.bundle(lost) if lost.level == ENTRIES else tiles.hashes(lost)
    ledger.close()


def test_a_new_database_has_no_checkpoint(database: str) -> None:
    store = Store.open(database)
    with store.read() as connection:
        assert newest_checkpoint(connection) is None
    store.close()


def test_a_connection_that_comes_back_after_the_store_was_closed_is_closed(database: str) -> None:
    store = Store.open(database)
    with store.read() as connection:
        store.close()
        driver = connection.connection.dbapi_connection
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1
    with pytest.raises(Exception, match="closed"):
        driver.cursor().execute("SELECT 1")  # type: ignore[union-attr]
