"""What the API answers about the log: plain data for JSON, and the JSON Schema of each answer; parts of schemas.

Schemas of transfers are made from the table that the questions are asked of, so that they cannot differ from it.
"""

from dataclasses import asdict
from typing import Any

from audit.query import Row
from audit.questions.conditions import COLUMNS, FINDING_COLUMNS, GROUPS
from audit.questions.holders import Holding
from audit.questions.overview import Overview
from audit.reports.texts import Language
from audit.tables import transfer
from proxy.console.questions import Exchange, Holdings, Page, Proved
from proxy.console.verifying import State, Status

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
    persons_exact={
        "type": "boolean",
        "description": "Else `persons` is estimated from a sample of references.",
    },
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
