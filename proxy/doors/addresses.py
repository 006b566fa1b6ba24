"""Addresses in an answer's head that would lead the app around the gateway, led through it instead.

An app that follows an upload URL or a redirect sends its next body there, so it must be ours; where it cannot be, the
address is taken out and the app's own client stops. Pure.
"""

from urllib.parse import urlsplit

from proxy.messages import Headers, Origin

UPLOADS = frozenset(("x-goog-upload-url", "x-goog-upload-control-url"))
"""Where Google's resumable uploads go on (Gemini API reference, files, "media.upload")."""
LOCATION = "location"
_NAMES = frozenset(name.encode("ascii") for name in (*UPLOADS, LOCATION))
BODY_FOLLOWS = frozenset((307, 308))
"""Redirects to which a client sends the same body again (RFC 9110 sections 15.4.8 and 15.4.9)."""


def through_us(head: Headers, status: int, upstream: Origin, base: str) -> Headers:
    """The head with such addresses rewritten. base: the destination at this gateway, `http://host:port/name`."""
    if _NAMES.isdisjoint([name.lower() for name, _ in head.fields]):
        return head
    fields: list[tuple[bytes, bytes]] = []
    for raw, value in head:
        name = raw.decode("latin-1").lower()
        if name == LOCATION or name in UPLOADS:
            own = _own(value.decode("latin-1"), upstream, base)
            if own is not None:
                value = own.encode("latin-1")
            elif name in UPLOADS or status in BODY_FOLLOWS:
                continue
        fields.append((raw, value))
    return Headers(tuple(fields))


def _own(address: str, upstream: Origin, base: str) -> str | None:
    """The address at this gateway; None where it is another host's."""
    try:
        parts = urlsplit(address)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme or upstream.scheme)
    except ValueError:
        return None
    same = (parts.hostname, port) == (upstream.host.lower(), upstream.port)
    if parts.netloc and not same:
        return None
    if not parts.path.startswith("/"):
        return None if parts.netloc else address  # relative to where the app already is
    path = parts.path
    if upstream.prefix and (path == upstream.prefix or path.startswith(upstream.prefix + "/")):
        path = path[len(upstream.prefix) :]
    query = f"?{parts.query}" if parts.query else ""
    return f"{base}{path}{query}"
