"""What every transfer leaves behind: facts before it (`TransferRecord`), after it (`OutcomeRecord`), or instead of it.

Only values of closed sets, names of a fixed shape, integers, booleans, ids and digests may enter; a value that came
over the network enters as `References.marked` returns it. No text that was inspected, no placeholder's original, no
identifier of a person ever may. Node, boot id and sequence number are stamped by the ledger, not given here.
The other kinds of record are in `events`. The sentence beside a field is also its line in docs/audit-record.md and in
the JSON Schema.
"""

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Self

from audit import fields as f
from audit.checks import Closed, Json, Many, Maybe, Whole
from audit.errors import RecordError
from audit.fields import Nested
from audit.flat import slotted
from audit.values import (
    Action,
    Door,
    Environment,
    IdentifiedBy,
    Inspection,
    MediaKind,
    MediaTreatment,
    Mode,
    Operator,
    OutcomeState,
    SegmentKind,
    Stage,
    StreamEnd,
    SubjectRole,
    TransferMechanism,
    UninspectedReason,
)

VERSION = 1
"""Version of the record's schema; it stands in every entry as `v`."""
MAX_ENTRY_BYTES = 8192
MAX_SUBJECTS = 64
MAX_FINDINGS = 256
"""Rows given; what does not fit into 8 kB is merged by `canonical.entry`, and the entry says so."""


@slotted
@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectReference:
    """A person concerned, as a keyed reference whose key can be destroyed."""

    ref: Annotated[str, f.REFERENCE, "Pseudonymous reference (`References.subject`)."]
    role: Annotated[SubjectRole, Closed(SubjectRole), "What the person has to do with the transfer."]


@slotted
@dataclass(frozen=True, slots=True, kw_only=True)
class PurposeFacts:
    """Why the transfer is made, as the organisation declares it in its policy."""

    name: Annotated[str, f.NAME, "Purpose by its name in the policy."]
    controller: Annotated[str | None, Maybe(f.LEGAL_NAME), "Who decides on the purpose (controller)."] = None
    basis: Annotated[str, f.TERM, "Declared legal basis (GDPR Art. 6)."] = "unknown"
    special_basis: Annotated[str, f.TERM, "Declared basis for special categories (Art. 9), or none."] = "none"
    notice: Annotated[str | None, Maybe(f.NAME), "Reference of the privacy notice."] = None
    dpia: Annotated[str | None, Maybe(f.NAME), "Reference of the impact assessment."] = None


@slotted
@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationFacts:
    """Who receives the data, as the register stood at the time; `unknown` is a value and is never guessed."""

    name: Annotated[str, f.NAME, "Destination by its name in the register."]
    contracting_entity: Annotated[str, f.LEGAL_NAME, "Legal entity the contract is with."] = "unknown"
    role: Annotated[str, f.TERM, "Role for this purpose: processor, controller, joint-controller, unknown."] = "unknown"
    agreement: Annotated[str | None, Maybe(f.NAME), "Reference of the agreement."] = None
    transfer: Annotated[
        TransferMechanism, Closed(TransferMechanism), "Declared mechanism for the transfer to a third country."
    ] = TransferMechanism.UNKNOWN
    processing: Annotated[tuple[str, ...], Many(f.COUNTRY, 64), "Countries of processing."] = ()
    storage: Annotated[tuple[str, ...], Many(f.COUNTRY, 64), "Countries of storage."] = ()
    access: Annotated[tuple[str, ...], Many(f.COUNTRY, 64), "Countries of remote access."] = ()
    retention: Annotated[str, f.TERM, "How long it is kept (`30d`, `zero`, `unknown`)."] = "unknown"
    training: Annotated[str, f.TERM, "Use for training (`no`, `yes`, `opted-out`, `unknown`)."] = "unknown"
    register_digest: Annotated[str | None, Maybe(f.DIGEST), "SHA-256 of the register entry these facts are from."] = (
        None
    )


@slotted
@dataclass(frozen=True, slots=True, kw_only=True)
class FindingCount(f.Again):
    """How often one kind of personal data was found, and what was done to it."""

    entity_type: Annotated[str, f.ENTITY_TYPE, "Kind of data (`PERSON`, `EMAIL_ADDRESS`)."]
    operator: Annotated[Operator, Closed(Operator), "What was done to it."]
    n: Annotated[int, Whole(1), "How many."]
    rule: Annotated[str | None, Maybe(f.NAME), "Id of the policy rule that decided."] = None
    score_decile: Annotated[int | None, Maybe(Whole(0, 9)), "Score: 7 means 0.7 to 0.8; 1.0 counts as 9."] = None
    language: Annotated[str | None, Maybe(f.LANGUAGE), "Language of the text it stood in."] = None
    recognizer: Annotated[str | None, Maybe(f.NAME), "Recognizer that found it."] = None
    exception: Annotated[str | None, Maybe(f.NAME), "Id of the exception that let it pass."] = None
    where: Annotated[str | None, Maybe(f.POINTER), "Schema pointer of the field, with * for free keys."] = None
    kind: Annotated[SegmentKind | None, Maybe(Closed(SegmentKind)), "Whose words they were."] = None


