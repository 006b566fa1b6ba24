"""The listening sockets of a machine whose doors are served by several processes.

They are opened once, by the supervisor, and given to each worker: a connection that waits to be taken survives the end
of any worker, which it would not on sockets of their own (SO_REUSEPORT).
"""

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field

from proxy.config import Settings, parse_address
from proxy.doors.ways_in import BACKLOG, Adopted, Given, unlistenable


@dataclass(frozen=True, slots=True)
class Sockets:
    """gateway, network: as in `Given`."""

    gateway: tuple[socket.socket, ...]
    network: Mapping[str, tuple[socket.socket, ...]] = field(default_factory=dict)

    @classmethod
    def open(cls, settings: Settings) -> "Sockets":
        """Listen on everything that settings name. Raises ConfigError."""
        gateway = opened(*parse_address(settings.listen, what="listen"))
        network = {}
        if settings.modes:
            from proxy.doors.network.settings import listening  # with the engine, which takes a second

            for named, spec in zip(settings.modes, listening(settings.modes), strict=True):
                host, _, port = spec.rpartition("@")[2].rpartition(":")
                network[named] = opened(host, int(port))
        return cls(gateway, network)

    @property
    def addresses(self) -> tuple[tuple[str, int], ...]:
        """Where the network door listens."""
        return tuple(address_of(one) for some in self.network.values() for one in some)

    @property
    def descriptors(self) -> tuple[int, ...]:
        """All of them, for a child to inherit."""
        return tuple(one.fileno() for some in (self.gateway, *self.network.values()) for one in some)

    def to_json(self) -> dict[str, object]:
        """Descriptors by what they are for."""
        network = {spec: [one.fileno() for one in some] for spec, some in self.network.items()}
        return {"gateway": [one.fileno() for one in self.gateway], "network": network}

    def close(self) -> None:
        """Nobody may connect any more."""
        for some in (self.gateway, *self.network.values()):
            for one in some:
                one.close()


def given(data: Mapping[str, object]) -> Given:
    """In a child: what `to_json` described."""

    def adopted(descriptors: object) -> tuple[socket.socket, ...]:
        assert isinstance(descriptors, list)
        return tuple(Adopted(fileno=one) for one in descriptors)

    network = data["network"]
    assert isinstance(network, dict)
    return Given(adopted(data["gateway"]), {spec: adopted(some) for spec, some in network.items()})


def opened(host: str, port: int) -> tuple[socket.socket, ...]:
    """Listening sockets for an address; "" is every address, of both families on one port. Raises ConfigError."""
    found: list[socket.socket] = []
    for address in (host,) if host else ("0.0.0.0", "::"):  # noqa: S104 (asked for by leaving the host out)
        try:
            family, kind, protocol, _, where = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
            one = socket.socket(family, kind, protocol)
            found.append(one)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            one.bind(where)
            one.listen(BACKLOG)
            one.setblocking(False)
        except OSError as error:
            if address == "::" and found:
                found.pop().close() if len(found) > 1 else None
                continue  # a machine without IPv6
            for each in found:
                each.close()
            raise unlistenable(host, port, error) from None
        port = port or address_of(one)[1]
    return tuple(found)


def address_of(one: socket.socket) -> tuple[str, int]:
    """Host and port of a bound socket."""
    host, port = one.getsockname()[:2]
    return str(host), int(port)
