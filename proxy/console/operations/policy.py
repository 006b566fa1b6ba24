"""Operations on what decides: the policy, what was asked for in its place, and stops."""

from collections.abc import Mapping
from typing import Any

from audit.values import StopTarget
from policies.errors import Problem
from proxy.console import inputs
from proxy.console.access import Right
from proxy.console.operations.base import ID, NAME, Answer, Call, Desk, Operation
from proxy.console.outputs import COUNT, FACTS, STRING, Json, many, thing
from proxy.console.policy_desk import PASTED, Stoppable
from proxy.control.policies import Proposal


def _stops(desk: Desk, call: Call) -> Answer:
    return {"items": [stop(one) for one in desk.policy.stoppable(call.visitor)]}


def _stop(desk: Desk, call: Call) -> Answer:
    return stop(desk.policy.stop(call.visitor, StopTarget(call.path["target"]), call.path["name"], stopped=True))


def _resume(desk: Desk, call: Call) -> Answer:
    return stop(desk.policy.stop(call.visitor, StopTarget(call.path["target"]), call.path["name"], stopped=False))


def stop(one: Stoppable) -> Json:
    """What can be stopped, and whether it is."""
    return {"target": str(one.target), "name": one.name, "stopped": one.stopped}


def _policy(desk: Desk, call: Call) -> Answer:
    from policies.show import as_data

    found = desk.policy.effective(call.visitor)
    policy = found.policy
    return {"name": policy.name, "digest": policy.digest, "active": found.active, "policy": as_data(policy)}


def files_of_text(body: inputs.PolicyText) -> Mapping[str, str]:
    """A policy's files, the policy first."""
    return {PASTED: body.text, **{name: text for name, text in body.files.items() if name != PASTED}}


def _lint(desk: Desk, call: Call) -> Answer:
    found = desk.policy.check(call.visitor, files_of_text(call.body))
    return {"holds": not any(one.is_error for one in found), "problems": [problem(one) for one in found]}


def problem(one: Problem) -> Json:
    """What is wrong in a policy's text."""
    return {name: getattr(one, name) for name in _PROBLEM}


def _propose(desk: Desk, call: Call) -> Answer:
    return _proposal(desk.policy.propose(call.visitor, files_of_text(call.body)))


def _second(desk: Desk, call: Call) -> Answer:
    return _proposal(desk.policy.agree(call.visitor, call.path["id"]))


def _roll_back(desk: Desk, call: Call) -> Answer:
    return _proposal(desk.policy.roll_back(call.visitor, call.body.digest))


def _proposal(found: Proposal) -> Json:
    return {
        "id": found.id,
        "at": found.at,
        "name": found.name,
        "digest": found.digest,
        "state": str(found.state),
        "asked_by": found.asked_by,
        "agreed_by": found.agreed_by,
        "reason": found.reason,
    }


def _proposals(desk: Desk, call: Call) -> Answer:
    return {"items": [_proposal(one) for one in desk.policy.proposals(call.visitor)]}


STOP = thing(target={"enum": [str(target) for target in StopTarget]}, name=STRING, stopped={"type": "boolean"})
POLICY = thing(
    name=STRING,
    digest=STRING,
    active={"type": "boolean", "description": "It is the one that was activated last."},
    policy=FACTS,
)
_PROBLEM: Mapping[str, Json] = {
    "line": COUNT,
    "column": COUNT,
    "severity": {"enum": ["error", "warning"]},
    "code": STRING,
    "message": STRING,
    "source": STRING,
    "hint": STRING,
}
PROBLEM = thing(**_PROBLEM)
PROPOSAL = thing(
    id=STRING,
    at=COUNT,
    name=STRING,
    digest=STRING,
    state={"enum": ["waiting", "agreed", "active", "refused"]},
    asked_by=STRING,
    agreed_by=STRING,
    reason=STRING,
)
_STOP_PATH = {"target": {"enum": [str(target) for target in StopTarget]}, "name": NAME}
_LINT: dict[str, Any] = {"right": Right.POLICY, "body": inputs.PolicyText}
_ACTIVATE: dict[str, Any] = {"right": Right.ACTIVATE, "status": 202}

OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", "/stops", "listStops", "What can be stopped, and is.", _stops, thing(items=many(STOP))),
    Operation("PUT", "/stops/{target}/{name}", "stop", "Nothing more goes there, or from there, within 2 s.", _stop,
              STOP, right=Right.STOP, path_schemas=_STOP_PATH),
    Operation("DELETE", "/stops/{target}/{name}", "resume", "Lift a stop.", _resume, STOP, right=Right.STOP,
              path_schemas=_STOP_PATH),
    Operation("GET", "/policy", "getPolicy", "The effective policy, everything resolved.", _policy, POLICY,
              right=Right.POLICY),
    Operation("POST", "/policy/lint", "lintPolicy", "Check the text of a policy; it is not stored.", _lint,
              thing(holds={"type": "boolean"}, problems=many(PROBLEM)), **_LINT),
    Operation("POST", "/policy/proposals", "proposePolicy", "Ask for a policy to be in force; its cases run first.",
              _propose, PROPOSAL, body=inputs.PolicyText, **_ACTIVATE),
    Operation("GET", "/policy/proposals", "listProposals", "Policies that were asked for, newest first.", _proposals,
              thing(items=many(PROPOSAL)), right=Right.POLICY),
    Operation("POST", "/policy/proposals/{id}/agreement", "agreeToPolicy", "The second person's word.", _second,
              PROPOSAL, path_schemas={"id": ID}, **_ACTIVATE),
    Operation("POST", "/policy/rollback", "rollBackPolicy", "Ask for a policy that was in force before.", _roll_back,
              PROPOSAL, body=inputs.RollBack, **_ACTIVATE),
)  # fmt: skip
