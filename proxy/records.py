"""From what the gate knows to what the ledger keeps: the one place where facts of a transfer become a record.

Counts, names of the policy, digests and times enter a record; texts, pointers with user-made keys and header values do
not. What came over the network and is not of a closed set goes through `References.marked` first.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import Any, NamedTuple

from audit.record import (
    MAX_FINDINGS,
    MAX_SUBJECTS,
    BlockedRecord,
    DestinationFacts,
    Detector,
    FindingCount,
    MediaItem,
    OutcomeRecord,
    PurposeFacts,
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
    Operator,
    OutcomeState,
    SegmentKind,
    Stage,
    StreamEnd,
    TransferMechanism,
    UninspectedReason,
)
from policies.destination import Destination
from policies.model import Action as PolicyAction
from policies.model import Decision
from policies.policy import Policy
from proxy.exchange import Ending, Exchange
from proxy.formats.base import MediaPart
from proxy.identity import Identity
from proxy.messages import Egress
from redaction.finding import Finding
from redaction.segment import Segment
from redaction.segment import SegmentKind as TextKind

_POINTER = re.compile(r"(?:path|query|header|/)[A-Za-z0-9_.~*/$:-]*", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+-]{0,95}", re.ASCII)
_TERM = re.compile(r"[a-z0-9][a-z0-9._:+-]{0,63}", re.ASCII)
_ENTITY = re.compile(r"[A-Z][A-Z0-9_]{0,47}", re.ASCII)
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]*/[a-z0-9][a-z0-9.+-]*", re.ASCII)
_LANGUAGE = re.compile(r"[a-z]{2,3}", re.ASCII)


MAX_DESTINATIONS = 1024
_DESTINATIONS: dict[tuple[int, str], tuple[Destination, DestinationFacts]] = {}
"""(identity of a destination, purpose) -> the destination, so that no other can have its identity, and its facts."""
KEPT = Decision(PolicyAction.ALLOW)
"""For what was only seen: personal data in an answer, which nothing replaced."""


class Found(NamedTuple):
    """One finding with what was decided for it and where it stood. A tuple, because a long talk has hundreds."""

    finding: Finding
    segment: Segment
    language: str
    decision: Decision


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
    stages: dict[str, int] = field(default_factory=dict)
    attempt: int = 1


def transfer_record(facts: Facts, *, bytes_out: int, commitment_out: str) -> TransferRecord:
    """The record of an attempt to send. Raises RecordError where a fact is not of its closed shape."""
    return TransferRecord(**_common(facts), bytes_out=bytes_out, commitment_out=commitment_out)


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
    findings: tuple[FindingCount, ...],
    inspected: str,
    expired: int = 0,
    attempt: int = 1,
) -> OutcomeRecord:
    """How an attempt ended. expired: placeholders whose scope is gone and that the provider may still speak of.

    attempt: see `Facts`; of any but the first the app is told nothing.
    """
    facts = exchange.reader.facts if exchange.reader is not None else None
    counts = exchange.cleared.restorer.counts if exchange.cleared is not None else None
    state = OutcomeState(ending.value)
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
        inspected=Inspection(inspected),
        stream=stream,
        first_byte_at=exchange.first_byte_at,
        stages=_since_sent(exchange),
        error=exchange.error,
    )


def count(found: Sequence[Found]) -> tuple[tuple[FindingCount, ...], int]:
    """Findings as counts, the most frequent first, and how many found no row."""
    # Rows are validated when they are made, so one is made per kind of finding and not per finding.
    decisions = {id(item.decision): item.decision for item in found}
    kinds = Counter([
        (id(decision), one.entity_type, one.score, language, one.recognizer, segment.schema_pointer, segment.kind)
        for one, segment, language, decision in found
    ])  # fmt: skip
    alike: Counter[_Row] = Counter()
    for kind, n in kinds.items():
        alike[_in_words(kind, decisions[kind[0]])] += n
    ranked = alike.most_common()
    kept = tuple(_row(kind, n) for kind, n in ranked[:MAX_FINDINGS])
    return kept, sum(n for _, n in ranked[MAX_FINDINGS:])


type _Kind = tuple[int, str, float, str, str, str, TextKind]
"""What makes findings alike, as they come: the decision's identity first. Cheap, for there may be hundreds."""
type _Row = tuple[str, str, int, str, str, str, str, str, str]


