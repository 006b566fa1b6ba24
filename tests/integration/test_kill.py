"""kill -9 under load, at both doors: what the upstream saw has its record, the log verifies, the surplus is closed at the
next start."""

import asyncio
import contextlib
import os
import signal
import sqlite3
import ssl
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
import pytest

from audit.commands.reading import reading
from audit.verify import verify_store
from proxy.config import Limits
from proxy.fakes.hold import Hold
from proxy.fakes.server import FakeProvider
from proxy.running.ca import CERTIFICATE_FILE
from proxy.running.mirrors import SENDERS as MIRROR_SENDERS

BODY = {"model": "fake-echo", "messages": [{"role": "user", "content": "I am anna.schmidt@example.com"}]}
SENDERS = 8
MIRRORS = """
version: 1
name: mirrors
environment: test
destinations:
  openai: {extends: bundled:openai@2026-11-23}
  own-llama: {extends: bundled:self-hosted@2026-11-23}
unknown_applications: allow
rules:
  - {id: compare, when: {destination: openai}, do: mirror, to: own-llama}
  - {id: people, when: {entity: any}, do: tokenize}
  - {id: rest, when: {entity: none}, do: allow}
"""


@dataclass
class Running:
    """A dragoman in a process of its own. proxy: its HTTPS proxy, where it has one. admin: the operators' port."""

    process: asyncio.subprocess.Process
    gateway: str
    proxy: str | None
    admin: str

    async def end(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)
        await self.process.wait()


