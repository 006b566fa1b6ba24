"""`POST /-/preview/<destination>/…`: what would leave, what was found where, and which rule decided. Sends nothing.

The answer goes to whoever sent the text, so it may hold what would be sent; it holds no original that is replaced.
"""

from dataclasses import dataclass

import orjson

from policies.model import TransferDecision
from proxy.messages import Headers, Outgoing, Refusal, Reply
from proxy.steps.records import Facts
from proxy.steps.work import Work
from redaction.restore import Restorer

PREVIEW_TYPE = "application/json"


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A request that went through every step but the last two: it was not recorded, so it cannot be sent.

    request: as it would leave; None where it is refused, and then `refusal` says why. restorer: for an answer to it.
    """

    work: Work
    request: Outgoing | None = None
    restorer: Restorer | None = None
    refusal: Refusal | None = None


def preview_reply(decision: TransferDecision, facts: Facts, outgoing: Outgoing) -> Reply:
    """The preview as JSON: `action`, `request` (as it would leave, credentials left out), `findings`."""
    carriers = facts.destination.credentials.headers if facts.destination else ()
    body: object
    try:
        body = orjson.loads(outgoing.body) if outgoing.body else None
    except orjson.JSONDecodeError:
        body = outgoing.body.decode("utf-8", "replace")
    answer = {
        "action": decision.action.value,
        "observe": decision.observe,
        "policy": {"name": facts.policy.name, "digest": facts.policy.digest, "rules": list(decision.rule_ids)},
        "destination": facts.destination.name if facts.destination else None,
        "format": facts.format,
        "endpoint": facts.endpoint,
        "request": {
            "method": outgoing.method,
            "host": outgoing.origin.authority,
            "target": outgoing.target.decode("latin-1"),
            "headers": [
                [name.decode("latin-1"), value.decode("latin-1")] for name, value in outgoing.headers.without(carriers)
            ],
            "body": body,
        },
        "findings": [
            {
                "pointer": item.segment.pointer,
                "kind": item.segment.kind.value,
                "start": item.finding.start,
                "end": item.finding.end,
                "entity_type": item.finding.entity_type,
                "score": round(item.finding.score, 3),
                "recognizer": item.finding.recognizer,
                "language": item.language,
                "action": item.decision.action.value,
                "operator": item.decision.operator.value,
                "rule": item.decision.rule_id,
                "because": item.decision.because,
            }
            for item in facts.found
        ],
    }
    fields = ((b"content-type", PREVIEW_TYPE.encode()), (b"cache-control", b"no-store"))
    return Reply(200, Headers(fields), orjson.dumps(answer, option=orjson.OPT_INDENT_2))
