"""The values that travel between the doors and the gate.

A door translates what its engine hands it into an `Egress`, and what the gate answers (`Outgoing` or `Reply`) back.
Nothing here does I/O, and nothing here may be logged: all of it may hold personal data or credentials.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

from audit.flat import slotted

type Header = tuple[bytes, bytes]

HOP_BY_HOP = (
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
)
"""RFC 9110 section 7.6.1 and its predecessors: fields that concern one connection and never pass a proxy."""


class Door(StrEnum):
    """Through which of our doors a request came; a command takes rows through the same gate."""

    GATEWAY = "gateway"
    NETWORK = "network"
    COMMAND = "command"


@slotted
@dataclass(frozen=True, slots=True)
class Headers:
    """HTTP header fields in the order and spelling in which they came (RFC 9110, section 5).

    Names compare without case; values are bytes, because that is what HTTP sends.
    """

    fields: tuple[Header, ...] = ()
    _first: dict[bytes, bytes] | None = field(default=None, init=False, repr=False, compare=False)

    def get(self, name: str) -> str | None:
        """The first value of that name as Latin-1 text, or None."""
        first = self._first
        if first is None:
            # Made once: a dozen names are asked for in each request.
            first = {key.lower(): value for key, value in reversed(self.fields)}
            object.__setattr__(self, "_first", first)
        value = first.get(name.lower().encode("ascii"))
        return None if value is None else value.decode("latin-1")

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of that name, in order."""
        wanted = name.lower().encode("ascii")
        return tuple(value.decode("latin-1") for key, value in self.fields if key.lower() == wanted)

    def without(self, names: Iterable[str]) -> "Headers":
        """The same fields less those of the given names."""
        dropped = _lower(tuple(names))
        return Headers(tuple([field for field in self.fields if field[0].lower() not in dropped]))

    def with_field(self, name: str, value: str) -> "Headers":
        """The same fields with every `name` replaced by one, placed last."""
        return Headers((*self.without([name]).fields, (name.encode("ascii"), value.encode("latin-1"))))

    def __iter__(self) -> Iterator[Header]:
        return iter(self.fields)


def as_written(raw: bytes) -> str:
    """A name or a value for a library that writes UTF-8, so that the same bytes leave, if they are UTF-8."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def utf8(value: str) -> str:
    """A value that was read as Latin-1, as whoever wrote it in UTF-8 meant it (RFC 9110, section 5.5)."""
    return value if value.isascii() else as_written(value.encode("latin-1"))


@lru_cache(maxsize=256)
def _lower(names: tuple[str, ...]) -> frozenset[bytes]:
    """Names as they compare; those asked for are ours, the policy's and the providers', never a client's."""
    return frozenset([name.lower().encode("ascii") for name in names])


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port of an upstream, and the path prefix that a configured upstream may have."""

    scheme: str
    host: str
    port: int
    prefix: str = ""

    @property
    def authority(self) -> str:
        """`host` or `host:port` as it stands in a Host header."""
        default = {"https": 443, "http": 80}.get(self.scheme)
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == default else f"{host}:{self.port}"


@slotted
@dataclass(frozen=True, slots=True)
class Egress:
    """One request as it reached a door, before anything was decided.

    destination: the register's name where the door knows it (gateway path), else "".
    origin: where the client wants to go, as far as the door knows (network door: CONNECT or SNI name), else None.
    target: raw path and query as on the request line, without the gateway's `/<destination>` prefix.
    body: as it came, content-encoded if the client encoded it; always complete.
    peer: IP address of the client. credential: our own credential (proxy authentication or gateway key), or "".
    certificate: the names in the client's certificate, verified by the door; empty where it showed none.
    upgrade: a well-formed WebSocket handshake (RFC 6455 section 4.1), which opens a session.
    """

    door: Door
    mode: str
    method: str
    target: bytes
    headers: Headers
    body: bytes
    destination: str = ""
    origin: Origin | None = None
    peer: str = ""
    credential: str = ""
    certificate: tuple[str, ...] = ()
    upgrade: bool = False


@slotted
@dataclass(frozen=True, slots=True)
class Outgoing:
    """What the gate allows a door to send, exactly as it shall be sent."""

    origin: Origin
    method: str
    target: bytes
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete answer to the client, made by us (a refusal, a preview)."""

    status: int
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a transfer does not happen; a format turns it into its provider's own error shape.

    status: HTTP status. code: stable, machine-readable (`dragoman-reason`). message: what, where, what to do;
    never inspected text. retry_after_s: seconds, where trying again can help. transfer: the record's id, or "".
    """

    status: int
    code: str
    message: str
    retry_after_s: int | None = None
    transfer: str = ""
