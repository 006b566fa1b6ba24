"""What a policy declares, as values: who decides and for what, who sends and how it is known, what limits hold.

Each is one section of the policy language, resolved; `policies.policy` is the whole that they stand in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from types import MappingProxyType

from policies.model import MediaAction


class Environment(StrEnum):
    """Where the policy is used; it stands in every record. `todo` is refused in prod."""

    TEST = "test"
    STAGING = "staging"
    PROD = "prod"


@dataclass(frozen=True, slots=True)
class Controller:
    """Who decides why and how personal data is used (GDPR Art. 4(7)). country: ISO 3166-1 alpha-2, or ""."""

    id: str
    name: str
    contact: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class Purpose:
    """One line of the records of processing; every value is what the organisation declares."""

    id: str
    controller: str
    basis: str
    special_basis: str = "none"
    persons: tuple[str, ...] = ()
    notice: str = ""
    dpia: str = ""


@dataclass(frozen=True, slots=True)
class Pods:
    """Pods of Kubernetes: those of a namespace that bear all of these labels."""

    namespace: str
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Identify:
    """How an application is recognised; empty fields are not asked.

    header, claim: `NAME=VALUE`. networks: CIDR of the client. certificate: a name in the client's certificate.
    provider_key: `sha256:<hex>` of the key with which it comes to the provider. pods: it runs in, at the address from
    which the request comes.
    """

    credential: str = ""
    header: str = ""
    networks: tuple[str, ...] = ()
    certificate: str = ""
    claim: str = ""
    provider_key: str = ""
    pods: Pods | None = None


@dataclass(frozen=True, slots=True)
class Application:
    """An app that sends. purposes: those it may name, its own first. subject: JSON pointer (`/user`) or `claim:sub`.

    media: its own table of media kinds and types, before the policy's. shares_objects_with: applications that get the
    originals of what a provider keeps of this one, too.
    """

    name: str
    identify: Identify = Identify()
    purpose: str = ""
    purposes: tuple[str, ...] = ()
    owner: str = ""
    subject: str = ""
    media: Mapping[str, MediaAction] = field(default_factory=lambda: MappingProxyType({}))
    shares_objects_with: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ExceptionTerms:
    """Values that a rule lets pass. refs: keyed hashes. applications: empty means all. until: last day."""

    id: str
    rule: str
    refs: frozenset[str]
    applications: frozenset[str]
    until: date
    approved_by: str

    def in_force(self, application: str, when: datetime) -> bool:
        """Whether it applies to this application at this moment."""
        return (not self.applications or application in self.applications) and when < day_end(self.until)


@dataclass(frozen=True, slots=True)
class Observe:
    """A test phase: these applications are only observed, until the end of a day, because somebody approved it."""

    applications: frozenset[str]
    until: date
    approved_by: str

    def in_force(self, application: str, when: datetime) -> bool:
        """Whether this application is only observed at this moment."""
        return application in self.applications and when < day_end(self.until)


@dataclass(frozen=True, slots=True)
class Response:
    """What happens to personal data in an answer that we did not send. buffer: none, sentence or all."""

    unexpected: str = "record"
    buffer: str = "none"


@dataclass(frozen=True, slots=True)
class Tokens:
    """Whose tokens (JWT, RFC 7519) are believed. header: lower case, carries it. keys: file of the home, or URL (JWK
    set, RFC 7517). algorithms: names of RFC 7518, asymmetric ones only."""

    header: str
    issuer: str
    audience: str
    keys: str
    algorithms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SubjectSource:
    """Where flags come from. source: header, claim, file, sql, http.

    at: name of a header, claim or database, or a path or URL. query: for a database; it binds `:subject`.
    """

    source: str
    at: str = ""
    cache_seconds: int = 60
    query: str = ""


@dataclass(frozen=True, slots=True)
class CustomEntity:
    """A company's own entity type, for the pattern detector. patterns: regular expressions; values: a fixed list.

    context: a match of a pattern counts only where one of these words stands near. validator: name of the check
    (`vocabulary.VALIDATORS`) that a match of a pattern, or its first group where it has one, must pass, or "".
    languages: of the texts, empty for all.
    """

    name: str
    group: str = ""
    patterns: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    score: float = 0.85
    validator: str = ""


@dataclass(frozen=True, slots=True)
class Budget:
    """An upper limit per window. per: hour or day. each: what is counted apart (application, destination, subject)."""

    id: str
    per: str = "hour"
    each: tuple[str, ...] = ("application",)
    applications: frozenset[str] = frozenset()
    destinations: frozenset[str] = frozenset()
    transfers: int | None = None
    bytes: int | None = None
    tokens: int | None = None
    subjects: int | None = None
    because: str = ""


def day_end(day: date) -> datetime:
    """The first moment (UTC) after a last day: everything that ends, ends with its day."""
    return datetime.combine(day + timedelta(days=1), time.min, UTC)
