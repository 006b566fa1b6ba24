"""Those who wait for their record: how each is given its answer, in the thread or event loop that waits for it."""

import asyncio
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass

from audit.errors import AuditError, LedgerError
from audit.ledger.writer import Answer, Draft, Receipt

type Acknowledged = asyncio.Future[Receipt] | Future[Receipt]
type Settled = tuple[Acknowledged, Receipt | AuditError]


@dataclass(slots=True)
class Waiting:
    """A draft and how its answer is given back: into a future, in the loop that waits for it if there is one."""

    draft: Draft
    future: Acknowledged
    loop: asyncio.AbstractEventLoop | None = None


def again(error: LedgerError) -> LedgerError:
    """The same error as a new object: one that is raised many times would collect every traceback."""
    return LedgerError(error.message, code=error.code)


def deliver(batch: Iterable[Waiting], answers: list[Answer] | LedgerError) -> None:
    """Gives every waiter its answer, with one wake-up for each event loop.

    Outcomes last: their answers have left, and what waits for another record has yet to be sent.
    """
    by_loop: dict[asyncio.AbstractEventLoop | None, tuple[list[Settled], list[Settled]]] = {}
    for position, item in enumerate(batch):
        answer = again(answers) if isinstance(answers, LedgerError) else answers[position]
        pressing, outcomes = by_loop.setdefault(item.loop, ([], []))
        (outcomes if item.draft.kind == "outcome" else pressing).append((item.future, answer))
    for loop, (pressing, outcomes) in by_loop.items():
        settles = pressing + outcomes
        if loop is None:
            _settle(settles)
        elif not loop.is_closed():
            loop.call_soon_threadsafe(_settle, settles)


def _settle(settles: Iterable[Settled]) -> None:
    for future, answer in settles:
        if future.done():
            continue  # the client went away while its record was being written
        if isinstance(answer, Receipt):
            future.set_result(answer)
        else:
            future.set_exception(answer)
