"""Between the engine's messages and ours, in both directions; nothing is decided here.

Header fields keep their order and spelling. What only concerns the client's own connection (proxy credentials,
hop-by-hop fields) does not become part of an `Egress`; framing of what we send is ours and not copied from anybody.
"""

import base64
import binascii
import json

from mitmproxy import http
from mitmproxy.proxy.mode_specs import ReverseMode

from proxy.doors.network.names import Claims, agreed_origin, host_name, peer_address
from proxy.framing.websocket import is_handshake
from proxy.messages import HOP_BY_HOP, Door, Egress, Headers, Origin, Outgoing, Refusal, Reply

type Sendable = tuple[object, ...]
BODILESS = frozenset({204, 205, 304})


def claims_of(flow: http.HTTPFlow, route: str, port: int) -> Claims | None:
    """What the request says about its destination; None where it says it twice.

    route, port: what the connection was opened to.
    """
    request = flow.request
    authorities = [value.decode("latin-1") for name, value in request.headers.fields if name.lower() == b"host"]
    if len(authorities) > 1:
        return None
    if request.authority:
        authorities.append(request.authority)
    sni = flow.client_conn.sni if flow.client_conn.tls and request.scheme == "https" else None
    return Claims(request.scheme, port, route, sni, tuple(authorities))


def origin_of(flow: http.HTTPFlow, route: str, port: int, *, tunneled: bool) -> Origin | None:
    """The origin of a request, or None where its claims disagree.

    tunneled: the request came through a connection that was opened to its destination (CONNECT, transparent, SOCKS5).
    """
    mode = flow.client_conn.proxy_mode
    if isinstance(mode, ReverseMode):
        return Origin(flow.request.scheme, host_name(mode.address[0]), mode.address[1])
    claims = claims_of(flow, route, port)
    if claims is None:
        return None
    if not tunneled and claims.sni:
        # TLS to the proxy itself: its name is the proxy's, not the destination's.
        claims = Claims(claims.scheme, claims.port, claims.route, None, claims.authorities)
    return agreed_origin(claims)


def egress_of(flow: http.HTTPFlow, origin: Origin | None, credential: str) -> Egress:
    """The request as the gate takes it. The body is as it came, b"" where it was not read to its end."""
    request = flow.request
    fields = request.headers.fields
    if request.authority and request.is_http2 and "host" not in request.headers:
        # HTTP/2 has no Host field; everybody behind the door reads one (RFC 9113 section 8.3.1).
        fields = ((b"host", request.data.authority), *fields)
    return Egress(
        door=Door.NETWORK,
        mode=flow.client_conn.proxy_mode.type_name,
        method=request.method,
        target=request.data.path,
        headers=Headers(fields).without(("proxy-authorization", "proxy-connection")),
        body=request.raw_content or b"",
        upgrade=request.is_http11 and is_handshake(request.method, Headers(fields)),
        origin=origin,
        peer=peer_of(flow.client_conn.peername),
        credential=credential,
    )


def connection_egress(mode: str, peer: str, origin: Origin, credential: str) -> Egress:
    """A connection, before any request on it: what stands in a refusal's record."""
    target = origin.authority.encode("idna" if not origin.host.isascii() else "ascii", "replace")
    return Egress(Door.NETWORK, mode, "CONNECT", target, Headers(), b"", "", origin, peer, credential)


def put(outgoing: Outgoing, flow: http.HTTPFlow, came_as: Origin, *, switch: bool = False) -> None:
    """Make the flow's request exactly what the gate allowed. switch: to a WebSocket, as the client asked.

    The body is set as raw bytes, so its length is set here, too; the engine would leave the old one.
    """
    request = flow.request
    headers = _framed_request(outgoing)
    request.data.method = outgoing.method.encode("ascii")
    request.data.path = (outgoing.origin.prefix.encode("ascii") if outgoing.origin.prefix else b"") + outgoing.target
    if request.is_http2:
        host = headers.get("host") or outgoing.origin.authority
        headers = Headers(tuple((name.lower(), value) for name, value in headers.without(("host",))))
        request.authority = host
    else:
        request.authority = ""
    if switch:
        extensions = offered(",".join(headers.all("sec-websocket-extensions")))
        headers = headers.without(("sec-websocket-extensions",))
        headers = headers.with_field("Connection", "Upgrade").with_field("Upgrade", "websocket")
        headers = headers.with_field("Sec-WebSocket-Extensions", extensions) if extensions else headers
    request.headers = http.Headers(headers.fields)
    request.raw_content = outgoing.body
    request.trailers = None
    origin = outgoing.origin
    if (origin.scheme, origin.host, origin.port) != (came_as.scheme, came_as.host, came_as.port):
        request.data.host, request.data.port, request.scheme = origin.host, origin.port, origin.scheme
    elif origin.scheme == "http":
        # Without a certificate the name is all there is: it is resolved by us, not taken from the packet.
        request.data.host = origin.host


