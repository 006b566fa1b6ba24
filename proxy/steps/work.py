"""One request on its way through the steps of the gate, and everything the steps may ask.

`Work` is filled step by step and belongs to one request; `Services` is shared by all. Neither does anything itself.
"""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from audit.ledger.writer import Receipt
from policies.budgets import Spending
from policies.declared import SubjectSource
from policies.destination import Destination
from policies.model import Mirror, PolicyInput, SubjectFacts, TransferDecision
from proxy.claims import NO_CLAIMS, ClaimsOf, no_claims
from proxy.documents.base import DocumentError, Opened
from proxy.errors import UnavailableError
from proxy.exchange import Exchange
from proxy.formats.base import Endpoint, Format, Inspected, RequestHead
from proxy.formats.selection import Formats
from proxy.formats.target import Target
from proxy.framing.websocket import SessionLimits
from proxy.identity import Identity, NoPods, Subject
from proxy.messages import Origin
from proxy.steps.offload import Offload
from proxy.steps.records import Facts, TransferRecords
from proxy.steps.scopes import ScopeRefs
from proxy.steps.services import (
    Active,
    AsyncVault,
    Bound,
    Detection,
    Documents,
    KeptAnswers,
    PersonReferences,
    Pieces,
    Pods,
    Recorder,
    SpendingBook,
    WaitingRoom,
)
from proxy.steps.tokenizing import Tokenized
from redaction.segment import Segment
from redaction.vault import Scope

if TYPE_CHECKING:
    from proxy.steps.attachments import OpenFile
    from proxy.steps.unexpected import Seen

type LookUp = Callable[[SubjectSource, Sequence[Subject], str], Awaitable[tuple[SubjectFacts, ...]]]
"""(where flags come from, persons, purpose) -> the facts of each person, in order."""


@dataclass(frozen=True, slots=True)
class GateLimits:
    """Bounds of one request. body_bytes: as decoded. detect_s: seconds for detection. open_transfers: at one time.

    open_sessions: WebSockets at one time, each of them an open transfer. session: bounds of one.
    """

    body_bytes: int = 32 * 1024 * 1024
    detect_s: float = 30.0
    open_transfers: int = 1000
    open_sessions: int = 500
    session: SessionLimits = field(default_factory=SessionLimits)


def _no_key(_destination: str) -> str | None:
    return None


def _no_refs(_entity_type: str, _value: str) -> frozenset[str]:
    return frozenset()


async def _unknown_flags(
    _source: SubjectSource, subjects: Sequence[Subject], _purpose: str
) -> tuple[SubjectFacts, ...]:
    return tuple(SubjectFacts(role=one.role) for one in subjects)


def _no_mirrors(_work: "Work", _mirror: Mirror, _attempt: int) -> None:
    return None


def _unseen(_kind: str, _label: str) -> None:
    return None


class NoDocuments:
    """`services.Documents` of a process that reads no files: the policy decides about them unread."""

    async def read(self, raw: bytes, media_type: str, images: str) -> Opened:
        raise DocumentError("document_unreadable", "no files are read here")

    async def rewrite(self, raw: bytes, media_type: str, images: str, new: Mapping[int, str], before: Opened) -> bytes:
        raise DocumentError("document_unreadable", "no files are read here")


class NoPieces:
    """`services.Pieces` of a process that holds none."""

    def begin(self, upload: str, head: bytes, ttl_s: float) -> None:
        raise UnavailableError("uploads in pieces are not held here", code="uploads_away")

    def head(self, upload: str) -> bytes | None:
        return None

    def size(self, upload: str) -> int:
        return 0

    def add(self, upload: str, piece: str, data: bytes, ttl_s: float | None = None) -> bool:
        return False

    def take(self, upload: str) -> Mapping[str, bytes] | None:
        return None

    def drop(self, upload: str) -> None: ...


class NoAnswers:
    """`services.KeptAnswers` of a process that keeps none."""

    async def keep(self, scope: Scope, exchange: str, attempt: int, text: str, ttl_s: int) -> bool:
        return False


