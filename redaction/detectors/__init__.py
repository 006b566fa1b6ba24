"""The detectors that an engine is put together from, and the one function that does it.

A detector is one file here and one entry in `ALL`. Building may load models and takes seconds; it happens once in
each worker process. Without a detector for a configured language nothing is built: no model, no start.
"""

import os
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Final

from redaction.detect import Detector, Engine
from redaction.errors import SettingsError
from redaction.settings import EngineSettings

ALL: Final[Mapping[str, str]] = {
    "patterns": "redaction.detectors.patterns",
    "names": "redaction.detectors.names",
    "chat": "redaction.detectors.chat",
    "presidio": "redaction.detectors.presidio",
}
"""name -> module with `build(settings) -> Detector` and `languages(settings) -> frozenset[str]`."""


def build_engine(settings: EngineSettings) -> Engine:
    """An engine with its models loaded. Raises SettingsError (`no_detector`, `no_model`, `settings`)."""
    check_languages(settings)
    # A text's matrices are so small that several threads only wait for each other. Read when numpy is loaded.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    detectors: list[Detector] = []
    for name in settings.detectors:
        build: Callable[[EngineSettings], Detector] = import_module(ALL[name]).build
        detectors.append(build(settings))
    return Engine(detectors, settings.languages)


def check_languages(settings: EngineSettings) -> None:
    """Raises SettingsError unless each language has a detector for names, or the settings say `("patterns",)`.

    Cheap: loads no model, so a command may call it before it starts anything.
    """
    if not settings.languages:
        raise SettingsError("no language is configured: name at least one, e.g. languages = ['en']")
    unknown = [name for name in settings.detectors if name not in ALL]
    if unknown or not settings.detectors:
        known = ", ".join(sorted(ALL))
        raise SettingsError(f"unknown detectors: {', '.join(unknown) or 'none named'}; there are {known}")
    if settings.own and "patterns" not in settings.detectors:
        raise SettingsError("own entity types need the detector `patterns`: name it under detectors")
    if settings.detectors == ("patterns",):
        return
    covered: set[str] = set()
    for name in settings.detectors:
        covered |= import_module(ALL[name]).languages(settings)
    missing = [language for language in settings.languages if language not in covered]
    if missing:
        raise SettingsError(
            f"no detector finds names in {', '.join(missing)}: name a model under spacy_models, remove the language, "
            "or say detectors = ['patterns'] to run without names (every record will say so)",
            code="no_detector",
        )
