"""Which protocol comes next on a connection: HTTP to the gate, TLS that is opened or passes as the policy says,
or its end.

Whatever is not known to lead to the gate is closed; the engine's own rule would relay it raw. First bytes of a client
enter, a layer leaves.
"""

# mypy: allow-untyped-calls

import re

from mitmproxy.net.tls import starts_like_tls_record
from mitmproxy.proxy import layer, tunnel
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers import ClientTLSLayer, ServerTLSLayer, TCPLayer, modes
from mitmproxy.proxy.layers.http import HTTPMode
from mitmproxy.proxy.layers.tls import HTTP_ALPNS, parse_client_hello
from mitmproxy.proxy.mode_specs import ReverseMode

from proxy.doors.network.clients import ClientLimits
from proxy.doors.network.guard import fail_closed
from proxy.doors.network.hooks import MISMATCH, UNREGISTERED, Hooks
from proxy.doors.network.layers import Closing, GuardedHttpLayer
from proxy.doors.network.names import host_name, is_address
from proxy.doors.network.patience import Patience
from proxy.doors.network.settings import NetworkSettings
from proxy.doors.network.transfers import Transfers
from proxy.doors.network.translate import connection_egress, peer_of
from proxy.doors.proxy_protocol import SIGNATURE
from proxy.messages import Origin, Refusal
from proxy.steps.passing import HostVerdict

ACCESS_DENIED = bytes.fromhex("15 0303 0002 02 31")
"""TLS alert, fatal, access_denied (RFC 8446 section 6.2): the app's error message then says why."""
HELLO_BYTES = 64 * 1024
"""A ClientHello is one handshake message; large post-quantum key shares stay far below this."""
NOT_HTTP = Refusal(403, "not_http", "this connection does not speak HTTP, so nobody could inspect it")

ENCRYPTED_CLIENT_HELLO = 0xFE0D
"""The extension that hides the name of the destination (IANA, TLS ExtensionType values)."""
HIDDEN = Refusal(
    403,
    "hidden_destination",
    "this app hides where it goes (Encrypted ClientHello), so nobody could record it; switch that off in the app",
)

_BEGINS_LIKE_HTTP = re.compile(rb"(?!PRI )[A-Za-z]{1,20} ")
_MAY_BECOME_HTTP = re.compile(rb"[A-Za-z]{0,20}")


