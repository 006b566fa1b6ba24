"""From what the gate knows to what the ledger keeps: the one place where facts of a transfer become a record.

Counts, names of the policy, digests and times enter a record; texts, pointers with user-made keys and header values do
not. What came over the network and is not of a closed set goes through `References.marked` first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from audit.commitment import MEDIA, commit
from audit.record import (
    MAX_SUBJECTS,
    BlockedRecord,
    Detector,
    MediaItem,
    OutcomeRecord,
    StageTime,
    SubjectReference,
    TransferRecord,
    Uninspected,
)
from audit.values import (
    Action,
    Door,
    Environment,
    IdentifiedBy,
    Inspection,
    MediaKind,
    MediaTreatment,
    Mode,
    OutcomeState,
    Stage,
    StreamEnd,
    UninspectedReason,
)
from policies.destination import Destination
from policies.policy import Policy
from proxy.exchange import Ending, Exchange
from proxy.formats.base import MediaPart
from proxy.identity import Identity
from proxy.messages import Egress
from proxy.steps.declared import NAME, destination_facts, named, purpose_facts
from proxy.steps.found import Found, count
from proxy.steps.media_types import recorded_type


@dataclass(slots=True)
class Facts:
    """What is known of one transfer so far; filled step by step by the gate, read once for the record.

    attempt: 1 for what the app asked for; a copy for a further recipient has the same id and the next number.
    """

    transfer: str
    at_ms: int
    egress: Egress
    policy: Policy
    identity: Identity | None = None
    destination: Destination | None = None
    host: str = ""
    provider: str = ""
    format: str = ""
    endpoint: str = ""
    model: str | None = None
    session: str | None = None
    subjects: tuple[SubjectReference, ...] = ()
    purpose: str = ""
    action: str = "block"
    rules: tuple[str, ...] = ()
    observe: bool = False
    found: Sequence[Found] = ()
    media: tuple[MediaPart, ...] = ()
    uninspected: tuple[tuple[MediaPart, str], ...] = ()
    detector_version: str = ""
    expired: int = 0
    commitment_in: str | None = None
    commit_key: bytes = field(default=b"", repr=False)
    stages: dict[str, int] = field(default_factory=dict)
    attempt: int = 1


MAX_ALIKE = 1024
_NOT_YET = "0" * 64
_STAGE = {str(stage): stage for stage in Stage}
_ENDED = {ending: OutcomeState(ending.value) for ending in Ending}
_INSPECTED = {str(how): how for how in Inspection}


class TransferRecords:
    """Makes records of attempts to send; a gate has one of its own, because it remembers what many have in common."""

    def __init__(self) -> None:
        # What transfers of one application to one destination under one policy have in common -> policy and
        # destination, so that no others can have their identities, and a record that holds just that.
        self._alike: dict[tuple[Any, ...], tuple[Policy, Destination | None, TransferRecord]] = {}

    def __len__(self) -> int:
        return len(self._alike)

    def make(self, facts: Facts, *, bytes_out: int, commitment_out: str) -> TransferRecord:
        """The record of an attempt to send. Raises RecordError where a fact is not of its closed shape."""
        return self._like(facts).like(**_own(facts), bytes_out=bytes_out, commitment_out=commitment_out)

    def _like(self, facts: Facts) -> TransferRecord:
        """A record of no transfer, with everything that others share with this one."""
        policy, destination, identity, egress = facts.policy, facts.destination, facts.identity, facts.egress
        key = (
            *(id(policy), id(destination), facts.purpose, facts.provider, facts.endpoint, facts.format, facts.action),
            *(egress.door, egress.mode, facts.rules, facts.observe, facts.detector_version),
            *((identity.application, identity.identified_by) if identity else ()),
        )
        known = self._alike.get(key)
        if known is None:
            if len(self._alike) >= MAX_ALIKE:
                self._alike.clear()
            record = TransferRecord(
                **_shared(facts), id="0" * 26, at=0, host="unknown", commitment_in=_NOT_YET, bytes_out=0,
                commitment_out=_NOT_YET,
            )  # fmt: skip
            known = self._alike[key] = policy, destination, record
        return known[2]


def blocked_record(facts: Facts, *, code: str, status: int) -> BlockedRecord:
    """The record of a refusal."""
    common = _common(facts)
    if facts.action not in {"block", "hold"}:
        common["action"] = Action.BLOCK
    return BlockedRecord(**common, reason=code, status=status)


def outcome_record(
    exchange: Exchange,
    ending: Ending,
    *,
    at_ms: int,
    found: Sequence[Found],
    inspected: str,
    expired: int,
    attempt: int,
) -> OutcomeRecord:
    """How an attempt ended. found: in the answer. expired: placeholders whose scope is gone and that the provider may
    still speak of.

    attempt: see `Facts`; of any but the first the app is told nothing.
    """
    findings, overflow = count(found)
    facts = exchange.reader.facts if exchange.reader is not None else None
    counts = exchange.cleared.restorer.counts if exchange.cleared is not None else None
    state = _ENDED[ending]
    if ending is Ending.COMPLETE and facts is not None and facts.events and not facts.complete:
        state = OutcomeState.CUT
    stream = StreamEnd.NONE
    if facts is not None and facts.events:
        stream = StreamEnd.COMPLETE if facts.complete else StreamEnd.CUT
    return OutcomeRecord(
        id=exchange.transfer,
        attempt=attempt,
        at=at_ms,
        state=state,
        status=exchange.status if attempt == 1 else None,
        upstream_status=exchange.status,
        tokens_in=facts.usage.input_tokens if facts else None,
        tokens_out=facts.usage.output_tokens if facts else None,
        bytes_sent=exchange.bytes_sent if exchange.sent_at is not None else None,
        bytes_received=exchange.bytes_received,
        restored=counts.restored if counts else 0,
        unknown=counts.unknown if counts else 0,
        foreign=counts.foreign if counts else 0,
        withheld=counts.withheld if counts else 0,
        expired=expired,
        findings=findings,
        findings_overflow=overflow,
        inspected=_INSPECTED[inspected],
        stream=stream,
        first_byte_at=exchange.first_byte_at,
        stages=_since_sent(exchange),
        error=exchange.error,
    )


def media_kind(media_type: str) -> MediaKind:
    """The family of a media type."""
    top, _, sub = media_type.partition(";")[0].strip().lower().partition("/")
    if top in {"image", "audio", "video"}:
        return MediaKind(top)
    if top == "text" or sub in {"pdf", "json", "msword"} or "officedocument" in sub:
        return MediaKind.DOCUMENT
    return MediaKind.OTHER


def _common(facts: Facts) -> dict[str, Any]:
    return _shared(facts) | _own(facts)


def _shared(facts: Facts) -> dict[str, Any]:
    """What the transfers of one application to one destination have in common."""
    egress, policy, identity = facts.egress, facts.policy, facts.identity
    name = identity.application if identity and NAME.fullmatch(identity.application) else "unknown"
    return {
        "environment": Environment(policy.environment.value),
        "application": name,
        "identified_by": IdentifiedBy(identity.identified_by if identity else "none"),
        "purpose": purpose_facts(policy, facts.purpose),
        "destination": destination_facts(facts.destination, facts.purpose),
        "provider": named(facts.provider or (facts.destination.name if facts.destination else "")),
        "endpoint": named(facts.endpoint),
        "format": named(facts.format),
        "door": Door(egress.door.value),
        "mode": Mode(egress.mode.partition(":")[0].partition("@")[0]),
        "policy_digest": policy.digest.removeprefix("sha256:"),
        "policy_name": named(policy.name),
        "policy_version": str(policy.version),
        "action": Action(facts.action),
        "rules": tuple(rule for rule in facts.rules[:64] if NAME.fullmatch(rule)),
        "detectors": (Detector(name="engine", version=facts.detector_version),) if facts.detector_version else (),
        "observe": facts.observe,
    }


def _own(facts: Facts) -> dict[str, Any]:
    """What is one transfer's own."""
    findings, overflow = count(facts.found)
    return {
        "id": facts.transfer,
        "attempt": facts.attempt,
        "at": facts.at_ms,
        "subjects": facts.subjects[:MAX_SUBJECTS],
        "subjects_overflow": max(0, len(facts.subjects) - MAX_SUBJECTS),
        "session": facts.session,
        "host": facts.host or None,
        "model": facts.model,
        "findings": findings,
        "findings_overflow": overflow,
        "media": tuple([_media(part, facts) for part in facts.media[:16]]),
        "media_overflow": max(0, len(facts.media) - 16),
        "uninspected": tuple([_uninspected(part, reason, facts.policy) for part, reason in facts.uninspected[:16]]),
        "uninspected_overflow": max(0, len(facts.uninspected) - 16),
        "bytes_in": len(facts.egress.body),
        "commitment_in": facts.commitment_in,
        "stages": _stages(facts.stages),
    }


