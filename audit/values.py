"""The closed value sets of a record: what a field may say, and nothing else.

A value may be added in a new release and is never renamed or removed, because old entries keep it for ever.
Vocabularies that the policy's language owns (legal bases, retention terms) are checked by shape in `fields`.
"""

from enum import StrEnum


class Environment(StrEnum):
    TEST = "test"
    STAGING = "staging"
    PROD = "prod"


class IdentifiedBy(StrEnum):
    """What made us believe which application it is."""

    CREDENTIAL = "credential"
    CERTIFICATE = "certificate"
    HEADER = "header"
    NETWORK = "network"
    POD = "pod"
    PROCESS = "process"
    CLAIM = "claim"
    PROVIDER_KEY = "provider_key"
    NONE = "none"


class SubjectRole(StrEnum):
    REQUESTER = "requester"
    AUTHOR = "author"
    PARTICIPANT = "participant"
    MENTIONED = "mentioned"


class TransferMechanism(StrEnum):
    """What the organisation declares for a third country (GDPR Art. 44 to 49)."""

    NONE_NEEDED = "none-needed"
    ADEQUACY = "adequacy"
    DPF_LISTED = "dpf-listed"
    SCC_M1 = "scc-m1"
    SCC_M2 = "scc-m2"
    SCC_M3 = "scc-m3"
    SCC_M4 = "scc-m4"
    BCR = "bcr"
    ART49_1A = "art49-1a"
    ART49_1B = "art49-1b"
    ART49_1C = "art49-1c"
    ART49_1D = "art49-1d"
    ART49_1E = "art49-1e"
    ART49_1F = "art49-1f"
    ART49_1G = "art49-1g"
    UNKNOWN = "unknown"


class Door(StrEnum):
    GATEWAY = "gateway"
    NETWORK = "network"
    COMMAND = "command"


class Mode(StrEnum):
    """The base-URL gateway, mitmproxy's proxy mode without its address, or a command over many rows (`bulk`)."""

    GATEWAY = "gateway"
    REGULAR = "regular"
    TRANSPARENT = "transparent"
    SOCKS5 = "socks5"
    REVERSE = "reverse"
    WIREGUARD = "wireguard"
    LOCAL = "local"
    UPSTREAM = "upstream"
    DNS = "dns"
    TUN = "tun"
    BULK = "bulk"


class Action(StrEnum):
    """What the policy decided for a whole transfer."""

    ALLOW = "allow"
    TRANSFORM = "transform"
    MIRROR = "mirror"
    ROUTE = "route"
    HOLD = "hold"
    BLOCK = "block"


class Operator(StrEnum):
    """What happened to a finding: one of the operators, or the action that kept the transfer from its way."""

    TOKENIZE = "tokenize"
    SURROGATE = "surrogate"
    REDACT = "redact"
    MASK = "mask"
    HASH = "hash"
    KEEP = "keep"
    ROUTE = "route"
    HOLD = "hold"
    BLOCK = "block"


