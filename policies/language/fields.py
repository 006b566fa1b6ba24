"""The kinds of values that a policy file may hold: words, lists of words, days, times, names, hashes, facts.

Each reads one value and says in plain words what it may be; the message becomes the error that a person sees. Nothing
here knows what a value is for.
"""

import re
from datetime import date
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StrictInt,
    StrictStr,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from policies.facts import FACTS, read_value

# A company's largest lists have hundreds of members; the limit keeps a broken generator from filling memory.
MAX_LIST = 5_000


class Section(BaseModel):
    """Base of every part of the file: unknown keys are errors, values never change."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _read_date(value: Any) -> Any:
    if isinstance(value, date):
        return value
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise ValueError(f"there is no day {value}") from None
    raise ValueError("expected a day as YYYY-MM-DD")


def _read_date_or_todo(value: Any) -> Any:
    return value if value == "todo" else _read_date(value)


def _read_time(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(r"([01]\d|2[0-4]):[0-5]\d", value) and value <= "24:00":
        return value
    raise ValueError('expected a time of day as "HH:MM", in quotation marks')


_DAY_SCHEMA = {"type": "string", "format": "date"}
Slug = Annotated[StrictStr, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
EntityName = Annotated[StrictStr, Field(pattern=r"^[A-Z][A-Z0-9_]{1,63}$")]
Text = Annotated[StrictStr, Field(max_length=1000)]
Word = Annotated[StrictStr, Field(min_length=1, max_length=200)]
Regex = Annotated[StrictStr, Field(min_length=1, max_length=500)]
Day = Annotated[date, BeforeValidator(_read_date), WithJsonSchema(_DAY_SCHEMA)]
DayOrTodo = Annotated[
    date | Literal["todo"],
    BeforeValidator(_read_date_or_todo),
    WithJsonSchema({"anyOf": [_DAY_SCHEMA, {"const": "todo"}]}),
]
Clock = Annotated[StrictStr, BeforeValidator(_read_time)]
Hash = Annotated[StrictStr, Field(pattern=r"^[0-9a-f]{64}$")]
Upstream = Annotated[StrictStr, Field(pattern=r"^https?://[A-Za-z0-9.\-\[\]:]{1,255}(/[A-Za-z0-9._~/-]*)?$")]
Host = Annotated[StrictStr, Field(pattern=r"^(\*\.)?[a-z0-9*-]{1,63}(\.[a-z0-9*-]{1,63})*$|^[0-9a-f:]{3,39}$")]
Count = Annotated[StrictInt, Field(ge=1)]
Country = Annotated[StrictStr, Field(pattern=r"^([A-Z]{2})?$")]
Pointer = Annotated[StrictStr, Field(pattern=r"^(/.*|claim:.+|header|)$")]

YesNo = Literal["yes", "no"]
YesNoUnknown = Literal["yes", "no", "unknown"]
ConsentWord = Literal["given", "withdrawn", "unknown"]
WeekDay = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Role = Literal["processor", "controller", "joint-controller", "none", "unknown"]
Store = Literal["never", "allowed"]
Transfer = Literal[
    "none-needed", "adequacy", "dpf-listed", "scc-m1", "scc-m2", "scc-m3", "scc-m4", "bcr",
    "art49-1a", "art49-1b", "art49-1c", "art49-1d", "art49-1e", "art49-1f", "art49-1g", "unknown", "todo",
]  # fmt: skip
Basis = Literal[
    "consent", "contract", "legal-obligation", "vital-interests", "public-task", "legitimate-interests", "none", "todo",
]  # fmt: skip
SpecialBasis = Literal[
    "none", "explicit-consent", "employment", "vital-interests", "foundation", "made-public", "legal-claims",
    "public-interest", "health-care", "public-health", "research", "todo",
]  # fmt: skip
Verb = Literal[
    "allow", "tokenize", "surrogate", "redact", "mask", "hash", "block", "route", "mirror", "hold",
]  # fmt: skip


class OneOrMore:
    """Lets `a` stand for `[a]`, in the file and in the JSON Schema."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(_as_list, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        listed = handler(schema)
        return {"anyOf": [listed["items"], listed]}


T = TypeVar("T")
Many = Annotated[tuple[T, ...], Field(min_length=1, max_length=MAX_LIST), OneOrMore()]
Words = Many[Word]


class FactSection(Section):
    """One declared or bundled fact; `facts.read_value` has read the value already."""

    value: Any
    source: Text = ""
    read: Day | None = None
    quote: Text = ""
    seen: Text = ""


def _read_facts(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    _known_facts(value)
    shaped = {}
    for name, fact in value.items():
        entry = fact if isinstance(fact, dict) and "value" in fact else {"value": fact}
        try:
            shaped[name] = {**entry, "value": read_value(name, entry["value"])}
        except ValueError as error:
            raise PydanticCustomError("fact_value", "{error}", {"name": name, "error": str(error)}) from None
    return shaped


def _known_facts(value: dict[Any, Any]) -> None:
    for name in value:
        if name not in FACTS:
            raise PydanticCustomError(
                "unknown_fact", "unknown fact '{name}'", {"name": str(name)[:60], "known": list(FACTS)}
            )


_FACT_PROPERTIES = {name: {"description": one.meaning} for name, one in FACTS.items()}
Facts = Annotated[
    dict[str, FactSection],
    BeforeValidator(_read_facts),
    WithJsonSchema({"type": "object", "properties": _FACT_PROPERTIES, "additionalProperties": False}),
]


class FactCondition(Section):
    """A condition on one fact."""

    is_: Words | None = Field(default=None, alias="is")
    not_: Words | None = Field(default=None, alias="not")
    within: Words | None = None
    at_most: StrictInt | None = None


def _read_fact_conditions(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    _known_facts(value)
    return {name: one if isinstance(one, dict) else {"is": _as_list(one)} for name, one in value.items()}


FactConditions = Annotated[dict[str, FactCondition], BeforeValidator(_read_fact_conditions)]
