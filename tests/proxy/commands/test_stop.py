"""`dragoman stop`: sets the stop, leaves a record, and says so where there is no log."""

import json
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from audit.log import Ledger
from proxy.cli import build
from proxy.control.store import ControlStore


def run(home: Path, *arguments: str):  # type: ignore[no-untyped-def]
    command = ["stop", *arguments, "--home", str(home)]
    return CliRunner().invoke(build(command), command)


def stops(home: Path) -> list[tuple[str, str, str]]:
    command = ["audit", "export", "--format", "jsonl", "--home", str(home)]
    lines = CliRunner().invoke(build(command), command).stdout.splitlines()
    records = [item.get("record", item) for item in map(json.loads, lines)]
    return [(item["target"], item["name"], item["state"]) for item in records if item["kind"] == "stop"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    Ledger.open(tmp_path, node="test").close()
    return tmp_path


def test_a_stop_and_its_end_are_set_and_recorded(home: Path) -> None:
    assert run(home, "openai").exit_code == 0
    assert ControlStore.at(home).stops()["destination"] == {"openai"}
    assert run(home, "openai", "--resume").exit_code == 0
    assert ControlStore.at(home).stops()["destination"] == frozenset()
    assert stops(home) == [("destination", "openai", "stopped"), ("destination", "openai", "resumed")]


def test_without_a_log_the_stop_still_holds_and_the_user_is_told(tmp_path: Path) -> None:
    done = run(tmp_path, "openai")
    assert done.exit_code != 0
    assert "has no record of it" in str(done.exception)
    assert ControlStore.at(tmp_path).stops()["destination"] == {"openai"}


def test_without_a_log_nothing_is_resumed(tmp_path: Path) -> None:
    run(tmp_path, "openai")
    assert run(tmp_path, "openai", "--resume").exit_code != 0
    assert ControlStore.at(tmp_path).stops()["destination"] == {"openai"}


def test_a_name_that_nobody_knows_is_refused(home: Path) -> None:
    assert "names no destination" in str(run(home, "openia").exception)
    assert stops(home) == []


def test_only_the_owner_may_read_the_control_database(home: Path) -> None:
    ControlStore.at(home).close()
    assert stat.S_IMODE((home / "control.db").stat().st_mode) == 0o600
