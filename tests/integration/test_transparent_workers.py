"""Transparent mode served by two processes: either takes any connection, finds where it was going, and shares the log."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from audit.commands.reading import reading
from audit.verify import verify_store
from proxy.fakes.leaks import assert_no_leak
from tests.transparent import MAIL, PHONE, TEXT, USER, Place, placed

IPV4 = ("https://api.openai.com/v1/chat/completions", {"model": "fake-echo", "messages": USER})
IPV6 = (
    "https://generativelanguage.googleapis.com/v1beta/models/fake-echo:generateContent",
    {"contents": [{"role": "user", "parts": [{"text": TEXT}]}]},
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, throwaway_ca: Any) -> Iterator[Place]:
    home = tmp_path_factory.mktemp("shared") / "home"
    with placed(home, throwaway_ca, "--interface", "lan0", workers=2) as made:
        yield made


def door_workers(place: Place) -> list[int]:
    children = Path(f"/proc/{place.process.pid}/task/{place.process.pid}/children").read_text().split()
    return [int(pid) for pid in children if b"door" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")]


@contextmanager
def halted(place: Place, pid: int) -> Iterator[None]:
    """A process that takes nothing for a while, so that whatever is taken was taken by another."""
    os.kill(pid, signal.SIGSTOP)
    try:
        place.until(lambda: Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T")
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_either_worker_serves_unchanged_apps_and_both_write_one_log(place: Place) -> None:
    workers = door_workers(place)
    assert len(workers) == 2
    for turn, other in enumerate(workers, 1):
        with halted(place, other):
            for url, body in (IPV4, IPV6):
                curl = ("curl", "--silent", "--show-error", "--max-time", "100", "--cacert", str(place.ca))
                done = place.net.run(place.net.app, *curl, "--json", orjson.dumps(body).decode(), url)
                assert done.returncode == 0, done.stderr
                assert MAIL in done.stdout
            place.until(lambda turn=turn: len(place.entries("outcome")) == 2 * turn)
    assert door_workers(place) == workers
    sent = place.entries("transfer")
    assert [(entry["destination"]["name"], entry["mode"]) for entry in sent] == [
        ("openai", "transparent"), ("gemini", "transparent"),
    ] * 2  # fmt: skip
    assert {entry["state"] for entry in place.entries("outcome")} == {"complete"}
    for api in ("openai", "gemini"):
        assert len(place.received(api)) == 2
        assert_no_leak(place.received(api), [MAIL, PHONE])
    with reading(place.home, None) as log:
        assert verify_store(log.store, [log.vkey]).kinds["transfer"] == 4
