"""The operation that follows the log."""

from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from audit.canonical import KINDS
from proxy.console.inputs import MAX_INT, Nothing
from proxy.console.operations.base import Answer, Call, Desk, Operation
from proxy.console.tail import LONGEST_S, MOST_ENTRIES

EVENTS = "text/event-stream"


def _kinds(value: object) -> object:
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, list) or set(names) - set(KINDS):
        raise PydanticCustomError("some_of", "write some of {expected}", {"expected": ", ".join(KINDS)})
    return names


_KINDS = {"type": "array", "items": {"enum": list(KINDS)}, "minItems": 1}


class TailQuery(Nothing):
    """Where to begin, and when to end."""

    since: int | None = Field(None, ge=0, le=MAX_INT, description="Index of the first entry; without it what comes.")
    kinds: Annotated[list[str], BeforeValidator(_kinds), WithJsonSchema(_KINDS)] | None = Field(
        None, description="Only entries of these kinds."
    )
    seconds: int = Field(30, ge=0, le=LONGEST_S, description="After so long the stream ends; 0 sends what is there.")
    limit: int = Field(1_000, ge=1, le=MOST_ENTRIES, description="After so many entries the stream ends.")


def _tail(desk: Desk, call: Call) -> Answer:
    given = call.query
    return desk.tail.follow(call.visitor, given.since, tuple(given.kinds or ()), given.seconds, given.limit)


OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", "/tail", "followLog", "Entries as they come, as server-sent events.", _tail, None, query=TailQuery,
              media=(EVENTS,)),
)  # fmt: skip
