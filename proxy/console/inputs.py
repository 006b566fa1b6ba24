"""What the API takes: queries and bodies as models, which check and describe themselves. Unknown names are refused."""

from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    create_model,
)
from pydantic_core import PydanticCustomError

from audit.questions.conditions import CONDITIONS, GROUPS, INSIDE, SCORE_FROM
from audit.reports.texts import Language
from audit.reports.writing import Form
from audit.tables import transfer
from audit.values import ExportFormat, RevealReason
from policies.language.include import MAX_FILES
from proxy.console import moments
from proxy.console.policy_desk import MAX_TEXT
from proxy.console.questions import MAX_PAGE, Filters
from proxy.control.reveals import RevealKind
from proxy.running.revealing import TICKET

LONGEST = 260
"""Of a value to filter by; the longest that stands in a column is a host."""
LONGEST_SUBJECT = 500
MAX_INT = 2**53 - 1


def _moment(value: object) -> object:
    return moments.moment(value) if isinstance(value, str) else value


_TIMES = [
    {"type": "string", "format": "date"},
    {"type": "string", "format": "date-time"},
    {"type": "string", "pattern": f"^{moments.AGO}$"},
]
_EXAMPLE = "A date, a date and time, or so long ago: `2026-11-24`, `2026-11-24T10:00:00Z`, `7d`."
Moment = Annotated[int, BeforeValidator(_moment), WithJsonSchema({"anyOf": _TIMES})]
Value = Annotated[str, Field(max_length=LONGEST, pattern=r"^[^\x00]*$")]
Subject = Annotated[str, Field(min_length=1, max_length=LONGEST_SUBJECT, pattern=r"^[^\x00]*$")]


def _day(value: str) -> str:
    moments.day_span(value)
    return value


Day = Annotated[str, Field(json_schema_extra={"format": "date"}), AfterValidator(_day)]


class Nothing(BaseModel):
    """Takes nothing."""

    # Built when it is first used: there are some hundred fields to filter by, and the console should be there soon.
    model_config = ConfigDict(extra="forbid", defer_build=True)


class Period(Nothing):
    """since and until are half open."""

    since: Moment | None = Field(None, description=f"From. {_EXAMPLE}")
    until: Moment | None = Field(None, description=f"Up to, exclusive. {_EXAMPLE}")


def _field(name: str) -> Any:
    column, inside = transfer.c.get(name), INSIDE.get(name)
    if name == SCORE_FROM:
        return (Annotated[float, Field(ge=0, le=1)] | None, None)
    kind: type = int if inside is not None and inside.whole else str if column is None else column.type.python_type
    if kind is bool:
        return (bool | None, None)
    if kind is int:
        return (Annotated[int, Field(ge=0, le=MAX_INT)] | None, None)
    return (Value | None, None)


Conditions: Any = create_model("Conditions", __base__=Period, **{str(name): _field(name) for name in CONDITIONS})
"""One optional field for everything that transfers can be filtered by."""


class Paging(Nothing):
    """Pages go by key: `before` is `next` of the page before."""

    before: int | None = Field(None, ge=0, le=MAX_INT, description="`next` of the page before.")
    limit: int = Field(100, ge=1, le=MAX_PAGE, description="Transfers on a page.")


TransfersQuery: Any = create_model("TransfersQuery", __base__=(Conditions, Paging))


def _groups(value: object) -> object:
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, list) or not names or set(names) - set(GROUPS) or len(set(names)) < len(names):
        raise PydanticCustomError("some_of", "write some of {expected}", {"expected": ", ".join(GROUPS)})
    return names


_BY = {"type": "array", "items": {"enum": [str(name) for name in GROUPS]}, "minItems": 1, "uniqueItems": True}
By = Annotated[list[str], BeforeValidator(_groups), WithJsonSchema(_BY)]
GroupsQuery: Any = create_model("GroupsQuery", __base__=Conditions, by=(By, Field(description="Fields to group by.")))
WhoQuery: Any = create_model("WhoQuery", __base__=Conditions, day=(Day | None, Field(None, description="A UTC day.")))


_SESSION = "The id that the application gives the session. Hashed in memory; neither stored nor recorded."


