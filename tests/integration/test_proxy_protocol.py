"""The client's address from a balancer, at both doors: believed of named peers, demanded of them, refused from others."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from proxy.errors import ConfigError
from proxy.fakes.leaks import assert_no_leak

MAIL = "anna.schmidt@example.com"
WAIT_S = 60.0
CLIENT = "192.0.2.77"
V1 = f"PROXY TCP4 {CLIENT} 203.0.113.1 50000 443\r\n".encode()
V2 = b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + bytes([192, 0, 2, 77, 203, 0, 113, 1, 0xC3, 0x50, 1, 0xBB])
LOCAL = b"\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"
POLICY = """\
version: 1
name: by-network
unknown_applications: allow
destinations:
  openai: {extends: bundled:openai@2026-11-23}
applications:
  messenger: {identify: {networks: [192.0.2.77/32]}}
rules:
  - {id: all, when: {entity: any}, do: tokenize}
  - {id: rest, when: {entity: none}, do: allow}
"""


def post(host: str, text: str = MAIL) -> bytes:
    body = orjson.dumps({"model": "fake-echo", "messages": [{"role": "user", "content": text}]})
    path = "/openai/v1" if host == "localhost" else "/v1"
    head = f"POST {path}/chat/completions HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
    return head.encode() + b"Connection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


@asynccontextmanager
async def connected(address: tuple[str, int]) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(*address)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def answer(reader: asyncio.StreamReader) -> bytes:
    try:
        return await asyncio.wait_for(reader.read(), WAIT_S)
    except ConnectionError:
        return b""


def settings(tmp_path: Path, *peers: str, **more: Any) -> dict[str, Any]:
    (tmp_path / "policy.yaml").write_text(POLICY)
    return {"proxy_protocol": peers, "policy": tmp_path / "policy.yaml", **more}


@pytest.mark.parametrize(
    ("preface", "application"), [(V1, "messenger"), (V2, "messenger"), (LOCAL, "unknown")], ids=["v1", "v2", "local"]
)
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("together", [True, False], ids=["at once", "byte by byte"])
async def test_the_gateway_sees_the_client_that_a_balancer_names(
    stand: Any, tmp_path: Path, throwaway_ca: Any, preface: bytes, application: str, tls: bool, together: bool
) -> None:
    files = dict(zip(("tls_certificate", "tls_key"), throwaway_ca.issue("localhost"), strict=True)) if tls else {}
    async with stand(settings=settings(tmp_path, "127.0.0.1", **files)) as it:
        request, secured = post("localhost"), None
        if tls:
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            secured = throwaway_ca.client().wrap_bio(incoming, outgoing, server_hostname="localhost")
            with pytest.raises(ssl.SSLWantReadError):
                secured.do_handshake()
            request = outgoing.read()
        async with connected(it.addresses.gateway) as (reader, writer):
            if together:
                writer.write(preface + request)
            else:
                for byte in preface:
                    writer.write(bytes([byte]))
                    await writer.drain()
                    await asyncio.sleep(0)
                writer.write(request)
            if secured is None:
                got = await answer(reader)
            else:
                got = await over_tls(reader, writer, secured, incoming, outgoing, post("localhost"))
        assert got.startswith(b"HTTP/1.1 200 ")
        assert MAIL.encode() in got
        assert_no_leak(it.received(), [MAIL])
        (entry,) = it.records("transfer")
    assert entry["application"] == application
    assert entry["identified_by"] == ("network" if application == "messenger" else "none")


async def over_tls(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    secured: ssl.SSLObject,
    incoming: ssl.MemoryBIO,
    outgoing: ssl.MemoryBIO,
    request: bytes,
) -> bytes:
    """The rest of a handshake that has begun, a request, and its answer."""
    sent, got = False, b""
    while piece := await asyncio.wait_for(reader.read(65_536), WAIT_S):
        incoming.write(piece)
        try:
            if not sent:
                secured.do_handshake()
                secured.write(request)
                sent = True
            while more := secured.read(65_536):
                got += more
            return got  # the other side has said that it ends
        except ssl.SSLWantReadError:
            pass
        writer.write(outgoing.read())
    return got


@pytest.mark.parametrize("preface", [V1, V2], ids=["v1", "v2"])
async def test_the_https_proxy_sees_the_client_that_a_balancer_names(
    stand: Any, tmp_path: Path, preface: bytes
) -> None:
    async with stand(door="network", settings=settings(tmp_path, "127.0.0.0/8")) as it:
        host = f"api.openai.com:{it.fakes['openai'].port}"
        async with connected(it.addresses.network[0]) as (reader, writer):
            writer.write(preface + f"CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), WAIT_S)).startswith(b"HTTP/1.1 200 ")
            await writer.start_tls(ssl.create_default_context(cafile=it.ca), server_hostname="api.openai.com")
            writer.write(post(host))
            got = await answer(reader)
        assert MAIL.encode() in got
        assert_no_leak(it.received(), [MAIL])
        (entry,) = it.records("transfer")
    assert (entry["application"], entry["identified_by"]) == ("messenger", "network")


async def test_a_named_peer_without_a_header_gets_nowhere(each_door: Any, tmp_path: Path) -> None:
    async with each_door(settings=settings(tmp_path, "127.0.0.1")) as it:
        address = it.addresses.gateway if it.door == "gateway" else it.addresses.network[0]
        for wrong in (post("localhost"), b"PROXY TCP4 nobody 1.2.3.4 1 2\r\n" + post("localhost"), V2[:20] + b"x" * 40):
            async with connected(address) as (reader, writer):
                writer.write(wrong)
                writer.write_eof()
                assert b"200" not in (await answer(reader))[:16]
        assert it.received() == []


@pytest.mark.parametrize("preface", [V1, V2], ids=["v1", "v2"])
async def test_a_header_from_anybody_else_is_refused(each_door: Any, tmp_path: Path, preface: bytes) -> None:
    """Also where no balancer is named at all."""
    for peers in ((), ("10.99.0.1",)):
        async with each_door(settings=settings(tmp_path, *peers), home=tmp_path / f"home{len(peers)}") as it:
            address = it.addresses.gateway if it.door == "gateway" else it.addresses.network[0]
            async with connected(address) as (reader, writer):
                writer.write(preface + post("localhost"))
                got = await answer(reader)
            assert got == b"" or got.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 "))
            assert it.received() == []
            assert it.records("transfer") == []


async def test_others_come_in_as_themselves(each_door: Any, chat: Any, tmp_path: Path) -> None:
    async with each_door(settings=settings(tmp_path, "10.99.0.1")) as it, it.client("openai") as client:
        assert (await client.post("/v1/chat/completions", json=chat(MAIL))).status_code == 200
        (entry,) = it.records("transfer")
    assert entry["application"] == "unknown"


async def test_behind_a_balancer_the_transparent_mode_does_not_start(stand: Any, tmp_path: Path) -> None:
    wanted = settings(tmp_path, "127.0.0.1", modes=("transparent@127.0.0.1:0",))
    with pytest.raises(ConfigError, match="transparent"):
        async with stand(door="network", settings=wanted):
            pytest.fail("it started")
