"""What else the log remembers: everything that changes, stops, reads or undoes what the transfers are recorded under.

One class for each kind, with the same rules as in `record`: closed sets, names of a fixed shape, integers, digests.
A person who acts is a reference as `References.actor` returns it, or `system`.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from audit import fields as f
from audit.checks import Closed, Many, Maybe, Whole
from audit.record import Recorded
from audit.values import (
    ApprovalReason,
    ErasurePhase,
    ErasureReason,
    ExportFormat,
    GapCause,
    KeyEvent,
    PolicyEvent,
    Question,
    RevealReason,
    ShredCause,
    StopState,
    StopTarget,
    TokenEvent,
)

MAX_NAMES = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(Recorded):
    """What every one of them holds."""

    at: Annotated[int, f.TIME_MS, "When, in milliseconds since 1970 UTC."]


@dataclass(frozen=True, slots=True, kw_only=True)
class GapRecord(Event):
    """A time for which this log can say nothing, because nothing was running or nothing could be written."""

    kind: ClassVar[str] = "gap"
    cause: Annotated[GapCause, Closed(GapCause), "Why."]
    since: Annotated[int, f.TIME_MS, "Begin at the earliest: time of the last entry or sign of life before it."]
    until: Annotated[int, f.TIME_MS, "End: when the log was ready again."]
    last_boot: Annotated[str | None, Maybe(f.ULID), "Boot id of the process that ended."] = None
    interrupted: Annotated[int, f.COUNT, "Transfers closed as interrupted."] = 0
    not_sent: Annotated[int, f.COUNT, "Transfers closed as not_sent."] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigRecord(Event):
    """How the process runs, at its start."""

    kind: ClassVar[str] = "config"
    version: Annotated[str, f.NAME, "Version of dragoman."]
    digest: Annotated[str, f.DIGEST, "SHA-256 of the effective configuration, secrets left out."]
    policy_digest: Annotated[str | None, Maybe(f.DIGEST), "SHA-256 of the policy at start."] = None
    modes: Annotated[tuple[str, ...], Many(f.TERM, 16), "Doors and modes that listen."] = ()
    workers: Annotated[int, f.COUNT, "Detection workers."] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRecord(Event):
    """Another policy decides from here on, or was refused; or an officer decided about a request that a rule holds."""

    kind: ClassVar[str] = "policy"
    event: Annotated[PolicyEvent, Closed(PolicyEvent), "What happened."]
    name: Annotated[str, f.NAME, "Name of the policy."]
    version: Annotated[str | None, Maybe(f.NAME), "Its version."] = None
    old_digest: Annotated[str | None, Maybe(f.DIGEST), "SHA-256 of the policy before."] = None
    new_digest: Annotated[str, f.DIGEST, "SHA-256 of the new policy."]
    register_digest: Annotated[str | None, Maybe(f.DIGEST), "SHA-256 of the register of destinations."] = None
    actor: Annotated[str, f.ACTOR, "Who."] = "system"
    second_actor: Annotated[str | None, Maybe(f.ACTOR), "Who agreed, where two people have to want it."] = None
    stricter: Annotated[int, f.COUNT, "Combinations of application, destination and type that became stricter."] = 0
    weaker: Annotated[int, f.COUNT, "Combinations that became weaker."] = 0
    request: Annotated[str | None, Maybe(f.ULID), "The held request: id of its `blocked` record."] = None
    rules: Annotated[tuple[str, ...], Many(f.NAME, MAX_NAMES), "Rules that hold it."] = ()
    until: Annotated[int | None, Maybe(f.TIME_MS), "End of the approval, in milliseconds since 1970 UTC."] = None
    reason: Annotated[ApprovalReason | None, Maybe(Closed(ApprovalReason)), "Why the officer approved."] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord(Event):
    """A signing key of the log begins; on rotation both keys sign `checkpoint.rotation_text`."""

    kind: ClassVar[str] = "key"
    event: Annotated[KeyEvent, Closed(KeyEvent), "What happened."]
    new_vkey: Annotated[str, f.VKEY, "Verifier key from here on."]
    old_vkey: Annotated[str | None, Maybe(f.VKEY), "Verifier key until here."] = None
    new_signature: Annotated[str | None, Maybe(f.SIGNATURE), "Signature by the new key."] = None
    old_signature: Annotated[str | None, Maybe(f.SIGNATURE), "Signature by the old key."] = None
    actor: Annotated[str, f.ACTOR, "Who."] = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class RevealRecord(Event):
    """Originals, or who an actor of this log is, were shown to a person; durable before they are."""

    kind: ClassVar[str] = "reveal"
    actor: Annotated[str, f.ACTOR, "Who asked."]
    approver: Annotated[str, f.ACTOR, "The second person."]
    reason: Annotated[RevealReason, Closed(RevealReason), "Why."]
    ticket: Annotated[str | None, Maybe(f.NAME), "Reference of the case."] = None
    transfer: Annotated[str | None, Maybe(f.ULID), "Exchange whose originals were shown."] = None
    scope: Annotated[str | None, Maybe(f.SCOPE), "Scope whose originals were shown, as the vault names it."] = None
    named: Annotated[str | None, Maybe(f.REFERENCE), "Reference of an actor, where it was shown who that is."] = None
    types: Annotated[tuple[str, ...], Many(f.ENTITY_TYPE, MAX_NAMES), "Kinds of data."] = ()
    n: Annotated[int, f.COUNT, "How many originals, or actors."]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShredRecord(Event):
    """Keys of scopes are destroyed; nothing under them can be put back or opened any more.

    It is durable before they are, so that a crash in between, or a restored backup, is made up for at the next start.
    """

    kind: ClassVar[str] = "shred"
    cause: Annotated[ShredCause, Closed(ShredCause), "Why."]
    scopes: Annotated[tuple[str, ...], Many(f.SCOPE, MAX_NAMES), "Scopes, as the vault names them."] = ()
    scopes_overflow: Annotated[int, f.COUNT, "Further scopes that are not named here."] = 0
    mappings: Annotated[int, f.COUNT, "Mappings that went with them."] = 0
    actor: Annotated[str, f.ACTOR, "Who."] = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureRecord(Event):
    """A person's data was erased; the references stand here so that a restored backup can do it again."""

    kind: ClassVar[str] = "erasure"
    id: Annotated[str, f.ULID, "Id of the erasure; its records share it."]
    phase: Annotated[ErasurePhase, Closed(ErasurePhase), "How far."]
    reason: Annotated[ErasureReason | None, Maybe(Closed(ErasureReason)), "Why, where it was said."] = None
    refs: Annotated[tuple[str, ...], Many(f.REFERENCE, MAX_NAMES), "References whose keys go or went."] = ()
    refs_overflow: Annotated[int, f.COUNT, "Further references; another record holds them."] = 0
    recipients: Annotated[tuple[str, ...], Many(f.NAME, MAX_NAMES), "Destinations to be told (GDPR Art. 19)."] = ()
    recipients_overflow: Annotated[int, f.COUNT, "Further destinations that did not fit."] = 0
    transfers: Annotated[int, f.COUNT, "Transfers that concerned the person."] = 0
    deleted: Annotated[int, f.COUNT, "Objects deleted at providers."] = 0
    refused: Annotated[int, f.COUNT, "Objects a provider refused to delete."] = 0
    kept: Annotated[int, f.COUNT, "Objects kept until a date."] = 0
    kept_until: Annotated[int | None, Maybe(f.TIME_MS), "The last such date."] = None
    mappings: Annotated[int, f.COUNT, "Mappings of the vault that were shredded."] = 0
    actor: Annotated[str, f.ACTOR, "Who."] = "system"
    second_actor: Annotated[str | None, Maybe(f.ACTOR), "Who agreed, where two people have to want it."] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRecord(Event):
    """Transfers to a destination or from an application were stopped, or may go on."""

    kind: ClassVar[str] = "stop"
    target: Annotated[StopTarget, Closed(StopTarget), "What kind."]
    name: Annotated[str, f.NAME, "Which, by its name in the policy."]
    state: Annotated[StopState, Closed(StopState), "Stopped or resumed."]
    actor: Annotated[str, f.ACTOR, "Who."] = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRecord(Event):
    """The log, or a part of it, was copied out."""

    kind: ClassVar[str] = "export"
    format: Annotated[ExportFormat, Closed(ExportFormat), "As what."]
    tree_size: Annotated[int, f.COUNT, "Size of the tree that was exported."]
    root: Annotated[str, f.DIGEST, "Its root hash."]
    entries: Annotated[int, f.COUNT, "Entries in the export."]
    first: Annotated[int | None, Maybe(f.COUNT), "Index of the first of them, where it is not 0."] = None
    sealed: Annotated[int | None, Maybe(f.COUNT), "Below this index transfers leave the log for their archive."] = None
    filters: Annotated[tuple[str, ...], Many(f.CODE, 32), "Fields that a part was chosen by; never the values."] = ()
    actor: Annotated[str, f.ACTOR, "Who."] = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryRecord(Event):
    """Somebody looked."""

    kind: ClassVar[str] = "query"
    question: Annotated[Question, Closed(Question), "What was asked."]
    filters: Annotated[tuple[str, ...], Many(f.CODE, 32), "Fields that were filtered by; never the values."] = ()
    refs: Annotated[
        tuple[str, ...], Many(f.REFERENCE, 16), "Persons and sessions that were asked about, as references."
    ] = ()
    transfer: Annotated[str | None, Maybe(f.ULID), "Exchange that was asked about."] = None
    results: Annotated[int, f.COUNT, "Rows in the answer."]
    actor: Annotated[str, f.ACTOR, "Who."] = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessRecord(Event):
    """A witness has cosigned a checkpoint of this log."""

    kind: ClassVar[str] = "witness"
    name: Annotated[str, f.KEY_NAME, "Name of the witness's key."]
    key_id: Annotated[str, f.KEY_ID, "Its key id."]
    tree_size: Annotated[int, Whole(1), "Size of the tree that was cosigned."]
    root: Annotated[str, f.DIGEST, "Its root hash."]
    cosigned_at: Annotated[int, f.COUNT, "The witness's time, in seconds since 1970 UTC."]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRecord(Event):
    """Somebody may look or act from here on, or may not any more. The token itself is nowhere in the log."""

    kind: ClassVar[str] = "token"
    event: Annotated[TokenEvent, Closed(TokenEvent), "Made or revoked."]
    token: Annotated[str, f.NAME, "Public id of the token."]
    role: Annotated[str, f.CODE, "What it allows."]
    actor: Annotated[str, f.ACTOR, "Who."] = "system"
