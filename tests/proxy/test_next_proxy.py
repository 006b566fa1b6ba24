"""The gateway's way through a network's own proxy: a tunnel to the provider, TLS inside of it, and nothing else said."""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web

from audit.log import Ledger
from policies.declared import SubjectSource
from policies.destination import Destination, FormatHint
from proxy.config import Settings
from proxy.configured import load
from proxy.console.settings import ConsoleSettings
from proxy.control.store import ControlStore
from proxy.erasure.deleting import HttpDeleter
from proxy.errors import ConfigError, UnavailableError
from proxy.identity import Subject
from proxy.installation.serving import way_out
from proxy.messages import Headers, Origin, Outgoing
from proxy.next_proxy import NextProxy, next_proxy
from proxy.outbound import clients
from proxy.outbound.clients import requests_proxies
from proxy.outbound.collectors import CollectorSession
from proxy.outbound.identity_provider import IdentityProvider, read_oidc
from proxy.outbound.settings import OutboundSettings
from proxy.outbound.streams.shipping import Shipping
from proxy.outbound.token_keys import TokenKeys
from proxy.outbound.traces import Traces
from proxy.running.flags import FlagSources
from proxy.transport import Transport, UpstreamError
from redaction.vault import ProviderObject
from tests.audit.conftest import blocked_record
from tests.ports import free_port

NAME = "api.example"


@dataclass
class Tunnels:
    """A proxy that opens tunnels to this machine, whatever name it is asked for. status: of another answer than 200."""

    status: int = 200
    port: int = 0
    heads: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            head = await reader.readuntil(b"\r\n\r\n")
            self.heads.append(head)
            if self.status != 200:
                writer.write(b"HTTP/1.1 %d anna@example.com\r\ncontent-length: 0\r\n\r\n" % self.status)
                writer.close()
                return
            port = int(head.split(b" ")[1].rpartition(b":")[2])
            onward, sink = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            await asyncio.gather(_pump(reader, sink), _pump(onward, writer), return_exceptions=True)


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65536):
            sink.write(data)
    finally:
        sink.close()


@pytest.fixture
async def tunnels() -> AsyncIterator[Tunnels]:
    made = Tunnels()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()


