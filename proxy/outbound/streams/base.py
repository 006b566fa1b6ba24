"""What a way out is: options that are checked at the start, and a sink that takes entries or says why it could not."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from audit.formats import NAMES as FORMATS
from audit.formats.base import LineFormat
from audit.questions.following import Followed
from audit.values import ExportFormat
from proxy.errors import ConfigError, ProxyError
from proxy.next_proxy import NextProxy


class SendError(ProxyError):
    """The receiver did not take a batch. retry_after_s: what it asked for, None where it said nothing.

    The text names kind or status, never what was sent nor the receiver's own words.
    """

    code = "stream_send"
    status = 502

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Sink(Protocol):
    """Where entries go. Blocks; used by one thread."""

    def send(self, batch: Sequence[Followed]) -> None:
        """Returns when the receiver has all of it durably, as far as it can say so. Raises SendError."""

    def close(self) -> None:
        """Gives back what is open."""


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """One `[streams.NAME]` of the settings. to: name of the exporter. start: `start` or `now`. kinds: of records, empty
    for all. batch: entries at a time. options: the exporter's own, checked; files are absolute, secrets references.
    through: the next proxy; set where the stream runs, as it may hold a password."""

    name: str
    to: str
    start: str = "start"
    kinds: tuple[str, ...] = ()
    batch: int = 500
    options: Mapping[str, Any] = field(default_factory=dict)
    through: NextProxy | None = None


@dataclass(frozen=True, slots=True)
class Option:
    """One option of an exporter. kind: type of its value. default: None where it has to be given.

    file: a path beside the configuration. secret: a reference, `env:NAME` or a file. least, most: of a number.
    """

    kind: type
    default: Any = None
    required: bool = False
    file: bool = False
    secret: bool = False
    choices: tuple[str, ...] = ()
    least: int = 1
    most: int = 2**40


@dataclass(frozen=True, slots=True)
class Exporter:
    """One way out. form: what the log's `export` record calls it, from the settings. open: makes the sink; raises
    ConfigError for what cannot work, such as a secret that is missing."""

    name: str
    options: Mapping[str, Option]
    open: Callable[[StreamSettings], Sink]
    form: Callable[[StreamSettings], ExportFormat]


LINES = Option(str, "jsonl", choices=tuple(sorted(str(name) for name in FORMATS)))
"""How a line looks."""


def line_format(settings: StreamSettings) -> LineFormat:
    """The format of lines that a stream asks for."""
    return FORMATS[ExportFormat(settings.options["format"])]


def line_form(settings: StreamSettings) -> ExportFormat:
    """The same, for the record."""
    return ExportFormat(settings.options["format"])


def checked_url(url: str, what: str) -> str:
    """An address to send to: https, or http on this machine. Raises ConfigError that repeats no credentials."""
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    here = parts.hostname in {"127.0.0.1", "localhost", "::1"}
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.password:
        raise ConfigError(f"{what}: write https://HOST/PATH, without user or password")
    if parts.scheme == "http" and not here:
        raise ConfigError(f"{what}: http is for this machine only; write https://")
    return url
