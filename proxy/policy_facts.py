"""Texts of cases, examples and `explain` as facts for a policy: the engine that inspects transfers, called in place.

Texts enter and facts about them leave; this is `policies.cases.FindsFacts`, which the policies themselves cannot be.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from policies.model import FindingFacts
from proxy.config import Settings
from redaction.detect import Engine
from redaction.detectors import build_engine
from redaction.finding import Finding
from redaction.segment import Segment, SegmentKind
from redaction.settings import EngineSettings

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
        segment_kind=segment.kind.value,
        language=language,
        recognizer=finding.recognizer,
        value_refs=refs(finding.entity_type, segment.text[finding.start : finding.end]),
    )


def engine_settings(settings: Settings) -> EngineSettings:
    """What detection is built from, as the process is configured."""
    models = {language: model for language, model in settings.spacy_models.items() if language in settings.languages}
    return EngineSettings(settings.languages, settings.detectors, models)


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
        part = self._engine.detect([segment])[0]
        spoken = language or part.language
        return tuple(finding_facts(finding, segment, spoken, self.refs) for finding in part.findings)
