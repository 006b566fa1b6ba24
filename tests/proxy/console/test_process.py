"""The console as a process of its own: it comes again when it is killed, and never outlives the one that started it."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from audit.log import Ledger
from proxy.console.__main__ import CANNOT
from proxy.console.process import ConsoleProcess
from proxy.console.settings import ConsoleSettings
from tests.ports import free_port


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Path]:
    ledger = Ledger.open(tmp_path / "home")
    yield tmp_path / "home"
    ledger.close()


async def answers(address: tuple[str, int]) -> int:
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        return (await client.get(f"http://{address[0]}:{address[1]}/api/openapi.json")).status_code


async def test_it_answers_and_is_started_again_when_it_is_killed(home: Path) -> None:
    settings = ConsoleSettings(home, address=f"127.0.0.1:{free_port()}")
    process = ConsoleProcess(settings, first_wait_s=0.01)
    try:
        address = await process.start()
        assert not isinstance(address, str), address
        assert await answers(address) == 200
        assert process.child.pid is not None
        os.kill(process.child.pid, signal.SIGKILL)
        async with asyncio.timeout(150):
            await process.child.again.wait()
        assert process.child.starts == 2
        assert await answers(address) == 200
    finally:
        await process.stop()
    with pytest.raises(httpx.ConnectError):
        await answers(address)


async def test_an_address_that_is_taken_is_said_in_one_line(home: Path) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = ConsoleProcess(ConsoleSettings(home, address=f"127.0.0.1:{taken.getsockname()[1]}"))
        said = await process.start()
        await process.stop()
    assert isinstance(said, str)
    assert "cannot listen" in said
    assert process.child.pid is None


async def _child(settings: ConsoleSettings) -> asyncio.subprocess.Process:
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "proxy.console"), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert child.stdin is not None
    child.stdin.write(settings.line())
    await child.stdin.drain()
    return child


async def test_it_ends_with_the_process_that_started_it(home: Path) -> None:
    child = await _child(ConsoleSettings(home, address="127.0.0.1:0"))
    assert child.stdout is not None
    assert child.stdin is not None
    assert b"address" in await child.stdout.readline()
    child.stdin.close()
    async with asyncio.timeout(60):
        assert await child.wait() == 0


async def test_where_it_cannot_start_it_says_why_and_is_not_tried_again(home: Path) -> None:
    child = await _child(ConsoleSettings(home / "missing" / "\0", address="127.0.0.1:0"))
    assert child.stdout is not None
    assert b"error" in await child.stdout.readline()
    assert await child.wait() == CANNOT


def test_settings_travel_as_a_line() -> None:
    settings = ConsoleSettings(Path("/srv/dragoman"), policy=Path("policy.yaml"), allowed_hosts=("dragoman.example",))
    assert ConsoleSettings.from_line(settings.line()) == settings
