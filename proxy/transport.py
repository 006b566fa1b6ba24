"""The gateway's way to the upstream: one aiohttp session, nothing decided, nothing changed.

What the gate cleared goes out byte for byte (raw target, headers in their order, identity encoding); what comes back is
handed on piece by piece as it arrives. No redirect is followed and no request is repeated: each attempt needs a record.
"""

import functools
import io
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any, cast

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import Connection
from multidict import CIMultiDict
from yarl import URL

from proxy.errors import ProxyError
from proxy.messages import Headers, Origin, Outgoing, as_written
from proxy.next_proxy import NextProxy
from proxy.running.ca import trusting

_HANDSHAKE = ("sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions", "sec-websocket-protocol")
"""Fields of a handshake that belong to one connection; ours to the provider has its own."""


IN_ONE_PIECE = 2**16
"""Bytes of a body up to which it goes to the socket as it is, together with the head; a larger one in pieces, as the
library would otherwise hand all of it over in one go."""


class UpstreamError(ProxyError):
    """The provider could not be reached or its answer broke off. reached: a byte may have been received there."""

    code = "upstream_unreachable"
    status = 502

    def __init__(self, message: str, *, code: str | None = None, status: int | None = None, reached: bool) -> None:
        super().__init__(message, code=code, status=status)
        self.reached = reached


class UpstreamAnswer:
    """The head of an answer, and its body as it arrives."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.status = response.status
        self.headers = Headers(tuple(response.raw_headers))
        self._response = response

    @property
    def length(self) -> int | None:
        """The body's length in bytes where the provider said it."""
        return self._response.content_length

    async def more(self) -> bytes:
        """The body's next bytes as they come, content-encoded as they came; b"" at its end.

        Raises UpstreamError when it breaks off.
        """
        try:
            # Not `iter_chunks`: what came together goes on together, however the provider cut it.
            return await self._response.content.readany()
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            raise UpstreamError(
                f"the provider's answer broke off ({type(error).__name__})", code="upstream_cut", reached=True
            ) from error

    async def pieces(self) -> AsyncIterator[bytes]:
        """The same to its end. Raises UpstreamError."""
        while piece := await self.more():
            yield piece


class Sending:
    """A request that is sent when its context begins; its answer is read inside of it.

    A class, because the library's generator for contexts costs more than all that happens in it.
    """

    __slots__ = ("_asking", "_response")

    def __init__(self, asking: Coroutine[Any, Any, aiohttp.ClientResponse]) -> None:
        self._asking = asking

    async def __aenter__(self) -> UpstreamAnswer:
        self._response = await self._asking
        return UpstreamAnswer(self._response)

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._response.release()
        else:
            self._response.close()


class _Kept(ResponseHandler):
    """A connection to a provider. asked: a request of ours is on it."""

    asked = True

    def data_received(self, data: bytes) -> None:
        """What comes unasked answers nobody: the library would give it to the next request, whosever that is."""
        if self.asked or not data:  # nothing has come where the library goes on with what it has
            super().data_received(data)
        else:
            self.close()


