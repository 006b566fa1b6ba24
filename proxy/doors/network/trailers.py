"""Fields after a body (RFC 9110 section 6.5), on which the engine's HTTP/1 crashes in both directions.

Those of a request are kept, so that it can be refused with a record; those of an answer are dropped, as anybody may.
"""

# mypy: allow-untyped-calls

from typing import Any

import h11
from mitmproxy import http
from mitmproxy.proxy import events, layer
from mitmproxy.proxy.layers.http import HttpClient
from mitmproxy.proxy.layers.http._http1 import Http1Client, TBodyReader


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


def survive_trailers(connection: layer.Layer) -> None:
    """Let an upstream's connection, once it stands, read answers with trailers to their end."""
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

    client.read_body = read_body  # type: ignore[method-assign]
