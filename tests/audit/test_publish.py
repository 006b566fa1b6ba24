"""The published log: whole at every moment, only the tiles of its checkpoint, and never in the way of an append."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.errors import StoreError
from audit.home import Home
from audit.ledger import publish
from audit.ledger.publish import Publisher
from audit.ledger.recovery import read_published
from audit.log import Ledger
from audit.store import Store
from audit.tiles import tiles_of
from audit.verify import verify_folder
from tests.audit.test_log import wait_for


def size_of(home: Path) -> int:
    published = read_published(Home(home))
    return -1 if published is None else published.size


def files(directory: Path) -> set[str]:
    return {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(1, 300), min_size=1, max_size=4))
def test_what_is_published_is_exactly_the_tiles_of_the_newest_checkpoint(
    transfer, tmp_path_factory: pytest.TempPathFactory, counts: list[int]
) -> None:
    home = Home(tmp_path_factory.mktemp("log") / "home")
    ledger = Ledger.open(home.path, publish_every_s=3600)
    wait_for((home.log / "checkpoint").exists)
    for count in counts:
        ledger._append_all(transfer() for _ in range(count))
        size = publish.publish(home, ledger.store)
        expected = {tile.path for tile in tiles_of(size)} | {"checkpoint"}
        assert expected <= files(home.log)
        partial = {path for path in files(home.log) if ".p/" in path}
        assert partial <= expected, "no partial tile of an older checkpoint stays"
        assert verify_folder(home.log, [home.read_vkey()]).checkpoint.size == size
    ledger.close()


def test_a_publication_that_is_cut_off_leaves_the_older_one_whole(
    home: Path, transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger.open(home)
    ledger.close()
    before = size_of(home)
    store = Store.open(ledger.home.database_url)
    ledger = Ledger.join(home)
    ledger._append_all(transfer() for _ in range(300))
    whole = publish.write_file

    def cut(path: Path, data: bytes) -> None:
        if path.name == "checkpoint":
            raise OSError("no space left on device")
        whole(path, data)

    monkeypatch.setattr(publish, "write_file", cut)
    with pytest.raises(OSError, match="no space"):
        publish.publish(ledger.home, store)
    assert size_of(home) == before
    assert verify_folder(home / "log", [ledger.home.read_vkey()]).checkpoint.size == before
    monkeypatch.undo()
    assert publish.publish(ledger.home, store) == before + 300
    assert verify_folder(home / "log", [ledger.home.read_vkey()]).kinds["transfer"] == 300
    ledger.close()
    store.close()


def test_appends_go_on_while_nothing_can_be_published(home: Path, transfer) -> None:
    Home(home).create()
    (home / "log").write_bytes(b"in the way")
    with pytest.raises(NotADirectoryError):
        (home / "log" / "checkpoint").read_bytes()
    store = Store.open(Home(home).database_url)
    publisher = Publisher(Home(home), store, every_s=0.001, roots={})
    wait_for(lambda: publisher.error is not None)
    assert isinstance(publisher.error, StoreError)
    assert (publisher.error.code, "NotADirectoryError" in publisher.error.message) == ("publish", True)
    publisher.close()
    store.close()


def test_an_empty_database_has_nothing_to_publish(home: Path) -> None:
    Home(home).create()
    store = Store.open(Home(home).database_url)
    assert publish.publish(Home(home), store) == 0
    assert not (home / "log").exists()
    store.close()


def test_a_published_checkpoint_is_newer_after_each_append(home: Path, transfer) -> None:
    ledger = Ledger.open(home, publish_every_s=0.001)
    for _ in range(3):
        index = ledger.append_blocking(transfer()).index
        wait_for(lambda index=index: size_of(home) > index)
    ledger.close()
