"""How the network door runs, and which of the engine's modes and options it accepts.

An operator's words enter; what the engine would do openly, unread or only on paper is refused at start with the reason.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from proxy.config import DEFAULT_MODES
from proxy.errors import ConfigError

SUPPORTED = ("regular", "transparent", "socks5", "reverse", "upstream")
UNSUPPORTED: Mapping[str, str] = MappingProxyType(
    {
        "local": "it says that it started where eBPF is missing, and then intercepts nothing",
        "wireguard": "its tunnel also carries UDP and DNS, for which there is no gate yet",
        "tun": "its interface also carries UDP, for which there is no gate yet",
        "dns": "the gate knows no DNS",
    }
)
DEFAULT_PORTS: Mapping[str, int] = MappingProxyType(
    {"regular": 8789, "transparent": 9080, "socks5": 1080, "reverse": 8789, "upstream": 8789}
)

ENGINE: Mapping[str, object] = MappingProxyType(
    {
        # Requests beyond a size would be sent on before any hook sees them.
        "stream_large_bodies": None,
        # The log would name a recipient whom nobody verified.
        "ssl_insecure": False,
        # Bodies stay in memory, for as long as the flow lives.
        "store_streamed_bodies": False,
        # "eager" connects upstream before the gate has spoken.
        "connection_strategy": "lazy",
        # The gate alone says who passes unread.
        "ignore_hosts": [],
        "allow_hosts": [],
        "tcp_hosts": [],
        "udp_hosts": [],
        # What follows an answer 101 is not HTTP and has no gate yet.
        "rawtcp": False,
        "websocket": False,
        "http3": False,
        # Two readings of one message are a way past the gate.
        "validate_inbound_headers": True,
        # It writes dumps of what passes into the process log.
        "proxy_debug": False,
        "show_ignored_hosts": False,
        "keep_host_header": False,
    }
)
"""Options of the engine on which the promises rest, with the only value they may have."""

MAY_BE_SET = frozenset(
    {
        "http2",
        "http2_ping_keepalive",
        "connect_addr",
        "client_certs",
        "request_client_cert",
        "certs",
        "cert_passphrase",
        "ciphers_client",
        "tls_ecdh_curve_client",
        "tls_version_client_min",
        "tls_version_client_max",
    }
)
"""Options of the engine that promise nothing: they concern an app's own connection to us, and our name to upstreams."""

KEY_LOGS = ("SSLKEYLOGFILE", "MITMPROXY_SSLKEYLOGFILE")


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """Everything that the network door needs to know.

    confdir: folder of the authority (`proxy.running.ca`). modes: mitmproxy's mode specs. body_bytes: of a request as
    it came. head_bytes: of a request's line and fields. connect_s: until an upstream's connection stands, TLS included.
    idle_s: without any byte on a client's connection. handshake_s: until a client's connection, or the tunnel in it,
    begins its first request. request_s: from a request's first byte until its head is whole, and from then on until its
    body is, with a second more per KiB that came. upstream_ca: PEM file trusted beside the public authorities.
    require_credential: an app must show a credential to the proxy itself (407, or SOCKS5 user and password).
    upstream_auth: `user:password` for the next proxy in the modes `upstream:`. proxy_protocol: networks of balancers
    whose connections begin with a header that names the client. engine: further options of the engine.
    """

    confdir: Path
    modes: tuple[str, ...] = DEFAULT_MODES
    body_bytes: int = 32 * 1024 * 1024
    head_bytes: int = 64 * 1024
    connect_s: float = 10.0
    idle_s: float = 600.0
    request_s: float = 20.0
    handshake_s: float = 20.0
    upstream_ca: Path | None = None
    require_credential: bool = False
    upstream_auth: str = ""
    proxy_protocol: tuple[str, ...] = ()
    engine: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))


def check_start(settings: NetworkSettings, environ: Mapping[str, str] = os.environ) -> None:
    """Refuse what would open the door. Raises ConfigError."""
    if settings.proxy_protocol and any(mode.strip().startswith("transparent") for mode in settings.modes):
        raise ConfigError("mode transparent cannot stand behind a balancer: it would be every connection's destination")
    for name in KEY_LOGS:
        if environ.get(name):
            raise ConfigError(f"{name} is set: the engine would write the keys of every connection there; unset it")
    if others := sorted(settings.engine.keys() - ENGINE.keys() - MAY_BE_SET):
        raise ConfigError(
            f"the engine's options {', '.join(others)} are not supported: what they let past was never looked at; "
            f"those that may be set are {', '.join(sorted(MAY_BE_SET))}"
        )
    for name, wanted in ENGINE.items():
        given = settings.engine.get(name, wanted)
        if given != wanted:
            raise ConfigError(f"the engine's option {name} must be {wanted!r}: otherwise data could leave unseen")


def listening(modes: tuple[str, ...]) -> list[str]:
    """The mode specs with an address in each. Raises ConfigError for a mode that is not supported.

    Without a host, modes listen on 127.0.0.1; transparent listens everywhere, because redirected packets arrive on
    the address of the interface they came in by.
    """
    return [_with_address(spec.strip()) for spec in modes]


def _with_address(spec: str) -> str:
    head, at, address = spec.rpartition("@")
    if not at:
        head, address = spec, ""
    name, _, target = head.partition(":")
    name = name.lower()
    if name in UNSUPPORTED:
        raise ConfigError(f"mode {name} is not supported: {UNSUPPORTED[name]}; use transparent or regular")
    if name not in SUPPORTED:
        raise ConfigError(f"there is no mode {name!r}; supported are {', '.join(SUPPORTED)}")
    if name in {"reverse", "upstream"} and target.partition("://")[0] not in {"http", "https"}:
        raise ConfigError(f"mode {name}: write {name}:https://HOST[:PORT] or {name}:http://HOST[:PORT]")
    host, colon, port = address.rpartition(":")
    if not colon:
        host = "" if name == "transparent" else "127.0.0.1"
    if port and not (port.isdigit() and int(port) < 65536):
        raise ConfigError(f"mode {name}: write @HOST:PORT with a port below 65536")
    return f"{head}@{host.strip('[]')}:{port or DEFAULT_PORTS[name]}"