class SubjectBody(Nothing):
    """A person or a session by the real identifier: in a body, because addresses of requests are logged by others."""

    subject: Subject | None = Field(
        None, description="The person's real identifier. Hashed in memory; neither stored nor recorded."
    )
    session: Subject | None = Field(None, description=_SESSION)
    filters: Conditions = Field(default_factory=Conditions)
    before: int | None = Field(None, ge=0, le=MAX_INT)
    limit: int = Field(100, ge=1, le=MAX_PAGE)


class StoryQuery(Nothing):
    """How a story is told."""

    lang: Language = Field(Language.EN, description="Language of the sentences.")


class ReportForm(Nothing):
    """How a report is written."""

    form: Form = Field(Form.HTML, description="A page, a PDF, or data.")
    lang: Language = Field(Language.EN, description="Language of page or PDF.")


ReportQuery: Any = create_model("ReportQuery", __base__=(Conditions, ReportForm))


class ReportBody(ReportForm):
    """A report about one person by the real identifier."""

    subject: Subject = Field(description="The real identifier. Hashed in memory; neither stored nor recorded.")
    filters: Conditions = Field(default_factory=Conditions)


class WhoBody(Nothing):
    """The same question without pages."""

    subject: Subject = Field(description="The real identifier. Hashed in memory; neither stored nor recorded.")
    filters: Conditions = Field(default_factory=Conditions)


class RevealBody(Nothing):
    """What to see, and why. Only placeholders and references: what they stand for is never sent here."""

    kind: RevealKind = Field(RevealKind.ORIGINAL, description="An original, or who an actor of the log is.")
    what: str = Field(max_length=64, description="A placeholder (`[PERSON_4V0M7KQ2]`), or an actor's reference.")
    reason: RevealReason
    ticket: str | None = Field(None, max_length=128, pattern=f"^{TICKET}$", description="Reference of the case.")
    scope: str | None = Field(None, pattern="^[0-9a-f]{32,64}$", description="Where several have the placeholder.")
    transfer: str | None = Field(None, pattern="^[0-9A-HJKMNP-TV-Z]{26}$", description="Where it was seen.")


def _one_of(*forms: ExportFormat) -> Any:
    """Some of the forms in which the log leaves."""

    def fits(value: ExportFormat) -> ExportFormat:
        if value not in forms:
            raise PydanticCustomError("enum", "write one of {expected}", {"expected": ", ".join(forms)})
        return value

    return Annotated[ExportFormat, AfterValidator(fits), WithJsonSchema({"enum": [str(form) for form in forms]})]


SEARCH_FORMS = (ExportFormat.CSV, ExportFormat.JSONL, ExportFormat.PARQUET)
LogForm: Any = _one_of(ExportFormat.JSONL, ExportFormat.TILES, ExportFormat.PARQUET)
SearchForm: Any = _one_of(*SEARCH_FORMS)


class ExportQuery(Nothing):
    """Which form."""

    format: LogForm = Field(ExportFormat.JSONL, description="JSON lines, C2SP tlog-tiles as a tar archive, or Parquet.")


class Taking(Nothing):
    """Which form; `format` is a field of the log."""

    form: SearchForm = Field(ExportFormat.CSV, description="CSV, JSON lines or Parquet.")


TakeQuery: Any = create_model("TakeQuery", __base__=(Conditions, Taking))


FileName = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9._/-]+$")]


class PolicyText(Nothing):
    """A policy, with the files that it includes."""

    text: str = Field(max_length=MAX_TEXT, description="The whole file.")
    files: dict[FileName, Annotated[str, Field(max_length=MAX_TEXT)]] = Field(
        default_factory=dict,
        max_length=MAX_FILES - 1,
        description="What it includes: the text of each file under the name by which the policy's folder knows it.",
    )


def filters_of(given: Any, subject: str | None = None, session: str | None = None) -> Filters:
    """Filters from a model of conditions. Raises ValueError never: the model has checked them."""
    data = given.model_dump(exclude_none=True)
    since, until = data.pop("since", None), data.pop("until", None)
    if "day" in data:
        start, end = moments.day_span(data.pop("day"))
        since, until = max(since or start, start), min(until or end, end)
    values = {name: _plain(value) for name, value in data.items() if name in CONDITIONS}
    return Filters(values, since, until, subject, session)


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class RollBack(Nothing):
    """Which policy to go back to."""

    digest: str = Field("", pattern=r"^((sha256:)?[0-9a-f]{8,64})?$", description="Empty for the one before this one.")
