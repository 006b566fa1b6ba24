"""Operations on what was in force: which policies, and what each change of them changed in meaning."""

from dataclasses import asdict

from policies.diff import render
from proxy.console.access import Right
from proxy.console.operations.base import Answer, Call, Desk, Operation
from proxy.console.operations.drafts import DIFFERENCE, difference
from proxy.console.outputs import COUNT, STRING, Json, many, thing

_DIGEST: Json = {"type": "string", "pattern": "^(sha256:)?[0-9a-f]{64}$"}


def _activations(desk: Desk, call: Call) -> Answer:
    return {"items": [asdict(one) for one in desk.policy.history(call.visitor)]}


def _told(desk: Desk, call: Call) -> Answer:
    found = desk.policy.told(call.visitor, call.path["digest"])
    step, change = found.step, found.difference
    return {
        "index": step.index, "at": step.at, "name": step.name, "old_digest": step.old, "new_digest": step.new,
        "actor": step.actor, "second_actor": step.second, "stricter": step.stricter, "weaker": step.weaker,
        "agrees": change is not None and found.agrees, "why": found.why,
        "words": "" if change is None else render(change),
        "difference": None if change is None else difference(change),
    }  # fmt: skip


TOLD = thing(
    "A policy that came into force, as its entry of the log names it; what it changed, from the texts that are kept.",
    index=COUNT, at=COUNT, name=STRING, old_digest=STRING, new_digest=STRING, actor=STRING, second_actor=STRING,
    stricter=COUNT, weaker=COUNT,
    agrees={"type": "boolean", "description": "The texts say what the entry counts as stricter and weaker."},
    why={**STRING, "description": "Where there is no difference: why not."},
    words={**STRING, "description": "The difference as `dragoman policy history --changes` prints it."},
    difference={"anyOf": [DIFFERENCE, {"type": "null"}]},
)  # fmt: skip

OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", "/policy/history", "getPolicyHistory", "Policies that came into force, newest first.",
              _activations, thing(items=many(thing(at=COUNT, name=STRING, digest=STRING))), right=Right.POLICY),
    Operation("GET", "/policy/history/{digest}/changes", "tellPolicyChange",
              "What a policy changed in meaning when it came into force last.", _told, TOLD,
              path_schemas={"digest": _DIGEST}, right=Right.POLICY),
)  # fmt: skip
