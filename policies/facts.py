"""The facts that are kept about a destination: their closed list of names, and which values each may have.

A value is a word from a closed set, a number of days, country codes, or a reference; `unknown` is always a value. The
facts themselves stand in `bundled/destinations.yaml` and in policy files, never here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from policies.destination import UNKNOWN, FactValue


class FactKind(StrEnum):
    """What a fact's value looks like."""

    WORD = "word"
    DAYS = "days"
    COUNTRIES = "countries"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class FactType:
    """One fact that a destination may have. words: the closed set of a `word` fact, `unknown` left out."""

    name: str
    kind: FactKind
    meaning: str
    words: tuple[str, ...] = ()


_YES_NO: Final = ("yes", "no")

_TYPES: Final = (
    FactType("contracting_entity", FactKind.TEXT, "legal entity that the customer contracts with"),
    FactType("processing", FactKind.COUNTRIES, "where data is processed"),
    FactType("storage", FactKind.COUNTRIES, "where data is stored"),
    FactType("access", FactKind.COUNTRIES, "from where staff or sub-processors may see it"),
    FactType("retention", FactKind.DAYS, "days until inputs and outputs are deleted; 0: not kept"),
    FactType("training", FactKind.WORD, "used to train or improve models", ("no", "yes", "opt-in", "opt-out")),
    FactType("human_review", FactKind.WORD, "read by people", ("no", "yes", "abuse-only", "opt-in")),
    FactType("output_limits", FactKind.WORD, "the terms limit what outputs may be used for", _YES_NO),
    FactType("sub_processors", FactKind.TEXT, "page that lists the sub-processors"),
    FactType("server_state", FactKind.WORD, "has endpoints that keep content for later calls", _YES_NO),
    FactType("zero_retention", FactKind.WORD, "can be used without retention", ("no", "yes", "on-request")),
    FactType("region_choice", FactKind.WORD, "the customer can choose the region", ("no", "yes", "on-request")),
    FactType("provider_role", FactKind.WORD, "role that the terms give the provider", ("processor", "controller")),
    FactType("processing_terms", FactKind.TEXT, "page with the data processing terms"),
    FactType("transfer_terms", FactKind.TEXT, "transfer mechanism that the terms name"),
    FactType("output_owner", FactKind.WORD, "who owns the outputs by the terms", ("customer", "provider")),
)

FACTS: Final[Mapping[str, FactType]] = MappingProxyType({one.name: one for one in _TYPES})
"""name -> what the fact is."""

EEA: Final = (
    *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IS", "IT", "LI"),
    *("LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK"),
)
"""Countries of the European Economic Area, ISO 3166-1 alpha-2; `EEA` in a condition stands for them."""


def read_value(name: str, value: object) -> FactValue:
    """A fact's value in its normal form. Raises ValueError that says what the fact may be."""
    kind = FACTS[name]
    if value == UNKNOWN:
        return UNKNOWN
    match kind.kind:
        case FactKind.WORD:
            if value in kind.words:
                return str(value)
            raise ValueError(f"{name} is one of {', '.join((*kind.words, UNKNOWN))}")
        case FactKind.DAYS:
            if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
                return value
            raise ValueError(f"{name} is a whole number from 0, or unknown")
        case FactKind.COUNTRIES:
            listed: Sequence[object] = value if isinstance(value, (list, tuple)) else [value]
            if listed and all(_is_country(one) for one in listed):
                return tuple(sorted({str(one) for one in listed}))
            raise ValueError(f"{name} is a list of two-letter country codes (ISO 3166-1), or unknown")
        case FactKind.TEXT:
            if isinstance(value, str) and 0 < len(value) <= 300:
                return value
            raise ValueError(f"{name} is a text of at most 300 characters, or unknown")


def _is_country(value: object) -> bool:
    return isinstance(value, str) and len(value) == 2 and value.isascii() and value.isalpha() and value.isupper()


def expand_countries(names: Sequence[str]) -> frozenset[str]:
    """Country codes with `EEA` written out."""
    return frozenset(code for name in names for code in (EEA if name == "EEA" else (name,)))
