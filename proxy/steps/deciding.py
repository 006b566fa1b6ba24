"""Findings and facts into the policy, its decision back onto the request.

The only room where a text's findings meet the policy; what goes in are facts about texts, never the texts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice

from policies.model import Action, Code, Decision, MediaAction, MediaKind, MediaPart, Mirror, PolicyInput
from proxy.errors import RefusedError
from proxy.formats.base import BESIDE_US, Inspected
from proxy.formats.base import MediaPart as BodyPart
from proxy.steps import records
from proxy.steps.found import AllFound, InText
from proxy.steps.holding import decided, held_error
from proxy.steps.policy_facts import facts_of_findings, no_refs
from proxy.steps.services import DetectionResult
from proxy.steps.spending import spending_of
from proxy.steps.work import Services, Work, known
from redaction.finding import SegmentFindings
from redaction.segment import Segment


def decide(work: Work, services: Services, result: DetectionResult) -> None:
    """Ask the policy, and keep its answer for every finding. Raises RefusedError where nothing may be sent."""
    policy, identity, facts = work.active.policy, work.identity, work.facts
    pairs = [pair for pair in zip(work.segments, result.segments, strict=True) if pair[1].findings]
    refs = services.value_refs if policy.needs_value_refs else no_refs
    work.asked = PolicyInput(
        application=identity.application if identity.application in policy.applications else "",
        destination=work.destination.name,
        time=datetime.fromtimestamp(facts.at_ms / 1000, UTC),
        findings=facts_of_findings(pairs, refs),
        identified_by=identity.identified_by,
        purpose=identity.purpose,
        subjects=work.subjects,
        media=tuple([_media(part) for part in unread(known(work.inspected))]),
        languages=frozenset([part.language for part in result.segments]),
        size=len(facts.egress.body),
        endpoint=facts.endpoint,
        model=facts.model or "",
        exhausted=services.budgets.exhausted(spending_of(work)) if policy.budgets else frozenset(),
        session_bucket=policy.bucket((identity.session or identity.owner_key.hex()).encode()),
    )
    decision = decided(work, services)
    work.decision = decision
    facts.action, facts.rules, facts.observe = decision.action._value_, decision.rule_ids, decision.observe
    facts.purpose = decision.purpose or facts.purpose
    facts.found = AllFound(list(_by_text(pairs, decision.decisions)))
    facts.uninspected = _passed(work)
    _refuse(work)


def _by_text(pairs: Sequence[tuple[Segment, SegmentFindings]], decisions: Sequence[Decision]) -> Iterator[InText]:
    """decisions: one for each finding of them all, in order."""
    left = iter(decisions)
    for segment, part in pairs:
        yield InText(segment, part, tuple(islice(left, len(part.findings))))
    if next(left, None) is not None:
        raise ValueError("there are more decisions than findings")


def decide_copy(work: Work, services: Services, first: Work, mirror: Mirror) -> None:
    """Ask the policy about the copy of a transfer for a second recipient. Raises RefusedError where it may not go.

    work: the copy, with its recipient. What an officer approved was approved for the first one only.
    """
    policy, facts = work.active.policy, work.facts
    work.asked = replace(
        known(first.asked),
        time=datetime.fromtimestamp(facts.at_ms / 1000, UTC),
        subjects=work.subjects,
        approved=frozenset(),
        exhausted=services.budgets.exhausted(spending_of(work)) if policy.budgets else frozenset(),
    )
    decision = work.decision = policy.decide_mirror(work.asked, mirror)
    blocked = decision.action is Action.BLOCK
    facts.action, facts.rules = "block" if blocked else "mirror", (mirror.rule_id, *decision.rule_ids)
    facts.purpose = decision.purpose or facts.purpose
    facts.found = [
        one._replace(decision=chosen) for one, chosen in zip(first.facts.found, decision.decisions, strict=True)
    ]
    facts.uninspected = _passed(work)
    _refuse(work)


def _passed(work: Work) -> tuple[tuple[BodyPart, str], ...]:
    parts = zip(unread(known(work.inspected)), known(work.decision).media, strict=True)
    passed = [part for part, verdict in parts if verdict.action is MediaAction.PASS and not part.inspectable]
    return tuple([(part, "policy_pass") for part in passed])


def _refuse(work: Work) -> None:
    decision = known(work.decision)
    if decision.action is Action.HOLD:
        raise held_error(work)
    if decision.action is Action.BLOCK:
        rule = f" (rule {decision.rule_id})" if decision.rule_id else ""
        because = f": {decision.because}" if decision.because else ""
        if decision.code is Code.MEDIA_REFUSED and work.unread:
            because += f" ({'; '.join(dict.fromkeys(work.unread))})"
        if decision.code is Code.MEDIA_REFUSED:
            types = [part.media_type for part in unread(known(work.inspected))]
            because += next((f"; {BESIDE_US[one]}" for one in types if one in BESIDE_US), "")
        status = 429 if decision.code is Code.BUDGET_EXCEEDED else 403
        raise RefusedError(
            f"the policy does not let this transfer happen{rule}{because}", code=decision.code.value, status=status
        )


def unread(inspected: Inspected) -> Sequence[BodyPart]:
    """Parts of a body that nothing looks into."""
    return (*inspected.media, *inspected.uninspected)


def _media(part: BodyPart) -> MediaPart:
    kind = MediaKind(records.media_kind(part.media_type).value)
    return MediaPart(kind, part.media_type, part.size, part.inspectable)
