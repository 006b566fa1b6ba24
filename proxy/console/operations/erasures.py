"""Operations that erase a person: consequences first, then the deed, how it goes, and legal holds.

A person is named in a body each time and kept nowhere; the seal of the consequences says that the same one is meant.
"""

from typing import Any

import orjson
from pydantic import Field

from audit.values import ErasureReason
from proxy.console.access import Right
from proxy.console.asking_again import Repeat
from proxy.console.erasing import Course
from proxy.console.inputs import Nothing, Subject
from proxy.console.operations.base import ID, Answer, Call, Desk, Operation
from proxy.console.outputs import COUNT, FACTS, MAYBE_COUNT, MAYBE_TEXT, STRING, Json, many, thing
from proxy.erasure.plan import deletion
from proxy.erasure.providers import Verdict

_HASHED = "The real identifier. Hashed in memory; neither stored nor recorded."


class PersonBody(Nothing):
    """Whom it is about."""

    subject: Subject = Field(description=_HASHED)


class SealedBody(PersonBody):
    """Whom it is about, and that the consequences were seen."""

    seal: str = Field(pattern="^[0-9a-f]{64}$", description="`seal` of the consequences that were shown to this token.")


class ErasureBody(SealedBody):
    """Whom to erase, and why."""

    reason: ErasureReason = Field(description="A ground of GDPR Art. 17(1); `request` for another law's.")


class HoldBody(SealedBody):
    """A legal hold."""

    held: bool = Field(description="Whether it stands from now on.")


def _preview(desk: Desk, call: Call) -> Answer:
    plan, seal = desk.erasing.plan(call.visitor, call.body.subject)
    return {**plan.as_json(), "seal": seal}


def _erase(desk: Desk, call: Call) -> Answer:
    body = call.body
    return _course(desk.erasing.erase(call.visitor, body.subject, body.seal, body.reason))


def _look(desk: Desk, call: Call) -> Answer:
    return _course(desk.erasing.course(call.visitor, call.path["id"]))


def _recipients(desk: Desk, call: Call) -> Answer:
    saved: Json = orjson.loads(desk.erasing.saved(call.visitor, call.path["id"]))
    return saved


def _waiting(desk: Desk, call: Call) -> Answer:
    items = [
        {"id": one.id, "at": one.at, "asked_by": one.by.name, "reason": one.reason, "until": one.until}
        for one in desk.erasing.waiting(call.visitor)
    ]
    return {"items": items}


def _left(desk: Desk, call: Call) -> Answer:
    items = [
        {"id": one.id, "objects": one.objects, "destinations": list(one.destinations)}
        for one in desk.erasing.left(call.visitor)
    ]
    return {"items": items}


def _retry(desk: Desk, call: Call) -> Answer:
    return _repeat(desk.erasing.retry(call.visitor, call.path["id"]))


def _look_again(desk: Desk, call: Call) -> Answer:
    return _repeat(desk.erasing.repeat(call.visitor, call.path["id"]))


def _repeat(found: Repeat) -> Json:
    again = found.again
    return {
        "id": found.id,
        "state": "running" if not found.ended.is_set() else "failed" if again is None else "done",
        "failed": found.failed,
        "left": None if again is None else again.left,
        "objects": [] if again is None else [deletion(one) for one in again.deletions],
    }


def _hold(desk: Desk, call: Call) -> Answer:
    body = call.body
    desk.erasing.set_hold(call.visitor, body.subject, body.seal, held=body.held)
    return {"held": body.held}


def _course(found: Course) -> Json:
    if found.waits is not None:
        state = "waiting"
    else:
        state = "running" if not found.ended.is_set() else "failed" if found.failed else "done"
    return {
        "id": found.plan.id if found.waits is None else found.waits.id,
        "state": state,
        "failed": found.failed,
        "objects": len(found.plan.objects),
        "asked": len(found.asked),
        "recipients": list(found.plan.recipients),
        "done": None if found.done is None else found.done.as_json(),
    }


