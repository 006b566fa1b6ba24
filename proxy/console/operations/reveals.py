"""Operations that show an original, or who an actor is: one asks, another agrees, the first looks once."""

from typing import Any

from proxy.console import inputs
from proxy.console.access import Right
from proxy.console.operations.base import ID, Answer, Call, Desk, Operation
from proxy.console.outputs import COUNT, STRING, many, thing
from proxy.control.reveals import RevealKind, RevealState, Wanted, data


def _reveals(desk: Desk, call: Call) -> Answer:
    return {"items": [data(one) for one in desk.revealing.waiting(call.visitor.token)]}


def _ask(desk: Desk, call: Call) -> Answer:
    body = call.body
    wanted = Wanted(
        RevealKind(body.kind), body.what, str(body.reason), body.scope or "", body.transfer or "", body.ticket or ""
    )
    return data(desk.revealing.ask(call.visitor.token, wanted))


def _agree(desk: Desk, call: Call) -> Answer:
    return data(desk.revealing.approve(call.visitor.token, call.path["id"]))


def _refuse(desk: Desk, call: Call) -> Answer:
    return data(desk.revealing.deny(call.visitor.token, call.path["id"]))


def _show(desk: Desk, call: Call) -> Answer:
    found = desk.revealing.show(call.visitor.token, call.path["id"])
    kind = str(found.request.wanted.kind)
    return {"id": found.request.id, "kind": kind, "entity_type": found.entity_type, "text": found.text}


REVEAL = thing(
    "A request to see something.",
    id=STRING,
    kind={"enum": [str(kind) for kind in RevealKind]},
    what=STRING,
    reason=STRING,
    ticket=STRING,
    scope=STRING,
    transfer=STRING,
    asked=COUNT,
    asker=STRING,
    approver=STRING,
    state={"enum": [str(state) for state in RevealState]},
    until={**COUNT, "description": "End of the waiting, or of the agreement."},
)
SHOWN = thing(id=STRING, kind=STRING, entity_type=STRING, text={**STRING, "description": "What was asked for."})
_ASK: dict[str, Any] = {"right": Right.REVEAL, "body": inputs.RevealBody, "status": 201}
_OF_REVEAL: dict[str, Any] = {"right": Right.REVEAL, "path_schemas": {"id": ID}}

OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", "/reveals", "listReveals", "Requests of the last week to see an original, or who an actor is.",
              _reveals, thing(items=many(REVEAL)), right=Right.REVEAL),
    Operation("POST", "/reveals", "askReveal", "Ask; another officer has to agree.", _ask, REVEAL, **_ASK),
    Operation("PUT", "/reveals/{id}/agreement", "agreeToReveal", "Agree, as a second person.", _agree, REVEAL,
              **_OF_REVEAL),
    Operation("DELETE", "/reveals/{id}", "denyReveal", "Refuse, or take back.", _refuse, REVEAL, **_OF_REVEAL),
    Operation("POST", "/reveals/{id}/look", "lookAtRevealed", "What was asked for, once; recorded before.", _show,
              SHOWN, **_OF_REVEAL),
)  # fmt: skip
