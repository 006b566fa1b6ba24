"""Texts of cases, examples and `explain` as facts for a policy: the engine that inspects transfers, called in place.

Texts enter and facts about them leave; this is `policies.cases.FindsFacts`, which the policies themselves cannot be.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from policies.cases import FindsFacts
from policies.load import Loaded
from policies.model import FindingFacts
from proxy.config import Settings
from proxy.steps.services import Detection
from redaction.detect import Engine
from redaction.detectors import build_engine
from redaction.finding import Finding, SegmentFindings
from redaction.segment import Segment, SegmentKind
from redaction.settings import EngineSettings, OwnEntity

type ValueRefsOf = Callable[[str, str], frozenset[str]]
"""(entity type, value) -> keyed hashes of the value."""


def no_refs(_entity_type: str, _value: str) -> frozenset[str]:
    """For policies without exceptions, and where nobody holds the key."""
    return frozenset()


def finding_facts(finding: Finding, segment: Segment, language: str, refs: ValueRefsOf) -> FindingFacts:
    """What the policy may know about one finding."""
    return FindingFacts(
        entity_type=finding.entity_type,
        score=finding.score,
        segment_kind=segment.kind._value_,
        language=language,
        recognizer=finding.recognizer,
        value_refs=refs(finding.entity_type, segment.text[finding.start : finding.end]),
    )


def facts_of_findings(placed: Iterable[tuple[Segment, SegmentFindings]], refs: ValueRefsOf) -> tuple[FindingFacts, ...]:
    """What the policy may know about each; one object for all that are alike to it, as most are in a long talk."""
    facts: list[FindingFacts] = []
    alike: dict[tuple[str, str], dict[tuple[str, float, str], FindingFacts]] = {}
    for segment, part in placed:
        if refs is not no_refs:
            facts += [finding_facts(one, segment, part.language, refs) for one in part.findings]
            continue
        # A kind's own word: an enumeration's members are hashed by Python code.
        known = alike.setdefault((segment.kind._value_, part.language), {})
        for one in part.findings:
            key = one.entity_type, one.score, one.recognizer
            if key not in known:
                known[key] = finding_facts(one, segment, part.language, no_refs)
            facts.append(known[key])
    return tuple(facts)


def engine_settings(settings: Settings, own: tuple[OwnEntity, ...]) -> EngineSettings:
    """What detection is built from: as the process is configured, with the policy's own entity types."""
    models = {language: model for language, model in settings.spacy_models.items() if language in settings.languages}
    return EngineSettings(settings.languages, settings.detectors, models, settings.presidio_recognizers, own)


async def facts_of_cases(loaded: Loaded, detection: Detection, refs: ValueRefsOf, *, deadline_s: float) -> FindsFacts:
    """`FindsFacts` for the texts of a policy's cases, by the detection that serves; each text by itself.

    Raises DetectionError.
    """
    known: dict[tuple[str, str, str], Sequence[FindingFacts]] = {}
    for case in loaded.cases:
        key = case.text, case.kind, case.language
        if case.text and key not in known:
            segment = Segment("text", case.text, SegmentKind(case.kind))
            part = (await detection.detect([segment], deadline_s=deadline_s)).segments[0]
            known[key] = _facts(segment, part, case.language, refs)

    def find(text: str, *, kind: str, language: str) -> Sequence[FindingFacts]:
        return known[text, kind, language]

    return find


def _facts(segment: Segment, part: SegmentFindings, language: str, refs: ValueRefsOf) -> Sequence[FindingFacts]:
    return [finding_facts(finding, segment, language or part.language, refs) for finding in part.findings]


@dataclass(frozen=True)
class EngineFacts:
    """`FindsFacts` over an engine that is built when the first text comes: models take seconds to load.

    Raises SettingsError when it cannot be built.
    """

    settings: EngineSettings
    refs: ValueRefsOf = no_refs

    @cached_property
    def _engine(self) -> Engine:
        return build_engine(self.settings)

    def __call__(self, text: str, *, kind: str, language: str) -> Sequence[FindingFacts]:
        segment = Segment("text", text, SegmentKind(kind))
        return _facts(segment, self._engine.detect([segment])[0], language, self.refs)