_OBJECT = thing(
    "Something a provider keeps.",
    destination=STRING,
    id={**MAYBE_TEXT, "description": "Null once it is gone."},
    created=STRING,
    request={**MAYBE_TEXT, "description": "How it is deleted."},
    obstacle={**MAYBE_TEXT, "description": "Why it cannot be asked for."},
    verdict={"enum": [*map(str, Verdict), None]},
    status=MAYBE_COUNT,
    kept_until=MAYBE_TEXT,
)
_RECIPIENT = thing(
    "Somebody who was sent data about the person.",
    destination=FACTS,
    application=STRING,
    purpose=FACTS,
    transfers=COUNT,
    first=STRING,
    last=STRING,
    kinds=many(STRING),
)
_PLAN: dict[str, Json] = {
    "erasure": STRING,
    "partial": {"type": "boolean", "description": "Data about the person may be left where nothing names anybody."},
    "held": {"type": "boolean", "description": "A legal hold stands: erasing is refused."},
    "transfers": COUNT,
    "references": COUNT,
    "sessions": COUNT,
    "recipients": many(_RECIPIENT),
    "scopes": {**COUNT, "description": "Conversations whose keys are destroyed."},
    "scopes_shared": {**COUNT, "description": "Those that concern others as well."},
    "placeholders": COUNT,
    "objects": many(_OBJECT),
    "transfers_in_log": COUNT,
    "transfers_without_person": COUNT,
    "conversations_without_person": COUNT,
}
_DONE: dict[str, Json] = {
    "objects": many(_OBJECT),
    **{str(verdict): COUNT for verdict in Verdict},
    "scopes_shredded": COUNT,
    "placeholders_gone": COUNT,
    "references_destroyed": COUNT,
}
PREVIEW = thing(**_PLAN, seal={**STRING, "description": "Send it back with the same person to erase or to hold."})
COURSE = thing(
    "How an erasure goes. One that fails is finished at the next start.",
    id=STRING,
    state={
        "enum": ["waiting", "running", "failed", "done"],
        "description": "`waiting`: nothing has begun; another officer has to send the same about the same person.",
    },
    failed={**STRING, "description": "Kind of the error that broke it off, or empty."},
    objects={**COUNT, "description": "What providers were to be asked to delete."},
    asked=COUNT,
    recipients=many(STRING),
    done={"anyOf": [thing(**_DONE), {"type": "null"}]},
)
SAVED: Json = {
    "type": "object",
    "description": "The file of the erasure: the consequences, and what was done as far as it got. Names nobody.",
    "properties": {**_PLAN, **_DONE},
    "required": list(_PLAN),
    "additionalProperties": False,
}
WAITING = thing(
    "Who asked for an erasure, and why; whom it is about stands nowhere.",
    id=STRING,
    at=COUNT,
    asked_by=STRING,
    reason=STRING,
    until=COUNT,
)
LEFT = thing(
    "An erasure whose providers keep something still.",
    id=STRING,
    objects=COUNT,
    destinations=many(STRING),
)
REPEAT = thing(
    "How asking providers again goes.",
    id=STRING,
    state={"enum": ["running", "failed", "done"]},
    failed={**STRING, "description": "Kind of the error that broke it off, or empty."},
    left={**MAYBE_COUNT, "description": "Objects that are with their providers still."},
    objects=many(_OBJECT),
)
_MAY: dict[str, Any] = {"right": Right.ERASE}

OPERATIONS: tuple[Operation, ...] = (
    Operation("POST", "/erasures/preview", "previewErasure", "What erasing a person would do; nothing happens.",
              _preview, PREVIEW, body=PersonBody, **_MAY),
    Operation("POST", "/erasures", "erasePerson", "Erase a person whose consequences were seen.", _erase, COURSE,
              body=ErasureBody, status=202, **_MAY),
    Operation("GET", "/erasures", "listWaitingErasures", "Erasures that wait for a second person.", _waiting,
              thing(items=many(WAITING)), **_MAY),
    Operation("PUT", "/erasures/hold", "holdPerson", "Place or end a legal hold.", _hold,
              thing(held={"type": "boolean"}), body=HoldBody, **_MAY),
    Operation("GET", "/erasures/{id}", "getErasure", "How an erasure goes that was begun here since the start.", _look,
              COURSE, path_schemas={"id": ID}, **_MAY),
    Operation("GET", "/erasures/{id}/recipients", "getRecipientsOfErasure", "Who has to be told, as it was saved.",
              _recipients, SAVED, path_schemas={"id": ID}, **_MAY),
    Operation("GET", "/erasures/left", "listErasuresLeft", "Erasures whose providers keep something still.", _left,
              thing(items=many(LEFT)), **_MAY),
    Operation("POST", "/erasures/{id}/retry", "retryErasure", "Ask providers again for what an erasure left.", _retry,
              REPEAT, path_schemas={"id": ID}, status=202, **_MAY),
    Operation("GET", "/erasures/{id}/retry", "getRetryOfErasure", "How asking again goes that was begun here.",
              _look_again, REPEAT, path_schemas={"id": ID}, **_MAY),
)  # fmt: skip
