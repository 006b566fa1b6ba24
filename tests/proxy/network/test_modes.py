"""The other ways into the network door: SOCKS5, reverse, and through the next proxy."""

import asyncio
import ssl

import httpx
import pytest

from proxy.exchange import Ending
from proxy.messages import Headers, Origin, Reply
from tests.network_fakes import ALERT, FakeFormat, hello, rest


async def socks(running, address: bytes, port: int, credential: tuple[bytes, bytes] | None = None):
    reader, writer = await running.connect()
    writer.write(b"\x05\x01\x02" if credential else b"\x05\x01\x00")
    method = await reader.readexactly(2)
    if credential:
        user, password = credential
        writer.write(b"\x01%c%s%c%s" % (len(user), user, len(password), password))
        assert await reader.readexactly(2) == b"\x01\x00"
    else:
        assert method == b"\x05\x00"
    writer.write(b"\x05\x01\x00" + address + port.to_bytes(2))
    assert (await reader.readexactly(10))[1] == 0
    return reader, writer


@pytest.mark.parametrize("address", [b"\x03\x0bapi.example", b"\x01\x7f\x00\x00\x01"], ids=["name", "address"])
async def test_socks5_leads_to_the_same_gate(start_door, gate, upstream, address):
    running = await start_door(modes=("socks5@127.0.0.1:0",))
    reader, writer = await socks(running, address, upstream.port)
    await writer.start_tls(running.trust(), server_hostname="api.example")
    writer.write(b"POST / HTTP/1.1\r\nHost: api.example:%d\r\nContent-Length: 4\r\n\r\nAnna" % upstream.port)
    assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 200")
    assert upstream.calls[0].body == b"[PERSON_1]"
    assert (gate.admitted[0].mode, gate.admitted[0].origin.host) == ("socks5", "api.example")
    assert await gate.outcome() is Ending.COMPLETE
    writer.close()


async def test_socks5_credentials_are_the_gates_to_judge(start_door, gate, upstream):
    running = await start_door(modes=("socks5@127.0.0.1:0",), require_credential=True)
    reader, writer = await socks(running, b"\x03\x0bapi.example", upstream.port, (b"app", b"drg_secret"))
    await writer.start_tls(running.trust(), server_hostname="api.example")
    writer.write(b"GET / HTTP/1.1\r\nHost: api.example:%d\r\n\r\n" % upstream.port)
    assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 200")
    assert gate.admitted[0].credential == "drg_secret"
    writer.close()


async def test_socks5_to_a_stranger_ends_with_an_alert(start_door, gate, upstream):
    running = await start_door(modes=("socks5@127.0.0.1:0",))
    reader, writer = await socks(running, b"\x01\x7f\x00\x00\x01", upstream.port)
    writer.write(hello("stranger.example"))
    assert await rest(reader) == ALERT
    assert gate.refused[0][1].code == "unregistered_host"
    assert gate.refused[0][0].origin.host == "stranger.example"
    assert upstream.connections == 0
    writer.close()


async def test_an_address_that_passes_by_the_name_in_its_handshake_leads_where_that_name_leads(
    start_door, gate, upstream, throwaway_ca
):
    gate.pass_hosts = {"pass.example"}
    running = await start_door(modes=("socks5@127.0.0.1:0",))
    elsewhere = b"\x01" + bytes([192, 0, 2, 1])
    _, writer = await socks(running, elsewhere, upstream.port)
    await writer.start_tls(ssl.create_default_context(cafile=str(throwaway_ca.path)), server_hostname="pass.example")
    assert gate.passes == [("pass.example", upstream.port, "127.0.0.1", "")]
    writer.close()


async def test_reverse_mode_sends_to_its_one_upstream(start_door, gate, upstream):
    running = await start_door(modes=(f"reverse:https://api.example:{upstream.port}@127.0.0.1:0",))
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        answer = await client.post(running.url + "/v1", content=b"for Anna")
    assert answer.content == b"for Anna"
    assert upstream.calls[0].body == b"for [PERSON_1]"
    assert gate.admitted[0].origin == Origin("https", "api.example", upstream.port)
    assert len(running.door.addresses) == 1, "reverse:https must not listen for HTTP/3 as well"


async def test_in_reverse_mode_a_credential_that_is_required_stands_in_a_header(start_door, gate, upstream):
    mode = f"reverse:https://api.example:{upstream.port}@127.0.0.1:0"
    running = await start_door(modes=(mode,), require_credential=True)
    async with httpx.AsyncClient(base_url=running.url, trust_env=False, timeout=60) as client:
        without = await client.post("/v1", content=b"for Anna", headers={"x-other": "drg_secret"})
        answer = await client.post("/v1", content=b"for Anna", headers={"dragoman-credential": "drg_secret"})
    assert (without.status_code, gate.refused[0][1].code) == (401, "credential_required")
    assert answer.content == b"for Anna"
    assert len(upstream.calls) == len(gate.admitted) == 1


@pytest.mark.parametrize(
    ("status", "said"),
    [(407, b"(it answered 407); nothing was sent; see upstream_auth"), (502, b"(it answered 502); nothing was sent")],
)
async def test_a_next_proxy_that_refuses_is_named(start_door, upstream, listen, monkeypatch, status, said):
    monkeypatch.setattr(FakeFormat, "refuse", lambda _, __, it: Reply(it.status, Headers(()), it.message.encode()))

    async def next_proxy(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 %d for_anna\r\nContent-Length: 0\r\n\r\n" % status)
        writer.close()

    next_port = await listen(next_proxy)
    running = await start_door(modes=(f"upstream:http://127.0.0.1:{next_port}@127.0.0.1:0",), upstream_auth="us:key")
    async with running.client() as client:
        answer = await client.post(f"https://api.example:{upstream.port}/", content=b"for Anna")
    assert answer.status_code == 502
    assert said in answer.content
    assert b"for_anna" not in answer.content
    assert upstream.connections == 0


async def test_upstream_mode_goes_through_the_next_proxy_with_our_credentials_only(start_door, upstream, listen):
    seen = bytearray()

    async def next_proxy(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        seen.extend(head)
        onward_reader, onward_writer = await asyncio.open_connection("127.0.0.1", upstream.port)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")

        async def pump(source, sink):
            try:
                while data := await source.read(65536):
                    sink.write(data)
            finally:
                sink.close()

        await asyncio.gather(pump(reader, onward_writer), pump(onward_reader, writer), return_exceptions=True)

    next_port = await listen(next_proxy)
    running = await start_door(modes=(f"upstream:http://127.0.0.1:{next_port}@127.0.0.1:0",), upstream_auth="us:key")
    async with running.client(credential="drg_secret") as client:
        answer = await client.post(f"https://api.example:{upstream.port}/", content=b"for Anna")
    assert answer.content == b"for Anna"
    assert upstream.calls[0].body == b"for [PERSON_1]"
    assert seen.startswith(b"CONNECT api.example:%d " % upstream.port)
    assert b"Basic dXM6a2V5" in seen
    assert b"drg_secret" not in seen