def _in_words(alike: _Kind, decision: Decision) -> _Row:
    _, entity_type, score, language, recognizer, place, kind = alike
    action = decision.action
    operator = decision.operator if action is PolicyAction.ALLOW or action is PolicyAction.TRANSFORM else action
    decile = min(9, int(score * 10))
    return entity_type, operator, decile, language, recognizer, decision.rule_id, decision.exception, place, kind


@lru_cache(maxsize=4096)
def _row(kind: _Row, n: int) -> FindingCount:
    """The same rows come again with every turn, and making one validates it. Closed names and schema pointers only."""
    entity_type, operator, decile, language, recognizer, rule, exception, place, segment_kind = kind
    return FindingCount(
        entity_type=entity_name(entity_type),
        operator=Operator(operator),
        n=n,
        rule=_named(rule),
        score_decile=decile,
        language=language if _LANGUAGE.fullmatch(language) else None,
        recognizer=_named(recognizer),
        exception=_named(exception),
        where=where(place),
        kind=SegmentKind(segment_kind),
    )


def where(schema_pointer: str) -> str | None:
    """A schema pointer as a record may hold it; one that is not of the allowed shape says only that there was one."""
    if not schema_pointer:
        return None
    pointer = schema_pointer.replace("#", "/$json")[:128]
    return pointer if _POINTER.fullmatch(pointer) else "/*"


def entity_name(entity_type: str) -> str:
    """An entity type as a record may hold it."""
    return entity_type if _ENTITY.fullmatch(entity_type) else "CUSTOM"


def media_kind(media_type: str) -> MediaKind:
    """The family of a media type."""
    top, _, sub = media_type.partition("/")
    if top in {"image", "audio", "video"}:
        return MediaKind(top)
    if top == "text" or sub in {"pdf", "json", "msword"} or "officedocument" in sub:
        return MediaKind.DOCUMENT
    return MediaKind.OTHER


def _common(facts: Facts) -> dict[str, Any]:
    egress, policy, identity = facts.egress, facts.policy, facts.identity
    findings, overflow = count(facts.found)
    name = identity.application if identity and _NAME.fullmatch(identity.application) else "unknown"
    return {
        "id": facts.transfer,
        "attempt": facts.attempt,
        "at": facts.at_ms,
        "environment": Environment(policy.environment.value),
        "application": name,
        "identified_by": IdentifiedBy(identity.identified_by if identity else "none"),
        "subjects": facts.subjects[:MAX_SUBJECTS],
        "subjects_overflow": max(0, len(facts.subjects) - MAX_SUBJECTS),
        "session": facts.session,
        "purpose": _purpose(policy, facts.purpose),
        "destination": _destination(facts.destination, facts.purpose),
        "provider": _named(facts.provider or (facts.destination.name if facts.destination else "")),
        "host": facts.host or None,
        "endpoint": _named(facts.endpoint),
        "model": facts.model,
        "format": _named(facts.format),
        "door": Door(egress.door.value),
        "mode": Mode(egress.mode.partition(":")[0].partition("@")[0]),
        "policy_digest": policy.digest.removeprefix("sha256:"),
        "policy_name": _named(policy.name),
        "policy_version": str(policy.version),
        "action": Action(facts.action),
        "rules": tuple(rule for rule in facts.rules[:64] if _NAME.fullmatch(rule)),
        "findings": findings,
        "findings_overflow": overflow,
        "media": tuple(_media(part) for part in facts.media[:16]),
        "media_overflow": max(0, len(facts.media) - 16),
        "uninspected": tuple(_uninspected(part, reason) for part, reason in facts.uninspected[:16]),
        "uninspected_overflow": max(0, len(facts.uninspected) - 16),
        "bytes_in": len(egress.body),
        "commitment_in": facts.commitment_in,
        "detectors": (Detector(name="engine", version=facts.detector_version),) if facts.detector_version else (),
        "stages": _stages(facts.stages),
        "observe": facts.observe,
    }