def _media(part: MediaPart, facts: Facts) -> MediaItem:
    key, digest = facts.commit_key, part.digest
    return MediaItem(
        kind=media_kind(part.media_type),
        media_type=recorded_type(part.media_type, facts.policy),
        bytes=part.size,
        commitment=commit(key, facts.transfer, MEDIA, digest) if key and digest else None,
        treated=MediaTreatment(part.treated) if part.treated else None,
    )


def _uninspected(part: MediaPart, reason: str, policy: Policy) -> Uninspected:
    media_type = recorded_type(part.media_type, policy)
    return Uninspected(media_type=media_type, bytes=part.size, reason=UninspectedReason(reason))


def _stages(stages: Mapping[str, int]) -> tuple[StageTime, ...]:
    return tuple([StageTime(stage=_STAGE[name], us=ns // 1000) for name, ns in stages.items()])


def _since_sent(exchange: Exchange) -> tuple[StageTime, ...]:
    """What an answer took, from the moment when the request left: to its first word, and to its end."""
    sent = exchange.sent_at
    if sent is None or exchange.session is not None:
        return ()
    moments = ((Stage.WAIT, exchange.first_text_at), (Stage.TOTAL, exchange.ended_at))
    return tuple([StageTime(stage=stage, us=max(0, at - sent) * 1000) for stage, at in moments if at is not None])


def config_digest(parts: Sequence[str]) -> str:
    """SHA-256 over the effective configuration's lines (secrets left out by the caller)."""
    return sha256("\n".join(parts).encode()).hexdigest()
