"""What the console's process is told by the one that starts it: one line of JSON on its standard input."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from proxy.config import DEFAULT_CONSOLE, DEFAULT_NODE, Settings, parse_address


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """address: `HOST:PORT`. policy, bundled, home: as `dragoman run` has them. allowed_hosts: besides loopback.

    per_minute: requests of one token; sign_ins_per_minute: attempts to sign in from one address. idle_s, longest_s:
    after how many seconds without a request, and altogether, a session ends.
    node, audit_database, control_database, vault_database: as in `Settings`; references, so that no password is here.
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
    node: str = DEFAULT_NODE
    audit_database: str = ""
    control_database: str = ""
    vault_database: str = ""
    oidc: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Settings) -> "ConsoleSettings":
        """What `dragoman run` was started with."""
        return cls(
            home=settings.home,
            address=settings.console,
            policy=settings.policy,
            bundled=settings.bundled,
            allowed_hosts=settings.allowed_hosts,
            node=settings.node,
            audit_database=settings.audit_database,
            control_database=settings.control_database,
            vault_database=settings.vault_database,
            oidc=dict(settings.oidc),
        )

    @classmethod
    def from_line(cls, line: bytes) -> "ConsoleSettings":
        """The settings of `line()`."""
        data = json.loads(line)
        data["home"] = Path(data["home"])
        data["policy"] = Path(data["policy"]) if data["policy"] else None
        data["allowed_hosts"] = tuple(data["allowed_hosts"])
        return cls(**data)

    def line(self) -> bytes:
        """The settings as one line."""
        data = asdict(self) | {"home": str(self.home), "policy": str(self.policy) if self.policy else None}
        return json.dumps(data).encode() + b"\n"

    @property
    def host_and_port(self) -> tuple[str, int]:
        """Where to listen."""
        return parse_address(self.address, what="console")

    @property
    def as_settings(self) -> Settings:
        """As much of the settings of `dragoman run` as reading the policy and the log needs."""
        return Settings(
            home=self.home,
            policy=self.policy,
            bundled=self.bundled,
            node=self.node,
            audit_database=self.audit_database,
            control_database=self.control_database,
            vault_database=self.vault_database,
        )
