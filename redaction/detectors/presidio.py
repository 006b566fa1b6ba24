"""Names found by models: the named entities of spaCy pipelines, and Presidio recognizers that an operator plugs in.

Looks enter and findings leave; only the entity recognizer of a pipeline runs, because it is all that is needed and
costs a third. A model looks at the lines where a name can stand and its opinion passes a filter of shape.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module, util
from pathlib import Path
from typing import Any, Final

from redaction.detect import Look
from redaction.detectors import vocabularies
from redaction.digest import source_digest
from redaction.errors import SettingsError
from redaction.finding import Finding
from redaction.lexicon import is_given_name, is_word
from redaction.merge import NOTHING
from redaction.recognizers.lines import Line, lines_with_names
from redaction.recognizers.shape import model_score
from redaction.settings import EngineSettings

_SOURCES: Final = (
    *("detectors/presidio.py", "detectors/entities.py", "detectors/encoder.py", "detectors/vocabularies.py"),
    *("recognizers", "data"),
)
_EXCLUDED: Final = ("tagger", "parser", "lemmatizer", "attribute_ruler", "morphologizer", "senter", "textcat")
# The words that a pipeline was trained on: vectors and entities go by their hashes, so nothing else reads these 700,000
# strings, which weigh more than all the rest (130 MB).
_SPELLINGS: Final = "strings"
_TYPES: Final = {
    "PERSON": "PERSON",
    "PER": "PERSON",
    "GPE": "LOCATION",
    "LOC": "LOCATION",
    "FAC": "LOCATION",
    "LOCATION": "LOCATION",
    "ORG": "ORGANIZATION",
    "ORGANIZATION": "ORGANIZATION",
}
# What others found with this score stays, and in it no name is looked for.
_SURE: Final = 0.8
_NAMES: Final = frozenset({NOTHING, *_TYPES.values()})
# A model that reads a text which is rather in another language counts less than what knows that language.
_FOREIGN: Final = 0.65
# One word that no list has as a given name: what stands around it on the line may tell otherwise.
_LONE: Final = 0.72


class Presidio:
    """spaCy's named entities and plugged-in Presidio recognizers as one detector."""

    name = "presidio"

    def __init__(self, models: dict[str, Any], recognizers: Sequence[Any] = ()) -> None:
        from redaction.detectors.entities import Entities

        self._models = models
        self._entities = {language: Entities(model) for language, model in models.items()}
        self._own = {language: frozenset(model.vocab.strings) for language, model in models.items()}
        self._recognizers = tuple(recognizers)
        self.languages = frozenset(models)
        self.expressions: tuple[re.Pattern[str], ...] = ()
        self.version = _version(models, self._recognizers)

    def detect(self, looks: Sequence[Look]) -> list[list[Finding]]:
        results: list[list[Finding]] = [[] for _ in looks]
        for language in sorted(self._models):
            vocabularies.renew(self._models[language], self._own[language])
            self._named_entities(language, looks, results)
        if self._recognizers:
            for look, found in zip(looks, results, strict=True):
                found.extend(self._plugged(look))
        return results

    def _named_entities(self, language: str, looks: Sequence[Look], results: list[list[Finding]]) -> None:
        chosen: list[tuple[int, Line]] = []
        for index, look in enumerate(looks):
            if language in look.languages:
                chosen.extend((index, line) for line in lines_with_names(look.view.text, _told(look)))
        if not chosen:
            return
        # An entity must not depend on what else was in the batch, so each line is a document of its own.
        docs = self._entities[language].documents([line.text for _, line in chosen])
        for (index, line), doc in zip(chosen, docs, strict=True):
            foreign = looks[index].languages[0] != language
            results[index].extend(_findings(doc, line, f"spacy_{language}", foreign=foreign))

    def _plugged(self, look: Look) -> Iterator[Finding]:
        text = look.view.text
        for recognizer in self._recognizers:
            if recognizer.supported_language not in look.languages:
                continue
            results = recognizer.analyze(text, recognizer.supported_entities, self._artifacts(text, recognizer))
            for result in results or ():
                start, end = max(0, result.start), min(len(text), result.end)
                if start < end:
                    yield Finding(start, end, result.entity_type, min(1.0, float(result.score)), "presidio_plug")

    def _artifacts(self, text: str, recognizer: Any) -> Any:
        """What Presidio hands to a recognizer beside the text; entities where we have a model of its language."""
        from presidio_analyzer.nlp_engine import NlpArtifacts
        from spacy.lang.xx import MultiLanguage

        model = self._models.get(recognizer.supported_language) or MultiLanguage()
        doc = model(text)
        return NlpArtifacts(
            entities=list(doc.ents),
            tokens=doc,
            tokens_indices=[token.idx for token in doc],
            lemmas=[token.text.lower() for token in doc],
            nlp_engine=None,
            language=recognizer.supported_language,
        )


def _told(look: Look) -> list[tuple[int, int]]:
    """Spans that hold no name that a model could find better, sorted."""
    spans: list[tuple[int, int]] = []
    sure = [(one.start, one.end) for one in look.found if one.score >= _SURE and one.entity_type not in _NAMES]
    for start, end in sorted(sure):
        if not spans or spans[-1][1] < end:
            spans.append((start, end))
    return spans


