"""Operations on held requests: an officer's word."""

from typing import Any

from pydantic import Field

from audit.values import ApprovalReason
from proxy.console.access import Right
from proxy.console.inputs import Nothing
from proxy.console.operations.base import ID, Answer, Call, Desk, Operation
from proxy.console.outputs import COUNT, MAYBE_COUNT, STRING, Json, many, thing
from proxy.control.approvals import MAX_HOURS, MAX_WORDS, ApprovalState, HeldRequest


class ApprovalBody(Nothing):
    """For how long that very request may pass, and why."""

    hours: int = Field(24, ge=1, le=MAX_HOURS, description="How long it may be sent again.")
    reason: ApprovalReason = Field(description="Why, for the log.")
    because: str = Field(
        "", max_length=MAX_WORDS, pattern=r"^[^\x00]*$", description="In words, which the log never gets."
    )


def _held(desk: Desk, call: Call) -> Answer:
    return {"items": [_request(one) for one in desk.approving.held(call.visitor)]}


def _approve(desk: Desk, call: Call) -> Answer:
    body, reference = call.body, call.path["id"]
    desk.approving.grant(call.visitor, reference, body.hours, body.reason, body.because)
    return _request(desk.approving.one(call.visitor, reference))


def _deny(desk: Desk, call: Call) -> Answer:
    desk.approving.deny(call.visitor, call.path["id"])
    return _request(desk.approving.one(call.visitor, call.path["id"]))


def _request(held: HeldRequest) -> Json:
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


HELD = thing(
    "A request that a rule holds. Times are milliseconds since 1970.",
    id={**STRING, "description": "The reference that the app was told."},
    at=COUNT,
    application=STRING,
    destination=STRING,
    rules=many(STRING),
    state={"enum": [str(state) for state in ApprovalState]},
    until={**MAYBE_COUNT, "description": "Until when it may pass."},
    reason={**STRING, "description": "Why it was approved, of the closed set; empty before."},
    because={**STRING, "description": "The officer's own words."},
)
_OF_REQUEST: dict[str, Any] = {"right": Right.APPROVE, "path_schemas": {"id": ID}}

OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", "/approvals", "listHeldRequests", "Requests that wait for an officer, and those of the last week.",
              _held, thing(items=many(HELD)), right=Right.APPROVE),
    Operation("PUT", "/approvals/{id}", "approveRequest", "Let that very request pass when it is sent again.", _approve,
              HELD, body=ApprovalBody, **_OF_REQUEST),
    Operation("DELETE", "/approvals/{id}", "denyRequest", "Refuse it, or end an approval.", _deny, HELD, **_OF_REQUEST),
)  # fmt: skip
