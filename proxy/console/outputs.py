"""What the API answers: plain data for JSON, and the JSON Schema of each answer.

Schemas of transfers are made from the table that the questions are asked of, so that they cannot differ from it.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from audit.conditions import COLUMNS, FINDING_COLUMNS, GROUPS
from audit.holders import Holding
from audit.overview import Overview
from audit.query import Row
from audit.reports.texts import Language
from audit.tables import transfer
from policies.errors import Problem
from proxy.console.access import Right, Visitor
from proxy.console.policy_desk import Effective, Stoppable
from proxy.console.questions import Exchange, Holdings, Page, Proved
from proxy.console.verifying import State, Status
from proxy.control.policies import Activation, Proposal
from proxy.control.reveals import RevealKind, RevealRequest, RevealState, data
from proxy.revealing import Shown

type Json = dict[str, Any]

_COLUMNS = tuple(str(name) for name in COLUMNS)
STRING: Json = {"type": "string"}
COUNT: Json = {"type": "integer", "minimum": 0}
MAYBE_TEXT: Json = {"type": ["string", "null"]}
MAYBE_COUNT: Json = {"type": ["integer", "null"]}
FACTS: Json = {"type": "object", "description": "As it was signed; see the fields of the record."}


def thing(description: str = "", /, **properties: Json) -> Json:
    """The schema of an object that has all of these and nothing else."""
    schema = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return {"description": description, **schema} if description else schema


def many(of: Json) -> Json:
    """The schema of a list."""
    return {"type": "array", "items": of}


def _column(name: str) -> Json:
    column = transfer.c[name]
    kinds = {str: "string", int: "integer", bool: "boolean"}
    kind = kinds[column.type.python_type]
    return {"type": [kind, "null"] if column.nullable else kind}


_ROW = thing(
    "One transfer or refusal. Times are milliseconds since 1970.",
    index={**COUNT, "description": "Its place in the log."},
    **{name: _column(name) for name in _COLUMNS},
    countries=many(STRING),
)
TRANSFERS = thing(items=many(_ROW), next={**MAYBE_COUNT, "description": "`before` of the next page."})
_GROUP: Json = {
    "type": "object",
    "properties": {
        **{name: {"type": ["string", "integer", "boolean", "null"]} for name in map(str, (*GROUPS, *FINDING_COLUMNS))},
        **dict.fromkeys(("transfers", "findings", "bytes_in", "bytes_out"), COUNT),
    },
    "additionalProperties": False,
}
GROUPS_FOUND = thing(items=many(_GROUP))
EXCHANGE = thing(
    id=STRING,
    entries=many(thing(index=COUNT, facts=FACTS)),
    story={**many(STRING), "description": "The same in sentences."},
)
REASONS = thing(id=STRING, reasons={**many(STRING), "description": "In English sentences."})
PROOFS = thing(
    log=STRING,
    vkey={**STRING, "description": "The verifier key; compare it with the one you keep."},
    checkpoint={**STRING, "description": "The signed note (C2SP tlog-checkpoint)."},
    entries=many(
        thing(
            index=COUNT,
            kind=STRING,
            entry={**STRING, "description": "The bytes of the entry, UTF-8."},
            proof={**STRING, "description": "C2SP tlog-proof."},
        )
    ),
)
_HOLDING = thing(
    "Somebody who was sent something.",
    application=STRING,
    destination=FACTS,
    purpose=FACTS,
    transfers=COUNT,
    first=COUNT,
    last=COUNT,
    findings=many(thing(entity_type=STRING, operator=STRING, n=COUNT)),
)
HOLDINGS = thing(holdings=many(_HOLDING))
HOLDINGS_OF = thing(
    holdings=many(_HOLDING),
    partial={"type": "boolean", "description": "Some transfers in question carry no reference to any person."},
    transfers=COUNT,
    without_subject=COUNT,
)
OVERVIEW = thing(
    transfers=COUNT,
    blocked=COUNT,
    persons=COUNT,
    without_subject={**COUNT, "description": "Transfers that refer to nobody: the number of persons is partial."},
    recipients=COUNT,
    uninspected={**COUNT, "description": "Transfers with a part that nothing looked into, among `looked_into`."},
    looked_into={**COUNT, "description": "The newest transfers that were counted over."},
    flows=many(
        thing(application=STRING, entity_type=STRING, destination=STRING, replaced=COUNT, kept=COUNT, blocked=COUNT)
    ),
)
STATISTICS: Json = {"type": "object", "required": ["log", "entries", "open"]}
VERIFICATION = thing(
    state={"enum": [str(state) for state in State]},
    started=MAYBE_COUNT,
    ended=MAYBE_COUNT,
    done=COUNT,
    entries=COUNT,
    root=STRING,
    gaps=COUNT,
    open=COUNT,
    index={**MAYBE_COUNT, "description": "The first bad entry."},
    message=STRING,
)
STOP = thing(target={"enum": ["destination", "application"]}, name=STRING, stopped={"type": "boolean"})
STOPS = thing(items=many(STOP))
POLICY = thing(
    name=STRING,
    digest=STRING,
    active={"type": "boolean", "description": "It is the one that was activated last."},
    policy=FACTS,
)
PROBLEMS_FOUND = thing(
    holds={"type": "boolean"},
    problems=many(
        thing(
            line=COUNT,
            column=COUNT,
            severity={"enum": ["error", "warning"]},
            code=STRING,
            message=STRING,
            source=STRING,
            hint=STRING,
        )
    ),
)
REPORTS = thing(items=many(STRING))
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
REVEALS = thing(items=many(REVEAL))
SHOWN = thing(id=STRING, kind=STRING, entity_type=STRING, text={**STRING, "description": "What was asked for."})
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
PROPOSALS = thing(items=many(PROPOSAL))
ACTIVATIONS = thing(items=many(thing(at=COUNT, name=STRING, digest=STRING)))
ME = thing(
    id=STRING,
    role=STRING,
    name=STRING,
    applications={"anyOf": [many(STRING), {"type": "null"}]},
    rights=many(STRING),
    expires=COUNT,
)


def row(found: Row) -> Json:
    """One line of the transfers."""
    shown = {name: found[name] for name in _COLUMNS}
    return {"index": found["idx"], **shown, "countries": (found["countries"] or "").split()}


def transfers(page: Page) -> Json:
    """A page of transfers."""
    return {"items": [row(one) for one in page.rows], "next": page.next}


def exchange(found: Exchange, language: Language) -> Json:
    """One exchange, its story in a language."""
    entries = [{"index": index, "facts": facts} for index, facts in found.entries]
    return {"id": found.id, "entries": entries, "story": found.story(language)}


def proofs(proved: list[Proved], log: str, vkey: str) -> Json:
    """Proofs with all that checking them needs."""
    entries = [
        {
            "index": one.index,
            "kind": one.kind,
            "entry": one.entry.decode(),
            "proof": one.proof.text().decode(),
        }
        for one in proved
    ]
    return {"log": log, "vkey": vkey, "checkpoint": proved[-1].proof.checkpoint.decode(), "entries": entries}


def holdings(found: Holdings) -> Json:
    """Who holds what."""
    data: Json = {"holdings": [_holding(line) for line in found.lines]}
    if found.transfers is not None:
        data |= {"partial": found.partial, "transfers": found.transfers, "without_subject": found.without_subject}
    return data


def _holding(line: Holding) -> Json:
    return {
        "application": line.application,
        "destination": line.facts,
        "purpose": line.purpose,
        "transfers": line.transfers,
        "first": line.first,
        "last": line.last,
        "findings": [
            {"entity_type": entity_type, "operator": operator, "n": n}
            for (entity_type, operator), n in sorted(line.types.items())
        ],
    }


def overview(found: Overview) -> Json:
    """A period at a glance."""
    return asdict(found)


def verification(status: Status) -> Json:
    """Where the last verification stands."""
    return asdict(status)


def stops(found: list[Stoppable]) -> Json:
    """What can be stopped, and is."""
    return {"items": [stop(one) for one in found]}


def stop(one: Stoppable) -> Json:
    """One of them."""
    return {"target": str(one.target), "name": one.name, "stopped": one.stopped}


def policy(found: Effective) -> Json:
    """The effective policy."""
    from policies.show import as_data

    policy = found.policy
    return {"name": policy.name, "digest": policy.digest, "active": found.active, "policy": as_data(policy)}


def problems(found: list[Problem]) -> Json:
    """What is wrong with a text."""
    shown = [
        {
            "line": one.line,
            "column": one.column,
            "severity": one.severity,
            "code": one.code,
            "message": one.message,
            "source": one.source,
            "hint": one.hint,
        }
        for one in found
    ]
    return {"holds": not any(one.is_error for one in found), "problems": shown}


def reveal(one: RevealRequest) -> Json:
    """One request."""
    return data(one)


def reveals(found: tuple[RevealRequest, ...]) -> Json:
    """All of them."""
    return {"items": [reveal(one) for one in found]}


def shown(found: Shown) -> Json:
    """What was asked for."""
    request = found.request
    return {
        "id": request.id,
        "kind": str(request.wanted.kind),
        "entity_type": found.entity_type,
        "text": found.text,
    }


def me(visitor: Visitor) -> Json:
    """The token that asks."""
    token = visitor.token
    return {
        "id": token.id,
        "role": str(token.role),
        "name": token.name,
        "applications": None if visitor.applications is None else list(visitor.applications),
        "rights": sorted(str(right) for right in Right if visitor.may(right)),
        "expires": token.expires,
    }


def proposal(found: Proposal) -> Json:
    """Somebody wants a policy in force."""
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


def proposals(found: Sequence[Proposal]) -> Json:
    """All of them."""
    return {"items": [proposal(one) for one in found]}


def activations(found: Sequence[Activation]) -> Json:
    """What came into force."""
    return {"items": [{"at": one.at, "name": one.name, "digest": one.digest} for one in found]}
