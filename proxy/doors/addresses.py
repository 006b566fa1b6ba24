"""Addresses in an answer's head that would lead the app around the gateway, led through it instead.

An app that follows an upload URL or a redirect sends its next body there, so it must be ours; where it cannot be, the
address is taken out and the app's own client stops. Pure.
"""

import re
from urllib.parse import urlsplit

from proxy.messages import Headers, Origin

UPLOADS = frozenset(("x-goog-upload-url", "x-goog-upload-control-url"))
"""Where Google's resumable uploads go on (Gemini API reference, files, "media.upload")."""
LOCATION = "location"
_NAMES = frozenset(name.encode("ascii") for name in (*UPLOADS, LOCATION))
SEE_OTHER = 303
"""The one redirect at which every client asks by GET; at 301 and 302 some send the same request again, and all do so
with methods other than POST (RFC 9110 sections 15.4.2 to 15.4.4, Fetch 4.4)."""
_UPWARDS = re.compile(r"(?:\A|[/\\])(?:\.|%2e){2}(?:\Z|[/\\?#])", re.IGNORECASE)


def leads_on(head: Headers) -> bool:
    """Whether the head names an address that an app may follow."""
    return not _NAMES.isdisjoint([name.lower() for name, _ in head.fields])


def through_us(head: Headers, method: str, status: int, upstream: Origin, base: str) -> Headers:
    """The head with such addresses rewritten. base: the destination at this gateway, `http://host:port/name`.

    method: of the app's request, which a redirect may repeat.
    """
    if not leads_on(head):
        return head
    repeats = 300 <= status < 400 and status != SEE_OTHER and method not in ("GET", "HEAD")
    fields: list[tuple[bytes, bytes]] = []
    for raw, value in head:
        name = raw.decode("latin-1").lower()
        if name == LOCATION or name in UPLOADS:
            own = _own(value.decode("latin-1"), upstream, base)
            if own is not None:
                value = own.encode("latin-1")
            elif name in UPLOADS or repeats:
                continue
        fields.append((raw, value))
    return Headers(tuple(fields))


def _own(address: str, upstream: Origin, base: str) -> str | None:
    """The address at this gateway; None where it is another host's, or another destination's."""
    if "\\" in address or _UPWARDS.search(address):
        return None  # a reader of the WHATWG's takes `\\` for `/`
    try:
        parts = urlsplit(address)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme or upstream.scheme)
    except ValueError:
        return None
    same = (parts.hostname, port) == (upstream.host.lower(), upstream.port)
    if parts.netloc and not same:
        return None
    if not parts.path.startswith("/"):
        # Relative to where the app already is; with a scheme (`https:host`) it is so to some readers only.
        return None if parts.netloc or parts.scheme else address
    path = parts.path
    if upstream.prefix and (path == upstream.prefix or path.startswith(upstream.prefix + "/")):
        path = path[len(upstream.prefix) :]
    query = f"?{parts.query}" if parts.query else ""
    return f"{base}{path}{query}"
