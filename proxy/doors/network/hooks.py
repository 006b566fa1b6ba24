"""The engine's hooks, translated to the gate: a connection is screened, a request is admitted, an ending is recorded.

Order of a request: what the door itself has to refuse, then the gate, then the request is made what the gate allowed.
What this addon does not get to see is not sent: `layers` holds everything back that was not cleared here.
"""

# mypy: allow-untyped-calls

import base64
from dataclasses import dataclass

from mitmproxy import ctx, exceptions, http, tls
from mitmproxy.connection import Client
from mitmproxy.proxy.layers.modes import Socks5AuthData
from mitmproxy.proxy.mode_specs import RegularMode, ReverseMode, TransparentMode, UpstreamMode

from proxy.doors.network.answers import Piece
from proxy.doors.network.guard import fail_closed
from proxy.doors.network.names import host_name
from proxy.doors.network.patience import Patience
from proxy.doors.network.sessions import Passing
from proxy.doors.network.settings import ENGINE, NetworkSettings
from proxy.doors.network.transfers import Passage, Transfers, passage_of
from proxy.doors.network.translate import (
    connection_egress,
    credential_of,
    egress_of,
    origin_of,
    passing_head,
    peer_of,
    plain_reply,
    put,
    response_of,
    sendable,
)
from proxy.exchange import Ending, State
from proxy.framing.websocket import is_handshake
from proxy.identity import CREDENTIAL_HEADER
from proxy.messages import Headers, Origin, Refusal
from proxy.steps.passing import HostVerdict

FAILED_CLOSED = Refusal(503, "failed_closed", "dragoman failed on this request; nothing was sent", 1)
DRAINING = Refusal(503, "draining", "dragoman is shutting down; try again", 1)
UNREGISTERED = Refusal(
    403, "unregistered_host", "this host is not in the register of destinations; add it to the policy, or let it pass"
)
MISMATCH = Refusal(
    421, "destination_mismatch", "the names in the connection, the TLS handshake and the Host field are not the same"
)
UPGRADE = Refusal(501, "upgrade_unsupported", "the only upgrade that is understood here is a WebSocket's (RFC 6455)")
TRAILERS = Refusal(400, "trailers_unsupported", "fields after the body are not inspected; send them in front of it")
UNAUTHENTICATED = Refusal(
    407, "credential_required", "show a dragoman credential to the proxy: http://app:CREDENTIAL@HOST:PORT"
)
UNNAMED = Refusal(401, "credential_required", f"show a dragoman credential in the header {CREDENTIAL_HEADER}")
"""In the mode `reverse`, where nobody knows that there is a proxy to show one to."""
DISTRUST = Refusal(
    403, "client_distrusts_ca", "the app did not accept the certificate of this proxy; see `dragoman ca env`"
)
SLOW_HANDSHAKE = Refusal(408, "handshake_too_slow", "the app did not bring its TLS handshake to an end in time")


@dataclass(frozen=True, slots=True)
class Tunnel:
    """What a client's connection was opened to, and what was decided about it. credential: shown when it was opened."""

    host: str
    port: int
    verdict: HostVerdict
    credential: str = ""


