"""Hostile and broken HTTP on a raw socket, at both doors: refused, or right; nothing personal leaves in a place that HTTP
has besides the body, and no request hides behind another."""

import asyncio
import re
import ssl
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from proxy.fakes.leaks import assert_no_leak

MAIL = "anna.schmidt@example.com"
BODY = orjson.dumps({"model": "fake-echo", "messages": [{"role": "user", "content": f"I am {MAIL}"}]})
PLAIN = orjson.dumps({"model": "fake-echo", "messages": [{"role": "user", "content": "hi there"}]})
WAIT_S = 60.0
STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")


class Raw:
    """One connection to a door; on the network door, it goes through CONNECT and TLS to the provider's name."""

    def __init__(self, it: Any) -> None:
        self._it = it
        base = urlsplit(it.base("openai"))
        self.prefix, self.host, self.port = base.path.encode(), base.hostname or "", base.port or 0
        self.got = b""
        self.authority = f"{self.host}:{self.port}".encode()

    async def __aenter__(self) -> "Raw":
        if self._it.proxy is None:
            self.reader, self.writer = await asyncio.open_connection(self.host, self.port)
            return self
        door = urlsplit(self._it.proxy)
        self.reader, self.writer = await asyncio.open_connection(door.hostname, door.port)
        self.writer.write(b"CONNECT %b HTTP/1.1\r\nHost: %b\r\n\r\n" % (self.authority, self.authority))
        assert (await self.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        context = ssl.create_default_context(cafile=self._it.ca)
        await self.writer.start_tls(context, server_hostname=self.host)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.transport.abort()

    def post(self, body: bytes = PLAIN, *fields: bytes, target: bytes = b"/v1/chat/completions") -> bytes:
        """A request as bytes; fields: instead of a Content-Length that is right."""
        given = fields or (b"Content-Length: %d" % len(body),)
        head = (b"Content-Type: application/json", b"Host: " + self.authority, *given)
        return b"POST %b%b HTTP/1.1\r\n%b\r\n\r\n%b" % (self.prefix, target, b"\r\n".join(head), body)

    async def answers(self, request: bytes) -> list[int]:
        """The statuses of all answers to what is sent, until the door closes or has nothing more to say."""
        self.writer.write(request)
        statuses: list[int] = []
        try:
            async with asyncio.timeout(WAIT_S):
                while piece := await self.reader.read(65_536):
                    self.got += piece
                    statuses = [int(status) for status in STATUS.findall(self.got)]
                    if statuses and _whole(self.got):
                        break
        except (ConnectionError, ssl.SSLError):
            pass
        return statuses


def _whole(got: bytes) -> bool:
    head, found, body = got.rpartition(b"HTTP/1.1 ")[2].partition(b"\r\n\r\n")
    fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:])
    return bool(found) and len(body) >= int(fields.get(b"content-length", b"0"))


CHUNKED = b"%x\r\n%b\r\n0\r\n" % (len(PLAIN), PLAIN)
SMUGGLED = b"POST /v1/chat/completions HTTP/1.1\r\nHost: api.openai.com\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ((b"Content-Length: 5", b"Content-Length: 6"), PLAIN),
        ((b"Content-Length: -1",), PLAIN),
        ((b"Content-Length: +71",), PLAIN),
        ((b"Content-Length: 0x47",), PLAIN),
        ((b"Content-Length: 71, 72",), PLAIN),
        ((b"Content-Length: 4", b"Transfer-Encoding: chunked"), CHUNKED + b"\r\n" + SMUGGLED),
        ((b"Transfer-Encoding: chunked, identity",), CHUNKED + b"\r\n"),
        ((b"Transfer-Encoding: xchunked",), CHUNKED + b"\r\n"),
        ((b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"), CHUNKED + b"\r\n"),
        ((b"Transfer-Encoding : chunked",), CHUNKED + b"\r\n"),
        ((b"Transfer-Encoding: chunked",), b"zz\r\n" + PLAIN + b"\r\n0\r\n\r\n"),
        ((b"Transfer-Encoding: chunked",), b"-1\r\n" + PLAIN + b"\r\n0\r\n\r\n"),
        ((b"Content-Length: 71", b"X\x00A: b"), PLAIN),
        ((b"Content-Length: 71", b"X-A: b\x00c"), PLAIN),
        ((b"Content-Length: 71", b"no colon at all"), PLAIN),
        ((b"Content-Length: 71", b": empty"), PLAIN),
        ((b"Content-Length: 71", b"Host: evil.example"), PLAIN),
        ((b"Content-Length: 71", b"Content-Type: image/png"), PLAIN),
    ],
)
async def test_framing_that_can_be_read_in_two_ways_is_refused(
    each_door: Any, fields: tuple[bytes, ...], body: bytes
) -> None:
    async with each_door() as it, Raw(it) as raw:
        statuses = await raw.answers(raw.post(body, *fields))
        assert not statuses or 400 <= statuses[0] < 600, statuses
        assert 200 not in statuses
        assert it.received() == []


