"""A real door on port 0, a TLS upstream that keeps every byte it gets, and a gate whose every step can be made to
fail."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from proxy.doors.network import NetworkDoor, NetworkSettings
from proxy.running.ca import CertificateAuthority, ensure_ca
from tests.network_fakes import WAIT_S, FakeGate, Upstream


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


@pytest.fixture
def gate() -> FakeGate:
    return FakeGate()


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
        given = {"modes": ("regular@127.0.0.1:0",), "upstream_ca": throwaway_ca.path, "connect_s": WAIT_S, **changes}
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
