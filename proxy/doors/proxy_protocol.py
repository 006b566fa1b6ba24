"""PROXY protocol, versions 1 and 2: the client's address in front of a connection that a balancer opened for it.

Bytes enter, an address leaves; who may say so is decided by `NamedPeers`. Source: "The PROXY protocol", W. Tarreau,
HAProxy Technologies, 2020/03/05, sections 2.1 and 2.2. Pure.
"""

import ipaddress
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from proxy.errors import ConfigError, FormatError

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
V1_LONGEST = 107
V2_HEAD = 16
V2_LONGEST = 2048
"""Of a version 2 header with everything that may follow the addresses; balancers send a few hundred bytes."""
LOCAL, PROXIED = 0x20, 0x21
TCP4, TCP6 = 0x11, 0x21

type Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Preface:
    """size: bytes of the header. peer: the client, None where the balancer speaks for itself (health checks)."""

    size: int
    peer: Address | None


class NamedPeers:
    """Whose word is believed: networks, such as `10.0.0.7` or `fd00::/64`. Raises ConfigError."""

    def __init__(self, networks: Iterable[str]) -> None:
        try:
            self._networks = tuple(ipaddress.ip_network(one) for one in networks)
        except ValueError:
            raise ConfigError("proxy_protocol: write the balancers' addresses or networks, such as 10.0.0.7") from None

    def __bool__(self) -> bool:
        return bool(self._networks)

    def believes(self, peer: str) -> bool:
        """Whether a connection from this address has to begin with a header."""
        try:
            address = ipaddress.ip_address(peer.partition("%")[0])
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None) or address
        return any(mapped in network for network in self._networks)


def read(data: bytes) -> Preface | None:
    """The header at the beginning of a connection, None while it is not all there. Raises FormatError."""
    if data.startswith(SIGNATURE):
        return _version2(data)
    if data.startswith(b"PROXY "):
        return _version1(data)
    if SIGNATURE.startswith(data) or b"PROXY ".startswith(data):
        return None
    raise _malformed()


def _version1(data: bytes) -> Preface | None:
    line, end, _ = data[:V1_LONGEST].partition(b"\r\n")
    if not end:
        if len(data) >= V1_LONGEST:
            raise _malformed()
        return None
    words = line.decode("ascii", "replace").split(" ")
    if words[1] == "UNKNOWN":
        return Preface(len(line) + 2, None)
    family = {"TCP4": 4, "TCP6": 6}.get(words[1])
    if family is None or len(words) != 6:
        raise _malformed()
    return Preface(len(line) + 2, (_address(words[2], family), _port(words[4])))


def _version2(data: bytes) -> Preface | None:
    if len(data) < V2_HEAD:
        return None
    command, family, length = struct.unpack_from("!BBH", data, len(SIGNATURE))
    size = V2_HEAD + length
    if size > V2_LONGEST or command not in {LOCAL, PROXIED}:
        raise _malformed()
    if len(data) < size:
        return None
    if command == LOCAL or family not in {TCP4, TCP6}:
        if command == PROXIED and family != 0:  # a datagram or a local socket is nobody's HTTP
            raise _malformed()
        return Preface(size, None)
    width = 4 if family == TCP4 else 16
    if length < 2 * width + 4:
        raise _malformed()
    address = ipaddress.ip_address(data[V2_HEAD : V2_HEAD + width])
    (port,) = struct.unpack_from("!H", data, V2_HEAD + 2 * width)
    return Preface(size, (str(address), port))


def _address(text: str, family: int) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise _malformed() from None
    if address.version != family:
        raise _malformed()
    return str(address)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 65_536):
        raise _malformed()
    return int(text)


def _malformed() -> FormatError:
    return FormatError("this is no header of the PROXY protocol", code="preface_malformed")
