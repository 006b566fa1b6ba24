"""What an operation of the API is: path, right, input, answer. Routes and description are made of these entries, so
that neither can say what the other does not.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from proxy.console import inputs
from proxy.console.access import Right, Visitor
from proxy.console.approving import Approving
from proxy.console.comparing import ComparisonDesk
from proxy.console.drafting import Drafting
from proxy.console.erasing import ErasureDesk
from proxy.console.health import Health
from proxy.console.log import AuditLog
from proxy.console.outputs import Json
from proxy.console.policy_desk import PolicyDesk
from proxy.console.questions import Questions
from proxy.console.sought import Sought
from proxy.console.tail import Tail
from proxy.console.token_desk import TokenDesk
from proxy.console.trying import Trying
from proxy.console.verifying import Verification
from proxy.control.searches import Searches
from proxy.running.revealing import Revealing

type Answer = Mapping[str, Any] | bytes | Made | Streamed | AsyncIterator[bytes]

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
ID: Json = {"type": "string", "pattern": "^[0-9A-HJKMNP-TV-Z]{26}$"}
NAME: Json = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._:-]{0,95}$"}


@dataclass(frozen=True, slots=True)
class Desk:
    """What operations and pages ask of."""

    log: AuditLog
    questions: Questions
    policy: PolicyDesk
    verification: Verification
    revealing: Revealing
    trying: Trying
    approving: Approving
    tokens: TokenDesk
    health: Health
    drafting: Drafting
    searches: Searches
    erasing: ErasureDesk
    tail: Tail
    comparison: ComparisonDesk
    sought: Sought


@dataclass(frozen=True, slots=True)
class Made:
    """A file that was made for this answer. name: what a browser saves it as."""

    data: bytes
    media: str
    name: str


@dataclass(frozen=True, slots=True)
class Streamed:
    """A file that is made while it is sent. form: csv, jsonl, tiles or parquet. name: without its ending."""

    parts: Iterator[bytes]
    form: str
    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """One request, checked. query, body: instances of the operation's models. path: its variables."""

    visitor: Visitor
    query: Any
    body: Any
    path: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that can be asked or done. right: None where every valid token may. answer: JSON Schema, or None
    for text and streams, whose media types stand in `media`."""

    method: str
    path: str
    id: str
    summary: str
    run: Callable[[Desk, Call], Answer]
    answer: Json | None
    right: Right | None = Right.TRANSFERS
    query: type[BaseModel] = inputs.Nothing
    body: type[BaseModel] | None = None
    media: tuple[str, ...] = (JSON,)
    status: int = 200
    path_schemas: Mapping[str, Json] = field(default_factory=dict)
