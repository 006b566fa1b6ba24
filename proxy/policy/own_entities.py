"""A policy's own entity types on their way to detection: plain data of one leaf becomes plain data of another.

Their examples are run here with nothing but their own recognizer, so that lint needs no model.
"""

from collections.abc import Iterable, Sequence

from policies.model import FindingFacts
from policies.policy import CustomEntity
from redaction.normalize import normalize
from redaction.own import OwnRecognizer
from redaction.recognizers import Page
from redaction.segment import SegmentKind
from redaction.settings import OwnEntity


def own_entities(entities: Iterable[CustomEntity]) -> tuple[OwnEntity, ...]:
    """For `EngineSettings.own`; types without patterns and values are reported by a detector that is plugged in."""
    return tuple(
        OwnEntity(
            name=one.name,
            patterns=one.patterns,
            words=one.values,
            context=one.context,
            languages=one.languages,
            score=one.score,
            validator=one.validator,
        )
        for one in entities
        if one.patterns or one.values
    )


class OwnFacts:
    """`policies.cases.FindsFacts` that finds own types alone."""

    def __init__(self, entities: Iterable[CustomEntity]) -> None:
        self._recognizer = OwnRecognizer(own_entities(entities))

    def __call__(self, text: str, *, kind: str, language: str) -> Sequence[FindingFacts]:
        page = Page(normalize(text).text, kind=SegmentKind(kind), languages=(language,) if language else ("en",))
        return [
            FindingFacts(one.entity_type, one.score, kind, language, one.recognizer)
            for one in self._recognizer.find(page)
        ]
