"""The policy file as the language allows it: every section, its keys and their limits.

Plain data of one (already joined) file enters; names are not resolved here and nothing is decided. `json_schema` is
the same language for editors.
"""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StrictInt, StrictStr

from policies.language.fields import (
    MAX_LIST,
    Basis,
    Clock,
    ConsentWord,
    Count,
    Country,
    Day,
    DayOrTodo,
    EntityName,
    FactConditions,
    Facts,
    Hash,
    Host,
    Many,
    Regex,
    Role,
    Section,
    Slug,
    SpecialBasis,
    Store,
    Text,
    Transfer,
    Upstream,
    Verb,
    WeekDay,
    Word,
    Words,
    YesNo,
    YesNoUnknown,
)
from policies.language.schema_senders import ApplicationSection, MediaTable, SubjectFlagsSection, TokensSection
from policies.model import MediaKind

MAX_RULES = 20_000
MAX_KEEP_DAYS = 30
"""A pair is under the keys of its conversation, which live so long after their last use (`redaction.vault.TTL_S`)."""


class ControllerSection(Section):
    name: Word
    contact: Text = ""
    country: Country = ""


class PurposeSection(Section):
    controller: Slug
    basis: Basis
    special_basis: SpecialBasis = "none"
    persons: Words = ()
    notice: Text = ""
    dpia: Text = ""


class CredentialSection(Section):
    headers: Words = ()
    query: Words = ()


class FormatSection(Section):
    path: Annotated[StrictStr, Field(pattern=r"^/")]
    format: Slug


class DestinationSection(Section):
    extends: Annotated[StrictStr, Field(pattern=r"^bundled:")] | None = None
    title: Text = ""
    upstream: Upstream | None = None
    hosts: tuple[Host, ...] | None = None
    formats: tuple[FormatSection, ...] | None = None
    credentials: CredentialSection | None = None
    operator: Word | None = None
    plan: Word | None = None
    role: dict[Slug, Role] = Field(default_factory=dict)
    agreement: Text = ""
    transfer: Transfer = "unknown"
    store: Store = "allowed"
    until: Day | None = None
    models: dict[Word, Word] = Field(default_factory=dict)
    facts: Facts = Field(default_factory=dict)


class SubjectCondition(Section):
    consent: Many[ConsentWord] | None = None
    objected: Many[YesNoUnknown] | None = None
    minor: Many[YesNoUnknown] | None = None
    participants: Literal["requester", "all"] = "requester"


class DestinationCondition(Section):
    name: Words | None = None
    name_not: Words | None = None
    operator: Words | None = None
    operator_not: Words | None = None
    role: Many[Role] | None = None
    role_not: Many[Role] | None = None
    transfer: Many[Transfer] | None = None
    transfer_not: Many[Transfer] | None = None
    store: Many[Store] | None = None
    expired: YesNo | None = None
    facts: FactConditions = Field(default_factory=dict)


def _destination_condition(value: Any) -> Any:
    return {"name": value} if isinstance(value, (str, list)) else value


class TimeCondition(Section):
    days: Many[WeekDay] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    from_: Clock = Field(default="00:00", alias="from")
    to: Clock = "24:00"
    zone: Word = "UTC"


class WhenSection(Section):
    entity: Words | None = None
    score_at_least: Annotated[float, Field(ge=0, le=1, strict=True)] | None = None
    count_at_least: Count | None = None
    segment: Words | None = None
    language: Words | None = None
    recognizer: Words | None = None
    media: Words | None = None
    application: Words | None = None
    application_not: Words | None = None
    destination: Annotated[DestinationCondition, BeforeValidator(_destination_condition)] | None = None
    purpose: Words | None = None
    purpose_not: Words | None = None
    subject: SubjectCondition | None = None
    endpoint: Words | None = None
    model: Words | None = None
    size_at_least: Count | None = None
    time: TimeCondition | None = None
    share: Annotated[float, Field(gt=0, le=100, strict=True)] | None = None


class KeepSection(Section):
    days: Annotated[StrictInt, Field(ge=1, le=MAX_KEEP_DAYS)]


class RuleSection(Section):
    id: Slug
    when: WhenSection = WhenSection()
    do: Verb
    to: Slug | None = None
    because: Text = ""
    params: dict[Slug, StrictStr | StrictInt] = Field(default_factory=dict)
    purpose: Slug | None = None
    keep: KeepSection | None = None
    output_may_train: YesNo = "no"
    final: YesNo = "no"


