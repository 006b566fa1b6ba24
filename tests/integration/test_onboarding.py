"""A service from its credential to its first transfer; and credentials that change under load without a lost request."""

import asyncio
import os
import sys
import threading
from pathlib import Path
from typing import Any

import orjson
import pytest

from proxy.fakes.server import FakeProvider
from tests.integration.test_kill import BODY, start
from tests.ports import free_port

MAIL = "anna.schmidt@example.com"
DRAGOMAN = (sys.executable, "-c", "from proxy.cli import main; main()")


async def dragoman(*words: str, **environment: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *DRAGOMAN, *words, stdout=asyncio.subprocess.PIPE, env={**os.environ, **environment}
    )
    told, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, told.decode()


async def test_on_boarding_in_one_sitting(tmp_path: Path) -> None:
    """The credential is tried at once, and the service's own first transfer is waited for."""
    import httpx

    home = tmp_path / "home"
    async with FakeProvider("openai") as fake:
        running = await start(home, "network", "--upstream", f"openai={fake.url}")
        try:
            listen = {"DRAGOMAN_LISTEN": running.gateway.removeprefix("http://")}
            words = ("app", "add", "messenger", "--home", str(home), "--json")
            code, told = await dragoman(*words, **listen)
            made = orjson.loads(told)
            assert (code, made["tried"]["ok"], made["first_transfer"]) == (0, True, None)
            waiting = asyncio.create_task(dragoman(*words, "--wait", "60", **listen))
            headers = {"dragoman-credential": made["credential"]}
            async with httpx.AsyncClient(trust_env=False, headers=headers, timeout=60) as client:
                while not waiting.done():
                    answer = await client.post(f"{running.gateway}/openai/v1/chat/completions", json=BODY)
                    assert answer.status_code == 200
            code, told = waiting.result()
            found = orjson.loads(told)
            assert code == 0
            _, shown = await dragoman("audit", "show", found["first_transfer"], "--json", "--home", str(home))
            (transfer, *_) = orjson.loads(shown)
            assert (transfer["application"], transfer["destination"]["name"]) == ("messenger", "openai")
            assert made["proxy"].startswith(f"http://messenger:{made['credential']}@127.0.0.1:")
            assert made["environment"]["HTTPS_PROXY"] == made["proxy"]
            assert Path(made["environment"]["NODE_EXTRA_CA_CERTS"]).exists()  # noqa: ASYNC240
            assert not any(MAIL.encode() in call.body for call in fake.received)
        finally:
            await running.end(15)


async def test_without_a_running_dragoman_the_credential_is_made_and_the_advice_given(tmp_path: Path) -> None:
    listen = {"DRAGOMAN_LISTEN": f"127.0.0.1:{free_port()}"}
    code, told = await dragoman("app", "add", "messenger", "--home", str(tmp_path / "home"), **listen)
    assert code == 0
    assert "drg_" in told
    assert "start it: dragoman run" in told
    assert "HTTPS_PROXY" in told


async def test_a_credential_is_rotated_under_load_and_nobody_is_turned_away(stand: Any, chat: Any) -> None:
    async with stand() as it:
        control = it.app.control
        current = [control.add_credential("messenger")]
        await it.app.refresh()
        ended = asyncio.Event()

        async def service(number: int) -> list[int]:
            """Takes over a new credential at its next request but one, as services do."""
            seen, mine = [], current[0]
            async with it.client("openai") as client:
                while not ended.is_set():
                    headers = {"dragoman-credential": mine}
                    answer = await client.post("/v1/chat/completions", json=chat(f"{number} {MAIL}"), headers=headers)
                    seen.append(answer.status_code)
                    mine = current[0]
            return seen

        services = [asyncio.create_task(service(number)) for number in range(4)]
        for _ in range(5):
            made = control.add_credential("messenger", overlap_s=60)
            await it.app.refresh()
            current[0] = made  # handed out when it is known, as the command does
            before = len(it.received())
            while len(it.received()) < before + 8:
                await asyncio.sleep(0)
        ended.set()
        statuses = [status for one in await asyncio.gather(*services) for status in one]
        assert set(statuses) == {200}
        await it.settled()
        assert {entry["application"] for entry in it.records("transfer")} == {"messenger"}
        control.add_credential("messenger", overlap_s=0)
        await it.app.refresh()
        async with it.client("openai") as client:
            old = await client.post(
                "/v1/chat/completions", json=chat(MAIL), headers={"dragoman-credential": current[0]}
            )
        assert (old.status_code, old.json()["error"]["code"]) == (401, "credential_unknown")


async def test_a_look_that_was_overtaken_takes_nothing_back(
    stand: Any, chat: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an older look at the control store saw does not replace what a newer one has put in force."""
    async with stand() as it, it.client("openai") as client:
        control, has_read, goes_on = it.app.control, threading.Event(), threading.Event()
        read = control.digests

        def slow() -> Any:
            found = read()
            has_read.set()
            assert goes_on.wait(100)
            return found

        with monkeypatch.context() as patched:
            patched.setattr(control, "digests", slow)
            overtaken = asyncio.create_task(it.app._in_force.look_at_control())
            await asyncio.to_thread(has_read.wait, 100)
        credential = {"dragoman-credential": control.add_credential("messenger")}
        await it.app.refresh()
        goes_on.set()
        await overtaken
        assert (await client.post("/v1/chat/completions", json=chat(MAIL), headers=credential)).status_code == 200
