"""What the gate needs from the outside world, as Protocols: detection, vault, ledger, references, time.

The gate awaits these and nothing else, so tests swap them one by one and every failure of one can be played.
"""

from collections.abc import Awaitable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from audit.canonical import Record
from audit.ledger.writer import Receipt
from audit.record import SubjectReference
from policies.budgets import Spending
from policies.policy import Policy
from proxy.control.approvals import HeldRequest
from proxy.documents.base import Opened
from proxy.identity import OWN_HEADERS, CredentialBook, Pod, Subject
from proxy.messages import HOP_BY_HOP
from redaction.finding import SegmentFindings
from redaction.segment import Segment
from redaction.vault import ReplacedText, Scope


class DetectionResult(Protocol):
    """What detection found in the segments of one request, same order."""

    @property
    def segments(self) -> tuple[SegmentFindings, ...]: ...

    @property
    def version(self) -> str: ...


class Detection(Protocol):
    """Finds personal data without computing in the event loop."""

    async def detect(self, segments: Sequence[Segment], *, deadline_s: float, owner: bytes = b"") -> DetectionResult:
        """owner: for whom texts may be remembered, see `Identity.owner`."""
        ...


class AsyncVault(Protocol):
    """The vault, off the event loop. See `redaction.vault` for the meaning of each call."""

    async def open_scope(self, ref: str, *, kind: str, destination: str) -> Scope: ...

    async def issue(self, scope: Scope, items: Sequence[tuple[str, str]], persons: Sequence[str] = ()) -> list[str]: ...

    def known_texts(self, scope: Scope) -> Mapping[bytes, ReplacedText]: ...

    def remember_texts(self, scope: Scope, texts: Mapping[bytes, ReplacedText]) -> None: ...

    async def bound(self, destination: str, object_ids: Sequence[str], owners: Sequence[str]) -> "Bound | None":
        """owners: applications whose objects the one that names them may have."""
        ...

    async def held(self, scope: Scope) -> "Bound":
        """All placeholders of a live scope."""
        ...

    def bind(self, destination: str, object_id: str, scopes: Sequence[Scope], owner: str) -> Awaitable[None]:
        """Begins at the call; `bound` of the same object waits for it."""
        ...


@dataclass(frozen=True, slots=True)
class Bound:
    """What hangs on a provider object that a request names: its live scopes, session first, and their placeholders.

    expired: placeholders that the object may still speak of and that went with a scope of it.
    """

    scopes: tuple[Scope, ...]
    restorable: Mapping[str, str]
    expired: int = 0


class Recorder(Protocol):
    """The ledger: `append` returns when the record is durable, raises when it is not."""

    async def append(self, record: Record, *, proof: bool = False) -> Receipt:
        """proof: the receipt shall hold one."""
        ...

    def sending(self, receipt: Receipt) -> None:
        """The first byte of that transfer may leave now."""
        ...


class KeptAnswers(Protocol):
    """Where answers are kept for a comparison. See `redaction.vault.Answers`."""

    async def keep(self, scope: Scope, exchange: str, attempt: int, text: str, ttl_s: int) -> bool: ...


class Pods(Protocol):
    """The pods of Kubernetes, by their addresses; see `proxy.outbound.pods`."""

    async def know(self, namespaces: frozenset[str]) -> None:
        """Returns when the pods of these namespaces are known, or cannot be; never raises."""
        ...

    def at(self, address: str) -> Pod | None: ...


class SpendingBook(Protocol):
    """What the policy's budgets have left."""

    def exhausted(self, one: Spending) -> frozenset[str]: ...

    def reserve(self, one: Spending) -> None:
        """Counts a transfer. Raises RefusedError where it would overdraw a budget."""
        ...

    def add_tokens(self, one: Spending, tokens: int) -> None: ...


class WaitingRoom(Protocol):
    """Where a request that a rule holds waits for an officer; it has been refused and recorded."""

    async def ask(self, held: HeldRequest) -> bool:
        """False where too many wait already."""
        ...


class Documents(Protocol):
    """Reads and rewrites files off the event loop; see `proxy.documents.pool`."""

    async def read(self, raw: bytes, media_type: str, images: str) -> Opened: ...

    async def rewrite(
        self, raw: bytes, media_type: str, images: str, new: Mapping[int, str], before: Opened
    ) -> bytes: ...


class Pieces(Protocol):
    """Where uploads are held until they are whole. Names are whatever the caller likes; nobody else sees them."""

    def begin(self, upload: str, head: bytes, ttl_s: float) -> None:
        """A new upload, which is forgotten after that time. Raises FormatError `too_many_uploads`."""
        ...

    def head(self, upload: str) -> bytes | None:
        """What it began with; None where there is none of that name."""
        ...

    def size(self, upload: str) -> int:
        """Bytes of its pieces, 0 where there is none."""
        ...

    def add(self, upload: str, piece: str, data: bytes, ttl_s: float | None = None) -> bool:
        """One more piece, once; False where the upload is not there, or has a piece of that name.

        ttl_s: from now on. Raises FormatError `upload_too_large`, after which the upload is gone, `upload_invalid`.
        """
        ...

    def take(self, upload: str) -> Mapping[str, bytes] | None:
        """All pieces in the order of their names, for one caller alone; the upload is gone then."""
        ...

    def drop(self, upload: str) -> None:
        """Forget it."""
        ...


class PersonReferences(Protocol):
    """Pseudonymous references, made by the ledger's keys."""

    async def subjects(self, subjects: Sequence[Subject]) -> tuple[SubjectReference, ...]: ...

    async def session(self, session: str) -> str | None: ...

    def marked(self, text: str) -> str | None: ...


MISSPELLED = tuple(
    name.replace("-", "_")
    for name in (*HOP_BY_HOP, "content-length", "content-type", "content-encoding")
    if "-" in name
)
"""Receivers behind CGI or WSGI take these for the fields that say how a body is read, which we read by the others."""


@dataclass(frozen=True, slots=True)
class Active:
    """What is in force for a new transfer; a running one ends under what it began with.

    approved: fingerprint of a request -> rules that an officer lets it pass, in spite of `do: hold`.
    stale: what other machines set (stops, credentials) could not be read for so long that nothing may pass.
    ends_here: names of header fields that no format sees: of one connection, ours, and those that tell us who sends.
    pod_namespaces: of the policy. Both are asked by every request, and a policy may have hundreds of applications.
    """

    policy: Policy
    credentials: CredentialBook
    stopped_destinations: frozenset[str] = frozenset()
    stopped_applications: frozenset[str] = frozenset()
    approved: Mapping[bytes, frozenset[str]] = field(default_factory=dict)
    stale: bool = False
    ends_here: tuple[str, ...] = field(init=False)
    pod_namespaces: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        for_us = dict.fromkeys((*HOP_BY_HOP, *MISSPELLED, *OWN_HEADERS, *_for_us(self.policy)))
        object.__setattr__(self, "ends_here", tuple(for_us))
        object.__setattr__(self, "pod_namespaces", self.policy.pod_namespaces())


def _for_us(policy: Policy) -> Iterator[str]:
    """The headers that tell us who sends and what persons agreed to; nobody else's business."""
    if policy.subject_source is not None and policy.subject_source.source == "header":
        yield policy.subject_source.at.lower()
    if policy.tokens is not None:
        yield policy.tokens.header
    for application in policy.applications.values():
        if application.identify.header:
            yield application.identify.header.partition("=")[0].lower()
