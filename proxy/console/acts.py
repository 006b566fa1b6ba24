"""More operations of the API: following the log, an officer's word on held requests, tokens; and the table of all."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema

from audit.canonical import KINDS
from audit.values import ApprovalReason
from proxy.console import outputs
from proxy.console.access import Right
from proxy.console.inputs import MAX_INT, Nothing
from proxy.console.operations import ID, OPERATIONS, Answer, Call, Desk, Operation
from proxy.console.outputs import COUNT, MAYBE_COUNT, STRING, many, thing
from proxy.console.tail import LONGEST_S, MOST_ENTRIES
from proxy.control.approvals import MAX_HOURS, MAX_WORDS, HeldRequest
from proxy.control.tokens import MAX_DAYS, Role

EVENTS = "text/event-stream"


def _kinds(value: object) -> object:
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, list) or set(names) - set(KINDS):
        raise ValueError(f"write one or more of {', '.join(KINDS)}, separated by commas")
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


class ApprovalBody(Nothing):
    """For how long that very request may pass, and why."""

    hours: int = Field(24, ge=1, le=MAX_HOURS, description="How long it may be sent again.")
    reason: ApprovalReason = Field(description="Why, for the log.")
    because: str = Field(
        "", max_length=MAX_WORDS, pattern=r"^[^\x00]*$", description="In words, which the log never gets."
    )


class TokenBody(Nothing):
    """A token for a team or an auditor."""

    role: Role = Field(description="team or auditor; officers and operators get theirs from `dragoman token create`.")
    name: str = Field(min_length=1, max_length=96, pattern=r"^[^\x00]*$", description="Whose it is.")
    applications: list[Annotated[str, StringConstraints(max_length=63, pattern=r"^[^\x00]*$")]] = Field(
        default_factory=list, max_length=100, description="Of a team: what it may see."
    )
    days: int = Field(90, ge=1, le=MAX_DAYS, description="How long it opens anything.")


def _tail(desk: Desk, call: Call) -> Answer:
    given = call.query
    return desk.tail.follow(call.visitor, given.since, tuple(given.kinds or ()), given.seconds, given.limit)


def _held(desk: Desk, call: Call) -> Answer:
    return {"items": [_request(one) for one in desk.approving.held(call.visitor)]}


def _approve(desk: Desk, call: Call) -> Answer:
    body, reference = call.body, call.path["id"]
    desk.approving.grant(call.visitor, reference, body.hours, body.reason, body.because)
    return _request(desk.approving.one(call.visitor, reference))


def _deny(desk: Desk, call: Call) -> Answer:
    desk.approving.deny(call.visitor, call.path["id"])
    return _request(desk.approving.one(call.visitor, call.path["id"]))


def _request(held: HeldRequest) -> outputs.Json:
    return {
        "id": held.reference,
        "at": held.at,
        "application": held.application,
        "destination": held.destination,
        "rules": list(held.rules),
        "state": str(held.state),
        "until": held.until,
        "reason": held.reason,
        "because": held.because,
    }


def _tokens(desk: Desk, call: Call) -> Answer:
    return {"items": [one.data() for one in desk.tokens.all(call.visitor)]}


def _create(desk: Desk, call: Call) -> Answer:
    body = call.body
    value, made = desk.tokens.create(call.visitor, body.role, body.name, tuple(body.applications), body.days)
    return {"token": value, **made.data()}


def _revoke(desk: Desk, call: Call) -> Answer:
    found = desk.tokens.revoke(call.visitor, call.path["id"])
    return next(one for one in desk.tokens.all(call.visitor) if one.id == found.id).data()


HELD = thing(
    "A request that a rule holds. Times are milliseconds since 1970.",
    id={**STRING, "description": "The reference that the app was told."},
    at=COUNT,
    application=STRING,
    destination=STRING,
    rules=many(STRING),
    state={"enum": ["waiting", "approved", "denied"]},
    until={**MAYBE_COUNT, "description": "Until when it may pass."},
    reason={**STRING, "description": "Why it was approved, of the closed set; empty before."},
    because={**STRING, "description": "The officer's own words."},
)
_TOKEN = {
    "id": STRING,
    "role": {"enum": [str(role) for role in Role]},
    "name": STRING,
    "applications": many(STRING),
    "created": COUNT,
    "expires": COUNT,
    "revoked": MAYBE_COUNT,
}
_TOKEN_ID: outputs.Json = {"type": "string", "pattern": "^[0-9a-f]{8}$"}
_APPROVE: dict[str, Any] = {"right": Right.APPROVE, "path_schemas": {"id": ID}}

ACTS: tuple[Operation, ...] = (
    Operation("GET", "/tail", "followLog", "Entries as they come, as server-sent events.", _tail, None, query=TailQuery,
              media=(EVENTS,)),
    Operation("GET", "/approvals", "listHeldRequests", "Requests that wait for an officer, and those of the last week.",
              _held, thing(items=many(HELD)), right=Right.APPROVE),
    Operation("PUT", "/approvals/{id}", "approveRequest", "Let that very request pass when it is sent again.", _approve,
              HELD, body=ApprovalBody, **_APPROVE),
    Operation("DELETE", "/approvals/{id}", "denyRequest", "Refuse it, or end an approval.", _deny, HELD, **_APPROVE),
    Operation("GET", "/tokens", "listTokens", "Every token, without its secret.", _tokens,
              thing(items=many(thing(**_TOKEN))), right=Right.TOKENS),
    Operation("POST", "/tokens", "createToken", "A token for a team or an auditor, shown this once.", _create,
              thing(token=STRING, **_TOKEN), right=Right.TOKENS, body=TokenBody, status=201),
    Operation("DELETE", "/tokens/{id}", "revokeToken", "End a token and its sessions at once.", _revoke,
              thing(**_TOKEN), right=Right.TOKENS, path_schemas={"id": _TOKEN_ID}),
)  # fmt: skip
ALL = (*OPERATIONS, *ACTS)
"""Every operation below `/api/v1`."""