@pytest.fixture
async def provider(throwaway_ca: Any) -> AsyncIterator[int]:
    """Answers over TLS with what it got, and sends a session's messages back; returns its port."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if request.headers.get("upgrade"):
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            async for message in socket:
                await socket.send_str(message.data)
            return socket
        return web.Response(body=await request.read(), headers={"seen": request.headers.get("authorization", "")})

    runner = web.ServerRunner(web.Server(answer), shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=throwaway_ca.server(NAME, "127.0.0.1"))
    await site.start()
    yield runner.addresses[0][1]
    await runner.cleanup()


@asynccontextmanager
async def through(proxy: NextProxy, ca: Path) -> AsyncIterator[Transport]:
    transport = Transport(connect_s=60, idle_s=60, extra_ca=ca, next_proxy=proxy)
    try:
        yield transport
    finally:
        await transport.close()


def request(origin: Origin, fields: Iterable[tuple[bytes, bytes]] = ()) -> Outgoing:
    return Outgoing(origin, "POST", b"/v1", Headers(((b"host", origin.host.encode()), *fields)), b"words")


async def test_a_provider_is_reached_by_a_tunnel_that_learns_its_name_only(
    tunnels: Tunnels, provider: int, throwaway_ca: Any
) -> None:
    proxy = NextProxy(f"http://127.0.0.1:{tunnels.port}", "us", "key")
    asked = request(Origin("https", NAME, provider), [(b"authorization", b"Bearer sk-1")])
    async with through(proxy, throwaway_ca.path) as transport:
        for _ in range(2):
            async with transport.send(asked) as answer:
                assert [piece async for piece in answer.pieces()] == [b"words"]
                assert answer.headers.get("seen") == "Bearer sk-1"
    (head,) = tunnels.heads  # the second request takes the same tunnel
    assert head.startswith(b"CONNECT %s:%d HTTP/1.1\r\n" % (NAME.encode(), provider))
    assert b"Proxy-Authorization: Basic " + base64.b64encode(b"us:key") in head
    assert b"sk-1" not in head


async def test_a_session_takes_the_same_way(tunnels: Tunnels, provider: int, throwaway_ca: Any) -> None:
    async with through(NextProxy(f"http://127.0.0.1:{tunnels.port}"), throwaway_ca.path) as transport:
        opening = Outgoing(Origin("https", NAME, provider), "GET", b"/v1", Headers(((b"host", NAME.encode()),)), b"")
        session = await transport.open_session(opening, message_bytes=1000)
        await session.send_str("words")
        assert (await session.receive()).data in {b"words", "words"}
        await session.close()
    assert [head.split(b" ")[0] for head in tunnels.heads] == [b"CONNECT"]
    assert b"proxy-authorization" not in tunnels.heads[0].lower()


async def test_the_provider_proves_its_name_inside_of_the_tunnel(
    tunnels: Tunnels, provider: int, throwaway_ca: Any
) -> None:
    async with through(NextProxy(f"http://127.0.0.1:{tunnels.port}"), throwaway_ca.path) as transport:
        with pytest.raises(UpstreamError) as caught:
            async with transport.send(request(Origin("https", "other.example", provider))):
                pass
    assert not caught.value.reached


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (407, "the next proxy does not lead to api.example (it answered 407); see upstream_auth"),
        (502, "the next proxy does not lead to api.example (it answered 502)"),
    ],
)
async def test_a_next_proxy_that_refuses_is_named_and_nothing_was_sent(
    tunnels: Tunnels, provider: int, throwaway_ca: Any, status: int, said: str
) -> None:
    tunnels.status = status
    async with through(NextProxy(f"http://127.0.0.1:{tunnels.port}"), throwaway_ca.path) as transport:
        with pytest.raises(UpstreamError) as caught:
            async with transport.send(request(Origin("https", NAME, provider))):
                pass
        assert (caught.value.message, caught.value.status, caught.value.reached) == (said, 502, False)
        with pytest.raises(UpstreamError) as caught:
            await transport.open_session(request(Origin("https", NAME, provider)), message_bytes=1000)
        assert (caught.value.message, caught.value.reached) == (said, False)


async def test_a_next_proxy_that_is_away_is_named(provider: int, throwaway_ca: Any) -> None:
    async with through(NextProxy(f"http://127.0.0.1:{free_port()}"), throwaway_ca.path) as transport:
        with pytest.raises(UpstreamError, match="the next proxy could not be reached") as caught:
            async with transport.send(request(Origin("https", NAME, provider))):
                pass
    assert not caught.value.reached


async def test_what_is_inside_is_reached_directly(tunnels: Tunnels, provider: int, throwaway_ca: Any) -> None:
    proxy = NextProxy(f"http://127.0.0.1:{tunnels.port}", direct=("127.0.0.1",))
    asked = request(Origin("https", "127.0.0.1", provider))
    async with through(proxy, throwaway_ca.path) as transport, transport.send(asked) as answer:
        assert [piece async for piece in answer.pieces()] == [b"words"]
    assert tunnels.heads == []


def test_which_hosts_are_inside() -> None:
    proxy = NextProxy("http://proxy:3128", direct=("models.bank.example", ".corp.example"))
    inside = ("models.bank.example", "MODELS.bank.example.", "a.corp.example", "a.b.corp.example")
    outside = ("api.example", "x.models.bank.example", "corp.example", "acorp.example")
    assert not any(proxy.leads_to(Origin("https", host, 443)) for host in inside)
    assert all(proxy.leads_to(Origin("https", host, 443)) for host in outside)
    assert not proxy.leads_to(Origin("http", "api.example", 80))


def test_the_settings_say_it(tmp_path: Path) -> None:
    (tmp_path / "next").write_text("us:k:ey\n")
    (tmp_path / "config.toml").write_text(
        'upstream_proxy = "http://proxy.bank.example:3128"\nupstream_direct = [".Bank.example"]\nupstream_auth = "next"\n'
    )
    settings = load(home=tmp_path, environ={})
    assert next_proxy(settings) == NextProxy("http://proxy.bank.example:3128", "us", "k:ey", (".bank.example",))
    assert settings.modes == ("upstream:http://proxy.bank.example:3128@127.0.0.1:8789",), "the HTTPS proxy as well"
    assert next_proxy(Settings(home=tmp_path)) is None
    given = load(home=tmp_path, environ={"DRAGOMAN_UPSTREAM_PROXY": "http://other:1"})
    assert given.upstream_proxy == "http://other:1"


def test_what_cannot_be_led_through_it_is_told(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        'upstream_proxy = "http://proxy.bank.example:3128"\nmodes = ["regular", "transparent@9080"]\n'
    )
    settings = load(home=tmp_path, environ={})
    assert settings.modes == ("upstream:http://proxy.bank.example:3128", "transparent@9080")
    (found,) = way_out(settings)
    assert found.ok
    assert found.found.endswith("what comes in by transparent cannot be led there, and goes without it")
    (fault,) = way_out(replace(settings, upstream_auth=str(tmp_path / "absent")))
    assert not fault.ok


@pytest.mark.parametrize(
    "url", ["proxy:3128", "socks5://proxy:1080", "http://us:key@proxy:3128", "http://proxy:3128/path", "http://"]
)
def test_another_form_of_it_is_refused(tmp_path: Path, url: str) -> None:
    (tmp_path / "config.toml").write_text(f'upstream_proxy = "{url}"\n')
    with pytest.raises(ConfigError, match="^upstream_proxy: write http") as caught:
        load(home=tmp_path, environ={})
    assert "key" not in caught.value.message


def test_credentials_without_a_password_are_refused_and_not_repeated(tmp_path: Path) -> None:
    (tmp_path / "next").write_text("secret\n")
    settings = Settings(home=tmp_path, upstream_proxy="http://proxy:3128", upstream_auth=str(tmp_path / "next"))
    with pytest.raises(ConfigError, match="^upstream_auth: write user:password$"):
        next_proxy(settings)


async def test_an_erasure_asks_the_provider_through_it(
    tunnels: Tunnels, provider: int, throwaway_ca: Any, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text("sk-1")
    settings = Settings(
        home=tmp_path,
        upstream_ca=throwaway_ca.path,
        upstreams={"openai": Origin("https", NAME, provider)},
        provider_keys={"openai": str(tmp_path / "key")},
        upstream_proxy=f"http://127.0.0.1:{tunnels.port}",
    )
    openai = Destination("openai", formats=(FormatHint("/v1/responses", "openai_responses"),))

    def erase() -> int | None:
        with HttpDeleter(settings, {"openai": openai}) as deleter:
            (done,) = deleter.carry_out(deleter.plan([ProviderObject("openai", "resp_1", 0, 0)]))
            return done.status

    assert await asyncio.to_thread(erase) == 200
    assert [head.split(b"\r\n")[0] for head in tunnels.heads] == [b"CONNECT %s:%d HTTP/1.1" % (NAME.encode(), provider)]
    assert b"sk-1" not in b"".join(tunnels.heads)


async def test_whoever_asks_takes_it_and_is_told_the_same_as_without(
    tunnels: Tunnels, provider: int, throwaway_ca: Any
) -> None:
    proxy = NextProxy(f"http://127.0.0.1:{tunnels.port}", "us", "k:e/y", (".corp.example", "near.example"))
    trust, url = throwaway_ca.client(), f"https://{NAME}:{provider}"

    def asked() -> bytes:
        with clients.client(proxy, timeout=60, verify=trust) as client:
            return client.post(url, content=b"words").content

    assert await asyncio.to_thread(asked) == b"words"
    async with clients.async_client(proxy, timeout=60, verify=trust) as client:
        assert (await client.post(url, content=b"words")).content == b"words"
        assert (await client.post(f"https://127.0.0.1:{provider}", content=b"here")).content == b"here"
    with CollectorSession(proxy, url) as session:
        taken = await asyncio.to_thread(session.post, url, data=b"words", verify=str(throwaway_ca.path))
        assert taken.content == b"words"
    assert len(tunnels.heads) == 3
    shown = b"Basic " + base64.b64encode(b"us:k:e/y")
    assert all(head.startswith(b"CONNECT %s:" % NAME.encode()) and shown in head for head in tunnels.heads)


@pytest.mark.parametrize(
    ("url", "led"),
    [
        ("https://api.example/v1", True),
        ("https://a.corp.example", False),
        ("https://corp.example", True),
        ("https://NEAR.example:8443", False),
        ("https://127.0.0.1:4318", False),
        ("https://[::1]:4318", False),
        ("http://api.example", False),
    ],
)
async def test_all_know_alike_what_is_inside(url: str, led: bool) -> None:
    proxy = NextProxy("http://127.0.0.1:9", direct=(".corp.example", "near.example", "fd00::7"))
    asked = httpx.URL(url)
    assert proxy.leads_to(Origin(asked.scheme, asked.host, asked.port or 443)) is led
    assert bool(requests_proxies(proxy, url)) is led
    with clients.client(proxy, timeout=1) as client:
        chosen = client._transport_for_url(asked)
        assert (chosen is not client._transport) is led


def ask_flags(url: str, proxy: NextProxy, home: Path) -> None:
    async def ask() -> None:
        sources = FlagSources(home, lambda *_: None, through=proxy)
        await sources.look_up(SubjectSource("http", url), [Subject("1")], "support")
        await sources.close()

    asyncio.run(ask())


def ask_keys(url: str, proxy: NextProxy, home: Path) -> None:
    async def ask() -> None:
        keys = TokenKeys(home, lambda *_: None, proxy)
        with pytest.raises(UnavailableError):
            await keys(url, again=False)
        await keys.close()

    asyncio.run(ask())


def ask_identity_provider(url: str, proxy: NextProxy, _home: Path) -> None:
    found = read_oidc({"issuer": url, "client_id": "console", "roles": {"dpo": "officer"}})
    assert found is not None
    with pytest.raises(UnavailableError):
        IdentityProvider(found, proxy).endpoint("token_endpoint")


def ask_collector(url: str, proxy: NextProxy, _home: Path) -> None:
    traces = Traces(f"{url}/v1/traces", node="n", through=proxy)
    traces.recorded(blocked_record())
    traces.close()


@pytest.mark.parametrize("ask", [ask_flags, ask_keys, ask_identity_provider, ask_collector])
async def test_each_that_asks_does_so_through_it(
    tunnels: Tunnels, tmp_path: Path, ask: Callable[[str, NextProxy, Path], None]
) -> None:
    tunnels.status = 403  # whoever is told this does not try again
    await asyncio.to_thread(ask, f"https://{NAME}", NextProxy(f"http://127.0.0.1:{tunnels.port}"), tmp_path)
    assert tunnels.heads
    assert {head.split(b"\r\n")[0] for head in tunnels.heads} == {b"CONNECT %s:443 HTTP/1.1" % NAME.encode()}


async def test_a_stream_takes_it_and_the_processes_are_told_of_it(
    tunnels: Tunnels, provider: int, throwaway_ca: Any, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text("whsec_" + base64.b64encode(bytes(32)).decode())
    (tmp_path / "config.toml").write_text(
        f'upstream_proxy = "http://127.0.0.1:{tunnels.port}"\nupstream_direct = [".corp.example"]\n'
        f'[streams.siem]\nto = "webhook"\nurl = "https://{NAME}:{provider}/in"\nsecret = "key"\nca = "{throwaway_ca.path}"\n'
    )
    settings = load(home=tmp_path)
    told = OutboundSettings.from_line(OutboundSettings.of(settings).line())
    console = ConsoleSettings.from_line(ConsoleSettings.of(settings).line())
    assert next_proxy(told.as_settings) == next_proxy(console.as_settings) == next_proxy(settings)
    with closing(Ledger.open(tmp_path)) as ledger, closing(ControlStore.at(tmp_path)) as control:
        ledger.append_blocking(blocked_record())
        shipping = Shipping(told.as_settings, told.streams[0], ledger.store, control.cursors)
        await asyncio.to_thread(shipping.step)
        await asyncio.to_thread(shipping.close)
    assert [head.split(b"\r\n")[0] for head in tunnels.heads] == [b"CONNECT %s:%d HTTP/1.1" % (NAME.encode(), provider)]
