"""The systems that are measured: our engine, and Presidio as it comes, with the same English model.

A system is a name and a function from texts to spans. Plain Presidio speaks English only, so it reads every text as
English: that is what somebody gets who puts its defaults in front of German or Vietnamese chat.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from redaction.evaluate.examples import DataSet, Span
from redaction.evaluate.measure import Scores, score
from redaction.segment import Segment
from redaction.settings import EngineSettings

_WARM_UP: Final = 5
# Presidio's names for what is named otherwise here.
_NAMES: Final = {
    "UK_NHS": "GB_NHS",
    "UK_NINO": "GB_NINO",
    "US_BANK_NUMBER": "BANK_ACCOUNT",
    "US_PASSPORT": "PASSPORT",
}


@dataclass(frozen=True, slots=True)
class System:
    """name: as reports show it. look: one text -> its findings."""

    name: str
    look: Callable[[str], list[Span]]


def dragoman(settings: EngineSettings) -> System:
    """Our engine. Raises SettingsError like `build_engine`."""
    from redaction.detectors import build_engine

    engine = build_engine(settings)

    def look(text: str) -> list[Span]:
        found = engine.detect([Segment("text", text)])[0].findings
        return [Span(one.start, one.end, one.entity_type) for one in found]

    return System("dragoman", look)


def presidio(model: str) -> System:
    """Presidio's `AnalyzerEngine` with its default recognizers and the spaCy model of our English detection."""
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NerModelConfiguration, SpacyNlpEngine

    from redaction.detectors.presidio import load_whole

    _stay_offline()
    nlp: Any = SpacyNlpEngine(
        models=[{"lang_code": "en", "model_name": model}], ner_model_configuration=NerModelConfiguration()
    )
    nlp.nlp = {"en": load_whole(model)}
    analyzer = AnalyzerEngine(nlp_engine=nlp, supported_languages=["en"])

    def look(text: str) -> list[Span]:
        found = analyzer.analyze(text, language="en")
        return [Span(one.start, one.end, _NAMES.get(one.entity_type, one.entity_type)) for one in found]

    return System("Presidio", look)


def _stay_offline() -> None:
    """Presidio's e-mail recognizer fetches a list of domain endings at first; the one that it brings is used."""
    import tldextract.tldextract

    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(cache_dir=None, suffix_list_urls=())


def run(system: System, data: DataSet) -> tuple[Scores, list[list[Span]]]:
    """The scores of a system on a set, and what it found per example."""
    for example in data.examples[:_WARM_UP]:
        system.look(example.text)
    begun = time.perf_counter()
    found = [system.look(example.text) for example in data.examples]
    return score(system.name, data, found, time.perf_counter() - begun), found


def run_all(systems: Sequence[System], sets: Sequence[DataSet]) -> list[tuple[Scores, list[list[Span]]]]:
    """Every system on every set, set by set."""
    return [run(system, data) for data in sets for system in systems]