def _purpose(policy: Policy, name: str) -> PurposeFacts | None:
    purpose = policy.purposes.get(name)
    if purpose is None:
        return None
    controller = policy.controllers.get(purpose.controller)
    return PurposeFacts(
        name=purpose.id,
        controller=controller.name if controller else None,
        basis=purpose.basis,
        special_basis=purpose.special_basis,
        notice=_named(purpose.notice),
        dpia=_named(purpose.dpia),
    )


def _destination(destination: Destination | None, purpose: str) -> DestinationFacts | None:
    """What a record says of a destination; worked out once for each, because nothing of it is the transfer's own."""
    if destination is None:
        return None
    key = id(destination), purpose
    known = _DESTINATIONS.get(key)
    if known is None or known[0] is not destination:
        if len(_DESTINATIONS) >= MAX_DESTINATIONS:
            _DESTINATIONS.clear()
        known = _DESTINATIONS[key] = destination, _destination_facts(destination, purpose)
    return known[1]


def _destination_facts(destination: Destination, purpose: str) -> DestinationFacts:
    digest = destination.digest.removeprefix("sha256:")
    return DestinationFacts(
        name=destination.name,
        contracting_entity=_text(destination, "contracting_entity"),
        role=_term(destination.role_for(purpose)),
        agreement=_named(destination.agreement),
        transfer=_mechanism(destination.transfer),
        processing=_countries(destination, "processing"),
        storage=_countries(destination, "storage"),
        access=_countries(destination, "access"),
        retention=_term(_text(destination, "retention")),
        training=_term(_text(destination, "training")),
        register_digest=digest if re.fullmatch(r"[0-9a-f]{64}", digest) else None,
    )


def _text(destination: Destination, fact: str) -> str:
    value = destination.fact(fact)
    if isinstance(value, int):
        return f"{value}d"
    return ",".join(value) if isinstance(value, tuple) else value


def _term(text: str) -> str:
    return text if _TERM.fullmatch(text) else "see-register"


def _countries(destination: Destination, fact: str) -> tuple[str, ...]:
    value = destination.fact(fact)
    listed = value if isinstance(value, tuple) else (str(value),)
    return tuple(item for item in listed if re.fullmatch(r"[A-Z]{2}|unknown|any", item))[:64]


def _mechanism(text: str) -> TransferMechanism:
    return TransferMechanism(text) if text in set(TransferMechanism) else TransferMechanism.UNKNOWN


def _media(part: MediaPart) -> MediaItem:
    media_type = _media_type(part)
    treated = MediaTreatment(part.treated) if part.treated else None
    return MediaItem(kind=media_kind(media_type), media_type=media_type, bytes=part.size, treated=treated)


def _uninspected(part: MediaPart, reason: str) -> Uninspected:
    return Uninspected(media_type=_media_type(part), bytes=part.size, reason=UninspectedReason(reason))


def _media_type(part: MediaPart) -> str:
    media_type = part.media_type.partition(";")[0].strip().lower()[:80]
    return media_type if _MEDIA_TYPE.fullmatch(media_type) else "application/octet-stream"


def _named(text: str) -> str | None:
    return text if _NAME.fullmatch(text) else None


def _stages(stages: Mapping[str, int]) -> tuple[StageTime, ...]:
    return tuple(StageTime(stage=Stage(name), us=ns // 1000) for name, ns in stages.items())


def _since_sent(exchange: Exchange) -> tuple[StageTime, ...]:
    """What an answer took, from the moment when the request left: to its first word, and to its end."""
    sent = exchange.sent_at
    if sent is None or exchange.session is not None:
        return ()
    moments = ((Stage.WAIT, exchange.first_text_at), (Stage.TOTAL, exchange.ended_at))
    return tuple(StageTime(stage=stage, us=max(0, at - sent) * 1000) for stage, at in moments if at is not None)


def config_digest(parts: Sequence[str]) -> str:
    """SHA-256 over the effective configuration's lines (secrets left out by the caller)."""
    return sha256("\n".join(parts).encode()).hexdigest()