def _findings(doc: Any, line: Line, recognizer: str, *, foreign: bool) -> Iterator[Finding]:
    share = _FOREIGN if foreign else 1.0
    for entity in doc.ents:
        entity_type = _TYPES.get(entity.label_)
        if entity_type is None:
            continue
        start, end = _trimmed(line.text, entity.start_char, entity.end_char)
        score = model_score(line.text, start, end, entity_type) if start < end else None
        if score is not None:
            start = _begun(line.text, start, end) if foreign else start
            lone = entity_type == "PERSON" and " " not in (value := line.text[start:end]) and not is_given_name(value)
            score = min(score, _LONE) if lone else score
            yield Finding(line.start + start, line.start + end, entity_type, round(score * share, 2), recognizer)


_SIGNS: Final = " \t\r\n\"'`*_()[]{}<>,.;:!?-–—@#|/\\"


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Without signs and small words at the edges and without the possessive."""
    value = text[start:end]
    left = len(value) - len(value.lstrip(_SIGNS))
    value = value[left:].rstrip(_SIGNS)
    if value.endswith(("'s", "’s")):
        value = value[:-2]
    start += left
    # "Harry Potter und der": small ordinary words at the edges belong to the sentence.
    words = value.split(" ")
    while len(words) > 1 and words[-1].islower() and is_word(words[-1]):
        words.pop()
    while len(words) > 1 and words[0].islower() and is_word(words[0]):
        start += len(words.pop(0)) + 1
    return start, start + len(" ".join(words))


def _begun(text: str, start: int, end: int) -> int:
    """Where a name begins that a model of another language has found: it takes along what stands before.

    `Ich bin Anna`, `Kollegin Anna`: in German nouns have capitals as well.
    """
    words = text[start:end].split(" ")
    while len(words) > 1 and is_word(words[0]) and not is_given_name(words[0]):
        start += len(words.pop(0)) + 1
    return start


def _version(models: dict[str, Any], recognizers: Iterable[Any]) -> str:
    parts = [source_digest(*_SOURCES)]
    parts += [
        f"{language}:{model.meta.get('lang')}_{model.meta.get('name')}@{model.meta.get('version')}"
        for language, model in sorted(models.items())
    ]
    parts += [f"{type(item).__module__}:{type(item).__qualname__}@{item.version}" for item in recognizers]
    return "+".join(parts)


def languages(settings: EngineSettings) -> frozenset[str]:
    """The configured languages that have a model; says nothing about whether it is installed."""
    return frozenset(language for language in settings.languages if settings.spacy_models.get(language))


def build(settings: EngineSettings) -> Presidio:
    """Loads models and recognizers. Raises SettingsError (`no_model`, `settings`)."""
    models = {language: load(settings.spacy_models[language]) for language in sorted(languages(settings))}
    return Presidio(models, [_recognizer(path) for path in settings.presidio_recognizers])


def load_whole(name: str, exclude: Sequence[str] = ()) -> Any:
    """A spaCy pipeline by package name or folder, with all its parts. Raises SettingsError (`no_model`)."""
    import spacy

    path = _model_path(name)
    if path is None:
        raise SettingsError(
            f"spaCy model {name!r} is not installed: install it or change spacy_models", code="no_model"
        )
    try:
        return spacy.load(path, exclude=list(exclude))
    except OSError:
        raise SettingsError(f"spaCy model {name!r} cannot be read: install it again", code="no_model") from None


def load(name: str) -> Any:
    """A spaCy pipeline with only what finds entities. Raises SettingsError (`no_model`)."""
    model = load_whole(name, (*_EXCLUDED, _SPELLINGS))
    # Some pipelines share a tok2vec among the components left out here and give the entity recognizer its own.
    for component in [name for name, part in model.pipeline if _feeds_nobody(model, part)]:
        model.disable_pipe(component)
    if not any(label in _TYPES for labels in model.pipe_labels.values() for label in labels):
        raise SettingsError(f"spaCy model {name!r} recognizes neither persons nor places", code="no_model")
    return model


def _feeds_nobody(model: Any, part: Any) -> bool:
    """Whether a component only makes features, and none of those that still run takes them."""
    listening = getattr(part, "listening_components", None)
    return listening is not None and not set(listening) & set(model.pipe_names)


def _model_path(name: str) -> Path | str | None:
    """A folder, a package of spaCy's own shape, or one that only carries a model folder (`model_path()`)."""
    if Path(name).is_dir():
        return Path(name)
    try:
        if not name.isidentifier() or util.find_spec(name) is None:
            return None
    except (ImportError, ValueError):
        return None
    package = import_module(name)
    return package.model_path() if hasattr(package, "model_path") else name


def _recognizer(path: str) -> Any:
    module, _, name = path.partition(":")
    try:
        recognizer = getattr(import_module(module), name)()
    except (ImportError, AttributeError, ValueError, TypeError):
        raise SettingsError(
            f"Presidio recognizer {path!r} cannot be made: write module:Class, without arguments"
        ) from None
    if not all(hasattr(recognizer, needed) for needed in ("analyze", "supported_entities", "supported_language")):
        raise SettingsError(f"{path!r} is no Presidio EntityRecognizer")
    return recognizer
