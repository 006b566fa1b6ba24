"""What the console's process is told by the one that starts it: one line of JSON on its standard input."""

import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field, fields
from pathlib import Path
from typing import Any

from proxy.config import DEFAULT_ADMIN, DEFAULT_CONSOLE, DEFAULT_NODE, Settings, parse_address
from proxy.messages import Origin

DEFAULT = Settings(home=Path())
SHARED = (
    "home", "policy", "bundled", "allowed_hosts", "node", "audit_database", "control_database", "vault_database",
    "languages", "detectors", "spacy_models", "policy_people", "admin", "upstreams", "upstream_ca", "provider_keys",
    "erasure_people", "log", "upstream_proxy", "upstream_direct", "upstream_auth",
    "presidio_recognizers",
)  # fmt: skip
"""What `dragoman run` and its console have in common, under the same names."""


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """address: `HOST:PORT`. policy, bundled, home: as `dragoman run` has them. allowed_hosts: besides loopback.

    per_minute: requests of one token; sign_ins_per_minute: attempts to sign in from one address. idle_s, longest_s:
    after how many seconds without a request, and altogether, a session ends. longest_tail_s: and a stream of the API.
    languages, detectors, spacy_models, presidio_recognizers: what texts that somebody tries out are inspected with; as
    in `Settings`.
    node, audit_database, control_database, vault_database, policy_people, erasure_people, admin, log: as in `Settings`;
    no password is here.
    upstreams, upstream_ca, provider_keys: as in `Settings`, for asking providers to delete what they keep of a person;
    the keys are named here and read when somebody erases. upstream_proxy, upstream_direct, upstream_auth: as in
    `Settings`.
    oidc: the table of the settings (see `proxy.outbound.identity_provider`).
    """

    home: Path
    address: str = DEFAULT_CONSOLE
    policy: Path | None = None
    bundled: str = "default"
    allowed_hosts: tuple[str, ...] = ()
    per_minute: int = 600
    sign_ins_per_minute: int = 10
    idle_s: int = 30 * 60
    longest_s: int = 12 * 60 * 60
    longest_tail_s: int = 300
    node: str = DEFAULT_NODE
    audit_database: str = ""
    control_database: str = ""
    vault_database: str = ""
    languages: tuple[str, ...] = DEFAULT.languages
    detectors: tuple[str, ...] = DEFAULT.detectors
    presidio_recognizers: tuple[str, ...] = ()
    spacy_models: Mapping[str, str] = field(default_factory=lambda: DEFAULT.spacy_models)
    oidc: Mapping[str, Any] = field(default_factory=dict)
    policy_people: int = 1
    erasure_people: int = 1
    log: str = DEFAULT.log
    admin: str = DEFAULT_ADMIN
    upstreams: Mapping[str, Origin] = field(default_factory=dict)
    upstream_ca: Path | None = None
    provider_keys: Mapping[str, str] = field(default_factory=dict)
    upstream_proxy: str = ""
    upstream_direct: tuple[str, ...] = ()
    upstream_auth: str = ""

    @classmethod
    def of(cls, settings: Settings) -> "ConsoleSettings":
        """What `dragoman run` was started with."""
        shared = {name: getattr(settings, name) for name in SHARED}
        return cls(address=settings.console, oidc=dict(settings.oidc), **shared)

    @classmethod
    def from_line(cls, line: bytes) -> "ConsoleSettings":
        """The settings of `line()`."""
        data = json.loads(line)
        data["home"] = Path(data["home"])
        for name in ("policy", "upstream_ca"):
            data[name] = Path(data[name]) if data[name] else None
        data["upstreams"] = {name: Origin(*parts) for name, parts in data["upstreams"].items()}
        for name in ("allowed_hosts", "languages", "detectors", "presidio_recognizers", "upstream_direct"):
            data[name] = tuple(data[name])
        return cls(**data)

    def line(self) -> bytes:
        """The settings as one line."""
        data = {item.name: getattr(self, item.name) for item in fields(self)}
        paths = {name: getattr(self, name) for name in ("home", "policy", "upstream_ca")}
        data |= {name: str(path) if path else None for name, path in paths.items()}
        data["upstreams"] = {name: astuple(one) for name, one in self.upstreams.items()}
        data["provider_keys"] = dict(self.provider_keys)
        data |= {"spacy_models": dict(self.spacy_models), "oidc": dict(self.oidc)}
        return json.dumps(data).encode() + b"\n"

    @property
    def host_and_port(self) -> tuple[str, int]:
        """Where to listen."""
        return parse_address(self.address, what="console")

    @property
    def as_settings(self) -> Settings:
        """As much of the settings of `dragoman run` as reading the policy and the log, and trying texts, needs."""
        return Settings(**{name: getattr(self, name) for name in SHARED})