class Hooks:
    """The addon. One per door."""

    name = "dragoman"

    def __init__(self, transfers: Transfers, settings: NetworkSettings, patience: Patience) -> None:
        self.transfers = transfers
        self._patience = patience
        self.tunnels: dict[str, Tunnel] = {}
        self.credentials: dict[str, str] = {}
        self._settings = settings

    def configure(self, updated: set[str]) -> None:
        """Refuse options on which the promises rest, also while running."""
        for option in updated & ENGINE.keys():
            value = getattr(ctx.options, option)
            if (list(value) if isinstance(ENGINE[option], list) else value) != ENGINE[option]:
                raise exceptions.OptionsError(f"{option} must be {ENGINE[option]!r}: otherwise data could leave unseen")

    # --- connections -------------------------------------------------------------------------------------------

    def _refuse_connect(self, flow: http.HTTPFlow) -> None:
        flow.response = response_of(plain_reply(FAILED_CLOSED))

    @fail_closed(_refuse_connect)
    async def http_connect(self, flow: http.HTTPFlow) -> None:
        """A CONNECT: screen the host before anything is read, let alone opened."""
        host, port, client = host_name(flow.request.host), flow.request.port, flow.client_conn
        credential = credential_of(flow.request.headers.get("proxy-authorization"))
        verdict = self.transfers.gate.screen_host(host, port)
        refusal = DRAINING if self.transfers.draining else None
        if refusal is None and self._settings.require_credential and not credential:
            refusal = UNAUTHENTICATED
        if refusal is None and verdict is HostVerdict.CLOSED:
            refusal = UNREGISTERED
        if refusal is not None:
            mode, origin = client.proxy_mode.type_name, Origin("https", host, port)
            egress = connection_egress(mode, peer_of(client.peername), origin, credential)
            flow.response = response_of(await self.transfers.refuse(egress, refusal))
            if refusal is UNAUTHENTICATED:
                flow.response.headers["proxy-authenticate"] = 'Basic realm="dragoman"'
            return
        if verdict is HostVerdict.PASS:
            await self.transfers.gate.passed(
                host, port, peer_of(client.peername), credential, client.proxy_mode.type_name
            )
            self.transfers.note("passed")
        self.tunnels[client.id] = Tunnel(host, port, verdict, credential)

    def _refuse_login(self, data: Socks5AuthData) -> None:
        data.valid = False

    @fail_closed(_refuse_login)
    async def socks5_auth(self, data: Socks5AuthData) -> None:
        """User and password of SOCKS5; who they are is found out by the gate, for each transfer."""
        credential = data.password or data.username
        data.valid = bool(credential)
        self.credentials[data.client_conn.id] = credential

    def _nothing(self, _subject: object) -> None:
        return

    @fail_closed(_nothing)
    async def http_connect_upstream(self, flow: http.HTTPFlow) -> None:
        """Our own credentials for the next proxy; the client's never go there."""
        flow.request.headers.pop("proxy-authorization", None)
        if self._settings.upstream_auth:
            encoded = base64.b64encode(self._settings.upstream_auth.encode()).decode("ascii")
            flow.request.headers["proxy-authorization"] = f"Basic {encoded}"

    @fail_closed(_nothing)
    async def tls_failed_client(self, data: tls.TlsData) -> None:
        """A client that does not trust our certificate, or pins another, or is too slow: it ends here, visibly."""
        client, server = data.context.client, data.context.server
        address = server.address or ("", 0)
        origin = Origin("https", host_name(client.sni or address[0]), address[1])
        egress = connection_egress(client.proxy_mode.type_name, peer_of(client.peername), origin, "")
        await self.transfers.refuse(egress, SLOW_HANDSHAKE if self._patience.was_cut(client) else DISTRUST)

    @fail_closed(_nothing)
    async def client_disconnected(self, client: Client) -> None:
        """Whatever is still open on the connection ends."""
        self.tunnels.pop(client.id, None)
        self.credentials.pop(client.id, None)
        self.transfers.client_left(client.id)

    # --- requests ----------------------------------------------------------------------------------------------

    def _refuse_request(self, flow: http.HTTPFlow) -> None:
        passage = passage_of(flow)
        passage.allowed = None
        flow.response = response_of(plain_reply(FAILED_CLOSED))
        self.transfers.end(passage, Ending.NOT_SENT)

    @fail_closed(_refuse_request)
    async def request(self, flow: http.HTTPFlow) -> None:
        """A complete request: to the gate, and back as what may be sent, or as an answer."""
        if flow.response is not None or flow.error is not None:
            return
        passage = passage_of(flow)
        origin = self._claimed(flow, passage)
        refusal = self._refusal(flow, origin)
        if origin is None or refusal is not None:
            refusal = refusal or MISMATCH
            reply = await self.transfers.refuse(egress_of(flow, origin, passage.credential), refusal)
            flow.response = response_of(reply)
            if refusal is UNAUTHENTICATED:
                flow.response.headers["proxy-authenticate"] = 'Basic realm="dragoman"'
        elif self._unread(origin):
            await self._pass(flow, passage, origin)
        else:
            await self._admit(flow, passage, origin)

    @fail_closed(_nothing)
    async def held_answer(self, flow: http.HTTPFlow) -> None:
        """A complete answer that the policy lets go on only when it was looked at."""
        held = passage_of(flow).held
        if held is not None:
            await held.look()

    @fail_closed(_nothing)
    async def answer_piece(self, piece: Piece) -> None:
        """A piece of an answer that may be long to read; where this fails, the answer is cut."""
        await piece.answer.pass_on(piece)

    @fail_closed(_nothing)
    async def error(self, flow: http.HTTPFlow) -> None:
        """The engine gives a request up: find our words for it before its own page is sent."""
        passage = passage_of(flow)
        if passage.came_as is None:
            self._claimed(flow, passage)  # its body never came to its end, so nobody has asked yet
        await self.transfers.explain(flow)

    def _claimed(self, flow: http.HTTPFlow, passage: Passage) -> Origin | None:
        """Where the request wants to go and with which credential of ours, kept in its passage."""
        tunnel = self.tunnels.get(flow.client_conn.id)
        tunneled = tunnel is not None or not isinstance(flow.client_conn.proxy_mode, RegularMode | UpstreamMode)
        passage.credential = self._credential(flow, tunnel, tunneled=tunneled)
        passage.came_as = origin_of(flow, flow.request.host, flow.request.port, tunneled=tunneled)
        return passage.came_as

    def _refusal(self, flow: http.HTTPFlow, origin: Origin | None) -> Refusal | None:
        request, passage = flow.request, passage_of(flow)
        if self.transfers.draining:
            return DRAINING
        mode = flow.client_conn.proxy_mode
        if self._settings.require_credential and not passage.credential and not isinstance(mode, TransparentMode):
            if not isinstance(mode, ReverseMode):
                return UNAUTHENTICATED
            if not request.headers.get(CREDENTIAL_HEADER):  # whose it is, if anybody's, the gate says
                return UNNAMED
        if origin is None:
            return MISMATCH
        if "websocket" in request.headers.get("upgrade", "").lower():
            fields = Headers(request.headers.fields)
            if not request.is_http11 or not is_handshake(request.method, fields):
                return UPGRADE
        return TRAILERS if request.trailers else None

    def _credential(self, flow: http.HTTPFlow, tunnel: Tunnel | None, *, tunneled: bool) -> str:
        if tunnel is not None:
            return tunnel.credential
        if tunneled:
            return self.credentials.get(flow.client_conn.id, "")
        return credential_of(flow.request.headers.get("proxy-authorization"))

    def _unread(self, origin: Origin) -> bool:
        return origin.scheme == "http" and self.transfers.gate.screen_host(origin.host, origin.port) is HostVerdict.PASS

    async def _pass(self, flow: http.HTTPFlow, passage: Passage, origin: Origin) -> None:
        client = flow.client_conn
        await self.transfers.gate.passed(
            origin.host, origin.port, peer_of(client.peername), passage.credential, client.proxy_mode.type_name
        )
        self.transfers.note("passed")
        flow.request.headers = passing_head(flow.request.headers)
        flow.request.data.host = origin.host
        flow.request.authority = ""
        passage.unread = True
        passage.allowed = sendable(flow.request)

    async def _admit(self, flow: http.HTTPFlow, passage: Passage, origin: Origin) -> None:
        exchange = await self.transfers.gate.admit(egress_of(flow, origin, passage.credential))
        if exchange.reply is not None or exchange.outgoing is None:
            flow.response = response_of(exchange.reply or plain_reply(FAILED_CLOSED))
            return
        passage.exchange = exchange
        self.transfers.opened(flow.client_conn.id, passage)
        put(exchange.outgoing, flow, origin, switch=exchange.session is not None)
        passage.allowed = sendable(flow.request)

    # --- sessions ----------------------------------------------------------------------------------------------

    def _drop_message(self, passing: Passing) -> None:
        passing.done = False
        if passing.turn.exchange is not None:
            self.transfers.close_later(passing.turn.exchange, Ending.NOT_SENT)

    @fail_closed(_drop_message)
    async def session_message(self, passing: Passing) -> None:
        """A whole message of an open session: to the gate, and back as what may pass."""
        if passing.from_client:
            passing.turn = await self.transfers.gate.admit_message(passing.session, passing.message)
            if passing.session.exchange.state is State.CLOSED:
                self._drop_message(passing)  # the client left meanwhile; nobody is there to take it on
                return
        else:
            passing.answer = await self.transfers.gate.answer(passing.session, passing.message)
            if passing.session.reader.turn_ended:
                self.transfers.later(self.transfers.gate.look_at_turn(passing.session))
        passing.done = True
