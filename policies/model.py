"""What goes into a decision and what comes out of it: small frozen values, nothing else.

Only facts about a transfer enter: entity types, scores, names of applications and destinations, flags, sizes, keyed
hashes. Inspected text, its pointers and its originals never do, so everything here may be recorded and shown.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

type ParamValue = str | int


class Action(StrEnum):
    """What happens to a transfer, from the least to the most restrictive. `rank` orders them."""

    ALLOW = "allow"
    TRANSFORM = "transform"
    ROUTE = "route"
    HOLD = "hold"
    BLOCK = "block"

    @property
    def rank(self) -> int:
        """0 (allow) to 4 (block); a transfer takes the highest rank among its parts."""
        return RANKS[self]


RANKS: dict[Action, int] = {action: rank for rank, action in enumerate(Action)}


class Operator(StrEnum):
    """How a finding is changed (`redaction.operators` has one of each name); `keep` leaves it as it is."""

    KEEP = "keep"
    TOKENIZE = "tokenize"
    SURROGATE = "surrogate"
    REDACT = "redact"
    MASK = "mask"
    HASH = "hash"


class MediaKind(StrEnum):
    """The families of parts that are not text. `other` is everything that no family knows."""

    IMAGE = "image"
    DOCUMENT = "document"
    AUDIO = "audio"
    VIDEO = "video"
    SENSOR = "sensor"
    OTHER = "other"


class MediaAction(StrEnum):
    """What happens to one part: its text is inspected, it passes uninspected (and is recorded so), or is refused.

    retype: of documents; inspected, and one that cannot be rewritten leaves as a new one that holds its words alone.
    """

    INSPECT = "inspect"
    RETYPE = "retype"
    PASS = "pass"  # noqa: S105 (a verdict, not a password)
    REFUSE = "refuse"


class Consent(StrEnum):
    """What a person said about this purpose, as far as the caller could find out."""

    GIVEN = "given"
    WITHDRAWN = "withdrawn"
    UNKNOWN = "unknown"


class Flag(StrEnum):
    """A yes, a no, or nothing known; rules must say what `unknown` gets."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Code(StrEnum):
    """Why a transfer was decided as it was; stable, for the record and the `dragoman-reason` header."""

    RULE = "policy_rule"
    NO_RULE = "policy_no_rule"
    APPLICATION_UNKNOWN = "application_unknown"
    DESTINATION_UNKNOWN = "destination_unknown"
    DESTINATION_EXPIRED = "destination_expired"
    PURPOSE_NOT_PERMITTED = "purpose_not_permitted"
    MEDIA_REFUSED = "media_refused"
    ROUTE_LOOP = "route_loop"
    BUDGET_EXCEEDED = "budget_exceeded"


@dataclass(frozen=True, slots=True)
class FindingFacts:
    """What the policy may know about one finding.

    entity_type: `PERSON`, `IBAN_CODE`, or a company's own. score: 0.0 to 1.0.
    segment_kind: whose words it stood in (`user`, `tool_result`, ...). language: ISO 639-1 of the segment, or "".
    recognizer: who found it. value_refs: keyed hashes of the value, computed by the caller only if
        `Policy.needs_value_refs`; they are compared with those of exceptions and mean nothing else.
    """

    entity_type: str
    score: float = 1.0
    segment_kind: str = "unknown"
    language: str = ""
    recognizer: str = ""
    value_refs: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SubjectFacts:
    """One person a transfer is about. role: requester, author, participant or mentioned; the flags as looked up."""

    role: str = "requester"
    consent: Consent = Consent.UNKNOWN
    objected: Flag = Flag.UNKNOWN
    minor: Flag = Flag.UNKNOWN


@dataclass(frozen=True, slots=True)
class MediaPart:
    """A part that is not text. media_type: as in RFC 6838 (`image/png`). size: bytes.

    inspectable: True when everything in it that could be personal can be looked at with what is installed.
    """

    kind: MediaKind
    media_type: str = ""
    size: int = 0
    inspectable: bool = False