@pytest.mark.parametrize(
    "request_line",
    [
        b"", b"\x16\x03\x01\x00\x05hello", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"POST\r\n\r\n", b"POST /x\r\n\r\n",
        b"POST /x HTTP/9.9\r\n\r\n", b"POST /x HTTP/1.1 extra\r\n\r\n",
        b"POST /a b HTTP/1.1\r\nHost: x\r\n\r\n", b"P\x00ST /x HTTP/1.1\r\n\r\n", b"\r\n" * 5_000,
        b"TRACE /x HTTP/1.1\r\nHost: x\r\n\r\n", b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n",
        b"GET http://evil.example/x HTTP/1.1\r\nHost: evil.example\r\n\r\n", b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)  # fmt: skip
async def test_what_is_no_request_gets_no_further(each_door: Any, request_line: bytes) -> None:
    async with each_door() as it, Raw(it) as raw:
        statuses = await raw.answers(request_line + b"\r\n\r\n" + b"x" * 70_000)
        assert all(400 <= status < 600 for status in statuses)
        assert it.received() == []


@pytest.mark.parametrize("size", [100_000, 2_000_000])
async def test_a_head_without_an_end_is_refused_before_it_is_collected(each_door: Any, size: int) -> None:
    async with each_door() as it, Raw(it) as raw:
        statuses = await raw.answers(b"POST /v1/chat/completions HTTP/1.1\r\nX: " + b"a" * size)
        assert not statuses or 400 <= statuses[0] < 500
        assert it.received() == []


@pytest.mark.parametrize(
    ("fields", "target", "body"),
    [
        ((b"Content-Length: 71", b"X-Note: " + MAIL.encode()), b"/v1/chat/completions", PLAIN),
        ((b"Content-Length: 71", b"X-Note: gr\xfc\xdfe an " + MAIL.encode()), b"/v1/chat/completions", PLAIN),
        ((b"Content-Length: 71", b"X-Note: \xf0\x9f\x91\x8b " + MAIL.encode()), b"/v1/chat/completions", PLAIN),
        ((b"Content-Length: 71", b"X-" + b"Note: a", b"X-Note: " + MAIL.encode()), b"/v1/chat/completions", PLAIN),
        ((b"Content-Length: 71", b"X-Note: of\r\n " + MAIL.encode()), b"/v1/chat/completions", PLAIN),
        ((b"Content-Length: 71", b"Cookie: who=" + MAIL.encode()), b"/v1/chat/completions", PLAIN),
        ((b"Content-Length: 71", b"Referer: https://a.example/" + MAIL.encode()), b"/v1/chat/completions", PLAIN),
        ((b"Content-Length: 71", b"User-Agent: of " + MAIL.encode()), b"/v1/chat/completions", PLAIN),
        ((b"Content-Length: 71", b"Connection: x-note", b"X-Note: " + MAIL.encode()), b"/v1/chat/completions", PLAIN),
        ((b"Content-Length: 71",), b"/v1/files/" + MAIL.encode(), PLAIN),
        ((b"Content-Length: 71",), b"/v1/files/anna%2Eschmidt%40example%2Ecom", PLAIN),
        ((b"Content-Length: 71",), b"/v1/../v1/./files/" + MAIL.encode(), PLAIN),
        ((b"Content-Length: 71",), b"//v1//files//" + MAIL.encode(), PLAIN),
        ((b"Content-Length: 71",), b"/v1/files?q=" + MAIL.encode() + b"&q=x", PLAIN),
        ((b"Content-Length: 71",), b"/v1/files?" + MAIL.encode(), PLAIN),
        ((b"Content-Length: 71",), b"/v1/files?" + MAIL.encode() + b"=1", PLAIN),
        ((b"Content-Length: 71",), b"/v1/files#" + MAIL.encode(), PLAIN),
        ((b"Transfer-Encoding: chunked",), b"/v1/chat/completions",
         b"47;note=" + MAIL.encode() + b"\r\n" + PLAIN + b"\r\n0\r\n\r\n"),
        ((b"Transfer-Encoding: chunked", b"Trailer: X-Note"), b"/v1/chat/completions",
         CHUNKED + b"X-Note: " + MAIL.encode() + b"\r\n\r\n"),
    ],
)  # fmt: skip
async def test_a_value_outside_of_the_body_is_replaced_dropped_or_refused(
    each_door: Any, caplog: pytest.LogCaptureFixture, fields: tuple[bytes, ...], target: bytes, body: bytes
) -> None:
    assert len(PLAIN) == 71
    async with each_door() as it, Raw(it) as raw:
        statuses = await raw.answers(raw.post(body, *fields, target=target))
        assert statuses or not it.received()  # an answer may be lost where the rest of a request was not read
        assert_no_leak(it.received(), [MAIL])
        assert len(it.received()) <= 1
    assert MAIL not in caplog.text


async def test_a_field_that_a_receiver_may_take_for_one_of_framing_does_not_arrive(each_door: Any) -> None:
    hidden = b"Transfer_Encoding: chunked", b"content_length: 1", b"Content_Type: text/plain", b"CONTENT_ENCODING: gzip"
    async with each_door() as it, Raw(it) as raw:
        assert await raw.answers(raw.post(PLAIN, b"Content-Length: 71", *hidden, b"Connection: close")) == [200]
        (received,) = it.received()
        assert not [name for name, _ in received.headers if b"_" in name]


@pytest.mark.parametrize(
    "request_head",
    [
        b"POST /x?" + MAIL.encode() + b" HTTP/1.1 extra", b"POST /x HTTP/1.1\r\nHost: x\r\nX-A: b\r\n " + MAIL.encode(),
        b"GET /x HTTP/1.1\r\n" + MAIL.encode(), b"GET /x HTTP/1.1\r\nHost: x\r\nX-A: b\x00" + MAIL.encode(),
        MAIL.encode() + b" /x HTTP/1.1\r\nHost: x", b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: " + MAIL.encode(),
    ],
)  # fmt: skip
async def test_what_cannot_be_read_is_quoted_neither_to_the_client_nor_in_a_log(
    each_door: Any, caplog: pytest.LogCaptureFixture, request_head: bytes
) -> None:
    caplog.set_level(0)
    async with each_door() as it, Raw(it) as raw:
        await raw.answers(request_head + b"\r\n\r\n" + b"x" * 70_000)
        assert MAIL.encode() not in raw.got
        assert it.received() == []
    assert MAIL not in caplog.text


async def test_fields_after_a_body_are_refused_and_recorded_at_the_network_door(stand: Any) -> None:
    async with stand(door="network") as it, Raw(it) as raw:
        request = raw.post(CHUNKED + b"X-Note: " + MAIL.encode() + b"\r\n\r\n", b"Transfer-Encoding: chunked")
        assert await raw.answers(request) == [400]
        assert it.received() == []
        (blocked,) = it.records("blocked")
        assert blocked["reason"] == "trailers_unsupported"


async def test_requests_that_come_at_once_are_each_inspected(each_door: Any) -> None:
    async with each_door() as it, Raw(it) as raw:
        statuses = await raw.answers(raw.post(BODY) + raw.post(BODY, target=b"/v1/chat/completions?x=1"))
        while len(statuses) < 2:
            statuses = await raw.answers(b"")
        assert statuses == [200, 200]
        assert_no_leak(it.received(), [MAIL])
        assert len(it.received()) == 2


async def test_a_body_that_never_ends_is_not_sent(each_door: Any) -> None:
    async with each_door() as it:
        async with Raw(it) as raw:
            raw.writer.write(raw.post(BODY, b"Content-Length: 100000"))
            await raw.writer.drain()
        assert it.received() == []
        assert it.records("transfer") == []
