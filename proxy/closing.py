"""The end of a transfer: what the answer held that we did not send, what it created, and the outcome in the log.

Runs after the last byte reached the client, so it costs nobody time; whatever fails here is counted, and the transfer's
own record is durable already.
"""

from audit.errors import AuditError
from audit.record import FindingCount
from proxy import records
from proxy.exchange import Ending, Exchange
from proxy.work import Services, Work, known
from redaction.errors import RedactionError
from redaction.segment import Segment, SegmentKind


async def close(work: Work, services: Services, exchange: Exchange, ending: Ending, *, detect_s: float) -> None:
    """Write the outcome, and bind what the provider keeps to the scopes of this exchange."""
    findings, inspected = await _inspect_answer(work, services, exchange, detect_s)
    record = records.outcome_record(
        exchange,
        ending,
        at_ms=services.clock_ms(),
        findings=findings,
        inspected=inspected,
        expired=work.facts.expired,
    )
    try:
        await services.recorder.append(record)
    except AuditError as error:
        # The next start closes the transfer as interrupted; nothing is sent until the ledger works again.
        services.observe("outcome_not_recorded", error.code)
    if exchange.reader is None:
        return
    try:
        for object_id in exchange.reader.facts.objects.values():
            await services.vault.bind(work.destination.name, object_id, known(work.tokenized).scopes)
    except RedactionError as error:
        services.observe("binding_failed", error.code)


async def _inspect_answer(
    work: Work, services: Services, exchange: Exchange, detect_s: float
) -> tuple[tuple[FindingCount, ...], str]:
    """Personal data in the answer that is not one of our placeholders, counted; and how it was looked for."""
    texts = exchange.reader.facts.texts if exchange.reader is not None else {}
    if not texts or work.active.policy.response.unexpected != "record":
        return (), "none"
    segments = [Segment(f"answer/{n}", text, SegmentKind.ASSISTANT) for n, text in enumerate(texts.values())]
    try:
        result = await services.detection.detect(segments, deadline_s=detect_s)
    except RedactionError as error:
        services.observe("answer_not_inspected", error.code)
        return (), "failed"
    found = [
        records.Found(finding, segment, part.language, records.KEPT)
        for segment, part in zip(segments, result.segments, strict=True)
        for finding in part.findings
    ]
    return records.count(found)[0], "afterwards"