class _Connections(aiohttp.TCPConnector):
    """Keeps a connection for the next request only while the provider says nothing on it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        made: Any = functools.partial(_Kept, loop=self._loop)
        self._factory = made

    async def _get(self, key: ConnectionKey, traces: list[Any]) -> Connection | None:
        while (connection := await super()._get(key, traces)) is not None:
            kept = cast(_Kept, connection.protocol)
            if not kept.should_close:  # with the end of an answer another one may have come
                kept.asked = True
                return connection
            connection.close()
        return None

    def _release(self, key: ConnectionKey, protocol: ResponseHandler, *, should_close: bool = False) -> None:
        super()._release(key, protocol, should_close=should_close)
        cast(_Kept, protocol).asked = False


class Transport:
    """A pool of connections to upstreams. Make it inside the event loop, close it at the end."""

    def __init__(
        self, *, connect_s: float, idle_s: float, extra_ca: Path | None = None, next_proxy: NextProxy | None = None
    ) -> None:
        self._next = next_proxy
        self._shown: dict[str, str] | None = None
        if next_proxy is not None and next_proxy.user:
            shown = aiohttp.encode_basic_auth(next_proxy.user, next_proxy.password, "utf-8")
            self._shown = {"Proxy-Authorization": shown}
        connector = _Connections(limit=0, ssl=trusting(extra_ca), keepalive_timeout=30)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=connect_s, connect=connect_s, sock_read=idle_s)
        self._session = _session(connector, timeout)
        # A handshake has no option against redirects either; a trace costs, so only handshakes have one.
        watch = aiohttp.TraceConfig()
        watch.on_request_redirect.append(_refuse_redirect)
        self._handshakes = _session(connector, timeout, watch)

    def send(self, outgoing: Outgoing) -> "Sending":
        """Send one cleared request, as a context. Raises UpstreamError; the connection is given back or closed at the
        end."""
        return Sending(self._ask(outgoing))

    async def _ask(self, outgoing: Outgoing) -> aiohttp.ClientResponse:
        origin = outgoing.origin
        url = URL(
            f"{origin.scheme}://{origin.authority}{origin.prefix}{outgoing.target.decode('latin-1')}", encoded=True
        )
        headers = _fields(outgoing.headers)
        proxy, shown = self._through(origin)
        try:
            return await self._session.request(
                outgoing.method,
                url,
                headers=headers,
                data=_payload(outgoing.body),
                allow_redirects=False,
                proxy=proxy,
                proxy_headers=shown,
            )
        except (aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError) as error:
            raise _not_reached(origin, error) from error
        except TimeoutError as error:
            raise UpstreamError(
                f"the provider at {origin.host} did not answer in time",
                code="upstream_timeout",
                status=504,
                reached=not isinstance(error, aiohttp.ConnectionTimeoutError),
            ) from error
        except (aiohttp.ClientError, ConnectionError, ValueError) as error:
            raise UpstreamError(
                f"the provider at {origin.host} did not answer properly ({type(error).__name__})",
                code="upstream_broken",
                reached=True,
            ) from error

    async def open_session(self, outgoing: Outgoing, *, message_bytes: int) -> "aiohttp.ClientWebSocketResponse[bool]":
        """Open the WebSocket that was cleared. message_bytes: largest message of the provider. Raises UpstreamError.

        Without compression, as every other answer; its frames are the library's business.
        """
        origin = outgoing.origin
        target = outgoing.target.decode("latin-1")
        protocols = ",".join(outgoing.headers.all("sec-websocket-protocol"))
        proxy, shown = self._through(origin)
        try:
            return await self._handshakes.ws_connect(
                URL(f"{origin.scheme}://{origin.authority}{origin.prefix}{target}", encoded=True),
                headers=_fields(outgoing.headers.without(_HANDSHAKE)),
                protocols=[name.strip() for name in protocols.split(",") if name.strip()],
                max_msg_size=message_bytes,
                timeout=aiohttp.ClientWSTimeout(ws_close=5.0),
                heartbeat=60.0,
                decode_text=False,
                proxy=proxy,
                proxy_headers=shown,
            )
        except aiohttp.WSServerHandshakeError as error:
            raise UpstreamError(
                f"the provider at {origin.host} did not open the session; it answered {error.status}",
                code="upstream_refused",
                status=error.status if error.status >= 400 else 502,
                reached=True,
            ) from None
        except (aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError) as error:
            raise _not_reached(origin, error) from error
        except (aiohttp.ClientError, TimeoutError, ConnectionError, ValueError) as error:
            raise UpstreamError(
                f"the provider at {origin.host} did not answer properly ({type(error).__name__})",
                code="upstream_broken",
                reached=True,
            ) from error

    def _through(self, origin: Origin) -> tuple[str | None, dict[str, str] | None]:
        if self._next is None or not self._next.leads_to(origin):
            return None, None
        return self._next.url, self._shown

    async def close(self) -> None:
        """Close every connection."""
        await self._handshakes.close()
        await self._session.close()


def _not_reached(origin: Origin, error: aiohttp.ClientConnectorError | aiohttp.ClientHttpProxyError) -> UpstreamError:
    """What the next proxy says in words may hold anything; its status is told."""
    if isinstance(error, aiohttp.ClientHttpProxyError):
        text = f"the next proxy does not lead to {origin.host} (it answered {error.status})"
        return UpstreamError(text + "; see upstream_auth" * (error.status == 407), reached=False)
    who = "next proxy" if isinstance(error, aiohttp.ClientProxyConnectionError) else f"provider at {origin.host}"
    return UpstreamError(f"the {who} could not be reached ({type(error).__name__})", reached=False)


def _session(
    connector: aiohttp.TCPConnector, timeout: aiohttp.ClientTimeout, *watches: aiohttp.TraceConfig
) -> aiohttp.ClientSession:
    session = aiohttp.ClientSession(
        connector=connector,
        timeout=timeout,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=("user-agent", "accept", "accept-encoding", "content-type"),
        read_bufsize=2**18,
        max_line_size=32 * 1024,
        max_field_size=64 * 1024,
        trace_configs=list(watches),
    )
    # The library sends a GET or PUT a second time where a kept connection turns out to be closed, and has no option
    # against it; what the provider may have seen once would then stand in the log once and be there twice.
    session._retry_connection = False
    return session


async def _refuse_redirect(_: aiohttp.ClientSession, __: object, params: aiohttp.TraceRequestRedirectParams) -> None:
    """Whoever the provider points to is in no record, and gets neither its key nor a session's messages."""
    answer = params.response
    answer.close()
    raise aiohttp.WSServerHandshakeError(answer.request_info, (), status=answer.status)


def _payload(body: bytes) -> io.BytesIO | bytes | None:
    if len(body) > IN_ONE_PIECE:
        return io.BytesIO(body)
    return body or None


def _fields(headers: Headers) -> "CIMultiDict[str]":
    return CIMultiDict([(as_written(name), as_written(value)) for name, value in headers.fields])