class RestoreSection(Section):
    tools: dict[Word, YesNo] = Field(default_factory=dict)
    other: YesNo = "yes"


class ResponseSection(Section):
    unexpected: Literal["record", "redact", "block"] = "record"
    buffer: Literal["none", "sentence", "all"] = "none"


class ExceptionSection(Section):
    id: Slug | None = None
    rule: Slug
    values: Words
    applications: Words = ()
    until: Day
    approved_by: Word
    because: Text = ""


class ObserveSection(Section):
    applications: Words
    until: DayOrTodo
    approved_by: Word


class EntitySection(Section):
    group: Slug | None = None
    patterns: Many[Regex] = ()
    values: Words = ()
    context: Words = ()
    validator: Slug | None = None
    languages: Words = ()
    score: Annotated[float, Field(ge=0, le=1, strict=True)] = 0.85
    examples: Words = ()
    counterexamples: Words = ()


class BudgetSection(Section):
    id: Slug
    per: Literal["hour", "day"] = "hour"
    each: Many[Literal["application", "destination", "subject"]] = ("application",)
    application: Words | None = None
    destination: Words | None = None
    transfers: Count | None = None
    bytes: Count | None = None
    tokens: Count | None = None
    subjects: Count | None = None
    because: Text = ""


class CaseMedia(Section):
    kind: MediaKind
    type: Text = ""
    inspectable: YesNo = "no"


class CaseFinding(Section):
    type: EntityName
    score: Annotated[float, Field(ge=0, le=1, strict=True)] = 1.0
    language: Text = ""
    recognizer: Text = ""
    refs: tuple[Hash, ...] = ()


class CaseSection(Section):
    name: Word
    app: Slug | None = None
    to: Slug
    text: Annotated[StrictStr, Field(max_length=20_000)] = ""
    kind: Slug = "user"
    language: Text = ""
    purpose: Slug | None = None
    consent: ConsentWord = "unknown"
    objected: YesNoUnknown = "unknown"
    minor: YesNoUnknown = "unknown"
    findings: tuple[CaseFinding, ...] = ()
    media: tuple[CaseMedia, ...] = ()
    size: Annotated[StrictInt, Field(ge=0)] | None = None
    share: Annotated[float, Field(ge=0, lt=100, strict=True)] | None = None
    at: Day | None = None
    expect: dict[Word, Word]


class PolicyFile(Section):
    """One policy file, includes already joined."""

    version: Literal[1]
    name: Slug
    description: Text = ""
    environment: Literal["test", "staging", "prod"] = "test"
    include: Words = ()
    controllers: dict[Slug, ControllerSection] = Field(default_factory=dict)
    purposes: dict[Slug, PurposeSection] = Field(default_factory=dict)
    destinations: dict[Slug, DestinationSection] = Field(default_factory=dict)
    applications: dict[Slug, ApplicationSection] = Field(default_factory=dict)
    unknown_applications: Literal["refuse", "allow"] = "refuse"
    unknown_hosts: Literal["refuse", "pass"] = "refuse"
    trust: dict[Word, Words] = Field(default_factory=dict)
    tokens: TokensSection | None = None
    subject_flags: SubjectFlagsSection | None = None
    groups: dict[Slug, Words] = Field(default_factory=dict)
    entities: dict[EntityName, EntitySection] = Field(default_factory=dict)
    rules: Annotated[tuple[RuleSection, ...], Field(min_length=1, max_length=MAX_RULES)]
    media: MediaTable = Field(default_factory=dict)
    restore: RestoreSection = RestoreSection()
    response: ResponseSection = ResponseSection()
    hashed: dict[Slug, Annotated[tuple[Hash, ...], Field(max_length=100_000)]] = Field(default_factory=dict)
    exceptions: Annotated[tuple[ExceptionSection, ...], Field(max_length=MAX_LIST)] = ()
    observe: ObserveSection | None = None
    budgets: tuple[BudgetSection, ...] = ()
    cases: Annotated[tuple[CaseSection, ...], Field(max_length=MAX_LIST)] = ()


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a policy file, for editors."""
    schema = PolicyFile.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "dragoman policy"
    return schema
