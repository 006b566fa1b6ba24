"""`dragoman run` with its console: both serve, and killing the console never touches traffic."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import httpx

from proxy.control.store import ControlStore
from proxy.control.tokens import Role

MESSAGE = {"model": "echo", "messages": [{"role": "user", "content": "Mail anna.schmidt@example.com"}]}


def console_of(pid: int) -> int:
    """The process of the console among the children of `dragoman run`."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    return next(child for child in children if b"proxy.console" in Path(f"/proc/{child}/cmdline").read_bytes())


async def told(process: asyncio.subprocess.Process, word: str) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(200):
        while line := await process.stdout.readline():
            if word in line.decode():
                return line.decode().split()[-1]
    raise AssertionError(f"nothing was said about {word}")


async def test_a_console_that_is_killed_leaves_traffic_alone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from proxy.cli import main; main()", "run", "--home", str(home), "--mode", "none"),
        *("--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--console", "127.0.0.1:0", "--workers", "1"),
        *("--detectors", "patterns"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        gateway, console = await told(process, "gateway"), await told(process, "console is ready")
        control = ControlStore.at(home)
        token, _ = control.tokens.create(Role.OFFICER, "test", (), 1)
        control.close()
        headers = {"authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
            assert (await client.post(f"{gateway}/demo/v1/chat/completions", json=MESSAGE)).status_code == 200
            rows = (await client.get(f"{console}/api/v1/transfers", headers=headers)).json()["items"]
            assert [row["destination"] for row in rows] == ["demo"]
            os.kill(console_of(process.pid), signal.SIGKILL)
            answer = await client.post(f"{gateway}/demo/v1/chat/completions", json=MESSAGE)
            assert answer.status_code == 200
            assert "anna.schmidt@example.com" in answer.text
    finally:
        process.terminate()
        async with asyncio.timeout(120):
            assert await process.wait() == 0
