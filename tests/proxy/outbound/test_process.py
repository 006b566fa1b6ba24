"""The streams' process: it sends what is appended beside it, comes again when it is killed, and loses nothing."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from audit import query
from audit.log import Ledger
from proxy.cli import build
from proxy.configured import load
from proxy.outbound.settings import OutboundSettings
from proxy.running.child import ChildProcess
from tests.audit.conftest import exchange_record


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger.open(tmp_path)
    yield opened
    opened.close()


def lines_of(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines() if path.exists() else []


async def arrived(path: Path, ledger: Ledger, *, least: int) -> list[bytes]:
    """The lines of the file once it has every entry there is; by polling, because a file tells nobody."""
    async with asyncio.timeout(150):
        while True:
            with ledger.store.read() as connection:
                bodies = [body for _, body in query.entries(connection)]
            lines = lines_of(path)
            if len(bodies) >= least and set(lines) >= set(bodies):
                return lines
            await asyncio.sleep(0.05)


async def test_entries_arrive_also_after_the_process_was_killed(tmp_path: Path, ledger: Ledger) -> None:
    (tmp_path / "config.toml").write_text('[streams.copy]\nto = "file"\npath = "copy.jsonl"\n')
    settings = OutboundSettings.of(load(home=tmp_path))
    process = ChildProcess("proxy.outbound", settings.line(), "the process of the streams", first_wait_s=0.01)
    ledger.append_blocking(exchange_record())
    try:
        assert await process.start() == {"streams": ["copy"]}
        await arrived(tmp_path / "copy.jsonl", ledger, least=3)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        ledger.append_blocking(exchange_record())
        async with asyncio.timeout(150):
            await process.again.wait()
        # Whoever held the lease is gone; the cursor is set as an operator would, instead of waiting a minute.
        done = CliRunner().invoke(build(["stream"]), ["stream", "reset", "copy", "--to", "2", "--home", str(tmp_path)])
        assert done.exit_code == 0, done.output
        await arrived(tmp_path / "copy.jsonl", ledger, least=5)
    finally:
        await process.stop()
    listed = CliRunner().invoke(build(["stream"]), ["stream", "list", "--home", str(tmp_path), "--json"])
    assert (listed.exit_code, '"behind": 0' in listed.stdout) == (0, True), listed.stdout


async def test_a_secret_that_is_missing_is_said_in_one_line(tmp_path: Path, ledger: Ledger) -> None:
    (tmp_path / "config.toml").write_text(
        '[streams.hook]\nto = "webhook"\nurl = "https://siem.example"\nsecret = "env:NOT_THERE"\n'
    )
    line = OutboundSettings.of(load(home=tmp_path)).line()
    process = ChildProcess("proxy.outbound", line, "the process of the streams")
    assert await process.start() == "the environment variable NOT_THERE is empty or not set"
    await process.stop()
