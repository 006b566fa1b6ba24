"""Several processes behind one address: each kind killed under load, replaced, restarted in turn, drained, counted."""

import asyncio
import contextlib
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from audit.commands.reading import reading
from audit.verify import verify_store
from proxy.fakes.hold import Hold
from proxy.fakes.leaks import assert_no_leak
from proxy.fakes.server import FakeProvider
from tests.integration.test_kill import BODY, SENDERS, Running, client_of, entries_of, start

MAIL = "anna.schmidt@example.com"
DOORS = ("gateway", "network")


@dataclass
class Load:
    """What senders that never stop have got. answers: by status and reason. broken: by kind of error."""

    client: httpx.AsyncClient
    answers: Counter[tuple[int, str]] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    ended: bool = False

    async def send(self) -> None:
        while not self.ended:
            try:
                answer = await self.client.post("/v1/chat/completions", json=BODY)
                reason = answer.headers.get("dragoman-reason", "")
                if answer.status_code == 200:
                    assert MAIL in answer.json()["choices"][0]["message"]["content"]
                else:
                    assert answer.json()["error"]["code"] == reason
                self.answers[answer.status_code, reason] += 1
            except httpx.HTTPError as error:
                self.broken[type(error).__name__] += 1
            self.changed.set()

    async def more(self, count: int = 3 * SENDERS) -> None:
        """Until so many more were answered as they should be."""
        wanted = self.answers[200, ""] + count
        while self.answers[200, ""] < wanted:
            self.changed.clear()
            await self.changed.wait()


@dataclass
class Stand:
    running: Running
    fake: FakeProvider
    home: Path
    load: Load

    def pids(self, role: str) -> list[int]:
        """Children of the supervisor."""
        supervisor = self.running.process.pid
        children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
        named = {}
        for pid in children:
            with contextlib.suppress(OSError):  # it ended meanwhile
                named[int(pid)] = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        return [pid for pid, words in named.items() if role.encode() in words]

    async def ready(self) -> None:
        async with httpx.AsyncClient(base_url=self.running.admin, trust_env=False, timeout=60) as client:
            while (await client.get("/-/readyz")).status_code != 200:
                await asyncio.sleep(0.05)

    async def metrics(self) -> str:
        async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
            return (await client.get(f"{self.running.admin}/-/metrics")).text


def be_patient(home: Path) -> None:
    """Detection that was killed is waited for until it is there again, however slowly it starts."""
    home.mkdir()
    (home / "config.toml").write_text("[limits]\ndetect_s = 200\n")


@asynccontextmanager
async def stand(home: Path, ca: Any, door: str, **fake_options: Any) -> AsyncIterator[Stand]:
    """Two door workers under load."""
    be_patient(home)
    async with FakeProvider("openai", tls=ca.server("localhost"), **fake_options) as fake:
        upstream = ("--upstream", f"openai=https://localhost:{fake.port}", "--upstream-ca", str(ca.path))
        running = await start(home, door, "--workers", "2", *upstream)
        async with client_of(running, home, fake) as client:
            load = Load(client)
            try:
                yield Stand(running, fake, home, load)
            finally:
                if running.process.returncode is None:
                    await running.end(signal.SIGTERM)


@asynccontextmanager
async def sending(it: Stand) -> AsyncIterator[None]:
    senders = [asyncio.create_task(it.load.send()) for _ in range(SENDERS)]
    try:
        yield
    finally:
        it.load.ended = True
        await asyncio.gather(*senders)


def all_closed(it: Stand) -> Counter[str]:
    """States of the outcomes; every transfer has one, the log verifies, the upstream saw nothing unrecorded."""
    entries = entries_of(it.home)
    transfers = {(entry["id"], entry["attempt"]) for entry in entries if entry["kind"] == "transfer"}
    outcomes = {(entry["id"], entry["attempt"]): entry["state"] for entry in entries if entry["kind"] == "outcome"}
    assert transfers == set(outcomes)
    assert len(it.fake.received) <= len(transfers) <= len(it.fake.received) + SENDERS
    assert_no_leak(it.fake.received, [MAIL])
    with reading(it.home, None) as log:
        assert verify_store(log.store, [log.vkey]).open == 0
    return Counter(outcomes.values())


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("role", ["door", "ledger", "detection"])
async def test_whichever_process_is_killed_the_others_go_on(
    tmp_path: Path, throwaway_ca: Any, role: str, door: str
) -> None:
    async with stand(tmp_path / "home", throwaway_ca, door) as it, asyncio.timeout(240):
        async with sending(it):
            await it.load.more()
            victim = it.pids(role)[0]
            os.kill(victim, signal.SIGKILL)
            while victim in (there := it.pids(role)) or len(there) < (2 if role == "door" else 1):
                await asyncio.sleep(0.02)
            await it.load.more()
            await it.ready()
        await it.running.end(signal.SIGTERM)
        assert it.running.process.returncode == 0
        assert set(it.load.answers) <= {(200, ""), (503, "ledger_away"), (503, "crashed")}, it.load.answers
        if role != "door":
            assert not it.load.broken
        states = all_closed(it)
        assert set(states) <= {"complete", "interrupted", "not_sent", "client_gone"}


