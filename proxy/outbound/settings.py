"""What the process of the streams is told by the one that starts it: one line of JSON, with references for secrets."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from proxy.config import DEFAULT_NODE, Settings
from proxy.outbound.streams.base import StreamSettings

SHARED = (
    "home", "node", "audit_database", "control_database", "upstream_proxy", "upstream_direct", "upstream_auth"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class OutboundSettings:
    """As in `Settings`. streams: checked."""

    home: Path
    streams: tuple[StreamSettings, ...]
    node: str = DEFAULT_NODE
    audit_database: str = ""
    control_database: str = ""
    log: str = "text"
    upstream_proxy: str = ""
    upstream_direct: tuple[str, ...] = ()
    upstream_auth: str = ""

    @classmethod
    def of(cls, settings: Settings) -> "OutboundSettings":
        """What `dragoman run` was started with. Raises ConfigError for a stream that cannot be one."""
        from proxy.outbound.streams.settings import read_streams

        streams = read_streams(settings.streams, settings.streams_folder or settings.home)
        shared = {name: getattr(settings, name) for name in (*SHARED, "log")}
        return cls(streams=streams, **shared)

    @classmethod
    def from_line(cls, line: bytes) -> "OutboundSettings":
        """The settings of `line()`."""
        data = json.loads(line)
        streams = tuple(StreamSettings(**{**one, "kinds": tuple(one["kinds"])}) for one in data.pop("streams"))
        data |= {"home": Path(data["home"]), "upstream_direct": tuple(data["upstream_direct"])}
        return cls(streams=streams, **data)

    def line(self) -> bytes:
        """The settings as one line."""
        return json.dumps(asdict(self) | {"home": str(self.home)}).encode() + b"\n"

    @property
    def as_settings(self) -> Settings:
        """As much of the settings of `dragoman run` as the databases and the way out need."""
        return Settings(**{name: getattr(self, name) for name in SHARED})
