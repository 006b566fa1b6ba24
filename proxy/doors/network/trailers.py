"""What stands around an answer: interim responses before it (RFC 9110 section 15.2), which the engine's HTTP/1 takes
for the answer itself, and fields after a body (section 6.5), on which it crashes in both directions.

Fields after a request are kept, so that it can be refused with a record; those of an answer are dropped, as anybody
may, and so are interim responses, which nobody asked for: no request leaves with `Expect`.
"""

# mypy: allow-untyped-calls

import re
from typing import Any, Final

import h11
from mitmproxy import http
from mitmproxy.proxy import events, layer
from mitmproxy.proxy.layers.http import HttpClient
from mitmproxy.proxy.layers.http._http1 import Http1Client, TBodyReader

_INTERIM: Final = re.compile(rb"HTTP/1\.[01] 1(?!01)[0-9]{2}[ \r\n]")
_MOST_INTERIM: Final = 16
"""Of one read; whoever sends more has no answer."""
_LONGEST_INTERIM: Final = 4096
"""Bytes of one that comes in several reads."""


class TrailersApart:
    """The engine's reader of a body, less the trailers, on which the engine crashes. trailers: those that came."""

    def __init__(self, reader: TBodyReader) -> None:
        self._reader = reader
        self.trailers: http.Headers | None = None

    def __call__(self, received: Any) -> Any:
        event = self._reader(received)
        if isinstance(event, h11.EndOfMessage) and event.headers:
            self.trailers = http.Headers(tuple(event.headers.raw_items()))
            return h11.EndOfMessage()
        return event

    def read_eof(self) -> Any:
        """See h11."""
        return self._reader.read_eof()


def read_past(connection: layer.Layer) -> None:
    """Let an upstream's connection, once it stands, read answers behind interim ones and with trailers."""
    while not isinstance(connection, HttpClient):
        connection = connection.child_layer  # type: ignore[attr-defined]
    client = connection.child_layer
    if not isinstance(client, Http1Client):
        return
    read = client.read_body

    def read_body(event: events.Event) -> layer.CommandGenerator[None]:
        reader: object = client.body_reader
        if not isinstance(reader, TrailersApart):
            client.body_reader = TrailersApart(client.body_reader)  # type: ignore[assignment]
        yield from read(event)

    read_final = client.read_headers

    def read_headers(event: events.ConnectionEvent) -> layer.CommandGenerator[None]:
        if client.request is not None and isinstance(event, events.DataReceived):
            # The buffer gives its beginning only with all of it: no copy for each byte of a long head that drips.
            looked_at = len(client.buf) <= max(len(event.data), _LONGEST_INTERIM)
            for _ in range(_MOST_INTERIM if looked_at else 0):
                if not _INTERIM.match(bytes(client.buf)[:16]) or client.buf.maybe_extract_lines() is None:
                    break
        yield from read_final(event)

    client.read_body = read_body  # type: ignore[method-assign]
    client.read_headers = read_headers  # type: ignore[method-assign]
    if client.state == read_final:
        client.state = read_headers
