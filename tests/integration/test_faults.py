"""Faults of the world around dragoman: what the app sees, what the log says, and that nothing leaked.

Upstreams and clients here break the rules of their protocols on purpose, on loopback. Failures of parts of dragoman
itself are in `test_fail_closed`, kill -9 in `test_kill`, a database that is away in `test_postgresql`.
"""

import asyncio
import contextlib
import logging
import os
import resource
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from proxy.config import Limits, parse_origin
from proxy.fakes.server import FakeProvider
from tests.integration.test_kill import BODY, Running, client_of, entries_of, start

MAIL = "anna.schmidt@example.com"
WAIT_S = 60.0
EVENT = b'data: {"id":"c1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

type Misbehaving = Callable[[asyncio.StreamReader, asyncio.StreamWriter, bytes], Awaitable[None]]


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


async def request_of(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    return head + await reader.readexactly(length)


def reset(writer: asyncio.StreamWriter) -> None:
    """RST instead of FIN."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def resets_at_once(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _body: bytes) -> None:
    reset(writer)


async def closes_half_way(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _body: bytes) -> None:
    writer.write(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{"choices": [')
    await writer.drain()
    if writer.can_write_eof():  # not within TLS
        writer.write_eof()
        await reader.read()


async def never_answers(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter, _body: bytes) -> None:
    await reader.read()


async def trickles(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
    """A byte at a time, and what it got back to the app."""
    said = orjson.loads(body.partition(b"\r\n\r\n")[2])["messages"][0]["content"]
    event = EVENT % orjson.dumps(said)[1:-1]
    for byte in HEAD + chunk(event) + chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n":
        writer.write(bytes([byte]))
        await writer.drain()
    writer.close()


async def speaks_nonsense(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _body: bytes) -> None:
    writer.write(b"\x00\x01\x02 " + MAIL.encode() + b"\r\n\r\n")
    await writer.drain()
    writer.close()


@asynccontextmanager
async def upstream(misbehaving: Misbehaving, tls: Any = None) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Port, and the requests that it got whole."""
    got: list[bytes] = []
    tasks: set[asyncio.Task[Any]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                got.append(await request_of(reader))
                await misbehaving(reader, writer, got[-1])
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1], got
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def behind(each_door: Any, throwaway_ca: Any, misbehaving: Misbehaving, **limits: Any) -> AsyncIterator[Any]:
    """(stand, client, what the upstream got): dragoman in front of such an upstream, through one of the doors."""
    network = each_door.keywords["door"] == "network"
    tls = throwaway_ca.server("api.openai.com") if network else None
    async with upstream(misbehaving, tls) as (port, got):
        origin = {} if network else {"openai": parse_origin(f"http://127.0.0.1:{port}", what="openai")}
        bounds = Limits(drain_s=5, **limits)
        async with each_door(settings={"limits": bounds}, upstreams=origin) as it, it.client("openai") as client:
            if network:
                client.base_url = f"https://api.openai.com:{port}"
            yield it, client, got


async def ended(it: Any) -> dict[str, Any]:
    await asyncio.wait_for(it.settled(), WAIT_S)
    (outcome,) = it.records("outcome")
    return dict(outcome)


CASES = [
    (resets_at_once, 502, {"upstream_broken", "upstream_unreachable"}),
    (closes_half_way, 502, {"upstream_cut", "upstream_broken", "answer_failed"}),
    (speaks_nonsense, 502, {"upstream_broken"}),
]


@pytest.mark.parametrize(("misbehaving", "status", "codes"), CASES, ids=lambda value: getattr(value, "__name__", ""))
async def test_an_upstream_that_breaks_before_its_answer_is_whole(
    each_door: Any, throwaway_ca: Any, chat: Any, caplog: pytest.LogCaptureFixture, misbehaving: Misbehaving, status: int, codes: set[str]
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    async with behind(each_door, throwaway_ca, misbehaving) as (it, client, got):
        try:
            answer = await client.post("/v1/chat/completions", json=chat(MAIL))
        except httpx.RemoteProtocolError:
            assert misbehaving is closes_half_way  # the door streams, so it had sent the head: it cuts, visibly
        else:
            assert (answer.status_code, answer.headers["dragoman-reason"] in codes) == (status, True)
            assert MAIL not in answer.text
        outcome = await ended(it)
        assert outcome["state"] in {"upstream_error", "cut"}
        (record,) = it.records("transfer")
        assert record["id"] == outcome["id"]
        assert len(got) == 1
        assert MAIL.encode() not in got[0]
        assert it.verified().kinds["transfer"] == 1
    assert MAIL not in caplog.text


async def test_an_upstream_that_resets_in_mid_stream_ends_with_the_providers_error_event(
    each_door: Any, throwaway_ca: Any, chat: Any
) -> None:
    arrived = asyncio.Event()

    async def resets_in_mid_stream(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _body: bytes) -> None:
        writer.write(HEAD + chunk(EVENT % b"Hello"))
        await arrived.wait()
        reset(writer)

    async with behind(each_door, throwaway_ca, resets_in_mid_stream) as (it, client, got):
        text = ""
        with contextlib.suppress(httpx.RemoteProtocolError):
            async with client.stream("POST", "/v1/chat/completions", json=chat(MAIL, stream=True)) as answer:
                async for piece in answer.aiter_text():
                    text += piece
                    arrived.set()
        assert "Hello" in text
        assert '"error"' in text
        assert "[DONE]" not in text
        assert (await ended(it))["state"] in {"upstream_error", "cut"}
        assert MAIL.encode() not in got[0]


async def test_a_black_hole_is_given_up_and_the_app_is_told(each_door: Any, throwaway_ca: Any, chat: Any) -> None:
    async with behind(each_door, throwaway_ca, never_answers, idle_s=1.0) as (it, client, got):
        try:
            answer = await client.post("/v1/chat/completions", json=chat(MAIL))
            assert (answer.status_code, answer.headers["dragoman-reason"]) == (504, "upstream_timeout")
        except httpx.RemoteProtocolError:
            assert it.door == "network"  # the engine's own watch ends a connection on which nothing moves
        assert (await ended(it))["state"] in {"upstream_error", "client_gone", "cut"}
        assert MAIL.encode() not in got[0]


async def test_an_upstream_that_trickles_is_waited_for_and_restored(
    each_door: Any, throwaway_ca: Any, chat: Any
) -> None:
    async with behind(each_door, throwaway_ca, trickles, idle_s=10.0) as (it, client, got):
        answer = await client.post("/v1/chat/completions", json=chat(MAIL, stream=True))
        assert MAIL in answer.text
        assert (await ended(it))["state"] == "complete"
        assert MAIL.encode() not in got[0]


@pytest.mark.parametrize("name", ["other.example", "none"])
async def test_an_upstream_that_cannot_prove_its_name_gets_nothing(
    stand: Any, throwaway_ca: Any, chat: Any, name: str
) -> None:
    """At the gateway; the network door has the same in `test_streams` and, through the router, in `test_transparent`."""
    async with upstream(never_answers, throwaway_ca.server(name)) as (port, got):
        origin = {"openai": parse_origin(f"https://localhost:{port}", what="openai")}
        async with (
            stand(upstreams=origin, settings={"upstream_ca": throwaway_ca.path}) as it,
            it.client("openai") as client,
        ):
            answer = await client.post("/v1/chat/completions", json=chat(MAIL))
            assert (answer.status_code, answer.headers["dragoman-reason"]) == (502, "upstream_unreachable")
            assert (await ended(it))["state"] == "not_sent"
        assert got == []


async def test_a_client_that_sends_half_a_request_and_closes_its_side_has_sent_nothing(each_door: Any) -> None:
    async with each_door() as it:
        address = it.addresses.gateway if it.door == "gateway" else it.addresses.network[0]
        reader, writer = await asyncio.open_connection(*address)
        host = "127.0.0.1" if it.door == "gateway" else "api.openai.com"
        target = "/openai/v1/chat/completions" if it.door == "gateway" else "http://api.openai.com/v1/chat/completions"
        writer.write(f"POST {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 500\r\n\r\n{{{MAIL}".encode())
        writer.write_eof()
        got = await asyncio.wait_for(reader.read(), WAIT_S)
        writer.close()
        assert b"200" not in got[:16]
        assert MAIL.encode() not in got
        assert it.received() == []
        assert it.records("transfer") == []


@pytest.mark.parametrize("kept", [False, True], ids=["its first", "a later"])
async def test_a_client_that_sends_the_head_of_a_request_byte_by_byte_is_cut(stand: Any, kept: bool) -> None:
    async with stand(settings={"limits": Limits(drain_s=5, request_s=0.5)}) as it:
        reader, writer = await asyncio.open_connection(*it.addresses.gateway)
        if kept:
            writer.write(b"GET /-/healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert (await reader.readuntil(b"ok\n")).startswith(b"HTTP/1.1 200")
        cut = asyncio.create_task(rest_of(reader))
        sent = await dripped(writer, b"POST /openai/v1/chat/completions HTTP/1.1\r\nX: " + b"a" * 100_000, cut)
        assert await asyncio.wait_for(cut, WAIT_S) == b""
        assert sent < 10_000
        writer.close()
        async with it.client("openai") as client:
            assert (await client.get(f"{it.gateway}/-/healthz")).status_code == 200
        assert it.records("transfer") == it.records("blocked") == []


@pytest.mark.parametrize("where", ["to the proxy", "within TLS", "a later within TLS"])
async def test_a_head_that_comes_byte_by_byte_is_cut_at_the_https_proxy_as_well(stand: Any, where: str) -> None:
    async with stand(door="network", settings={"limits": Limits(drain_s=5, request_s=0.5)}) as it:
        reader, writer = await asyncio.open_connection(*it.addresses.network[0])
        name = "api.openai.com"
        if where != "to the proxy":
            port = it.fakes["openai"].port
            writer.write(f"CONNECT {name}:{port} HTTP/1.1\r\nHost: {name}:{port}\r\n\r\n".encode())
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            await writer.start_tls(ssl.create_default_context(cafile=it.ca), server_hostname=name)
        if where == "a later within TLS":
            writer.write(f"GET /v1/models HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), WAIT_S)
            assert head.startswith(b"HTTP/1.1 200")
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length[15:]))
        sent_before = len(it.received())
        cut = asyncio.create_task(rest_of(reader))
        sent = await dripped(writer, b"POST http://api.openai.com/v1 HTTP/1.1\r\nX: " + b"a" * 100_000, cut)
        assert await asyncio.wait_for(cut, WAIT_S) == b""
        assert sent < 10_000
        writer.close()
        async with it.client("openai") as client:
            assert (await client.get("/v1/models")).status_code == 200
        assert len(it.received()) == sent_before + 1


async def test_a_client_that_says_nothing_is_cut(stand: Any) -> None:
    async with stand(settings={"limits": Limits(drain_s=5, request_s=0.3)}) as it:
        reader, writer = await asyncio.open_connection(*it.addresses.gateway)
        assert await asyncio.wait_for(reader.read(), WAIT_S) == b""
        writer.close()


async def test_a_client_that_sends_a_body_byte_by_byte_is_refused_and_cut(stand: Any, chat: Any) -> None:
    async with stand(settings={"limits": Limits(drain_s=5, request_s=0.5)}) as it:
        reader, writer = await asyncio.open_connection(*it.addresses.gateway)
        head = b"POST /openai/v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\n"
        writer.write(head)
        answer = asyncio.create_task(reader.readuntil(b"\r\n\r\n"))
        await dripped(writer, b'{"' + MAIL.encode() * 4_000, answer)
        got = await asyncio.wait_for(answer, WAIT_S)
        assert got.startswith(b"HTTP/1.1 408 ")
        assert b"dragoman-reason: body_too_slow" in got.lower()
        writer.write_eof()
        await asyncio.wait_for(reader.read(), WAIT_S)  # the connection ends
        writer.close()
        assert [one["reason"] for one in it.records("blocked")] == ["body_too_slow"]
        assert it.received() == it.records("transfer") == []
        # Who is slow but goes on is not cut: a large body has its time.
        async with it.client("openai") as client:
            body = orjson.dumps(chat("slow " * 2_000))

            async def pieces() -> AsyncIterator[bytes]:
                for start in range(0, len(body), 1_000):
                    yield body[start : start + 1_000]
                    await asyncio.sleep(0.1)

            sent = await client.post(
                "/v1/chat/completions", content=pieces(), headers={"content-type": "application/json"}
            )
            assert sent.status_code == 200


async def rest_of(reader: asyncio.StreamReader) -> bytes:
    """What still comes; nothing where the other side has reset the connection, as it does with bytes left unread."""
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""


async def dripped(writer: asyncio.StreamWriter, data: bytes, until: "asyncio.Task[bytes]") -> int:
    """Writes a byte every few milliseconds until the task has ended; how many."""
    for sent, byte in enumerate(data):
        done, _ = await asyncio.wait({until}, timeout=0.005)
        if done:
            return sent
        with contextlib.suppress(ConnectionError):
            writer.write(bytes([byte]))
            await writer.drain()
    return len(data)


async def test_a_clock_that_jumps_changes_no_order_and_loses_no_record(
    each_door: Any, chat: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with each_door() as it, it.client("openai") as client:
        real = time.time_ns
        for jump in (0, -86_400 * 10**9, 86_400 * 10**9, -3600 * 10**9):
            monkeypatch.setattr(time, "time_ns", lambda jump=jump: real() + jump)
            answer = await client.post("/v1/chat/completions", json=chat(MAIL))
            assert answer.status_code == 200
            assert MAIL in answer.text
        monkeypatch.setattr(time, "time_ns", real)
        await it.settled()
        sent, ends = it.records("transfer"), it.records("outcome")
        assert {entry["id"] for entry in ends} == {entry["id"] for entry in sent}
        assert len(sent) == 4
        assert [entry["at"] for entry in sent] != sorted(entry["at"] for entry in sent)
        assert it.verified().kinds["transfer"] == 4


# --- of the machine: dragoman in a process of its own -----------------------------------------------------------------


@dataclass
class Machine:
    """A dragoman in a process of its own, behind one of its doors."""

    home: Path
    door: str
    fake: FakeProvider
    ca: Path
    running: Running

    @classmethod
    @asynccontextmanager
    async def started(cls, home: Path, door: str, ca: Any) -> "AsyncIterator[Machine]":
        async with FakeProvider("openai", tls=ca.server("localhost")) as fake:
            it = cls(home, door, fake, ca.path, await cls._start(home, door, fake, ca.path))
            try:
                yield it
            finally:
                await it.running.end(signal.SIGTERM)

    @staticmethod
    async def _start(home: Path, door: str, fake: FakeProvider, ca: Path) -> Running:
        upstream = ("--upstream", f"openai=https://localhost:{fake.port}", "--upstream-ca", str(ca))
        return await start(home, door, *upstream)

    async def again(self) -> None:
        await self.running.end(signal.SIGTERM)
        self.running = await self._start(self.home, self.door, self.fake, self.ca)

    def client(self) -> httpx.AsyncClient:
        return client_of(self.running, self.home, self.fake)

    async def post(self) -> httpx.Response:
        async with self.client() as client:
            return await client.post("/v1/chat/completions", json=BODY)

    def nothing_leaked(self) -> None:
        assert not any(MAIL.encode() in call.body for call in self.fake.received)
        sent = [entry for entry in entries_of(self.home) if entry["kind"] == "transfer"]
        assert len(sent) >= len(self.fake.received)


BOTH = pytest.mark.parametrize("door", ["gateway", "network"])


@BOTH
async def test_out_of_file_descriptors_nobody_gets_in_and_then_everybody(
    tmp_path: Path, throwaway_ca: Any, door: str
) -> None:
    async with Machine.started(tmp_path / "home", door, throwaway_ca) as it:
        assert (await it.post()).status_code == 200
        pid = it.running.process.pid
        open_now = len(list(Path(f"/proc/{pid}/fd").iterdir()))  # noqa: ASYNC240
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (open_now, before[1]))
        waiting = asyncio.create_task(it.post())
        await asyncio.wait({waiting}, timeout=1)  # whatever comes of it until then
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
        with contextlib.suppress(httpx.HTTPError):
            answer = await waiting
            assert answer.status_code in {200, 502, 503}  # one that was free in the meantime
        answer = await it.post()
        assert answer.status_code == 200
        assert MAIL in answer.text
    it.nothing_leaked()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 48 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(place)]
    if os.geteuid() != 0 or shutil.which("mount") is None or subprocess.run(command, check=False).returncode:
        pytest.skip("needs the right to mount a small file system")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@BOTH
async def test_a_full_disk_refuses_and_sends_nothing(small_disk: Path, throwaway_ca: Any, door: str) -> None:
    async with Machine.started(small_disk / "home", door, throwaway_ca) as it:
        assert (await it.post()).status_code == 200
        with (small_disk / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
            while True:
                filler.write(b"\0" * 4096)
        answers: list[httpx.Response] = []
        async with it.client() as client:
            while sum(answer.status_code != 200 for answer in answers) < 5:  # SQLite's journal lasts for a few
                answers.append(await client.post("/v1/chat/completions", json=BODY))
                assert len(answers) < 300
        refused = [answer for answer in answers if answer.status_code != 200]
        reasons = {answer.headers["dragoman-reason"] for answer in refused}
        assert {answer.status_code for answer in refused} == {503}
        assert all(reason.startswith(("ledger_", "redaction_", "store_")) for reason in reasons), reasons
        assert not any("anna.schmidt" in answer.text for answer in refused)
        assert len(it.fake.received) == len(answers) - len(refused) + 1
        (small_disk / "filler").unlink()
        await it.again()
        assert (await it.post()).status_code == 200
    it.nothing_leaked()
