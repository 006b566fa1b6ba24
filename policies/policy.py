"""A policy, compiled: immutable, complete, without a file behind it.

`policies.load` makes it from YAML; `decide` answers from it without I/O. What a policy says about applications,
purposes, recipients, tools and media is read here by whoever acts on it (gate, formats, restore, records).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from types import MappingProxyType

from policies import decide as _decide
from policies.declared import (
    Application,
    Budget,
    Controller,
    CustomEntity,
    Environment,
    ExceptionTerms,
    Identify,
    Observe,
    Purpose,
    Response,
    SubjectSource,
    Tokens,
)
from policies.destination import Destination, HostTable
from policies.index import RuleIndex
from policies.model import MediaAction, MediaPart, Mirror, PolicyInput, TransferDecision
from policies.rules import Rule

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
    response: Response = field(default_factory=Response)
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
                    blind = action in (MediaAction.INSPECT, MediaAction.RETYPE) and not part.inspectable
                    return (MediaAction.REFUSE if blind else action), f"{prefix}{part.kind.value}"
        return MediaAction.REFUSE, f"media:{part.kind.value}"

    @staticmethod
    def bucket(session: bytes) -> int:
        """0 to 9999 for a session's keyed hash, so that `share` keeps one conversation with one model."""
        return int.from_bytes(blake2b(session, digest_size=8).digest()) % 10_000