class Unlimited:
    """`services.SpendingBook` without a limit."""

    def exhausted(self, one: Spending) -> frozenset[str]:
        return frozenset()

    def reserve(self, one: Spending) -> None: ...

    def add_tokens(self, one: Spending, tokens: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that the gate awaits or asks; swapped one by one in tests.

    active: what is in force for a new transfer. upstreams: origins that replace the register's. provider_key: the
    provider's key that we hold for a destination. value_refs: keyed hashes of a value, for a policy's exceptions.
    flags: what persons said about a purpose. claims: of a request's verified token. pods: by their addresses. budgets:
    what is left of the policy's. mirror: takes a copy of a recorded transfer for a second recipient, at once, without
    raising. answers: keeps what is to be compared. pieces: where uploads are held until they are whole; blocking.
    observe: counts an event (kind, label).
    """

    detection: Detection
    vault: AsyncVault
    recorder: Recorder
    references: PersonReferences
    offload: Offload
    formats: Formats
    scopes: ScopeRefs
    active: Callable[[], Active]
    upstreams: Mapping[str, Origin] = field(default_factory=dict)
    provider_key: Callable[[str], str | None] = _no_key
    value_refs: Callable[[str, str], frozenset[str]] = _no_refs
    flags: LookUp = _unknown_flags
    claims: ClaimsOf = no_claims
    pods: Pods = field(default_factory=NoPods)
    budgets: SpendingBook = field(default_factory=Unlimited)
    waiting: WaitingRoom | None = None
    documents: Documents = field(default_factory=NoDocuments)
    mirror: "Callable[[Work, Mirror, int], None]" = _no_mirrors
    answers: KeptAnswers = field(default_factory=NoAnswers)
    pieces: Pieces = field(default_factory=NoPieces)
    records: TransferRecords = field(default_factory=TransferRecords)
    observe: Callable[[str, str], None] = _unseen
    clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000


@dataclass(slots=True)
class Work:
    """One request: what each step found out. unread: why files of it could not be looked into.

    persons: whom it is about, by their identifiers, which never leave memory; subjects: what they said.
    mirrored: this is the copy for a second recipient, whose answer nobody gets and who may keep nothing. keep_days:
    how long question and answer are kept for a comparison, 0 for not at all. upload: the upload in parts that this is.
    provider_key: the one that it goes with.
    """

    facts: Facts
    active: Active
    exchange: Exchange
    format: Format
    endpoint: Endpoint | None = None
    head: RequestHead | None = None
    inspected: Inspected | None = None
    target: Target | None = None
    origin: Origin | None = None
    routed_from: Destination | None = None
    fingerprint: bytes = b""
    claims: Mapping[str, Any] = NO_CLAIMS
    files: "tuple[OpenFile, ...]" = ()
    unread: list[str] = field(default_factory=list)
    persons: tuple[Subject, ...] = ()
    subjects: tuple[SubjectFacts, ...] = ()
    asked: PolicyInput | None = None
    decision: TransferDecision | None = None
    tokenized: Tokenized | None = None
    bound: Bound | None = None
    spending: Spending | None = None
    receipt: Receipt | None = None
    seen: "Seen | None" = None
    mirrored: bool = False
    keep_days: int = 0
    upload: Mapping[str, Any] | None = None
    provider_key: str | None = field(default=None, repr=False)
    _stage: str = ""
    _entered: int = 0

    @property
    def identity(self) -> Identity:
        """Who sends; after the identify step."""
        identity = self.facts.identity
        assert identity is not None, LEFT_OUT
        return identity

    @property
    def destination(self) -> Destination:
        """Where to; after the identify step."""
        destination = self.facts.destination
        assert destination is not None, LEFT_OUT
        return destination

    @property
    def segments(self) -> tuple[Segment, ...]:
        """All texts of the request, those of the body first; after the parse step."""
        assert self.inspected is not None and self.target is not None, LEFT_OUT  # noqa: PT018
        body, target = self.inspected.segments, self.target.segments
        return (*body, *target) if target else body

    @property
    def objects(self) -> tuple[str, ...]:
        """What the request names of what the provider keeps; after the parse step."""
        assert self.inspected is not None, LEFT_OUT
        return tuple(self.inspected.state.values())

    @property
    def owners(self) -> tuple[str, ...]:
        """Whose objects the sender gets the originals of; after the identify step."""
        return self.active.policy.owners_for(self.identity.application)

    def enter(self, stage: str) -> None:
        """From here to the next stage, or to `leave`, time is this stage's of the record.

        No context manager: it costs more than most stages of a text seen before.
        """
        now, before = time.perf_counter_ns(), self._stage
        if before:
            stages = self.facts.stages
            stages[before] = stages.get(before, 0) + now - self._entered
        self._stage, self._entered = stage, now

    def leave(self) -> None:
        """The stage that was entered last has ended, if there is one that has not."""
        self.enter("")


LEFT_OUT = "a step of the gate was left out"


def known[T](value: T | None) -> T:
    """A value that an earlier step has set; its absence is a defect of ours and refuses the transfer."""
    assert value is not None, LEFT_OUT
    return value