async def told(it: Stand, path: str, **asked: Any) -> Any:
    """An answer, over a connection of its own: whichever worker takes it."""
    async with client_of(it.running, it.home, it.fake) as client:
        answer = await client.post(path, **asked)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.mark.parametrize("door", DOORS)
async def test_a_rolling_restart_loses_no_request_and_no_piece_of_an_upload(
    tmp_path: Path, throwaway_ca: Any, door: str
) -> None:
    async with stand(tmp_path / "home", throwaway_ca, door) as it, asyncio.timeout(240):
        before = set(it.pids("door"))
        pieces = [b"Write to anna.", b"schmidt@exam", b"ple.com, ", b"please"]
        size = len(b"".join(pieces))
        file = {"filename": "a.txt", "purpose": "user_data", "mime_type": "text/plain", "bytes": size}
        upload = (await told(it, "/v1/uploads", json=file))["id"]
        part = f"/v1/uploads/{upload}/parts"
        parts = [(await told(it, part, files={"data": pieces[0]}))["id"]]
        async with sending(it):
            await it.load.more()
            os.kill(it.running.process.pid, signal.SIGHUP)
            while len(there := it.pids("door")) != 2 or before & set(there):
                await it.load.more(1)
            await it.load.more()
        parts += [(await told(it, part, files={"data": one}))["id"] for one in pieces[1:]]
        whole = await told(it, f"/v1/uploads/{upload}/complete", json={"part_ids": parts})
        assert (whole["status"], whole["bytes"]) == ("completed", size)
        await it.running.end(signal.SIGTERM)
        assert b"Write to [EMAIL_ADDRESS_" in it.fake.received[-1].body
        assert set(it.load.answers) == {(200, "")}, it.load.answers
        assert not it.load.broken
        assert set(all_closed(it)) == {"complete"}


async def test_counts_and_readiness_are_those_of_all(tmp_path: Path, throwaway_ca: Any) -> None:
    async with stand(tmp_path / "home", throwaway_ca, "gateway") as it, asyncio.timeout(240):
        for _ in range(10):  # each on a connection of its own, so that both workers take some
            async with client_of(it.running, it.home, it.fake) as client:
                assert (await client.post("/v1/chat/completions", json=BODY)).status_code == 200
        await it.ready()
        counted = [line for line in (await it.metrics()).splitlines() if line.startswith("dragoman_transfers_total{")]
        assert sum(float(line.rpartition(" ")[2]) for line in counted) == 10
        os.kill(it.pids("ledger")[0], signal.SIGSTOP)
        stopped = it.pids("ledger")[0]
        try:
            ask = it.load.client.post("/v1/chat/completions", json=BODY)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(ask, 0.5)
            assert len(it.fake.received) == 10, "nothing is sent while nobody has recorded it"
        finally:
            os.kill(stopped, signal.SIGCONT)
        [policy] = [entry for entry in entries_of(it.home) if entry["kind"] == "policy"]
        assert policy["event"] == "activated"


@pytest.mark.parametrize("signals", [1, 2])
async def test_draining_lets_open_streams_end_and_a_second_signal_cuts_them(
    tmp_path: Path, throwaway_ca: Any, signals: int
) -> None:
    hold = Hold()
    async with stand(tmp_path / "home", throwaway_ca, "gateway", hold=hold, chunk=4) as it, asyncio.timeout(240):
        gateway = urlsplit(it.running.gateway)
        request = it.load.client.stream("POST", "/v1/chat/completions", json={**BODY, "stream": True})
        async with request as answer:
            hold.release(2)
            await hold.reached(2)
            it.running.process.send_signal(signal.SIGTERM)
            with pytest.raises(ConnectionError):
                while True:
                    _, writer = await asyncio.open_connection(gateway.hostname, gateway.port)
                    writer.close()
            if signals == 1:
                hold.open()
                assert "[DONE]" in (await answer.aread()).decode()
            else:
                it.running.process.send_signal(signal.SIGTERM)
                with pytest.raises(httpx.HTTPError):
                    await answer.aread()
        assert await it.running.process.wait() == 0
        hold.open()
    assert all_closed(it).keys() <= ({"complete"} if signals == 1 else {"client_gone", "interrupted", "cut"})
