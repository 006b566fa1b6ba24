"""A policy's own entity types on their way to detection: plain data of one leaf becomes plain data of another.

Their examples are run here with nothing but their own recognizer, so that lint needs no model.
"""

from collections.abc import Iterable, Mapping, Sequence

from policies.declared import CustomEntity
from policies.model import FindingFacts
from redaction.own import RECOGNIZER, OwnRecognizer
from redaction.own_apart import Sample, look, types_in
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
        return _facts(types_in(self._recognizer, Sample(text, kind, language)), kind, language)


class OwnFactsApart:
    """The same of texts that are told before, looked into by a process that may not compute for long.

    For policies that somebody pasted: a search may take for ever. Raises DetectionError.
    """

    def __init__(self, entities: Iterable[CustomEntity], texts: Sequence[tuple[str, str]], kind: str) -> None:
        """texts: text and language. kind: of segment."""
        found = look(own_entities(entities), [Sample(text, kind, language) for text, language in texts])
        self._found: Mapping[tuple[str, str], list[str]] = dict(zip(texts, found, strict=True))

    def __call__(self, text: str, *, kind: str, language: str) -> Sequence[FindingFacts]:
        return _facts(self._found[text, language], kind, language)


def _facts(names: Sequence[str], kind: str, language: str) -> Sequence[FindingFacts]:
    return [FindingFacts(name, 1.0, kind, language, RECOGNIZER) for name in names]
