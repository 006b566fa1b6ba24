"""Operations on a policy that is being written: cases, what it changes or would have done, exceptions, rehearsals.

Nothing here puts a policy into force, and nothing of what is sent is stored.
"""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from policies.diff import PolicyDiff
from policies.errors import UnknownNameError, UsageError
from policies.model import Consent
from proxy.console.access import Right
from proxy.console.inputs import LONGEST_SUBJECT, Nothing, PolicyText
from proxy.console.operations.base import NAME, Answer, Call, Desk, Operation
from proxy.console.operations.policy import PROBLEM, files_of_text, problem
from proxy.console.outputs import COUNT, FACTS, MAYBE_TEXT, STRING, Json, many, thing
from proxy.console.problems import wrong
from proxy.console.trying import LONGEST, LONGEST_PATH
from proxy.errors import FormatError
from proxy.policy.excepting import MAX_DAYS
from proxy.policy.excepting import Wanted as WantedException

if TYPE_CHECKING:
    from proxy.policy.rehearsing import Tried
    from proxy.steps.found import Found

_NAME = str(NAME["pattern"])
Name = Annotated[str, Field(max_length=96, pattern=_NAME)]
Text = Annotated[str, Field(pattern=r"^[^\x00]*$")]


class ExceptionBody(PolicyText):
    """A policy, and a value of one kind that it should let pass for some days."""

    entity_type: str = Field(pattern="^[A-Z][A-Z0-9_]{0,47}$", description="What the value was taken for.")
    value: Text = Field(min_length=1, max_length=LONGEST_SUBJECT, description="Hashed in memory; the policy gets that.")
    days: int = Field(30, ge=1, le=MAX_DAYS, description="For how long.")
    because: Text = Field(min_length=1, max_length=500, description="Why; stands in the policy.")
    application: Name | None = Field(None, description="Of which application alone.")
    destination: Name | None = Field(None, description="To which recipient alone.")
    rule: Name | None = Field(None, description="From which rule, where several decide.")


class Deciding(StrEnum):
    """Which policy a rehearsal is decided by."""

    ACTIVE = "active"
    DEFAULT = "default"
    STRICT = "strict"
    OBSERVE = "observe"


class RehearsalBody(Nothing):
    """Words of a person, or a whole request."""

    text: Text = Field(min_length=1, max_length=LONGEST, description="Words, or a body where `path` is given.")
    path: str = Field("", max_length=LONGEST_PATH, pattern=r"^(/[!-~]*)?$", description="The endpoint of a body.")
    destination: Name = "openai"
    application: Name | None = None
    consent: Consent = Consent.UNKNOWN
    policy: Deciding = Field(Deciding.ACTIVE, description="The policy in force, or one that comes with dragoman.")
    draft: PolicyText | None = Field(None, description="Decides instead, where it is given.")


def _cases(desk: Desk, call: Call) -> Answer:
    found = desk.drafting.checked(call.visitor, files_of_text(call.body))
    return {
        "holds": not found.errors and not found.failing,
        "problems": [problem(one) for one in found.problems],
        "cases": found.cases,
        "failing": None if found.failing is None else list(found.failing),
    }


def _diff(desk: Desk, call: Call) -> Answer:
    return difference(desk.drafting.differences(call.visitor, files_of_text(call.body)))


def difference(found: PolicyDiff) -> Json:
    """What one policy treats otherwise than another."""
    changes = [
        {
            "application": one.application,
            "destination": one.destination,
            "entities": list(one.entities),
            "before": str(one.before),
            "after": str(one.after),
            "when": one.condition,
            "weaker": one.weaker,
            "stricter": one.stricter,
        }
        for one in found.changes
    ]
    settings = [{"path": one.path, "before": one.before, "after": one.after} for one in found.settings]
    return {"changes": changes, "settings": settings, "complete": found.complete}


def _simulation(desk: Desk, call: Call) -> Answer:
    found = desk.drafting.replayed(call.visitor, files_of_text(call.body))
    return {
        "transfers": found.transfers,
        "same": found.same,
        "changed": [
            {"application": app, "destination": to, "before": before, "after": str(after), "transfers": n}
            for (app, to, before, after), n in found.changed.items()
        ],
        "findings": [
            {"entity_type": kind, "before": before, "after": after, "n": n}
            for (kind, before, after), n in found.findings.items()
        ],
        "uncertain": found.uncertain,
        "needs_flags": found.needs_flags,
    }


def _exception(desk: Desk, call: Call) -> Answer:
    body = call.body
    wanted = WantedException(
        body.entity_type, frozenset(), (body.application,) if body.application else (), body.days, body.because,
        call.visitor.token.name, body.rule or "", body.destination or "",
    )  # fmt: skip
    try:
        made = desk.drafting.excepted(call.visitor, files_of_text(body), wanted, body.value)
    except UnknownNameError:
        text = "the policy has no rule, application, recipient or kind of data of this name"
        raise FormatError(text, code="exception") from None
    except UsageError:
        text = "no rule, or more than one, decides about such values there; name the rule, or where it decides"
        raise FormatError(text, code="exception") from None
    return {"text": made.text, "rule": made.rule, "until": made.until.isoformat()}


def _rehearse(desk: Desk, call: Call) -> Answer:
    from proxy.policy.rehearsing import Wanted

    body = call.body
    files = files_of_text(body.draft) if body.draft is not None else {}
    policy = desk.drafting.policy("draft" if files else body.policy, files)
    if body.destination not in policy.destinations:
        raise wrong("destination", "no_recipient")
    wanted = Wanted(policy, body.destination, body.application or "", body.text, body.path, body.consent)
    return _tried(desk.trying.rehearse(call.visitor, wanted))


