"""Between the HTTP library's messages and ours at the base-URL door, in both directions; nothing is decided here."""

from collections.abc import Callable

import orjson
from aiohttp import web

from proxy.doors.tls import client_names
from proxy.framing.websocket import is_handshake
from proxy.messages import Door, Egress, Headers, Reply, as_written


def egress_of(request: web.BaseRequest, destination: str, target: str, body: bytes = b"") -> Egress:
    """A request; without a body where that is not read yet, or cannot be."""
    headers = Headers(tuple(request.raw_headers))
    return Egress(
        door=Door.GATEWAY,
        mode="gateway",
        method=request.method,
        target=target.encode("latin-1", "replace"),
        headers=headers,
        body=body,
        destination=destination,
        peer=request.remote or "",
        certificate=client_names(request.transport.get_extra_info("peercert") if request.transport else None),
        upgrade=is_handshake(request.method, headers),
    )


def split_target(path: str) -> tuple[str, str]:
    """`/openai/v1/x?y` as (`openai`, `/v1/x?y`)."""
    rest = path[1:]
    for position, char in enumerate(rest):
        if char == "/":
            return rest[:position], rest[position:]
        if char == "?":
            return rest[:position], "/" + rest[position:]
    return rest, "/"


def head_of[R: web.StreamResponse](status: int, headers: Headers, kind: Callable[..., R]) -> R:
    """An answer of that kind with this head."""
    response = kind(status=status)
    fields = response.headers
    for name, value in headers.fields:
        fields.add(as_written(name), as_written(value))
    # The library would say which Python and which version of itself this is, to everybody who asks.
    fields.setdefault("Server", "dragoman")
    return response


def response_of(reply: Reply) -> web.Response:
    """A complete answer."""
    response = head_of(reply.status, reply.headers, web.Response)
    response.body = reply.body
    return response


def plain(status: int, code: str, message: str) -> web.Response:
    """An answer of the door itself, where no provider's format is known."""
    body = orjson.dumps({"error": {"message": message, "type": "dragoman_error", "param": None, "code": code}})
    fields = ((b"content-type", b"application/json"), (b"dragoman-reason", code.encode()))
    return response_of(Reply(status, Headers(fields), body))
