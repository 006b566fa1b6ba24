"""The operations of the API, each in one entry: path, right, input, answer. The routes and the description are made of
this table, so that neither can say what the other does not.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from audit.explain import reasons
from audit.reports import NAMES as REPORTS
from audit.reports.base import Report
from audit.reports.texts import Language
from audit.reports.writing import Form, rendered
from audit.values import StopTarget
from proxy.console import inputs, outputs
from proxy.console.access import Right, Visitor
from proxy.console.approving import Approving
from proxy.console.comparing import ComparisonDesk
from proxy.console.drafting import Drafting
from proxy.console.erasing import ErasureDesk
from proxy.console.exporting import export, export_found
from proxy.console.health import Health
from proxy.console.log import AuditLog
from proxy.console.policy_desk import PASTED, PolicyDesk
from proxy.console.questions import Questions
from proxy.console.tail import Tail
from proxy.console.token_desk import TokenDesk
from proxy.console.trying import Trying
from proxy.console.verifying import Verification
from proxy.control.reveals import RevealKind, Wanted
from proxy.control.searches import Searches
from proxy.revealing import Revealing

type Answer = Mapping[str, Any] | bytes | Made | Streamed | AsyncIterator[bytes]

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
HTML, PDF = "text/html; charset=utf-8", "application/pdf"


@dataclass(frozen=True, slots=True)
class Desk:
    """What operations ask of."""

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
    answer: outputs.Json | None
    right: Right | None = Right.TRANSFERS
    query: type[BaseModel] = inputs.Nothing
    body: type[BaseModel] | None = None
    media: tuple[str, ...] = (JSON,)
    status: int = 200
    path_schemas: Mapping[str, outputs.Json] = field(default_factory=dict)


def _transfers(desk: Desk, call: Call) -> Answer:
    given = call.query
    page = desk.questions.transfers(call.visitor, inputs.filters_of(given), before=given.before, limit=given.limit)
    return outputs.transfers(page)


def _search(desk: Desk, call: Call) -> Answer:
    body = call.body
    filters = inputs.filters_of(body.filters, body.subject, body.session)
    return outputs.transfers(
        desk.questions.transfers(call.visitor, filters, before=body.before, limit=body.limit),
    )


def _transfer(desk: Desk, call: Call) -> Answer:
    return outputs.exchange(desk.questions.exchange(call.visitor, call.path["id"]), call.query.lang)


def _reasons(desk: Desk, call: Call) -> Answer:
    found = desk.questions.reasons(call.visitor, call.path["id"])
    return {"id": found.id, "reasons": list(reasons(found.entries))}


def _proof(desk: Desk, call: Call) -> Answer:
    proved, vkey = desk.questions.proofs(call.visitor, call.path["id"]), desk.log.vkey
    return outputs.proofs(proved, vkey.name, str(vkey))


def _groups(desk: Desk, call: Call) -> Answer:
    return {"items": desk.questions.groups(call.visitor, inputs.filters_of(call.query), call.query.by)}


def _who(desk: Desk, call: Call) -> Answer:
    return outputs.holdings(desk.questions.who(call.visitor, inputs.filters_of(call.query)))


def _who_of(desk: Desk, call: Call) -> Answer:
    filters = inputs.filters_of(call.body.filters, call.body.subject)
    return outputs.holdings(desk.questions.who(call.visitor, filters))


def _overview(desk: Desk, call: Call) -> Answer:
    return outputs.overview(desk.questions.overview(call.visitor, inputs.filters_of(call.query)))


def _statistics(desk: Desk, call: Call) -> Answer:
    return desk.questions.statistics(call.visitor)


def _checkpoint(desk: Desk, call: Call) -> Answer:
    return desk.questions.checkpoint()


def _vkey(desk: Desk, call: Call) -> Answer:
    return f"{desk.log.vkey}\n".encode()


def _verification(desk: Desk, call: Call) -> Answer:
    return outputs.verification(desk.verification.status(call.visitor))


def _verify(desk: Desk, call: Call) -> Answer:
    return outputs.verification(desk.verification.start(call.visitor))


def _export(desk: Desk, call: Call) -> Answer:
    form = call.query.format
    return Streamed(export(desk.log, call.visitor, form.form), form.value, "log")


def _take(desk: Desk, call: Call) -> Answer:
    form, filters = call.query.form, inputs.filters_of(call.query)
    return Streamed(export_found(desk.questions, call.visitor, form.recorded, filters), form.value, "transfers")


def _reports(desk: Desk, call: Call) -> Answer:
    return {"items": list(REPORTS)}


def _report(desk: Desk, call: Call) -> Answer:
    given = call.query
    report = desk.questions.report(call.visitor, call.path["name"], inputs.filters_of(given))
    return written(report, given.form, given.lang)


def _report_of(desk: Desk, call: Call) -> Answer:
    body = call.body
    filters = inputs.filters_of(body.filters, body.subject)
    return written(desk.questions.report(call.visitor, call.path["name"], filters), body.form, body.lang)


def written(report: Report, form: Form, language: Language) -> Made:
    """A report as a file."""
    media = {Form.HTML: HTML, Form.PDF: PDF, Form.JSON: JSON}[form]
    return Made(rendered(report, form, language), media, f"{report.kind.name}.{form}")


def _stops(desk: Desk, call: Call) -> Answer:
    return outputs.stops(desk.policy.stoppable(call.visitor))


def _stop(desk: Desk, call: Call) -> Answer:
    target = StopTarget(call.path["target"])
    return outputs.stop(desk.policy.stop(call.visitor, target, call.path["name"], stopped=True))


def _resume(desk: Desk, call: Call) -> Answer:
    target = StopTarget(call.path["target"])
    return outputs.stop(desk.policy.stop(call.visitor, target, call.path["name"], stopped=False))


def _policy(desk: Desk, call: Call) -> Answer:
    return outputs.policy(desk.policy.effective(call.visitor))


def _files(body: inputs.PolicyText) -> dict[str, str]:
    return {PASTED: body.text, **{name: text for name, text in body.files.items() if name != PASTED}}


def _lint(desk: Desk, call: Call) -> Answer:
    return outputs.problems(desk.policy.check(call.visitor, _files(call.body)))


def _reveals(desk: Desk, call: Call) -> Answer:
    return outputs.reveals(desk.revealing.waiting(call.visitor.token))


def _ask(desk: Desk, call: Call) -> Answer:
    body = call.body
    wanted = Wanted(
        RevealKind(body.kind), body.what, str(body.reason), body.scope or "", body.transfer or "", body.ticket or ""
    )
    return outputs.reveal(desk.revealing.ask(call.visitor.token, wanted))


def _agree(desk: Desk, call: Call) -> Answer:
    return outputs.reveal(desk.revealing.approve(call.visitor.token, call.path["id"]))


def _refuse(desk: Desk, call: Call) -> Answer:
    return outputs.reveal(desk.revealing.deny(call.visitor.token, call.path["id"]))


def _show(desk: Desk, call: Call) -> Answer:
    return outputs.shown(desk.revealing.show(call.visitor.token, call.path["id"]))


def _propose(desk: Desk, call: Call) -> Answer:
    return outputs.proposal(desk.policy.propose(call.visitor, _files(call.body)))


def _second(desk: Desk, call: Call) -> Answer:
    return outputs.proposal(desk.policy.agree(call.visitor, call.path["id"]))


def _roll_back(desk: Desk, call: Call) -> Answer:
    return outputs.proposal(desk.policy.roll_back(call.visitor, call.body.digest))


def _proposals(desk: Desk, call: Call) -> Answer:
    return outputs.proposals(desk.policy.proposals(call.visitor))


def _activations(desk: Desk, call: Call) -> Answer:
    return outputs.activations(desk.policy.history(call.visitor))


def _me(desk: Desk, call: Call) -> Answer:
    return outputs.me(call.visitor)


ID: outputs.Json = {"type": "string", "pattern": "^[0-9A-HJKMNP-TV-Z]{26}$"}
NAME: outputs.Json = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._:-]{0,95}$"}
_STOP_PATH = {"target": {"enum": ["destination", "application"]}, "name": NAME}
_TRANSFERS_OF: dict[str, Any] = {"right": Right.PERSONS, "body": inputs.SubjectBody}
_WHO_OF: dict[str, Any] = {"right": Right.PERSONS, "body": inputs.WhoBody}
_LINT: dict[str, Any] = {"right": Right.POLICY, "body": inputs.PolicyText}
_ASK: dict[str, Any] = {"right": Right.REVEAL, "body": inputs.RevealBody, "status": 201}
_OF_REVEAL: dict[str, Any] = {"right": Right.REVEAL, "path_schemas": {"id": ID}}
_ACTIVATE: dict[str, Any] = {"right": Right.ACTIVATE, "status": 202}
_REPORT: dict[str, Any] = {"media": (HTML, PDF, JSON), "path_schemas": {"name": {"enum": list(REPORTS)}}}
_TAKEN = ("text/csv", "application/jsonl", "application/vnd.apache.parquet")
_STREAMS = ("application/jsonl", "application/x-tar", "application/vnd.apache.parquet")

OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", "/transfers", "listTransfers", "Transfers and refusals, newest first.", _transfers,
              outputs.TRANSFERS, query=inputs.TransfersQuery),
    Operation("POST", "/transfers/search", "searchTransfers", "The transfers of a person or a session.", _search,
              outputs.TRANSFERS, **_TRANSFERS_OF),
    Operation("GET", "/transfers/{id}", "getTransfer", "One transfer with all that happened to it.", _transfer,
              outputs.EXCHANGE, path_schemas={"id": ID}, query=inputs.StoryQuery),
    Operation("GET", "/transfers/{id}/reasons", "explainTransfer", "Why each thing in it was replaced or not.",
              _reasons, outputs.REASONS, path_schemas={"id": ID}),
    Operation("GET", "/transfers/{id}/proof", "proveTransfer", "Its entries, and their way to the signed checkpoint.",
              _proof, outputs.PROOFS, path_schemas={"id": ID}),
    Operation("GET", "/groups", "countTransfers", "How many transfers, findings and bytes, by fields.", _groups,
              outputs.GROUPS_FOUND, query=inputs.GroupsQuery),
    Operation("GET", "/who", "whoHoldsWhat", "Who controls, stores and uses what left.", _who, outputs.HOLDINGS,
              query=inputs.WhoQuery),
    Operation("POST", "/who", "whoHoldsWhatOfSubject", "The same about one person.", _who_of, outputs.HOLDINGS_OF,
              **_WHO_OF),
    Operation("GET", "/overview", "getOverview", "A period at a glance.", _overview, outputs.OVERVIEW,
              query=inputs.Conditions),
    Operation("GET", "/stats", "getStatistics", "Size, span and kinds of the log.", _statistics, outputs.STATISTICS,
              right=Right.LOG),
    Operation("GET", "/checkpoint", "getCheckpoint", "The newest signed checkpoint: what an auditor keeps.",
              _checkpoint, None, right=None, media=(TEXT,)),
    Operation("GET", "/vkey", "getVerifierKey", "The verifier key of the log.", _vkey, None, right=None,
              media=(TEXT,)),
    Operation("GET", "/verification", "getVerification", "Where the last verification of the log stands.",
              _verification, outputs.VERIFICATION, right=Right.LOG),
    Operation("POST", "/verification", "startVerification", "Verify the whole log, where that is not being done.",
              _verify, outputs.VERIFICATION, right=Right.LOG, status=202),
    Operation("GET", "/export", "exportLog", "The whole log as a stream.", _export, None, right=Right.EXPORT,
              query=inputs.ExportQuery, media=_STREAMS),
    Operation("GET", "/transfers/export", "exportTransfers", "The transfers that a search finds, as a stream.", _take,
              None, right=Right.EXPORT, query=inputs.TakeQuery, media=_TAKEN),
    Operation("GET", "/reports", "listReports", "Which reports there are.", _reports, outputs.REPORTS),
    Operation("GET", "/reports/{name}", "makeReport", "A report as a page, a PDF or data.", _report, None,
              query=inputs.ReportQuery, **_REPORT),
    Operation("POST", "/reports/{name}", "makeReportOfSubject", "The same about one person.", _report_of, None,
              right=Right.PERSONS, body=inputs.ReportBody, **_REPORT),
    Operation("GET", "/stops", "listStops", "What can be stopped, and is.", _stops, outputs.STOPS),
    Operation("PUT", "/stops/{target}/{name}", "stop", "Nothing more goes there, or from there, within 2 s.", _stop,
              outputs.STOP, right=Right.STOP, path_schemas=_STOP_PATH),
    Operation("DELETE", "/stops/{target}/{name}", "resume", "Lift a stop.", _resume, outputs.STOP, right=Right.STOP,
              path_schemas=_STOP_PATH),
    Operation("GET", "/policy", "getPolicy", "The effective policy, everything resolved.", _policy, outputs.POLICY,
              right=Right.POLICY),
    Operation("POST", "/policy/lint", "lintPolicy", "Check the text of a policy; it is not stored.", _lint,
              outputs.PROBLEMS_FOUND, **_LINT),
    Operation("GET", "/reveals", "listReveals", "Requests of the last week to see an original, or who an actor is.",
              _reveals, outputs.REVEALS, right=Right.REVEAL),
    Operation("POST", "/reveals", "askReveal", "Ask; another officer has to agree.", _ask, outputs.REVEAL, **_ASK),
    Operation("PUT", "/reveals/{id}/agreement", "agreeToReveal", "Agree, as a second person.", _agree, outputs.REVEAL,
              **_OF_REVEAL),
    Operation("DELETE", "/reveals/{id}", "denyReveal", "Refuse, or take back.", _refuse, outputs.REVEAL, **_OF_REVEAL),
    Operation("POST", "/reveals/{id}/look", "lookAtRevealed", "What was asked for, once; recorded before.", _show,
              outputs.SHOWN, **_OF_REVEAL),
    Operation("POST", "/policy/proposals", "proposePolicy", "Ask for a policy to be in force; its cases run first.",
              _propose, outputs.PROPOSAL, body=inputs.PolicyText, **_ACTIVATE),
    Operation("GET", "/policy/proposals", "listProposals", "Policies that were asked for, newest first.", _proposals,
              outputs.PROPOSALS, right=Right.POLICY),
    Operation("POST", "/policy/proposals/{id}/agreement", "agreeToPolicy", "The second person's word.", _second,
              outputs.PROPOSAL, path_schemas={"id": ID}, **_ACTIVATE),
    Operation("POST", "/policy/rollback", "rollBackPolicy", "Ask for a policy that was in force before.", _roll_back,
              outputs.PROPOSAL, body=inputs.RollBack, **_ACTIVATE),
    Operation("GET", "/policy/history", "getPolicyHistory", "Policies that came into force, newest first.",
              _activations, outputs.ACTIVATIONS, right=Right.POLICY),
    Operation("GET", "/me", "whoAmI", "The token that asks.", _me, outputs.ME, right=None),
)  # fmt: skip
"""What is asked of the log, the policy and stops; the rest of the API stands in `acts`."""
