"""Operations that read the log: transfers, counts, recipients, proofs, exports, its verification."""

from typing import Any

from audit.questions.explain import reasons
from proxy.console import inputs, outputs
from proxy.console.access import Right
from proxy.console.exporting import export, export_found
from proxy.console.operations.base import ID, TEXT, Answer, Call, Desk, Operation, Streamed


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
    return Streamed(export(desk.log, call.visitor, form), form.value, "log")


def _take(desk: Desk, call: Call) -> Answer:
    form, filters = call.query.form, inputs.filters_of(call.query)
    return Streamed(export_found(desk.questions, call.visitor, form, filters), form.value, "transfers")


_TRANSFERS_OF: dict[str, Any] = {"right": Right.PERSONS, "body": inputs.SubjectBody}
_WHO_OF: dict[str, Any] = {"right": Right.PERSONS, "body": inputs.WhoBody}
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
)  # fmt: skip
