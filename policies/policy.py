"""A policy, compiled: immutable, complete, without a file behind it.

`policies.load` makes it from YAML; `decide` answers from it without I/O. What a policy says about applications,
purposes, recipients, tools and media is read here by whoever acts on it (gate, formats, restore, records).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from hashlib import blake2b
from types import MappingProxyType

from policies import decide as _decide
from policies.destination import Destination, HostTable
from policies.index import RuleIndex
from policies.model import MediaAction, MediaPart, Mirror, PolicyInput, TransferDecision
from policies.rules import Rule


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


WAYS: Mapping[str, str] = MappingProxyType(
    {part.rstrip("s"): part for part in ("certificate", "claim", "provider_key", "header", "pods", "networks")}
)
"""What shows which application sends, the strongest evidence first -> what of `Identify` says it."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A compiled policy. digest: `sha256:<hex>` over its canonical form with everything resolved.

    destinations, applications, purposes, controllers: by name. unknown_hosts, unknown_applications: what happens to
    hosts outside the register (refuse, pass) and to apps that nobody knows (refuse, allow). trust: header name ->
    from whom it is believed (`credential`, or CIDR of the peer). tools: tool name -> whether its arguments are
    restored. register_digest: of the bundled register that the facts came from. ways: how applications are recognised,
    strongest evidence first -> those that are, for every request asks.
    """

    name: str
    digest: str
    index: RuleIndex
    version: int = 1
    description: str = ""
    environment: Environment = Environment.TEST
    controllers: Mapping[str, Controller] = field(default_factory=dict)
    purposes: Mapping[str, Purpose] = field(default_factory=dict)
    destinations: Mapping[str, Destination] = field(default_factory=dict)
    hosts: HostTable = field(default_factory=lambda: HostTable({}))
    applications: Mapping[str, Application] = field(default_factory=dict)
    exceptions: Mapping[str, tuple[ExceptionTerms, ...]] = field(default_factory=dict)
    media: Mapping[str, MediaAction] = field(default_factory=dict)
    tools: Mapping[str, bool] = field(default_factory=dict)
    tools_default: bool = True
    trust: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    response: Response = Response()
    unknown_hosts: str = "refuse"
    unknown_applications: str = "refuse"
    observe: Observe | None = None
    tokens: Tokens | None = None
    subject_source: SubjectSource | None = None
    entities: tuple[CustomEntity, ...] = ()
    groups: Mapping[str, frozenset[str]] = field(default_factory=dict)
    budgets: tuple[Budget, ...] = ()
    ways: Mapping[str, tuple[tuple[str, Identify], ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        shown = [(name, one.identify) for name, one in self.applications.items()]
        found = {way: tuple([pair for pair in shown if getattr(pair[1], part)]) for way, part in WAYS.items()}
        object.__setattr__(self, "ways", {way: pairs for way, pairs in found.items() if pairs})

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules in the order in which they are asked."""
        return self.index.rules

    @property
    def needs_value_refs(self) -> bool:
        """True when the policy has exceptions, so that findings need `value_refs`."""
        return bool(self.exceptions)

    def decide(self, given: PolicyInput) -> TransferDecision:
        """What happens to a transfer; pure. Raises UsageError when the time is naive."""
        return _decide.decide(self, given)

    def decide_mirror(self, given: PolicyInput, mirror: Mirror) -> TransferDecision:
        """What happens to the tokenized copy for a second recipient; never weaker than tokenize, never routed on."""
        return _decide.decide_mirror(self, replace(given, destination=mirror.to), mirror.purpose)

    def destination(self, name: str) -> Destination:
        """The destination of that name; a nameless one of which nothing is known for any other."""
        return self.destinations.get(name) or Destination(name="")

    def destination_for_host(self, host: str) -> Destination | None:
        """Who answers at a host name (no port), by its exact name or its longest pattern; None if unknown."""
        found = self.hosts.find(host)
        return self.destinations[found] if found is not None else None

    @property
    def restores_every_tool(self) -> bool:
        """Whether there is no tool whose arguments keep their placeholders."""
        return self.tools_default and all(self.tools.values())

    def restore_tool(self, name: str) -> bool:
        """Whether placeholders in this tool's arguments become originals before the app gets them.

        name: "" where an answer does not say which tool it calls; then only if every tool may have originals.
        """
        return self.tools.get(name, self.tools_default) if name else self.restores_every_tool

    def pod_namespaces(self) -> frozenset[str]:
        """The namespaces of Kubernetes whose pods are applications here."""
        return frozenset(one.identify.pods.namespace for one in self.applications.values() if one.identify.pods)

    def trusts_header(self, name: str) -> tuple[str, ...]:
        """From whom a `dragoman-*` header is believed: `credential` and CIDR ranges; empty means nobody."""
        return self.trust.get(name.lower(), ())

    def purpose_for(self, application: str) -> str:
        """The purpose that an application has of its own, or ""."""
        found = self.applications.get(application)
        return found.purpose if found else ""

    def owners_for(self, application: str) -> tuple[str, ...]:
        """Of whom an application gets back what a provider keeps: its own, and of those that share theirs with it."""
        sharing = (name for name, one in self.applications.items() if application in one.shares_objects_with)
        return (application, *sharing)

    def media_action(self, application: str, part: MediaPart) -> tuple[MediaAction, str]:
        """What the media tables say about a part, and where they say it (`media:audio`, `media:app:audio`).

        The application's table comes before the policy's, a media type before its kind; what no table names is
        refused, and so is what should be inspected and cannot be.
        """
        found = self.applications.get(application)
        for table, prefix in ((found.media if found else {}, "media:app:"), (self.media, "media:")):
            for key in (part.media_type, part.kind.value):
                if key in table:
                    action = table[key]
                    blind = action is MediaAction.INSPECT and not part.inspectable
                    return (MediaAction.REFUSE if blind else action), f"{prefix}{part.kind.value}"
        return MediaAction.REFUSE, f"media:{part.kind.value}"

    @staticmethod
    def bucket(session: bytes) -> int:
        """0 to 9999 for a session's keyed hash, so that `share` keeps one conversation with one model."""
        return int.from_bytes(blake2b(session, digest_size=8).digest()) % 10_000
