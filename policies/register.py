"""The bundled register of destinations: addresses, wire formats, credential carriers, and facts with their sources.

Each destination has dated editions. A policy pins one (`extends: bundled:openai@2026-11-23`), so that facts never
change under it; a new edition is added beside the old one. Plans of a provider differ in their facts: without a plan
a fact on which the plans disagree is unknown.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib import resources
from types import MappingProxyType
from typing import Annotated, Any, Literal

import orjson
from pydantic import Field, StrictStr, ValidationError

from policies.destination import UNKNOWN, Fact
from policies.errors import PolicyFileError
from policies.language.document import parse
from policies.language.fields import Facts, FactSection, Host, Section, Slug, Text, Upstream, Word
from policies.language.problems import from_validation
from policies.language.schema import CredentialSection, FormatSection
from policies.language.tree import Sources

REGISTER_FILE = "destinations.yaml"


class VariantSection(Section):
    """What is different for one plan, or for endpoints under one path."""

    facts: Facts = Field(default_factory=dict)


class EditionSection(Section):
    """One destination as it stood on one day."""

    title: Text
    operator: Word
    upstream: Upstream | Literal[""] = ""
    hosts: tuple[Host, ...] = ()
    formats: tuple[FormatSection, ...] = ()
    credentials: CredentialSection = CredentialSection()
    facts: Facts = Field(default_factory=dict)
    plans: dict[Slug, VariantSection] = Field(default_factory=dict)
    endpoints: dict[Annotated[StrictStr, Field(pattern=r"^/")], VariantSection] = Field(default_factory=dict)

    def facts_for(self, plan: str | None) -> dict[str, Fact]:
        """The facts for a plan; without one, those on which all plans agree."""
        found = {name: read_fact(one) for name, one in self.facts.items()}
        if plan is not None:
            return found | {name: read_fact(one) for name, one in self.plans[plan].facts.items()}
        variants = [found | {name: read_fact(one) for name, one in v.facts.items()} for v in self.plans.values()]
        for name in {name for variant in variants for name in variant}:
            values = [variant.get(name, Fact()) for variant in variants]
            found[name] = values[0] if all(one.value == values[0].value for one in values) else Fact(UNKNOWN)
        return found


class RegisterFile(Section):
    """The whole file: destination -> day -> edition."""

    version: Literal[1]
    destinations: dict[Slug, dict[Annotated[StrictStr, Field(pattern=r"^\d{4}-\d\d-\d\d$")], EditionSection]]


def read_fact(section: FactSection, *, declared: bool = False) -> Fact:
    """A fact of the file as the policy keeps it."""
    return Fact(section.value, section.source, section.read, section.quote, section.seen, declared)


@dataclass(frozen=True, slots=True)
class Register:
    """All editions. digest: `sha256:<hex>` over the canonical form of the whole register."""

    editions: Mapping[str, Mapping[str, EditionSection]]
    digest: str

    def latest(self, name: str) -> str:
        """The day of a destination's newest edition."""
        return max(self.editions[name])


def canonical_digest(value: Any) -> str:
    """`sha256:<hex>` over JSON with sorted keys and no white space."""
    return "sha256:" + sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)).hexdigest()


def read_register(data: bytes, file: str) -> Register:
    """A register from YAML. Raises PolicyFileError."""
    sources = Sources()
    tree = parse(data, file, sources)
    try:
        found = RegisterFile.model_validate(tree.plain())
    except ValidationError as error:
        raise PolicyFileError(from_validation(error, tree, sources, RegisterFile)) from None
    editions = {name: MappingProxyType(dict(days)) for name, days in found.destinations.items()}
    return Register(MappingProxyType(editions), canonical_digest(found.model_dump(mode="json")))


def bundled_file(name: str) -> bytes:
    """The bytes of a file that ships with the package (`default`, `examples/feed`). Raises FileNotFoundError."""
    plain = name.removesuffix(".yaml")
    if not plain.removeprefix("examples/").replace("-", "").isalnum():
        raise FileNotFoundError(2, "no such bundled file", name)
    found = resources.files("policies").joinpath("bundled", f"{plain}.yaml")
    if not found.is_file():
        raise FileNotFoundError(2, "no such bundled file", name)
    return found.read_bytes()


@lru_cache(maxsize=1)
def bundled_register() -> Register:
    """The register that ships with the package; read once, it never changes while the process runs."""
    return read_register(bundled_file(REGISTER_FILE), f"bundled:{REGISTER_FILE}")
