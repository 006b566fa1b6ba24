"""How dragoman itself asks others over HTTP: nothing of the environment counts, no redirect is followed, and the
network's own proxy is taken where one is named.

A proxy that the environment names could be dragoman itself; a redirect could lead anywhere, to anybody's keys.
"""

import ssl
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from proxy.messages import Origin
from proxy.next_proxy import NextProxy

type Trust = ssl.SSLContext | bool
"""Whom to believe: a context, or True for the authorities that the library brings."""


def client(
    through: NextProxy | None, *, timeout: float, verify: Trust = True, transport: httpx.BaseTransport | None = None
) -> httpx.Client:
    """One that blocks. timeout: seconds. transport: instead of the network (tests)."""
    return httpx.Client(
        timeout=timeout,
        trust_env=False,
        follow_redirects=False,
        verify=verify,
        transport=transport,
        mounts=mounts(None if transport is not None else through, verify),
    )


def async_client(through: NextProxy | None, *, timeout: float, verify: Trust = True) -> httpx.AsyncClient:
    """One for the event loop. timeout: seconds."""
    mounted = _mounts(through, httpx.AsyncHTTPTransport, verify)
    return httpx.AsyncClient(timeout=timeout, trust_env=False, follow_redirects=False, verify=verify, mounts=mounted)


def mounts(through: NextProxy | None, verify: Trust = True) -> dict[str, httpx.HTTPTransport | None]:
    """What leads a client of httpx through the next proxy, by patterns of URLs; None is without it."""
    return _mounts(through, httpx.HTTPTransport, verify)


def requests_proxies(through: NextProxy | None, url: str) -> dict[str, str]:
    """The `proxies` of a session of requests that asks this URL alone."""
    parts = urlsplit(url)
    origin = Origin(parts.scheme, parts.hostname or "", parts.port or 443)
    if through is None or not through.leads_to(origin):
        return {}
    scheme, _, address = through.url.partition("://")
    shown = f"{quote(through.user, safe='')}:{quote(through.password, safe='')}@" if through.user else ""
    return {"https": f"{scheme}://{shown}{address}"}


def _mounts[T](through: NextProxy | None, kind: type[T], verify: Trust) -> dict[str, T | None]:
    if through is None:
        return {}
    auth = (through.user, through.password) if through.user else None
    options: dict[str, Any] = {"proxy": httpx.Proxy(through.url, auth=auth), "verify": verify, "trust_env": False}
    names = [f"*{name}" if name.startswith(".") else f"[{name}]" if ":" in name else name for name in through.inside]
    return {"https://": kind(**options), **dict.fromkeys([f"https://{name}" for name in names])}
