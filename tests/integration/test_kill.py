"""kill -9 under load: what the upstream saw has its record, the log verifies, the surplus is closed at the next start."""

import asyncio
import contextlib
import os
import signal
import sqlite3
import sys
from pathlib import Path
from typing import Any

import httpx
import orjson

from proxy.fakes.server import FakeProvider


def _records(home: Path) -> list[dict[str, Any]]:
    with sqlite3.connect(home / "audit.db") as connection:
        return [orjson.loads(body) for (body,) in connection.execute("SELECT body FROM entry ORDER BY idx")]


async def _start(home: Path, url: str) -> tuple[asyncio.subprocess.Process, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from proxy.cli import main; main()", "run", "--home", str(home)),
        *("--mode", "none", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--workers", "1"),
        *("--detectors", "patterns", "--upstream", f"openai={url}"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    while line := await process.stdout.readline():
        if b"gateway" in line:
            return process, line.split()[-1].decode()
    raise AssertionError("dragoman did not start")


async def test_after_kill_9_every_request_that_the_upstream_saw_has_its_record(tmp_path: Path) -> None:
    home = tmp_path / "home"
    body = {"model": "fake-echo", "messages": [{"role": "user", "content": "I am anna.schmidt@example.com"}]}
    async with FakeProvider("openai") as fake:
        process, gateway = await _start(home, fake.url)
        enough = asyncio.Event()

        async def send(client: httpx.AsyncClient) -> None:
            with contextlib.suppress(httpx.HTTPError):
                while True:
                    await client.post(f"{gateway}/openai/v1/chat/completions", json=body)
                    if len(fake.received) > 60:
                        enough.set()

        async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
            senders = [asyncio.create_task(send(client)) for _ in range(8)]
            await enough.wait()
            os.kill(process.pid, signal.SIGKILL)
            await process.wait()
            await asyncio.gather(*senders)
        seen = len(fake.received)
        transfers = [entry for entry in _records(home) if entry["kind"] == "transfer"]
        assert seen <= len(transfers) <= seen + 8
        process, _ = await _start(home, fake.url)
        process.terminate()
        await process.wait()
        assert len(fake.received) == seen
    entries = _records(home)
    outcomes = {
        (entry["id"], entry.get("attempt", 1)): entry["state"] for entry in entries if entry["kind"] == "outcome"
    }
    assert {(entry["id"], entry.get("attempt", 1)) for entry in transfers} == set(outcomes)
    assert set(outcomes.values()) <= {"complete", "interrupted", "not_sent", "client_gone"}
    verify = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from proxy.cli import main; main()", "audit", "verify", "--home", str(home)),
        stdout=asyncio.subprocess.DEVNULL,
    )
    assert await verify.wait() == 0
