"""Where settings come from: a TOML file, then the environment (`DRAGOMAN_*`), then the command line; later ones win.

Each value is looked at before a start, and named with what to write instead. What the settings are says `proxy.config`.
"""

import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any

from audit.checks import Shaped
from audit.errors import RecordError
from audit.fields import KEY_NAME, NAME
from proxy.config import MAX_WORKERS, Limits, Settings, parse_address, parse_origin, parse_upstreams
from proxy.errors import ConfigError


def default_home(environ: Mapping[str, str] = os.environ) -> Path:
    """`$DRAGOMAN_HOME`, else the user's data folder."""
    if given := environ.get("DRAGOMAN_HOME"):
        return Path(given)
    from platformdirs import user_data_path

    return user_data_path("dragoman")


def load(
    file: Path | None = None, *, home: Path | None = None, environ: Mapping[str, str] = os.environ, **given: Any
) -> Settings:
    """Settings from a file, the environment and the command line; the later wins, None means not given.

    Raises ConfigError that names the setting and what was probably meant.
    """
    base = home or default_home(environ)
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

_LISTS = frozenset(
    ("modes", "languages", "detectors", "allowed_hosts", "proxy_protocol", "upstream_direct", "presidio_recognizers")
)
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