def _tried(found: "Tried") -> Json:
    seen = found.seen
    decision, refusal, facts = seen.work.decision, seen.refusal, seen.work.facts
    return {
        "action": None if decision is None else decision.action.value,
        "because": "" if decision is None else decision.because,
        "rules": [] if decision is None else list(decision.rule_ids),
        "refusal": None if refusal is None else {"code": refusal.code, "message": refusal.message},
        "findings": [_finding(one) for one in facts.found],
        "leaves": None if seen.request is None else _text(seen.request.body),
        "answered": None if found.answered is None else _text(found.answered),
        "restored": None if found.restored is None else _text(found.restored),
    }


def _finding(one: "Found") -> Json:
    return {
        "pointer": one.segment.pointer,
        "start": one.finding.start,
        "end": one.finding.end,
        "entity_type": one.finding.entity_type,
        "score": round(one.finding.score, 3),
        "recognizer": one.finding.recognizer,
        "language": one.language,
        "action": one.decision.action.value,
        "operator": one.decision.operator.value,
        "rule": one.decision.rule_id or None,
        "because": one.decision.because,
    }


def _text(body: bytes) -> str:
    return body.decode("utf-8", "replace")


def _schema(desk: Desk, call: Call) -> Answer:
    from policies.language.schema import json_schema

    return json_schema()


def _files(desk: Desk, call: Call) -> Answer:
    (_, text), *included = desk.policy.files(call.visitor).items()
    desk.trying.warm(desk.policy.policy)
    return {"text": text, "files": dict(included)}


_CHANGE = thing(
    "Kinds of data that one application's transfers to one recipient treat otherwise.",
    application=STRING, destination=STRING, entities=many(STRING), before=STRING, after=STRING, when=STRING,
    weaker={"type": "boolean"}, stricter={"type": "boolean"},
)  # fmt: skip
DIFFERENCE = thing(
    changes=many(_CHANGE),
    settings=many(thing(path=STRING, before=STRING, after=STRING)),
    complete={"type": "boolean", "description": "Whether every combination of conditions was compared."},
)
CHECKED = thing(
    holds={"type": "boolean"},
    problems=many(PROBLEM),
    cases=COUNT,
    failing={
        "anyOf": [many(STRING), {"type": "null"}],
        "description": "Cases that do not hold; null where errors come first.",
    },
)
SIMULATION = thing(
    "What it would have done with the transfers of the last seven days that one may see.",
    transfers=COUNT,
    same=COUNT,
    changed=many(thing(application=STRING, destination=STRING, before=STRING, after=STRING, transfers=COUNT)),
    findings=many(thing(entity_type=STRING, before=STRING, after=STRING, n=COUNT)),
    uncertain={**COUNT, "description": "Where the log does not say on which side of a threshold a finding was."},
    needs_flags={"type": "boolean", "description": "The policy asks about persons what the log does not hold."},
)
_FINDING = thing(
    "Where something was found, in Unicode code points of the text at `pointer`, and what was decided.",
    pointer=STRING, start=COUNT, end=COUNT, entity_type=STRING, score={"type": "number"}, recognizer=STRING,
    language=STRING, action=STRING, operator=STRING, rule=MAYBE_TEXT, because=STRING,
)  # fmt: skip
TRIED = thing(
    action=MAYBE_TEXT,
    because=STRING,
    rules=many(STRING),
    refusal={"anyOf": [thing(code=STRING, message=STRING), {"type": "null"}]},
    findings=many(_FINDING),
    leaves={**MAYBE_TEXT, "description": "The body as the recipient would get it; null where it is refused."},
    answered={**MAYBE_TEXT, "description": "What a fake model says that repeats it."},
    restored={**MAYBE_TEXT, "description": "What the application would get of that."},
)
EXCEPTED = thing(text={**STRING, "description": "The policy's own file with the exception."}, rule=STRING, until=STRING)
_OF_TEXT: dict[str, Any] = {"right": Right.POLICY, "body": PolicyText}

OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", "/policy/schema", "getPolicySchema", "JSON Schema of a policy.", _schema, FACTS,
              right=Right.POLICY),
    Operation("GET", "/policy/files", "getPolicyFiles", "The policy's files as they stand.", _files,
              thing(text=STRING, files={"type": "object", "additionalProperties": STRING}), right=Right.POLICY),
    Operation("POST", "/policy/cases", "runPolicyCases", "Check a policy and run its cases; it is not stored.", _cases,
              CHECKED, **_OF_TEXT),
    Operation("POST", "/policy/diff", "diffPolicy", "What a policy would change in meaning.", _diff, DIFFERENCE,
              **_OF_TEXT),
    Operation("POST", "/policy/simulation", "simulatePolicy", "What a policy would have done last week.", _simulation,
              SIMULATION, **_OF_TEXT),
    Operation("POST", "/policy/exception", "exceptValue", "A policy with an exception for one value, not stored.",
              _exception, EXCEPTED, right=Right.POLICY, body=ExceptionBody),
    Operation("POST", "/rehearsals", "rehearse", "What would happen to a text or a request; nothing is sent.",
              _rehearse, TRIED, right=Right.POLICY, body=RehearsalBody),
)  # fmt: skip
