"""Those who wait for their record: how each is given its answer, in the thread or event loop that waits for it."""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass

from audit.errors import AuditError, LedgerError
from audit.writer import Answer, Draft, Receipt


@dataclass(slots=True)
class Waiting:
    """A draft and how its answer is given back: into a future, in the loop that waits for it if there is one."""

    draft: Draft
    future: "asyncio.Future[Receipt] | Future[Receipt]"
    loop: asyncio.AbstractEventLoop | None = None


def again(error: LedgerError) -> LedgerError:
    """The same error as a new object: one that is raised many times would collect every traceback."""
    return LedgerError(error.message, code=error.code)


def deliver(batch: Iterable[Waiting], answers: list[Answer] | LedgerError) -> None:
    """Gives every waiter its answer, with one wake-up for each event loop."""
    waiting = list(batch)
    by_loop: dict[asyncio.AbstractEventLoop | None, list[Callable[[], None]]] = {}
    for position, item in enumerate(waiting):
        answer = again(answers) if isinstance(answers, LedgerError) else answers[position]
        by_loop.setdefault(item.loop, []).append(_settle(item, answer))
    for loop, settles in by_loop.items():
        if loop is None:
            _call_all(settles)
        elif not loop.is_closed():
            loop.call_soon_threadsafe(_call_all, settles)


def _call_all(settles: Iterable[Callable[[], None]]) -> None:
    for settle in settles:
        settle()


def _settle(item: Waiting, answer: Receipt | AuditError) -> Callable[[], None]:
    def settle() -> None:
        if item.future.done():
            return  # the client went away while its record was being written
        if isinstance(answer, Receipt):
            item.future.set_result(answer)
        else:
            item.future.set_exception(answer)

    return settle