@dataclass(frozen=True, slots=True)
class PolicyInput:
    """Everything a decision may depend on.

    application: a name from `Policy.applications`, or "" when nobody knows which app it is.
    identified_by: credential, certificate, claim, provider_key, header, pod, network or none.
    destination: a name from `Policy.destinations`, or "" for a host that is not in the register.
    time: aware; exceptions, destinations and time windows end by it.
    purpose: a name from `Policy.purposes`, or "" for the application's own.
    subjects: nobody known is the same as one requester of whom nothing is known.
    languages: ISO 639-1 of all texts of the transfer. size: bytes of the body as it came.
    session_bucket: 0 to 9999, the same for every transfer of one session (see `Policy.bucket`), or None.
    approved: ids of `hold` rules that a person has approved for this transfer.
    exhausted: ids of budgets that the caller found used up (`policies.budgets`).
    """

    application: str
    destination: str
    time: datetime
    findings: tuple[FindingFacts, ...] = ()
    identified_by: str = "none"
    purpose: str = ""
    subjects: tuple[SubjectFacts, ...] = ()
    media: tuple[MediaPart, ...] = ()
    languages: frozenset[str] = frozenset()
    size: int = 0
    endpoint: str = ""
    model: str = ""
    session_bucket: int | None = None
    approved: frozenset[str] = frozenset()
    exhausted: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens to one finding, to one media part, or to the rest of the text, and which rule said so.

    rule_id: "" when no rule matched (then the action is block). operator and params: for `redaction.transform`.
    exception: id of the exception that let the value pass, or "". to: destination of a route.
    """

    action: Action
    rule_id: str = ""
    operator: Operator = Operator.KEEP
    params: tuple[tuple[str, ParamValue], ...] = ()
    because: str = ""
    exception: str = ""
    to: str = ""
    code: Code = Code.RULE


@dataclass(frozen=True, slots=True)
class MediaDecision:
    """What happens to one media part. rule_id: the rule, or `media:<kind>` for the policy's media table."""

    action: MediaAction
    rule_id: str
    because: str = ""


@dataclass(frozen=True, slots=True)
class Mirror:
    """A second recipient that a rule asks for; decide for it with `Policy.decide_mirror` and record it by itself.

    purpose: of the copy, "" for the first one's. keep_days: how long the pair of answers is kept, 0 for not at all.
    """

    to: str
    rule_id: str
    because: str = ""
    output_may_train: bool = False
    purpose: str = ""
    keep_days: int = 0


@dataclass(frozen=True, slots=True)
class TransferDecision:
    """What happens to a transfer.

    action: what the caller must do. With ROUTE the transfer goes to `route_to` and `decisions` are those that hold
        there; with HOLD it waits for an approval of every rule in `holds` (and then is decided again).
    decisions: one per finding of the input, in the same order. rest: the text in which nothing was found.
    media: one per media part, in the same order.
    rule_id, code, because: of the part that decided. rule_ids: every rule that took part, the decisive
        one first, then in the policy's order.
    observe: nothing may be changed, because the policy only observes this application; `action` and `decisions`
        already say so, and `would` is the decision without it, for the record.
    mirrors: second recipients, empty unless the transfer goes on.
    """

    action: Action
    decisions: tuple[Decision, ...] = ()
    rest: Decision = field(default_factory=lambda: Decision(Action.BLOCK, code=Code.NO_RULE))
    media: tuple[MediaDecision, ...] = ()
    rule_id: str = ""
    code: Code = Code.RULE
    because: str = ""
    rule_ids: tuple[str, ...] = ()
    route_to: str = ""
    holds: tuple[str, ...] = ()
    mirrors: tuple[Mirror, ...] = ()
    observe: bool = False
    would: "TransferDecision | None" = None
    purpose: str = ""

    @property
    def allowed(self) -> bool:
        """True when the transfer may leave now, changed as `decisions` say, to `route_to` if that is set."""
        return self.action.rank <= Action.ROUTE.rank