@slotted
@dataclass(frozen=True, slots=True, kw_only=True)
class MediaItem:
    """An image, document, recording or other attachment."""

    kind: Annotated[MediaKind, Closed(MediaKind), "What it is."]
    media_type: Annotated[str, f.MEDIA_TYPE, "Media type without parameters."]
    bytes: Annotated[int, f.COUNT, "Size in bytes."]
    commitment: Annotated[
        str | None, Maybe(f.DIGEST), "Salted commitment to the SHA-256 of its bytes as they came."
    ] = None
    treated: Annotated[MediaTreatment | None, Maybe(Closed(MediaTreatment)), "What became of it."] = None


@slotted
@dataclass(frozen=True, slots=True, kw_only=True)
class Uninspected:
    """A part that nothing looked into."""

    media_type: Annotated[str, f.MEDIA_TYPE, "Media type without parameters."]
    bytes: Annotated[int, f.COUNT, "Size in bytes."]
    reason: Annotated[UninspectedReason, Closed(UninspectedReason), "Why nothing looked into it."]


@slotted
@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """A detector or model that looked at the text."""

    name: Annotated[str, f.NAME, "Detector, model or recognizer set."]
    version: Annotated[str, f.NAME, "Its version."]


@slotted
@dataclass(frozen=True, slots=True, kw_only=True)
class StageTime:
    """Time spent in one stage."""

    stage: Annotated[Stage, Closed(Stage), "Stage of the path."]
    us: Annotated[int, f.COUNT, "Microseconds."]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What every kind of record shares: it is checked and encoded once, when it is made."""

    _facts: dict[str, Json] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_facts", f.encode(self))
        self.agree()

    def like(self, **given: Any) -> Self:
        """This record with other values in some fields. Only they are checked; the others were when it was made.

        Raises RecordError as making a record does.
        """
        facts = self.facts()
        made: Self = f.changed(self, facts, given)
        object.__setattr__(made, "_facts", facts)
        made.agree()
        return made

    def agree(self) -> None:
        """Raises RecordError where fields do not go together."""

    def facts(self) -> dict[str, Json]:
        """The record as a JSON object without its empty fields, not yet stamped; the caller's own copy."""
        return dict(self._facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeFacts(Recorded):
    """What is known of an exchange before anything is sent; both kinds of record before the first byte hold it."""

    id: Annotated[str, f.ULID, "Id of the exchange; all its attempts share it, and the app is told it."]
    attempt: Annotated[int, Whole(1, 1_000_000), "Attempt, from 1."] = 1
    at: Annotated[int, f.TIME_MS, "When, in milliseconds since 1970 UTC."]
    environment: Annotated[Environment, Closed(Environment), "Environment the policy names."]
    application: Annotated[str, f.NAME, "Application by its name in the policy, or unknown."]
    identified_by: Annotated[IdentifiedBy, Closed(IdentifiedBy), "How the application was identified."]
    subjects: Annotated[tuple[SubjectReference, ...], Many(Nested(SubjectReference), MAX_SUBJECTS), "Persons."] = ()
    subjects_overflow: Annotated[int, f.COUNT, "Further persons that did not fit."] = 0
    session: Annotated[str | None, Maybe(f.REFERENCE), "Pseudonymous reference of the session."] = None
    purpose: Annotated[PurposeFacts | None, Maybe(Nested(PurposeFacts)), "Why the transfer is made."] = None
    destination: Annotated[DestinationFacts | None, Maybe(Nested(DestinationFacts)), "Who receives the data."] = None
    provider: Annotated[str | None, Maybe(f.NAME), "Provider whose interface it is."] = None
    host: Annotated[str | None, Maybe(f.HOST), "Host that was (or would have been) connected to."] = None
    endpoint: Annotated[str | None, Maybe(f.NAME), "Operation, as the wire format names it."] = None
    model: Annotated[str | None, Maybe(f.MARKED), "Model, or a marker where its name is not a plain one."] = None
    format: Annotated[str | None, Maybe(f.NAME), "Wire format that read the request."] = None
    door: Annotated[Door, Closed(Door), "Door through which the request came."]
    mode: Annotated[Mode, Closed(Mode), "Mode of that door."]
    network: Annotated[str | None, Maybe(f.NAME), "Named network of the peer."] = None
    policy_digest: Annotated[str | None, Maybe(f.DIGEST), "SHA-256 of the policy that decided."] = None
    policy_name: Annotated[str | None, Maybe(f.NAME), "Its name."] = None
    policy_version: Annotated[str | None, Maybe(f.NAME), "Its version."] = None
    action: Annotated[Action, Closed(Action), "What was decided for the whole transfer."]
    rules: Annotated[tuple[str, ...], Many(f.NAME, 64), "Ids of the rules that took part, the decisive one first."] = ()
    rules_overflow: Annotated[int, f.COUNT, "Further rules that did not fit."] = 0
    findings: Annotated[
        tuple[FindingCount, ...], Many(Nested(FindingCount), MAX_FINDINGS), "What was found, counted."
    ] = ()
    findings_overflow: Annotated[int, f.COUNT, "Findings whose rows did not fit."] = 0
    media: Annotated[tuple[MediaItem, ...], Many(Nested(MediaItem), 16), "Attachments."] = ()
    media_overflow: Annotated[int, f.COUNT, "Further attachments that did not fit."] = 0
    uninspected: Annotated[
        tuple[Uninspected, ...], Many(Nested(Uninspected), 16), "Parts that nothing looked into."
    ] = ()
    uninspected_overflow: Annotated[int, f.COUNT, "Further such parts that did not fit."] = 0
    bytes_in: Annotated[int, f.COUNT, "Size of the body as it came."] = 0
    commitment_in: Annotated[str | None, Maybe(f.DIGEST), "Salted commitment to the body as it came."] = None
    detectors: Annotated[tuple[Detector, ...], Many(Nested(Detector), 16), "What looked at the text."] = ()
    stages: Annotated[tuple[StageTime, ...], Many(Nested(StageTime), len(Stage)), "Time spent."] = ()
    observe: Annotated[bool, f.FLAG, "The policy only observed: it decided and changed nothing."] = False


@slotted
@dataclass(frozen=True, slots=True, kw_only=True)
class TransferRecord(ExchangeFacts):
    """An attempt to send; durable before the first byte leaves."""

    kind: ClassVar[str] = "transfer"
    bytes_out: Annotated[int, f.COUNT, "Size of the body as it leaves."]
    commitment_out: Annotated[str, f.DIGEST, "Salted commitment to the body as it leaves."]

    def agree(self) -> None:
        """See `Recorded.agree`."""
        for name in ("destination", "host", "policy_digest", "commitment_in"):
            if getattr(self, name) is None:
                raise RecordError(name, "is required: nothing leaves without it")
        if self.action in {Action.BLOCK, Action.HOLD}:
            raise RecordError("action", "a transfer that is blocked or held is a BlockedRecord")


@slotted
@dataclass(frozen=True, slots=True, kw_only=True)
class BlockedRecord(ExchangeFacts):
    """A refusal: nothing was sent."""

    kind: ClassVar[str] = "blocked"
    reason: Annotated[str, f.CODE, "Stable reason code, the one the app was told."]
    status: Annotated[int, Whole(100, 599), "HTTP status of the refusal."]


@slotted
@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeRecord(Recorded):
    """How an attempt ended."""

    kind: ClassVar[str] = "outcome"
    id: Annotated[str, f.ULID, "Id of the exchange."]
    attempt: Annotated[int, Whole(1, 1_000_000), "Attempt, from 1."] = 1
    at: Annotated[int, f.TIME_MS, "When it ended, in milliseconds since 1970 UTC."]
    state: Annotated[OutcomeState, Closed(OutcomeState), "How it ended."]
    status: Annotated[int | None, Maybe(Whole(100, 599)), "HTTP status the app was given."] = None
    upstream_status: Annotated[int | None, Maybe(Whole(100, 599)), "HTTP status of the provider."] = None
    tokens_in: Annotated[int | None, Maybe(f.COUNT), "Tokens of the request, as the provider counts them."] = None
    tokens_out: Annotated[int | None, Maybe(f.COUNT), "Tokens of the answer."] = None
    bytes_sent: Annotated[int | None, Maybe(f.COUNT), "Bytes of the body that reached the transport."] = None
    bytes_received: Annotated[int, f.COUNT, "Bytes of the answer's body as it came."] = 0
    restored: Annotated[int, f.COUNT, "Placeholders put back."] = 0
    unknown: Annotated[int, f.COUNT, "Look-alikes that are in no vault."] = 0
    foreign: Annotated[int, f.COUNT, "Placeholders of another scope; left alone."] = 0
    withheld: Annotated[int, f.COUNT, "Placeholders the policy or their place kept from being put back."] = 0
    expired: Annotated[int, f.COUNT, "Placeholders whose time was over."] = 0
    findings: Annotated[
        tuple[FindingCount, ...], Many(Nested(FindingCount), MAX_FINDINGS), "Personal data in the answer."
    ] = ()
    findings_overflow: Annotated[int, f.COUNT, "Findings whose rows did not fit."] = 0
    inspected: Annotated[Inspection, Closed(Inspection), "How the answer was looked at."] = Inspection.NONE
    stream: Annotated[StreamEnd, Closed(StreamEnd), "Whether a streamed answer came to its end."] = StreamEnd.NONE
    first_byte_at: Annotated[int | None, Maybe(f.TIME_MS), "First byte of the answer, milliseconds since 1970."] = None
    stages: Annotated[tuple[StageTime, ...], Many(Nested(StageTime), len(Stage)), "Time spent."] = ()
    error: Annotated[str | None, Maybe(f.CODE), "Stable error code."] = None
