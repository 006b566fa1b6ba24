"""The leaves' blocking interfaces as the gate awaits them: the vault and the ledger's references, in threads.

Only calls are translated here. A call that is known not to touch the database is answered without a thread.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from audit.log import LedgerAccess
from audit.query import entries, first_since, size
from audit.record import SubjectReference
from audit.values import SubjectRole
from proxy.control.approvals import Approvals, HeldRequest
from proxy.errors import UnavailableError
from proxy.identity import Subject
from proxy.steps.services import Bound
from proxy.steps.spending import Log
from redaction.vault import Answers, ReplacedText, Scope, Vault

STORE_S = 20.0
"""How long a request waits for a database that hangs, and does not fail; a thread goes on waiting for it."""


async def _in_time[T](threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    try:
        async with asyncio.timeout(STORE_S):
            return await asyncio.get_running_loop().run_in_executor(threads, work)
    except TimeoutError:
        raise UnavailableError("a database did not answer in time, so nothing was sent", code="store_slow") from None


class ThreadedVault:
    """`services.AsyncVault` over a synchronous vault."""

    def __init__(self, vault: Vault, threads: ThreadPoolExecutor) -> None:
        self._vault = vault
        self._threads = threads
        self._binding: dict[tuple[str, str, str], asyncio.Future[None]] = {}

    async def open_scope(self, ref: str, *, kind: str, destination: str) -> Scope:
        known = self._vault.known_scope(ref)
        if known is not None:
            return known
        return await self._run(lambda: self._vault.open_scope(ref, kind=kind, destination=destination))

    async def issue(self, scope: Scope, items: Sequence[tuple[str, str]], persons: Sequence[str] = ()) -> list[str]:
        known = self._vault.known_tokens(scope, items, persons)
        if known is not None:
            return known
        return await self._run(lambda: self._vault.issue(scope, items, persons))

    def known_texts(self, scope: Scope) -> Mapping[bytes, ReplacedText]:
        return self._vault.known_texts(scope)

    def remember_texts(self, scope: Scope, texts: Mapping[bytes, ReplacedText]) -> None:
        self._vault.remember_texts(scope, texts)

    async def bound(self, destination: str, object_ids: Sequence[str], owners: Sequence[str]) -> Bound | None:
        if not object_ids:
            return None
        # An app may name an object before the answer that created it has come to its end.
        keys = [(destination, object_id, owner) for object_id in object_ids for owner in owners]
        begun = [one for key in keys if (one := self._binding.get(key)) is not None]
        if begun:
            await asyncio.wait(begun)
        return await self._run(lambda: self._bound(destination, object_ids, owners))

    async def held(self, scope: Scope) -> Bound:
        return await self._run(lambda: Bound((scope,), self._vault.restorable([scope])))

    def bind(self, destination: str, object_id: str, scopes: Sequence[Scope], owner: str) -> Awaitable[None]:
        loop, key = asyncio.get_running_loop(), (destination, object_id, owner)
        begun = loop.run_in_executor(self._threads, lambda: self._vault.bind(destination, object_id, scopes, owner))
        self._binding[key] = begun
        begun.add_done_callback(lambda done: self._forget(key, done))
        return begun

    def _forget(self, key: tuple[str, str, str], done: "asyncio.Future[None]") -> None:
        if self._binding.get(key) is done:
            del self._binding[key]

    def _bound(self, destination: str, object_ids: Sequence[str], owners: Sequence[str]) -> Bound | None:
        scopes: dict[str, Scope] = {}
        for object_id in object_ids:
            for scope in self._vault.binding(destination, object_id, owners):
                scopes[scope.id] = scope
        lost = sum(self._vault.expired(destination, object_id, owners) for object_id in object_ids)
        if not scopes and not lost:
            return None
        return Bound(tuple(scopes.values()), self._vault.restorable(list(scopes.values())), lost)

    async def _run[T](self, work: Callable[[], T]) -> T:
        return await _in_time(self._threads, work)


class ThreadedAnswers:
    """`services.KeptAnswers` over the vault's store."""

    def __init__(self, answers: Answers, threads: ThreadPoolExecutor) -> None:
        self._answers = answers
        self._threads = threads

    async def keep(self, scope: Scope, exchange: str, attempt: int, text: str, ttl_s: int) -> bool:
        def work() -> bool:
            return self._answers.keep(scope, exchange, attempt, text, ttl_s)

        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def ledger_entries(ledger: LedgerAccess) -> Log:
    """What budgets read of a log."""

    def since(at: int) -> Iterator[tuple[int, bytes]]:
        with ledger.store.read() as connection:
            first = first_since(connection, at)
            if first is not None:
                yield from entries(connection, since=first, kinds=("transfer", "outcome"))

    def newer(index: int) -> Iterator[tuple[int, bytes]]:
        with ledger.store.read() as connection:
            yield from entries(connection, since=index, kinds=("transfer", "outcome"))

    def length() -> int:
        with ledger.store.read() as connection:
            return size(connection)

    return Log(since, newer, length)


class ThreadedApprovals:
    """`services.WaitingRoom` over the control database."""

    def __init__(self, approvals: Approvals, threads: ThreadPoolExecutor) -> None:
        self._approvals = approvals
        self._threads = threads

    async def ask(self, held: HeldRequest) -> bool:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._approvals.ask, held)


class LedgerReferences:
    """`services.PersonReferences` over the ledger's references."""

    def __init__(self, ledger: LedgerAccess, threads: ThreadPoolExecutor) -> None:
        self._references = ledger.references
        self._threads = threads

    async def subjects(self, subjects: Sequence[Subject]) -> tuple[SubjectReference, ...]:
        if not subjects:
            return ()
        return await self._run(lambda: tuple(self._subject(subject) for subject in subjects))

    async def session(self, session: str) -> str | None:
        return await self._run(lambda: self._references.session(session)) if session else None

    def marked(self, text: str) -> str | None:
        return self._references.marked(text) if text else None

    def _subject(self, subject: Subject) -> SubjectReference:
        return SubjectReference(ref=self._references.subject(subject.identifier), role=SubjectRole(subject.role))

    async def _run[T](self, work: Callable[[], T]) -> T:
        return await _in_time(self._threads, work)