async def start(home: Path, door: str, *options: str) -> Running:
    mode = "regular@127.0.0.1:0" if door == "network" else "none"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from proxy.cli import main; main()", "run", "--home", str(home)),
        *("--mode", mode, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--console", "off"),
        *("--detection-workers", "1"),
        *("--detectors", "patterns", *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    told: dict[bytes, str] = {}
    while line := await process.stdout.readline():
        for word in (b"gateway", b"HTTPS proxy"):
            if line.strip().startswith(word):
                told[word] = line.split()[-1].decode()
        if b"metrics" in line:
            return Running(
                process,
                told[b"gateway"],
                told.get(b"HTTPS proxy"),
                line.split()[-1].decode().removesuffix("/-/metrics"),
            )
    raise AssertionError("dragoman did not start")


def entries_of(home: Path) -> list[dict[str, Any]]:
    """The log's entries, read past the product; oldest first."""
    with sqlite3.connect(home / "audit.db") as connection:
        return [orjson.loads(body) for (body,) in connection.execute("SELECT body FROM entry ORDER BY idx")]


def client_of(running: Running, home: Path, fake: FakeProvider) -> httpx.AsyncClient:
    if running.proxy is None:
        return httpx.AsyncClient(base_url=f"{running.gateway}/openai", trust_env=False, timeout=120)
    # Here the upstream has a name that every process of this machine knows; it is the configured one of `openai`.
    trust = ssl.create_default_context(cafile=home / "ca" / CERTIFICATE_FILE)
    base = f"https://localhost:{fake.port}"
    return httpx.AsyncClient(base_url=base, proxy=running.proxy, verify=trust, trust_env=False, timeout=120)


@pytest.mark.parametrize("door", ["gateway", "network"])
async def test_after_kill_9_every_request_that_the_upstream_saw_has_its_record(
    tmp_path: Path, throwaway_ca: Any, door: str
) -> None:
    home = tmp_path / "home"
    async with FakeProvider("openai", tls=throwaway_ca.server("localhost")) as fake:
        options = ("--upstream", f"openai=https://localhost:{fake.port}", "--upstream-ca", str(throwaway_ca.path))
        running = await start(home, door, *options)
        enough = asyncio.Event()

        async def send(client: httpx.AsyncClient) -> None:
            with contextlib.suppress(httpx.HTTPError):
                while True:
                    answer = await client.post("/v1/chat/completions", json=BODY)
                    assert answer.status_code == 200, answer.text
                    if len(fake.received) > 60:
                        enough.set()

        async with client_of(running, home, fake) as client:
            senders = [asyncio.create_task(send(client)) for _ in range(SENDERS)]
            waiting = asyncio.create_task(enough.wait())
            await asyncio.wait({waiting, *senders}, return_when=asyncio.FIRST_COMPLETED)
            await running.end(signal.SIGKILL)
            await asyncio.gather(*senders)
            assert waiting.done()
        seen = len(fake.received)
        transfers = [entry for entry in entries_of(home) if entry["kind"] == "transfer"]
        assert seen <= len(transfers) <= seen + SENDERS
        again = await start(home, door, *options)
        await again.end(signal.SIGTERM)
        assert again.process.returncode == 0
        assert len(fake.received) == seen
    outcomes = {
        (entry["id"], entry.get("attempt", 1)): entry["state"]
        for entry in entries_of(home)
        if entry["kind"] == "outcome"
    }
    assert {(entry["id"], entry.get("attempt", 1)) for entry in transfers} == set(outcomes)
    assert set(outcomes.values()) <= {"complete", "interrupted", "not_sent", "client_gone"}
    with reading(home, None) as log:
        assert verify_store(log.store, [log.vkey]).open == 0


async def test_after_kill_9_between_first_and_mirror_the_log_says_what_became_of_each(tmp_path: Path) -> None:
    home, policy, hold = tmp_path / "home", tmp_path / "mirrors.yaml", Hold()
    policy.write_text(MIRRORS)
    async with FakeProvider("openai") as first, FakeProvider("openai", hold=hold) as own:
        named = (("openai", first), ("own-llama", own))
        upstreams = [word for name, fake in named for word in ("--upstream", f"{name}={fake.url}")]
        running = await start(home, "gateway", "--policy", str(policy), *upstreams)
        async with client_of(running, home, first) as client:
            # More copies than are sent at a time: the own model says nothing, so the others wait.
            for _ in range(MIRROR_SENDERS + 2):
                assert (await client.post("/v1/chat/completions", json=BODY)).status_code == 200
            while hold.waiting < MIRROR_SENDERS:
                await asyncio.sleep(0.01)
            await running.end(signal.SIGKILL)
        before = entries_of(home)
        copies = [entry["id"] for entry in before if entry["kind"] == "transfer" and entry["attempt"] == 2]
        assert len(copies) == len(own.received) == MIRROR_SENDERS
        again = await start(home, "gateway", "--policy", str(policy), *upstreams)
        await again.end(signal.SIGTERM)
        assert len(own.received) == MIRROR_SENDERS, "what waited has not left, and does not leave later"
        hold.open()
    ended = {
        (entry["id"], entry["attempt"]): entry["state"] for entry in entries_of(home) if entry["kind"] == "outcome"
    }
    assert {ended[name, 2] for name in copies} == {"interrupted"}
    firsts = [entry["id"] for entry in before if entry["kind"] == "transfer" and entry["attempt"] == 1]
    assert {ended[name, 1] for name in firsts} <= {"complete", "interrupted"}
    assert len(ended) == len(firsts) + len(copies)
    with reading(home, None) as log:
        assert verify_store(log.store, [log.vkey]).open == 0


async def test_each_of_several_workers_sends_the_copies_of_what_it_took(tmp_path: Path) -> None:
    home, policy = tmp_path / "home", tmp_path / "mirrors.yaml"
    policy.write_text(MIRRORS)
    async with FakeProvider("openai") as first, FakeProvider("openai") as own:
        named = (("openai", first), ("own-llama", own))
        upstreams = [word for name, fake in named for word in ("--upstream", f"{name}={fake.url}")]
        running = await start(home, "gateway", "--workers", "2", "--policy", str(policy), *upstreams)
        for _ in range(12):  # each on a connection of its own, so that both workers take some
            async with client_of(running, home, first) as client:
                assert (await client.post("/v1/chat/completions", json=BODY)).status_code == 200
        await running.end(signal.SIGTERM)
        assert running.process.returncode == 0
        assert [len(first.received), len(own.received)] == [12, 12], "a worker that ends sends what waits"
    entries = entries_of(home)
    sent = {(entry["id"], entry["attempt"]) for entry in entries if entry["kind"] == "transfer"}
    ended = {(entry["id"], entry["attempt"]): entry["state"] for entry in entries if entry["kind"] == "outcome"}
    assert sent == set(ended)
    assert {attempt for _, attempt in sent} == {1, 2}
    assert len(sent) == 24
    assert set(ended.values()) == {"complete"}


async def test_draining_lets_open_streams_end_and_takes_no_new_transfers(each_door: Any, chat: Any) -> None:
    hold = Hold()
    limits = {"limits": Limits(drain_s=100)}  # the stream below ends by itself, on whatever machine
    async with each_door(openai={"hold": hold, "chunk": 4}, settings=limits) as it, it.client("openai") as client:
        kept = chat("on a connection that is kept")
        before = asyncio.create_task(client.post("/v1/chat/completions", json=kept))
        hold.release(1)
        assert (await before).status_code == 200
        request = client.stream("POST", "/v1/chat/completions", json=chat("Hello there, world", stream=True))
        async with request as answer:
            hold.release(2)
            await hold.reached(3)
            draining = asyncio.create_task(it.app.drain())
            while it.door == "network" and it.app.ways_in.network.addresses:  # until it has closed; nobody signals that
                await asyncio.sleep(0)
            while it.door == "gateway" and not it.app.ways_in.gateway._draining:
                await asyncio.sleep(0)
            door = urlsplit(it.proxy or it.gateway)
            with pytest.raises(ConnectionError):
                await asyncio.open_connection(door.hostname, door.port)
            assert not draining.done()
            hold.open()
            text = (await answer.aread()).decode()
        assert "[DONE]" in text
        await draining
        assert [entry["state"] for entry in it.records("outcome")] == ["complete", "complete"]


async def test_a_stream_that_does_not_end_in_time_is_cut_and_recorded_so(each_door: Any, chat: Any) -> None:
    hold = Hold()
    async with each_door(openai={"hold": hold}, settings={"limits": Limits(drain_s=0.05)}) as it:
        async with it.client("openai") as client:
            with pytest.raises(httpx.RemoteProtocolError):
                async with client.stream("POST", "/v1/chat/completions", json=chat("Hello", stream=True)) as answer:
                    hold.release(1)
                    pieces = aiter(answer.aiter_bytes())
                    await anext(pieces)
                    await it.app.drain()
                    await it.app.close()
                    async for _ in pieces:
                        pass
        assert [entry["state"] for entry in it.records("outcome")] == ["cut"]


async def test_a_connection_that_is_kept_takes_no_new_transfer_while_draining(stand: Any, chat: Any) -> None:
    """At the gateway; the network door closes such connections (tests/proxy/network/test_shutdown.py)."""
    async with stand() as it, it.client("openai") as client:
        assert (await client.post("/v1/chat/completions", json=chat("first"))).status_code == 200
        await it.app.drain()
        answer = await client.post("/v1/chat/completions", json=chat("second"))
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "draining")
        assert len(it.received()) == 1
