"""Operations that compare models: pairs of answers without names, a word on one, the figures."""

from typing import Any, Literal

from pydantic import Field

from proxy.comparing.pairs import Blind, Words
from proxy.comparing.report import Report
from proxy.console.access import Right
from proxy.console.inputs import Nothing
from proxy.console.operations.base import ID, Answer, Call, Desk, Operation
from proxy.console.outputs import COUNT, MAYBE_COUNT, MAYBE_TEXT, STRING, Json, many, thing
from proxy.control.ratings import Side

MAX_DAYS = 3_650


class DaysQuery(Nothing):
    """Of which time."""

    days: int = Field(28, ge=1, le=MAX_DAYS, description="The last days, today included.")


class RatingBody(Nothing):
    """A word on a pair; the first one counts."""

    better: Literal["a", "b", "tie"] = Field(description="Which answer is better.")


def _waiting(desk: Desk, call: Call) -> Answer:
    found = desk.comparison.waiting(call.visitor)
    items = [{"exchange": exchange, "attempt": attempt} for exchange, attempt in found.names]
    return {"kept": found.kept, "items": items}


def _pair(desk: Desk, call: Call) -> Answer:
    return _blind(desk.comparison.show(call.visitor, call.path["exchange"], int(call.path["attempt"])))


def _rate(desk: Desk, call: Call) -> Answer:
    exchange, attempt = call.path["exchange"], int(call.path["attempt"])
    a, b = desk.comparison.rate(call.visitor, exchange, attempt, call.body.better).names
    return {"a": _side(a), "b": _side(b)}


def _report(desk: Desk, call: Call) -> Answer:
    found: Report = desk.comparison.report(call.visitor, call.query.days)
    return found.as_json()


def _blind(pair: Blind) -> Json:
    sides = {"a": _words(pair.a), "b": _words(pair.b)}
    return {"exchange": pair.exchange, "attempt": pair.attempt, "same_question": pair.same_question, **sides}


def _words(of: Words) -> Json:
    return {"asked": [{"speaker": kind, "text": text} for kind, text in of.asked], "said": list(of.said)}


def _side(one: Side) -> Json:
    return {"destination": one.destination, "model": one.model}


_ATTEMPT: Json = {"type": "string", "pattern": "^([2-9]|[1-9][0-9]{1,5})$"}
"""The first attempt is the request itself; a copy has a higher number."""
_WORDS = thing(asked=many(thing(speaker=STRING, text=STRING)), said=many(STRING))
PAIR = thing(
    "Two answers to one request; placeholders have the same names on both sides. Whose they are is told once rated.",
    exchange=STRING,
    attempt=COUNT,
    same_question={"type": "boolean"},
    a=_WORDS,
    b=_WORDS,
)
_SIDE = thing(destination=STRING, model=STRING)
_NUMBER: Json = {"type": ["number", "null"]}
_RATE = thing(
    "rate: share of the decided pairs in which the second's answer was better; low, high: its 95 % interval.",
    wins=COUNT,
    losses=COUNT,
    ties=COUNT,
    rate=_NUMBER,
    low={"type": "number"},
    high={"type": "number"},
)
_MEASURES = thing(
    "Where both answered. Medians in milliseconds from the moment the request left.",
    answers=COUNT,
    failed=COUNT,
    wait_ms=_NUMBER,
    total_ms=_NUMBER,
    counted={**COUNT, "description": "Answers whose recipient told their tokens."},
    tokens_in=MAYBE_COUNT,
    tokens_out=MAYBE_COUNT,
    cost={**MAYBE_TEXT, "description": "In the currency of `prices`."},
)
_MATCH = thing(
    first=_SIDE,
    second=_SIDE,
    people=_RATE,
    judge=_RATE,
    measures={"anyOf": [thing(first=_MEASURES, second=_MEASURES), {"type": "null"}]},
)
REPORT = thing(
    since={**COUNT, "description": "Milliseconds since 1970."},
    prices={"anyOf": [thing(date=STRING, currency=STRING, source=STRING), {"type": "null"}]},
    measured_in_part={"type": "boolean", "description": "Only the newest copies were measured."},
    matches=many(_MATCH),
    weeks=many(thing(week={**STRING, "description": "Its Monday."}, own=COUNT, all=COUNT, share=_NUMBER)),
)
_MAY: dict[str, Any] = {"right": Right.COMPARE}
_OF_PAIR: dict[str, Any] = {**_MAY, "path_schemas": {"exchange": ID, "attempt": _ATTEMPT}}

OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", "/comparisons", "listPairs", "Pairs that are kept and that this token has not rated.", _waiting,
              thing(kept=COUNT, items=many(thing(exchange=STRING, attempt=COUNT))), **_MAY),
    Operation("GET", "/comparisons/report", "reportComparisons", "Win rate, times, tokens and cost; no text.", _report,
              REPORT, query=DaysQuery, **_MAY),
    Operation("GET", "/comparisons/{exchange}/{attempt}", "getPair", "A pair without names; recorded before.", _pair,
              PAIR, **_OF_PAIR),
    Operation("PUT", "/comparisons/{exchange}/{attempt}/rating", "ratePair", "Which is better; then whose they are.",
              _rate, thing(a=_SIDE, b=_SIDE), body=RatingBody, **_OF_PAIR),
)  # fmt: skip
