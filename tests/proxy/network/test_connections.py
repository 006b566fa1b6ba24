"""Connections before any request: which hosts are opened, which pass unread, and what is closed."""

import ssl

import httpx
import pytest

from proxy.messages import Origin
from tests.network_fakes import ALERT, hello, rest

BOTH = pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])


# --- hosts that are not in the register ----------------------------------------------------------------------------


async def test_a_host_that_is_not_registered_is_closed_at_connect(running, gate, upstream):
    reader, writer = await running.connect()
    writer.write(b"CONNECT stranger.example:%d HTTP/1.1\r\n\r\n" % upstream.port)
    answer = await reader.readuntil(b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 403")
    assert b"dragoman-reason: unregistered_host" in answer
    egress, refusal = gate.refused[0]
    assert (egress.method, egress.origin) == ("CONNECT", Origin("https", "stranger.example", upstream.port))
    assert refusal.code == "unregistered_host"
    assert upstream.connections == 0
    writer.close()


async def test_a_plain_request_to_a_stranger_is_the_gates_to_refuse(running, gate, plain_upstream):
    from proxy.messages import Refusal

    gate.refuse_all = Refusal(404, "destination_unknown", "no")
    async with running.client() as client:
        answer = await client.get(f"http://stranger.example:{plain_upstream.port}/?q=Anna")
    assert answer.json() == {"provider_error": "destination_unknown"}
    assert plain_upstream.connections == 0


async def test_a_host_that_may_pass_is_relayed_unread_after_a_record(running, gate, upstream, throwaway_ca):
    gate.pass_hosts = {"pass.example"}
    context = ssl.create_default_context(cafile=str(throwaway_ca.path))
    async with httpx.AsyncClient(proxy=running.url, verify=context, trust_env=False, timeout=60) as client:
        answer = await client.post(f"https://pass.example:{upstream.port}/", content=b"for Anna")
    assert answer.content == b"for Anna"
    assert upstream.calls[0].body == b"for Anna"
    assert gate.passes == [("pass.example", upstream.port, "127.0.0.1", "")]
    assert not gate.admitted
    assert running.door.counts["passed"] == 1


async def test_a_host_that_may_pass_is_no_cover_for_another(running, gate, upstream):
    gate.pass_hosts = {"pass.example"}
    reader, writer = await running.tunnel("pass.example", upstream.port)
    writer.write(hello("api.example"))
    assert await rest(reader) == ALERT
    assert upstream.connections == 0
    assert gate.refused[0][1].code == "destination_mismatch"
    writer.close()


async def test_plain_http_to_a_host_that_may_pass_is_forwarded_unread(running, gate, plain_upstream):
    gate.pass_hosts = {"pass.example"}
    async with running.client(credential="drg_secret") as client:
        url = f"http://pass.example:{plain_upstream.port}/x"
        answer = await client.post(url, content=b"for Anna", headers={"connection": "keep-alive, x-hop", "x-hop": "1"})
    assert answer.content == b"for Anna"
    assert plain_upstream.calls[0].body == b"for Anna"
    assert plain_upstream.calls[0].field(b"x-hop") is None
    assert b"drg_secret" not in plain_upstream.received
    assert gate.passes == [("pass.example", plain_upstream.port, "127.0.0.1", "drg_secret")]


# --- names that do not agree ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sni", "host"),
    [
        ("other.example", "api.example"),
        ("api.example", "other.example"),
        ("other.example", "other.example"),
        ("api.example", "api.example:1"),
        ("api.example", "api.example@other.example"),
        ("api.example", ""),
    ],
)
async def test_connection_handshake_and_host_must_name_the_same(running, gate, upstream, sni, host):
    gate.open_hosts |= {"other.example"}
    reader, writer = await running.tls_tunnel("api.example", upstream.port, sni=sni)
    writer.write(b"GET /?q=Anna HTTP/1.1\r\nHost: %s\r\n\r\n" % host.encode())
    answer = await reader.readuntil(b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 421"), answer
    assert b"dragoman-reason: destination_mismatch" in answer
    assert upstream.connections == 0
    assert not gate.admitted
    assert gate.refused[0][1].code == "destination_mismatch"
    writer.close()


@pytest.mark.parametrize(
    "lines",
    [
        b"GET / HTTP/1.1\r\nHost: api.example\r\nHost: api.example\r\n",
        b"GET / HTTP/1.1\r\nHost: api.example\r\nHost: other.example\r\n",
        b"GET https://other.example/ HTTP/1.1\r\nHost: api.example\r\n",
    ],
    ids=["twice", "two", "absolute"],
)
async def test_two_names_in_one_request_are_one_too_many(running, gate, upstream, lines):
    reader, writer = await running.tls_tunnel("api.example", upstream.port)
    writer.write(lines + b"\r\n")
    assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 421")
    assert upstream.connections == 0
    assert not gate.admitted
    writer.close()


async def test_an_absolute_url_and_its_host_field_must_agree(running, gate, plain_upstream):
    reader, writer = await running.connect()
    writer.write(b"GET http://api.example:%d/ HTTP/1.1\r\nHost: other.example\r\n\r\n" % plain_upstream.port)
    assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 421")
    assert plain_upstream.connections == 0
    writer.close()


@pytest.mark.parametrize("sni", ["api.Example", "api.example."])
async def test_spellings_of_one_name_agree(running, gate, upstream, sni):
    reader, writer = await running.tls_tunnel("API.example", upstream.port, sni=sni)
    writer.write(b"GET / HTTP/1.1\r\nHost: Api.Example.:%d\r\n\r\n" % upstream.port)
    assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 200")
    writer.close()


# --- what is not HTTP ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data", [b"SSH-2.0-x\r\n", b"\x00\x01\x02\x03", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"A" * 30]
)
async def test_raw_tcp_through_connect_is_closed(running, gate, upstream, data):
    reader, writer = await running.tunnel("api.example", upstream.port)
    writer.write(data)
    assert await rest(reader) == b""
    assert upstream.connections == 0
    assert gate.refused[0][1].code == "not_http"
    writer.close()


