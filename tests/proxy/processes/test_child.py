"""A real child of the supervisor: it answers whether it hears, is killed where it no longer does, outlives nobody."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from proxy.configured import load
from proxy.errors import ConfigError
from proxy.processes import child as children
from proxy.processes.child import Child
from proxy.processes.telling import HEARING, settings_to_json
from proxy.running.databases import serve_log


async def test_a_child_that_hears_is_left_alone_and_one_that_hangs_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(children, "ASK_S", 0.02)
    monkeypatch.setattr(children, "SILENT", 10**9)
    answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    child = Child("detection", answers.put_nowait)
    settings = settings_to_json(load(home=tmp_path / "home", environ={}))
    metrics = tmp_path / "metrics"
    metrics.mkdir()
    async with asyncio.timeout(200):
        await child.start({"settings": settings}, (), metrics)
        try:
            assert await answers.get() == {"ready": True}
            for _ in range(3):
                assert await answers.get() == {HEARING: True}
            assert not caplog.messages
            os.kill(child.pid, signal.SIGSTOP)
            monkeypatch.setattr(children, "SILENT", 3)
            assert await child.wait() == -signal.SIGKILL
        finally:
            await child.end()
    assert [text for text in caplog.messages if "has not answered" in text]


async def test_a_door_that_waits_for_a_writer_ends_with_its_supervisor(tmp_path: Path) -> None:
    settings = load(home=tmp_path / "home", environ={})
    serve_log(settings).close()
    metrics = tmp_path / "metrics"
    metrics.mkdir()
    child = Child("door")
    line = {"settings": settings_to_json(settings), "leads": True, "pieces": "00"}
    async with asyncio.timeout(200):
        starting = asyncio.create_task(child.start({**line, "sockets": {"gateway": [], "network": {}}}, (), metrics))
        while not child.pid:
            await asyncio.sleep(0.01)
        await child.end(limit_s=180)
        with pytest.raises(ConfigError, match="ended before it was ready"):
            await starting
        assert await child.wait() == 0
