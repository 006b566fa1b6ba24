"""What the policy says about personal data in an answer that nobody sent: it is found, asked about, and taken out or
the answer is blocked.

Texts of answers meet detection and policy here; what was found is kept for the outcome's counts, the texts are not.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from policies.model import Action, Decision, Operator
from proxy.steps.found import KEPT, Found
from proxy.steps.held import Look, Watch, blocked, not_inspected
from proxy.steps.policy_facts import finding_facts, no_refs
from proxy.steps.services import DetectionResult
from proxy.steps.work import Services, Work, known
from redaction import operators
from redaction.errors import RedactionError
from redaction.finding import Finding
from redaction.restore import Cut, Restorable, Words
from redaction.segment import Segment, SegmentKind


@dataclass(slots=True)
class Seen:
    """What was found in an answer while it was held. failed: it could not be looked at."""

    found: list[Found] = field(default_factory=list)
    failed: bool = False
    looked: bool = False

    @property
    def inspected(self) -> str:
        """As the outcome says it (`audit.values.Inspection`)."""
        return "failed" if self.failed else "buffered" if self.looked else "none"


def watch_of(work: Work, services: Services, *, sentences: bool, detect_s: float) -> Watch | None:
    """How the answer to this request is looked at before it goes on; None where it goes on as it comes.

    sentences: whether the door can pass an answer on piece by piece.
    """
    response = work.active.policy.response
    if response.unexpected == "record":
        return None
    work.seen = Seen()
    return Watch(_look(work, services, detect_s), Words(), sentences and response.buffer == "sentence")


def _look(work: Work, services: Services, detect_s: float) -> Look:
    seen, sent = known(work.seen), known(work.tokenized).restorable
    redacts = work.active.policy.response.unexpected == "redact"

    async def look(texts: Sequence[tuple[str, int]]) -> Sequence[Sequence[Cut]]:
        segments = [Segment(f"answer/{n}", text, SegmentKind.ASSISTANT) for n, (text, _) in enumerate(texts)]
        try:
            result = await services.detection.detect(segments, deadline_s=detect_s, owner=work.identity.owner)
        except RedactionError as error:
            services.observe("answer_not_inspected", error.code)
            seen.failed = True
            raise not_inspected() from None
        seen.looked = True
        found = _found(segments, result, [known_until for _, known_until in texts], sent)
        decided = _decided(work, services, found)
        seen.found.extend(one for _, one in decided)
        unexpected = [(at, one) for at, one in decided if one.decision.action is not Action.ALLOW]
        if unexpected and not redacts:
            raise blocked()
        cuts: list[list[Cut]] = [[] for _ in texts]
        for at, one in unexpected:
            cuts[at].extend(_cuts(one.finding, segments[at].text, sent))
        return [_apart(sorted(each, key=lambda cut: (cut.start, -cut.end))) for each in cuts]

    return look


def _found(
    segments: Sequence[Segment], result: DetectionResult, looked: Sequence[int], sent: Restorable
) -> list[tuple[int, Found]]:
    """What is new in each text and not one of our placeholders. looked: where what is new begins."""
    found = []
    for at, (segment, part) in enumerate(zip(segments, result.segments, strict=True)):
        for finding in part.findings:
            if finding.end > looked[at] and _outside(finding, segment.text, sent):
                found.append((at, Found(finding, segment, part.language, KEPT)))
    return found


def _decided(work: Work, services: Services, found: Sequence[tuple[int, Found]]) -> list[tuple[int, Found]]:
    """Asked about like a request's: what would not leave as it stands may not come in either."""
    policy = work.active.policy
    refs = services.value_refs if policy.needs_value_refs else no_refs
    facts = tuple(finding_facts(one.finding, one.segment, one.language, refs) for _, one in found)
    given = replace(known(work.asked), destination=work.destination.name, findings=facts, media=())
    decisions = policy.decide(given).decisions if facts else ()
    redacts = policy.response.unexpected == "redact"
    return [
        (at, one._replace(decision=_TAKEN_OUT if redacts and chosen.action is not Action.ALLOW else _kept(chosen)))
        for (at, one), chosen in zip(found, decisions, strict=True)
    ]


_TAKEN_OUT = Decision(Action.TRANSFORM, operator=Operator.REDACT)


def _kept(chosen: Decision) -> Decision:
    return KEPT if chosen.action is Action.ALLOW else Decision(Action.BLOCK)


def _outside(finding: Finding, text: str, sent: Restorable) -> list[tuple[int, int]]:
    """The parts of a finding that are none of our placeholders and hold more than marks."""
    parts, begin = [], finding.start
    for span in sent.spans(text):
        if span.end <= finding.start or span.start >= finding.end:
            continue
        parts.append((begin, span.start))
        begin = span.end
    parts.append((begin, finding.end))
    return [(start, end) for start, end in parts if any(char.isalnum() for char in text[start:end])]


def _cuts(finding: Finding, text: str, sent: Restorable) -> list[Cut]:
    instead = operators.ALL["redact"].apply(finding.entity_type, "", {}, b"")
    return [Cut(start, end, instead) for start, end in _outside(finding, text, sent)]


def _apart(cuts: Sequence[Cut]) -> list[Cut]:
    """In order and not overlapping; what overlaps is one."""
    apart: list[Cut] = []
    for cut in cuts:
        if apart and cut.start < apart[-1].end:
            apart[-1] = replace(apart[-1], end=max(apart[-1].end, cut.end))
        else:
            apart.append(cut)
    return apart
