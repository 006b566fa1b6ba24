"""An upstream that keeps every byte it gets, and a gate whose every step can be made to fail: for tests of the network door."""

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from proxy.errors import ProxyError
from proxy.exchange import Cleared, Ending, Exchange, State
from proxy.formats.base import Endpoint, ResponseFacts
from proxy.framing.coding import decoder
from proxy.messages import HOP_BY_HOP, Egress, Headers, Origin, Outgoing, Refusal, Reply
from proxy.steps.passing import HostVerdict

PLAIN, TOKEN = b"Anna", b"[PERSON_1]"
WAIT_S = 60.0

type Respond = Callable[["Call"], Awaitable[None]]


ALERT = bytes.fromhex("1503030002" + "0231")
"""TLS, fatal, access_denied."""


async def rest(reader: asyncio.StreamReader) -> bytes:
    """What comes until the end; b"" where the connection broke."""
    try:
        return await asyncio.wait_for(reader.read(), WAIT_S)
    except (ConnectionError, ssl.SSLError):
        return b""


def hello(name: str | None) -> bytes:
    """The first bytes of a TLS client."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    context.check_hostname = False
    handshake = context.wrap_bio(incoming, outgoing, server_hostname=name)
    with contextlib.suppress(ssl.SSLWantReadError):
        handshake.do_handshake()
    return outgoing.read()


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

    async def passed(self, host: str, port: int, peer: str, credential: str, _mode: str) -> None:
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
        return decoder(coding)

    def _sent(self, exchange: Exchange) -> None:
        self._step("sent")
        self.sent.append(exchange.transfer)

    async def _closed(self, _exchange: Exchange, ending: Ending) -> None:
        self._step("close")
        await self.outcomes.put(ending)

    async def outcome(self) -> Ending:
        return await asyncio.wait_for(self.outcomes.get(), WAIT_S)
