"""Pieces of uploads in a folder: several workers see the same ones, nobody reads them without the key, none stays."""

import asyncio
import errno
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from proxy.errors import FormatError, UnavailableError
from proxy.running import pieces
from proxy.running.pieces import MAX_PIECES, MAX_UPLOADS, PieceFolder, forgetting, fresh

KEY = bytes(range(32))
SECRET = b"anna.schmidt@example.com"
TTL_S = 60.0


@pytest.fixture
def worker(tmp_path: Path) -> Callable[..., PieceFolder]:
    """One worker after the other, over the same folder."""

    def make(key: bytes = KEY, limit: int = 100, **more: Any) -> PieceFolder:
        return PieceFolder(tmp_path / "uploads", key, limit, **more)

    return make


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_what_one_worker_holds_the_others_hold(worker: Callable[..., PieceFolder]) -> None:
    one, other = worker(), worker()
    one.begin("u", b"head", TTL_S)
    assert one.add("u", "b", b"second")
    assert other.add("u", "a", b"first ")
    assert (other.head("u"), other.size("u"), one.size("u")) == (b"head", 12, 12)
    assert other.take("u") == {"a": b"first ", "b": b"second"}
    assert (one.take("u"), one.head("u"), one.size("u"), one.add("u", "c", b"")) == (None, None, 0, False)


def test_nothing_in_the_folder_says_what_it_is(worker: Callable[..., PieceFolder], tmp_path: Path) -> None:
    worker().begin(f"upload of {SECRET.decode()}", SECRET, TTL_S)
    worker().add(f"upload of {SECRET.decode()}", "1", SECRET)
    held = files(tmp_path)
    assert len(held) == 2
    assert not any(SECRET in path.read_bytes() or SECRET.decode() in str(path) for path in held)
    assert {path.stat().st_mode & 0o077 for path in [*held, *(path.parent for path in held)]} == {0}
    stranger = worker(key=bytes(32))
    assert stranger.head(f"upload of {SECRET.decode()}") is None


def test_a_piece_that_was_changed_or_moved_is_not_taken_for_another(
    worker: Callable[..., PieceFolder], tmp_path: Path
) -> None:
    holder = worker()
    for spoil in (
        lambda a, b: a.write_bytes(a.read_bytes()[:-1] + b"\0"),
        lambda a, b: a.write_bytes(b.read_bytes()),
        lambda a, b: a.write_bytes(b""),
    ):
        holder.begin("u", b"", TTL_S)
        holder.add("u", "a", b"one")
        holder.add("u", "b", b"two")
        by_name = {path.name: path for path in files(tmp_path)}
        spoil(by_name["a"], by_name["b"])
        with pytest.raises(UnavailableError) as caught:
            holder.take("u")
        assert caught.value.code == "upload_damaged"
        assert files(tmp_path) == []


def test_what_is_held_has_bounds(worker: Callable[..., PieceFolder], monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = worker(limit=10), worker(limit=10)
    for number in range(MAX_UPLOADS):
        (one, other)[number % 2].begin(str(number), b"", TTL_S)
    with pytest.raises(FormatError) as caught:
        other.begin("one more", b"", TTL_S)
    assert (caught.value.code, caught.value.status) == ("too_many_uploads", 429)
    assert one.head("one more") is None
    one.begin("0", b"", TTL_S)  # is there already, and stays as it is
    assert one.add("0", "a", b"123456")
    assert not one.add("0", "a", b"again")
    with pytest.raises(FormatError) as caught:
        other.add("0", "b", b"12345")
    assert (caught.value.code, caught.value.status, one.head("0")) == ("upload_too_large", 413, None)
    monkeypatch.setattr(pieces, "MAX_PIECES", 3)
    assert MAX_PIECES > 3
    with pytest.raises(FormatError) as caught:
        for number in range(4):
            one.add("1", str(number), b"")
    assert (caught.value.code, one.head("1")) == ("upload_invalid", None)


def test_of_many_at_once_one_adds_a_piece_and_one_takes_the_whole(worker: Callable[..., PieceFolder]) -> None:
    workers = [worker() for _ in range(8)]
    together = threading.Barrier(len(workers))

    def at_once(what: Callable[[PieceFolder], Any]) -> list[Any]:
        def run(one: PieceFolder) -> Any:
            together.wait(timeout=30)
            return what(one)

        with ThreadPoolExecutor(len(workers)) as threads:
            return list(threads.map(run, workers))

    for number in range(20):
        name = str(number)
        at_once(lambda one, name=name: one.begin(name, b"", TTL_S))
        assert sum(at_once(lambda one, name=name: one.add(name, "a", b"x"))) == 1
        taken = at_once(lambda one, name=name: one.take(name))
        assert [one for one in taken if one is not None] == [{"a": b"x"}]


def test_what_is_being_begun_is_never_taken_for_old(
    worker: Callable[..., PieceFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another worker looks for what is old at the moment when a head gets its name."""
    one, other, link = worker(), worker(), os.link

    def linked(*names: Any) -> None:
        link(*names)
        other.forget_old()

    monkeypatch.setattr(os, "link", linked)
    one.begin("new", b"head", TTL_S)
    assert other.head("new") == b"head"


def test_what_has_had_its_time_is_forgotten_also_where_nobody_comes_back(
    worker: Callable[..., PieceFolder], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    holder = worker(now=lambda: now[0])
    holder.begin("old", b"", TTL_S)
    holder.begin("touched", b"", TTL_S)
    now[0] += TTL_S - 1
    holder.add("touched", "a", b"x", TTL_S)
    now[0] += 2
    assert (holder.head("old"), holder.head("touched")) == (None, b"")
    now[0] += TTL_S
    monkeypatch.setattr(pieces, "FORGET_S", 0.0)
    seen = asyncio.Event()

    class Watched(PieceFolder):
        def forget_old(self) -> None:
            super().forget_old()
            loop.call_soon_threadsafe(seen.set)

    async def look() -> None:
        task = asyncio.create_task(forgetting(Watched(tmp_path / "uploads", KEY, 100, lambda: now[0])))
        await asyncio.wait_for(seen.wait(), 30)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        runner.run(look())
    assert files(tmp_path) == []


def test_another_start_finds_nothing_of_the_one_before(worker: Callable[..., PieceFolder], tmp_path: Path) -> None:
    worker().begin("u", SECRET, TTL_S)
    (tmp_path / "uploads" / ".unfinished").write_bytes(b"x")
    fresh(tmp_path / "uploads")
    assert files(tmp_path) == []
    worker().begin("u", b"", TTL_S)


def test_a_full_disk_refuses_the_piece_and_says_no_more(
    worker: Callable[..., PieceFolder], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = worker()
    holder.begin("u", b"", TTL_S)

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, f"No space left: {SECRET.decode()}")

    with monkeypatch.context() as patched:
        patched.setattr(os, "link", full)
        for what in (lambda: holder.add("u", "a", b"x"), lambda: holder.begin("v", b"", TTL_S)):
            with pytest.raises(UnavailableError) as caught:
                what()
            assert (caught.value.code, SECRET.decode() in caught.value.message) == ("uploads_away", False)
    assert len(files(tmp_path)) == 1
    assert holder.add("u", "a", b"x")
