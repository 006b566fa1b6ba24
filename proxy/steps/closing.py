"""The end of a transfer: what the answer held that we did not send, what it created, and the outcome in the log.

Bindings are written before the answer ends, the rest after its last byte reached the client, so it costs nobody time;
whatever fails here is counted, and the transfer's own record is durable already.
"""

import asyncio
from collections.abc import Awaitable, Sequence

from audit.errors import AuditError, LedgerError, RecordError
from audit.ledger.writer import Receipt
from audit.record import OutcomeRecord, TransferRecord
from audit.values import OutcomeState
from proxy.exchange import Ending, Exchange
from proxy.steps import records
from proxy.steps.answers import keep_answer, look_at
from proxy.steps.found import Found
from proxy.steps.reading import kept_from_storing
from proxy.steps.work import Services, Work, known
from redaction.errors import RedactionError

AGAIN_S = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6)
"""Pauses between attempts to write an outcome: its transfer has happened, so a database that is away for a minute must
not cost its record. The transfer counts as open meanwhile, so that there is a bound to how many wait."""


RECORD_S = 20.0
"""How long a transfer waits for its record: with a database that hangs, and does not fail, for as long as that does."""
REFUSAL_S = 10.0
"""How long an app waits for the record of its refusal. With a database that hangs, and does not fail, it would wait for
as long as that does; nothing leaves with a refusal, and its record is written when the log can."""


async def close(work: Work, services: Services, exchange: Exchange, ending: Ending, *, detect_s: float) -> None:
    """Write the outcome."""
    found, inspected = await _inspect_answer(work, services, exchange, detect_s)
    record = records.outcome_record(
        exchange,
        ending,
        at_ms=services.clock_ms(),
        found=found,
        inspected=inspected,
        expired=work.facts.expired,
        attempt=work.facts.attempt,
    )
    try:
        await _written(services, record)
    except AuditError as error:
        # The next start closes the transfer as interrupted; nothing is sent until the ledger works again.
        services.observe("outcome_not_recorded", error.code)
    if exchange.reader is not None:
        usage = exchange.reader.facts.usage
        services.budgets.add_tokens(known(work.spending), (usage.input_tokens or 0) + (usage.output_tokens or 0))
    await keep_answer(work, services, exchange, ending, detect_s)


async def _written(services: Services, record: OutcomeRecord) -> None:
    """Append an outcome; while the log says that trying again can help, try again."""
    doubtful = False
    for pause in (*AGAIN_S, None):
        try:
            await services.recorder.append(record)
            return
        except RecordError as error:
            if doubtful and error.code == "duplicate":
                return  # it was written before the log could say so
            raise
        except LedgerError as error:
            if pause is None or error.code not in {"ledger_busy", "ledger_full", "ledger_reopening"}:
                raise
            doubtful = doubtful or error.code == "ledger_reopening"
        await asyncio.sleep(pause)


async def recorded(services: Services, record: TransferRecord, *, proof: bool = False) -> Receipt:
    """Waits until the record is durable. Raises AuditError, `ledger_slow` where that takes too long.

    Nobody waits any more for a record that comes later, so nothing is sent under it, and its outcome says so.
    """
    given_up = asyncio.Event()
    appending = _appended(services, record, proof=proof, given_up=given_up)
    appended = asyncio.Task(appending, loop=asyncio.get_running_loop(), eager_start=True)
    try:
        await asyncio.wait([appended], timeout=RECORD_S)
    finally:
        if not appended.done():  # in time, or before its app left
            given_up.set()
            appended.add_done_callback(lambda late: late.cancelled() or late.exception())
    if given_up.is_set():
        raise LedgerError("the audit log did not take the record in time; nothing was sent", code="ledger_slow")
    return appended.result()


async def _appended(services: Services, record: TransferRecord, *, proof: bool, given_up: asyncio.Event) -> Receipt:
    receipt = await services.recorder.append(record, proof=proof)
    if given_up.is_set():
        unsent = OutcomeRecord(
            id=record.id, attempt=record.attempt, at=services.clock_ms(), state=OutcomeState.NOT_SENT
        )
        await _written(services, unsent)
    return receipt


async def in_time(appending: Awaitable[Receipt]) -> Receipt:
    """Waits for the record of a refusal. Raises TimeoutError where it takes longer than an app should wait for a no."""
    async with asyncio.timeout(REFUSAL_S):
        return await appending


def bind(work: Work, services: Services, object_ids: Sequence[str]) -> Awaitable[None]:
    """Begin to bind what the provider will keep to the scopes of this exchange; await the rest of it."""
    inspected = known(work.inspected)
    if not inspected.keeps or kept_from_storing(work):
        return _bound(services, ())
    destination, scopes = work.destination.name, known(work.tokenized).scopes
    owner = work.identity.application
    return _bound(services, [services.vault.bind(destination, one, scopes, owner) for one in object_ids])


async def _bound(services: Services, begun: Sequence[Awaitable[None]]) -> None:
    for one in begun:
        try:
            await one
        except RedactionError as error:
            # Nothing leaves because of it: later answers about the object keep their placeholders.
            services.observe("binding_failed", error.code)


async def _inspect_answer(
    work: Work, services: Services, exchange: Exchange, detect_s: float
) -> tuple[Sequence[Found], str]:
    """Personal data in the answer that is not one of our placeholders, and how it was looked for."""
    if exchange.session is not None:
        return exchange.session.answer()
    if work.seen is not None:
        return work.seen.found, work.seen.inspected
    # Its words as the provider sent them.
    texts = exchange.reader.facts.texts if exchange.reader is not None else {}
    return await look_at(list(texts.values()), services, detect_s, work.identity.owner)