class SegmentKind(StrEnum):
    """Whose words a piece of text holds."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL_DEFINITION = "tool_definition"
    TOOL_ARGUMENTS = "tool_arguments"
    TOOL_RESULT = "tool_result"
    KEY = "key"
    NUMBER = "number"
    METADATA = "metadata"
    PATH = "path"
    QUERY = "query"
    HEADER = "header"
    FILE = "file"
    UNKNOWN = "unknown"


class MediaKind(StrEnum):
    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"
    DOCUMENT = "document"
    OTHER = "other"


class MediaTreatment(StrEnum):
    """What became of an attachment.

    inspected: looked into, left as it came. rewritten: texts in it were replaced. painted: words of an image were
    painted over. stripped: what it told of its taker was taken out. retyped: another file with its words, some of them
    replaced, left in its place. passed: the policy let it pass.
    """

    INSPECTED = "inspected"
    REWRITTEN = "rewritten"
    PAINTED = "painted"
    STRIPPED = "stripped"
    RETYPED = "retyped"
    PASSED = "passed"


class UninspectedReason(StrEnum):
    """Why nothing looked into a part."""

    POLICY_PASS = "policy_pass"  # noqa: S105, a reason, not a secret
    OPAQUE = "opaque"
    ENCRYPTED = "encrypted"
    UNSUPPORTED_TYPE = "unsupported_type"
    UNREADABLE = "unreadable"
    TOO_LARGE = "too_large"
    REFERENCE = "reference"
    CREDENTIAL = "credential"
    NO_DETECTOR = "no_detector"


class Stage(StrEnum):
    """The stages of the one path, in their order."""

    READ = "read"
    IDENTIFY = "identify"
    PARSE = "parse"
    DETECT = "detect"
    DECIDE = "decide"
    TRANSFORM = "transform"
    VAULT = "vault"
    SPLICE = "splice"
    RECORD = "record"
    CONNECT = "connect"
    WAIT = "wait"
    RESTORE = "restore"
    TOTAL = "total"


class OutcomeState(StrEnum):
    """How an attempt ended. `interrupted`: we cannot know whether bytes left. `not_sent`: we know that none did."""

    COMPLETE = "complete"
    CUT = "cut"
    CLIENT_GONE = "client_gone"
    UPSTREAM_ERROR = "upstream_error"
    REFUSED = "refused"
    INTERRUPTED = "interrupted"
    NOT_SENT = "not_sent"


class StreamEnd(StrEnum):
    NONE = "none"
    COMPLETE = "complete"
    CUT = "cut"


class Inspection(StrEnum):
    """How an answer was looked at for personal data that we did not send."""

    NONE = "none"
    BUFFERED = "buffered"
    AFTERWARDS = "afterwards"
    FAILED = "failed"


class GapCause(StrEnum):
    """Why nothing could be recorded for a while."""

    CLEAN_STOP = "clean_stop"
    CRASH = "crash"
    STORAGE = "storage"
    BYPASS = "bypass"


class PolicyEvent(StrEnum):
    """ACTIVATED, REFUSED: a policy. APPROVED, DENIED: a request that one of its rules holds."""

    ACTIVATED = "activated"
    REFUSED = "refused"
    APPROVED = "approved"
    DENIED = "denied"


class KeyEvent(StrEnum):
    CREATED = "created"
    ROTATED = "rotated"


class RevealReason(StrEnum):
    """Why an original was shown to a person; the ticket says the rest."""

    ACCESS_REQUEST = "access_request"
    INCIDENT = "incident"
    LEGAL_DUTY = "legal_duty"
    FALSE_POSITIVE = "false_positive"
    SUPPORT = "support"


class ApprovalReason(StrEnum):
    """Why an officer lets a held request pass; what else there is to say stays outside the log."""

    CHECKED = "checked"
    CONSENT = "consent"
    CONTRACT = "contract"
    LEGAL_DUTY = "legal_duty"
    VITAL_INTEREST = "vital_interest"
    FALSE_POSITIVE = "false_positive"
    TEST = "test"


class ErasureReason(StrEnum):
    """Why a person's data is erased: the grounds of GDPR Art. 17(1) in their order; REQUEST for another law's."""

    NO_LONGER_NEEDED = "no_longer_needed"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    OBJECTION = "objection"
    UNLAWFUL = "unlawful"
    LEGAL_DUTY = "legal_duty"
    CHILD = "child"
    REQUEST = "request"


class ShredCause(StrEnum):
    EXPIRED = "expired"
    COMMAND = "command"
    ERASURE = "erasure"
    REAPPLIED = "reapplied"


class ErasurePhase(StrEnum):
    """An erasure is recorded when it begins, when it is done, and when a restored backup has it done again.

    `asked`: one person wants it and a second one has to as well. `held`: a legal hold forbids it from here on.
    `refused`: it was asked for and the hold stood. `released`: no hold.
    """

    ASKED = "asked"

    BEGUN = "begun"
    DONE = "done"
    HELD = "held"
    REAPPLIED = "reapplied"
    REFUSED = "refused"
    RELEASED = "released"


class TokenEvent(StrEnum):
    CREATED = "created"
    REVOKED = "revoked"


class StopTarget(StrEnum):
    DESTINATION = "destination"
    APPLICATION = "application"


class StopState(StrEnum):
    STOPPED = "stopped"
    RESUMED = "resumed"


class ExportFormat(StrEnum):
    TILES = "tiles"
    ARCHIVE = "archive"
    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"
    OCSF = "ocsf"
    OTEL = "otel"
    HTML = "html"
    PDF = "pdf"


class Question(StrEnum):
    """What somebody asked of the log."""

    QUERY = "query"
    SHOW = "show"
    WHO = "who"
    EXPLAIN = "explain"
    STATS = "stats"
    TAIL = "tail"
    PROVE = "prove"
    REPORT = "report"