class Routing:
    """The addon in the place of the engine's own; it bears its name because the engine asks for it."""

    name = "nextlayer"

    def __init__(self, transfers: Transfers, hooks: Hooks, settings: NetworkSettings, patience: Patience) -> None:
        self.transfers = transfers
        self._hooks = hooks
        self._patience = patience
        self._limits = ClientLimits(settings.head_bytes, settings.request_s)

    def _close(self, ask: layer.NextLayer) -> None:
        ask.layer = Closing(ask.context)

    @fail_closed(_close)
    async def next_layer(self, ask: layer.NextLayer) -> None:
        """Decide, or wait for more bytes by deciding nothing."""
        context, data = ask.context, bytes(ask.data_client())
        ask.layer = await self._choose(context, data)
        if ask.layer is None and len(data) > HELLO_BYTES:
            ask.layer = Closing(context)
        if isinstance(ask.layer, TCPLayer):
            self._patience.heard(context.client)

    async def _choose(self, context: Context, data: bytes) -> layer.Layer | None:
        if context.client.transport_protocol != "tcp":
            return await self._refused(context, NOT_HTTP)
        if data[:1] == b"\x16" and len(data) < 3:
            return None
        if data.startswith(SIGNATURE):
            # Of a named peer it would have been taken off; HTTP would skip its empty lines and wait for more.
            return await self._refused(context, NOT_HTTP)
        first, last = context.layers[0], context.layers[-1]
        if first is last and isinstance(first, modes.HttpProxy | modes.HttpUpstreamProxy):
            return self._explicit(context, data, upstream=isinstance(first, modes.HttpUpstreamProxy))
        if first is last and isinstance(first, modes.ReverseProxy):
            return self._reverse(context, data)
        if isinstance(last, ClientTLSLayer):
            return await self._http(context, data)
        if starts_like_tls_record(data):
            return await self._tls(context, data)
        opened = self._hooks.tunnels.get(context.client.id)
        if opened is not None and opened.verdict is HostVerdict.PASS:
            return TCPLayer(context, ignore=True)
        return await self._http(context, data)

    def _explicit(self, context: Context, data: bytes, *, upstream: bool) -> layer.Layer:
        stack = tunnel.LayerStack()
        if starts_like_tls_record(data):
            stack /= ClientTLSLayer(context)
        stack /= self._http_layer(context, HTTPMode.upstream if upstream else HTTPMode.regular)
        return stack[0]

    def _reverse(self, context: Context, data: bytes) -> layer.Layer:
        spec = context.client.proxy_mode
        assert isinstance(spec, ReverseMode)
        stack = tunnel.LayerStack()
        if spec.scheme == "https":
            stack /= ServerTLSLayer(context)
        if starts_like_tls_record(data):
            stack /= ClientTLSLayer(context)
        stack /= self._http_layer(context, HTTPMode.transparent)
        return stack[0]

    async def _http(self, context: Context, data: bytes) -> layer.Layer | None:
        if context.client.alpn in HTTP_ALPNS or _BEGINS_LIKE_HTTP.match(data):
            return self._http_layer(context, HTTPMode.transparent)
        if _MAY_BECOME_HTTP.fullmatch(data):
            return None
        return await self._refused(context, NOT_HTTP)

    async def _tls(self, context: Context, data: bytes) -> layer.Layer | None:
        try:
            hello = parse_client_hello(data)
        except ValueError:
            return await self._refused(context, NOT_HTTP)
        if hello is None:
            return None
        host, port = self._route(context)
        name = host_name(hello.sni) if hello.sni and is_address(host) else host_name(host)
        opened = self._hooks.tunnels.get(context.client.id)
        # CONNECT was screened by its own name; elsewhere the handshake is the first that names anything.
        verdict = opened.verdict if opened is not None else self.transfers.gate.screen_host(name, port)
        if verdict is HostVerdict.OPEN:
            return self._intercepted(context)
        if verdict is HostVerdict.CLOSED:
            return await self._refused(context, UNREGISTERED, name, ACCESS_DENIED)
        if hello.sni and host_name(hello.sni) != name:
            # A host that may pass unread is no cover for another one behind the same front.
            return await self._refused(context, MISMATCH, name, ACCESS_DENIED)
        if any(kind == ENCRYPTED_CLIENT_HELLO for kind, _ in hello.extensions):
            # What is opened ends with us, whatever it hides. What passes unread would go where no record says.
            return await self._refused(context, HIDDEN, name, ACCESS_DENIED)
        if opened is None:
            credential = self._hooks.credentials.get(context.client.id, "")
            client = context.client
            await self.transfers.gate.passed(
                name, port, peer_of(client.peername), credential, client.proxy_mode.type_name
            )
            self.transfers.note("passed")
            # An address proves nothing about the name that the handshake claims: we go where the name leads.
            context.server.address = (name, port)
        return TCPLayer(context, ignore=True)

    def _intercepted(self, context: Context) -> layer.Layer:
        server = ServerTLSLayer(context)
        server.child_layer = ClientTLSLayer(context)
        return server

    def _http_layer(self, context: Context, mode: HTTPMode) -> GuardedHttpLayer:
        return GuardedHttpLayer(context, mode, self.transfers, self._limits, self._patience.heard)

    def _route(self, context: Context) -> tuple[str, int]:
        address = context.server.address
        return (address[0], address[1]) if address else ("", 0)

    async def _refused(self, context: Context, refusal: Refusal, name: str = "", farewell: bytes = b"") -> layer.Layer:
        client = context.client
        host, port = self._route(context)
        origin = Origin("https" if client.tls or farewell else "tcp", name or host_name(client.sni or host), port)
        opened = self._hooks.tunnels.get(client.id)
        credential = opened.credential if opened is not None else self._hooks.credentials.get(client.id, "")
        egress = connection_egress(client.proxy_mode.type_name, peer_of(client.peername), origin, credential)
        await self.transfers.refuse(egress, refusal)
        return Closing(context, farewell)
