"""Where a request wants to go, and whether everything that names the destination names the same one.

Host names and addresses enter as the client wrote them; one origin comes out, or nothing where they disagree. Pure.
"""

import ipaddress
from dataclasses import dataclass

from proxy.messages import Origin


@dataclass(frozen=True, slots=True)
class Claims:
    """What names the destination of one request.

    scheme, port: of the connection. route: the name or address that the connection was opened to (CONNECT, SOCKS5,
    the packet's destination, the absolute URL), "" if there is none. sni: from the TLS handshake, None without one.
    authorities: every Host field and :authority, as written.
    """

    scheme: str
    port: int
    route: str
    sni: str | None
    authorities: tuple[str, ...]


def agreed_origin(claims: Claims) -> Origin | None:
    """The origin that all claims name, or None; one claim made twice is two claims.

    An address as the route is no name: apps that resolve names themselves, and every transparent connection, have one.
    There the name is the handshake's, which the upstream's certificate then has to prove. Without a handshake it is
    the Host field, and the caller must route by that name, not by the address.
    """
    names: list[str] = []
    if claims.route and not is_address(claims.route):
        names.append(claims.route)
    if claims.sni:
        names.append(claims.sni)
    if claims.scheme == "https" and not names and claims.route:
        names.append(claims.route)
    for authority in claims.authorities:
        split = split_authority(authority)
        if split is None:
            return None
        host, port = split
        if port is not None and port != claims.port:
            return None
        names.append(host)
    if not names:
        names.append(claims.route)
    found = {host_name(name) for name in names}
    if len(found) != 1 or not (host := found.pop()):
        return None
    return Origin(claims.scheme, host, claims.port)


def split_authority(authority: str) -> tuple[str, int | None] | None:
    """`host[:port]` or `[v6][:port]` taken apart; None when it is neither (RFC 9110 section 7.2)."""
    host, colon, port = authority.strip().rpartition(":")
    if not colon or authority.strip().endswith("]"):
        host, port = authority.strip(), ""
    elif not (port.isdigit() and port.isascii() and int(port) < 65536):
        return None
    if host.startswith("[") and host.endswith("]"):
        return (host[1:-1], int(port) if port else None) if is_address(host[1:-1]) else None
    if not host or any(char in host for char in " \t@/\\?#,[]:"):
        return None
    return host, int(port) if port else None


def host_name(name: str) -> str:
    """A host name as it is compared: lower case, no brackets, no root dot, one spelling of an address."""
    plain = name.strip("[]").rstrip(".").lower()
    try:
        return str(ipaddress.ip_address(plain))
    except ValueError:
        return plain


def is_address(name: str) -> bool:
    """True for an IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def peer_address(name: str) -> str:
    """A client's address without zone, IPv4 in its own spelling when it came mapped into IPv6."""
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return ""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