@pytest.mark.parametrize("alpn", [None, ["mqtt"]])
async def test_tls_around_something_else_is_closed(running, gate, upstream, alpn):
    reader, writer = await running.tls_tunnel("api.example", upstream.port, alpn=alpn)
    writer.write(b"\x10\x2a\x00\x04MQTT Anna")
    assert await rest(reader) == b""
    assert upstream.connections == 0
    assert gate.refused[0][1].code == "not_http"
    writer.close()


async def test_tls_inside_of_tls_is_closed(running, gate, upstream):
    reader, writer = await running.tls_tunnel("api.example", upstream.port)
    writer.write(hello("api.example"))
    assert await rest(reader) == b""
    assert upstream.connections == 0
    writer.close()


async def test_a_handshake_that_cannot_be_read_is_closed(running, gate, upstream):
    reader, writer = await running.tunnel("api.example", upstream.port)
    writer.write(b"\x16\x03\x01\x00\x00" + b"\x00" * 40)
    assert await rest(reader) == b""
    assert upstream.connections == 0
    writer.close()


async def test_first_bytes_that_come_one_by_one_are_waited_for(running, upstream):
    reader, writer = await running.tunnel("api.example", upstream.port)
    opening = hello("api.example")
    for at in range(0, 6):
        writer.write(opening[at : at + 1])
        await writer.drain()
    writer.write(opening[6:])
    assert (await reader.readexactly(1)) == b"\x16"
    writer.close()


@pytest.mark.parametrize("upgrade", [b"h2c, websocket", b"WebSocket, h2c"])
async def test_upgrades_to_anything_else_are_refused(running, gate, upstream, upgrade):
    reader, writer = await running.tls_tunnel("api.example", upstream.port)
    host = b"api.example:%d" % upstream.port
    writer.write(
        b"GET /v1/realtime HTTP/1.1\r\nHost: %s\r\nUpgrade: %s\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" % (host, upgrade)
    )
    answer = await reader.readuntil(b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 501")
    assert b"dragoman-reason: upgrade_unsupported" in answer
    assert upstream.connections == 0
    assert not gate.admitted
    writer.close()


async def test_an_upgrade_to_clear_text_http2_is_not_taken_up(running, upstream):
    reader, writer = await running.tls_tunnel("api.example", upstream.port)
    host = b"api.example:%d" % upstream.port
    writer.write(b"GET / HTTP/1.1\r\nHost: %s\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n" % host)
    assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 200")
    assert upstream.calls[0].field(b"upgrade") is None
    writer.close()


# --- clients -------------------------------------------------------------------------------------------------------


async def test_a_client_that_does_not_trust_our_certificate_ends_visibly(running, gate, upstream, until):
    async with httpx.AsyncClient(
        proxy=running.url, verify=ssl.create_default_context(), trust_env=False, timeout=60
    ) as client:
        with pytest.raises(httpx.ConnectError):
            await client.post(f"https://api.example:{upstream.port}/", content=b"Anna")
    await until(lambda: gate.refused)
    assert gate.refused[0][1].code == "client_distrusts_ca"
    assert gate.refused[0][0].origin.host == "api.example"
    assert upstream.connections == 0


async def test_tls_to_the_proxy_itself_works(running, gate, upstream):
    reader, writer = await running.connect()
    context = running.trust()
    await writer.start_tls(context, server_hostname="127.0.0.1")
    writer.write(b"CONNECT api.example:%d HTTP/1.1\r\nHost: api.example\r\n\r\n" % upstream.port)
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
    await writer.start_tls(context, server_hostname="api.example")
    writer.write(b"GET / HTTP/1.1\r\nHost: api.example:%d\r\n\r\n" % upstream.port)
    assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 200")
    assert gate.admitted[0].origin == Origin("https", "api.example", upstream.port)
    writer.close()