def sendable(request: http.Request) -> Sendable:
    """Everything of a request that reaches the upstream, for comparing."""
    data = request.data
    where = (data.scheme, data.host, data.port, data.authority)
    return (data.method, *where, data.path, data.headers.fields, data.content, data.trailers)


def _framed_request(outgoing: Outgoing) -> Headers:
    headers = outgoing.headers.without(("transfer-encoding",))
    length = str(len(outgoing.body))
    if headers.get("content-length") is not None:
        return headers if headers.all("content-length") == (length,) else headers.with_field("Content-Length", length)
    return headers.with_field("Content-Length", length) if outgoing.body else headers


def response_of(reply: Reply) -> http.Response:
    """Our own answer, as the engine sends it."""
    fields = reply.headers.without((*HOP_BY_HOP, "content-length")).fields
    return http.Response.make(reply.status, reply.body, http.Headers(fields))


def put_answer_head(headers: Headers, flow: http.HTTPFlow, *, length: int | None, last: bool = False) -> None:
    """The answer's head for the client, with framing of our own.

    length: of the whole body in bytes, None while nobody knows it. last: the connection ends with this answer.
    """
    response, request = flow.response, flow.request
    assert response is not None
    fields = http.Headers(headers.without((*HOP_BY_HOP, "content-length")).fields)
    if not request.is_http2:
        response.http_version = request.http_version
    if response.status_code not in BODILESS and request.method != "HEAD":
        if length is not None:
            fields["content-length"] = str(length)
        elif request.http_version == "HTTP/1.1":
            fields["transfer-encoding"] = "chunked"
        elif not request.is_http2:
            fields["connection"] = "close"
    if last and not request.is_http2:
        fields["connection"] = "close"
    response.headers = fields


def put_switch_head(headers: Headers, flow: http.HTTPFlow, came: http.Headers) -> None:
    """The head of the provider's consent to a WebSocket, with the fields that belong to its handshake."""
    assert flow.response is not None
    fields = http.Headers(headers.without(_OF_SWITCH).fields)
    for name in _OF_SWITCH:
        if name in came:
            fields[name] = came[name]
    flow.response.headers = fields


_OF_SWITCH = ("upgrade", "connection", "sec-websocket-accept", "sec-websocket-protocol", "sec-websocket-extensions")


def offered(value: str) -> str:
    """The compressions that a client offers, as far as we know them, or "" (RFC 7692)."""
    known = [part.strip() for part in value.split(",") if part.split(";")[0].strip() == "permessage-deflate"]
    return ", ".join(known)


def passing_head(fields: http.Headers) -> http.Headers:
    """The fields of a request that passes unread, less those that concern the client's connection to us."""
    named = {part.strip().lower() for value in fields.get_all("connection") for part in value.split(",")}
    dropped = {name.encode("ascii", "ignore") for name in (*HOP_BY_HOP, *named)} - {b"transfer-encoding", b"te"}
    return http.Headers(tuple(field for field in fields.fields if field[0].lower() not in dropped))


def peer_of(peername: tuple[str, int] | None) -> str:
    """The client's address, "" where the engine knows none."""
    return peer_address(peername[0]) if peername else ""


def credential_of(value: str | None) -> str:
    """Our credential in a Proxy-Authorization field, "" if it holds none (RFC 7617, RFC 6750).

    Basic: the password is the credential, the user's part where there is no password; the other part is free.
    """
    scheme, _, rest = (value or "").strip().partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        user, _, password = base64.b64decode(rest.strip(), validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return password or user


def plain_reply(refusal: Refusal) -> Reply:
    """A refusal without a gate: what is left when the gate itself cannot be asked.

    The members are those in which the SDKs of OpenAI, Google and Anthropic look for an error, all in one object.
    """
    error = {"message": refusal.message, "type": "dragoman_refused", "code": refusal.code, "status": "UNAVAILABLE"}
    body = json.dumps({"type": "error", "error": {**error, "param": None}}).encode()
    fields = [(b"content-type", b"application/json"), (b"dragoman-reason", refusal.code.encode("ascii"))]
    if refusal.retry_after_s is not None:
        fields.append((b"retry-after", str(refusal.retry_after_s).encode("ascii")))
    return Reply(refusal.status, Headers(tuple(fields)), body)
