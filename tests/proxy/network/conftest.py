"""A real door on port 0, a TLS upstream that keeps every byte it gets, and a gate whose every step can be made to
fail."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from proxy.ca import CertificateAuthority, ensure_ca
from proxy.doors.network import NetworkDoor, NetworkSettings
from proxy.errors import ProxyError
from proxy.exchange import Cleared, Ending, Exchange
from proxy.formats.base import Endpoint, ResponseFacts
from proxy.gate import HostVerdict
from proxy.messages import Egress, Headers, Origin, Outgoing, Refusal, Reply

PLAIN, TOKEN = b"Anna", b"[PERSON_1]"
WAIT_S = 20.0

type Respond = Callable[["Call"], Awaitable[None]]


# --- the upstream ------------------------------------------------------------------------------------------------


@dataclass
class Call:
    """One request as the upstream got it, and its way to answer."""

    head: bytes
    body: bytes
    writer: asyncio.StreamWriter
    reader: asyncio.StreamReader

    @property
    def target(self) -> bytes:
        return self.head.split(b" ", 2)[1]

    def fields(self) -> list[tuple[bytes, bytes]]:
        lines = self.head.split(b"\r\n")[1:]
        return [(name, value) for name, _, value in (line.partition(b": ") for line in lines if line)]

    def field(self, name: bytes) -> bytes | None:
        return {key.lower(): value for key, value in self.fields()}.get(name.lower())

    async def answer(self, body: bytes, *fields: bytes, status: bytes = b"200 OK", length: bool = True) -> None:
        head = [b"HTTP/1.1 " + status, b"Content-Type: application/json", *fields]
        if length:
            head.append(b"Content-Length: %d" % len(body))
        self.writer.write(b"\r\n".join(head) + b"\r\n\r\n" + body)
        await self.writer.drain()

    async def begin_stream(self) -> None:
        self.writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        await self.writer.drain()

    async def event(self, data: bytes) -> None:
        event = b"data: " + data + b"\n\n"
        self.writer.write(b"%x\r\n%s\r\n" % (len(event), event))
        await self.writer.drain()

    async def end_stream(self) -> None:
        self.writer.write(b"0\r\n\r\n")
        await self.writer.drain()

    async def until_hung_up(self) -> None:
        """Until the other side closes, which an upstream that waits for nothing would not notice."""
        with contextlib.suppress(ConnectionError):
            await self.reader.read()

    def reset(self) -> None:
        self.writer.transport.abort()


async def echo(call: Call) -> None:
    await call.answer(call.body)


@dataclass
class Upstream:
    """connections: how many were opened. received: every byte of all of them."""

    port: int = 0
    connections: int = 0
    received: bytearray = field(default_factory=bytearray)
    calls: list[Call] = field(default_factory=list)
    respond: Respond = echo
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.received += head
                lengths = [
                    line.partition(b":")[2]
                    for line in head.split(b"\r\n")
                    if line.lower().startswith(b"content-length")
                ]
                body = await reader.readexactly(int(lengths[0]) if lengths else 0)
                self.received += body
                call = Call(head[:-4], body, writer, reader)
                self.calls.append(call)
                await self.respond(call)
        except asyncio.IncompleteReadError as error:
            self.received += error.partial
        except ConnectionError:
            pass
        finally:
            self.gone.set()
            writer.close()


@pytest.fixture(scope="session")
def upstream_tls(throwaway_ca: Any) -> ssl.SSLContext:
    return throwaway_ca.server("api.example", "other.example", "pass.example", "127.0.0.1")


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return ensure_ca(tmp_path_factory.mktemp("home") / "ca")


@pytest.fixture(autouse=True)
def names_lead_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every name under .example is this machine; no test asks a name server."""
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name == "nowhere.example":
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return real("127.0.0.1" if isinstance(name, str) and name.endswith(".example") else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


type Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
type Listen = Callable[..., Awaitable[int]]


@pytest.fixture
async def listen() -> AsyncIterator[Listen]:
    """Start servers by their connection handlers; returns the port. All of it is gone after the test."""
    servers: list[asyncio.Server] = []
    tasks: set[asyncio.Task[Any]] = set()
    writers: list[asyncio.StreamWriter] = []

    async def start(handler: Handler, context: ssl.SSLContext | None = None) -> int:
        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writers.append(writer)
            tasks.add(asyncio.ensure_future(handler(reader, writer)))

        servers.append(await asyncio.start_server(accept, "127.0.0.1", 0, ssl=context))
        port: int = servers[-1].sockets[0].getsockname()[1]
        return port

    yield start
    for server in servers:
        server.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for writer in writers:
        writer.transport.abort()
    for writer in writers:
        with contextlib.suppress(OSError, ssl.SSLError):
            await writer.wait_closed()


@pytest.fixture
async def upstream(listen: Listen, upstream_tls: ssl.SSLContext) -> Upstream:
    upstream = Upstream()
    upstream.port = await listen(upstream.serve, upstream_tls)
    return upstream


@pytest.fixture
async def plain_upstream(listen: Listen) -> Upstream:
    upstream = Upstream()
    upstream.port = await listen(upstream.serve)
    return upstream


# --- the gate ----------------------------------------------------------------------------------------------------


class FakeReader:
    """Puts the name back, and knows `[DONE]` as the end of a stream. boom: raise on the piece that holds this."""

    def __init__(self, boom: bytes) -> None:
        self.facts = ResponseFacts()
        self._boom = boom

    def feed(self, data: bytes) -> bytes:
        if self._boom and self._boom in data:
            raise ProxyError("secret-in-the-text Anna", code="upstream_unreadable")
        self.facts.complete = self.facts.complete or b"[DONE]" in data
        return data.replace(TOKEN, PLAIN)

    def finish(self) -> bytes:
        return b""


class FakeFormat:
    """The shape of errors, as a provider would have it."""

    name = "fake"

    def __init__(self) -> None:
        self.boom = b""

    def reader(self, *_: Any) -> FakeReader:
        return FakeReader(self.boom)

    def refuse(self, _endpoint: Endpoint | None, refusal: Refusal) -> Reply:
        fields = ((b"content-type", b"application/json"), (b"dragoman-reason", refusal.code.encode()))
        return Reply(refusal.status, Headers(fields), b'{"provider_error": "%s"}' % refusal.code.encode())

    def stream_error(self, _endpoint: Endpoint, refusal: Refusal) -> bytes:
        return b"event: error\ndata: %s\n\n" % refusal.code.encode()


@dataclass
class FakeGate:
    """Replaces a name by a token, and keeps what it was asked. `fail` names the step that raises."""

    open_hosts: set[str] = field(default_factory=lambda: {"api.example"})
    pass_hosts: set[str] = field(default_factory=set)
    reroute: Origin | None = None
    fail: dict[str, BaseException] = field(default_factory=dict)
    refuse_all: Refusal | None = None
    format: FakeFormat = field(default_factory=FakeFormat)
    admitted: list[Egress] = field(default_factory=list)
    refused: list[tuple[Egress, Refusal]] = field(default_factory=list)
    passes: list[tuple[str, int, str, str]] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    outcomes: asyncio.Queue[Ending] = field(default_factory=asyncio.Queue)
    hold: asyncio.Event | None = None
    entered: asyncio.Event = field(default_factory=asyncio.Event)

    def _step(self, name: str) -> None:
        if name in self.fail:
            raise self.fail[name]

    def screen_host(self, host: str, _port: int) -> HostVerdict:
        self._step("screen_host")
        if host in self.open_hosts:
            return HostVerdict.OPEN
        return HostVerdict.PASS if host in self.pass_hosts else HostVerdict.CLOSED

    async def passed(self, host: str, port: int, peer: str, credential: str) -> None:
        self._step("passed")
        self.passes.append((host, port, peer, credential))

    async def refuse(self, egress: Egress, refusal: Refusal) -> Exchange:
        self._step("refuse")
        self.refused.append((egress, refusal))
        exchange = self._exchange()
        exchange.refuse(self.format.refuse(None, refusal), refusal.code)
        return exchange

    async def admit(self, egress: Egress) -> Exchange:
        self.entered.set()
        if self.hold is not None:
            await self.hold.wait()
        self._step("admit")
        self.admitted.append(egress)
        exchange = self._exchange()
        if self.refuse_all is not None:
            exchange.refuse(self.format.refuse(None, self.refuse_all), self.refuse_all.code)
            return exchange
        assert egress.origin is not None
        origin = self.reroute or egress.origin
        from proxy.exchange import HOP_BY_HOP, State

        headers = egress.headers.without((*HOP_BY_HOP, "host", "content-length", "accept-encoding"))
        headers = Headers(((b"Host", origin.authority.encode()), *headers.fields))
        body = egress.body.replace(PLAIN, TOKEN)
        if body:
            headers = headers.with_field("Content-Length", str(len(body)))
        headers = headers.with_field("Accept-Encoding", "identity")
        outgoing = Outgoing(origin, egress.method, egress.target, headers, body)
        exchange.advance(State.INSPECTED)
        exchange.clear(
            Cleared(
                outgoing,
                self.format,  # type: ignore[arg-type]
                Endpoint("fake", "chat"),
                None,  # type: ignore[arg-type]
                on_sent=lambda: self._sent(exchange),
                on_close=self._closed,
            )
        )
        return exchange

    def _exchange(self) -> Exchange:
        return Exchange("01TRANSFER", clock_ms=lambda: 0, decoder=self._decoder)

    def _decoder(self, coding: str) -> Any:
        from proxy.framing.coding import decoder

        return decoder(coding)

    def _sent(self, exchange: Exchange) -> None:
        self._step("sent")
        self.sent.append(exchange.transfer)

    async def _closed(self, _exchange: Exchange, ending: Ending) -> None:
        self._step("close")
        await self.outcomes.put(ending)

    async def outcome(self) -> Ending:
        return await asyncio.wait_for(self.outcomes.get(), WAIT_S)


@pytest.fixture
def gate() -> FakeGate:
    return FakeGate()


# --- the door ----------------------------------------------------------------------------------------------------


class Http2First(ssl.SSLContext):
    """Prefers HTTP/2, whatever the library asks for."""

    def set_alpn_protocols(self, alpn_protocols: Any) -> None:
        super().set_alpn_protocols(["h2", "http/1.1"])


@dataclass
class Running:
    """A started door and the ways to it."""

    door: NetworkDoor
    authority: CertificateAuthority
    observed: list[tuple[str, str]]

    @property
    def address(self) -> tuple[str, int]:
        return self.door.addresses[0]

    @property
    def url(self) -> str:
        return "http://{}:{}".format(*self.address)

    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.authority.certificate))

    def client(self, *, credential: str = "", http2: bool = False) -> httpx.AsyncClient:
        headers = {"proxy-authorization": f"Bearer {credential}"} if credential else None
        proxy = httpx.Proxy(self.url, headers=headers)
        context = self.trust()
        if http2:
            # httpx prefers HTTP/1.1 in its offer, and the door takes what the client prefers.
            context = Http2First(ssl.PROTOCOL_TLS_CLIENT)
            context.load_verify_locations(str(self.authority.certificate))
        return httpx.AsyncClient(proxy=proxy, verify=context, http2=http2, timeout=WAIT_S, trust_env=False)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(*self.address)

    async def tunnel(self, host: str, port: int, *fields: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Through CONNECT; fails the test unless the door agrees."""
        reader, writer = await self.connect()
        head = [f"CONNECT {host}:{port} HTTP/1.1".encode(), f"Host: {host}:{port}".encode(), *fields]
        writer.write(b"\r\n".join(head) + b"\r\n\r\n")
        answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), WAIT_S)
        assert answer.startswith(b"HTTP/1.1 200"), answer
        return reader, writer

    async def tls_tunnel(
        self, host: str, port: int, *, sni: str | None = None, alpn: list[str] | None = None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Through CONNECT, then TLS for `sni`."""
        reader, writer = await self.tunnel(host, port)
        context = self.trust()
        if alpn:
            context.set_alpn_protocols(alpn)
        await asyncio.wait_for(writer.start_tls(context, server_hostname=sni or host), WAIT_S)
        return reader, writer


type StartDoor = Callable[..., Awaitable[Running]]


@pytest.fixture
async def start_door(gate: FakeGate, authority: CertificateAuthority, throwaway_ca: Any) -> AsyncIterator[StartDoor]:
    doors: list[NetworkDoor] = []

    async def start(**changes: Any) -> Running:
        observed: list[tuple[str, str]] = []
        given = {"modes": ("regular@127.0.0.1:0",), "upstream_ca": throwaway_ca.path, "connect_s": 5.0, **changes}
        settings = NetworkSettings(confdir=authority.directory, **given)
        door = NetworkDoor(gate, settings, observe=lambda kind, label: observed.append((kind, label)))
        await door.start()
        doors.append(door)
        return Running(door, authority, observed)

    yield start
    for door in doors:
        await door.stop()


@pytest.fixture
async def running(start_door: StartDoor) -> Running:
    return await start_door()


@pytest.fixture
def until() -> Callable[[Callable[[], Any]], Awaitable[None]]:
    """Wait for something that nobody signals."""

    async def wait(holds: Callable[[], Any]) -> None:
        async with asyncio.timeout(WAIT_S):
            while not holds():
                await asyncio.sleep(0)

    return wait


@pytest.fixture
def no_text_in_logs(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """What a request or an error says never stands in a log line."""
    caplog.set_level(0)
    yield
    assert "Anna" not in caplog.text
    assert "secret-in-the-text" not in caplog.text
