"""The leaves' blocking interfaces as the gate awaits them: the vault and the ledger's references, in threads.

Only calls are translated here. A call that is known not to touch the database is answered without a thread.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from audit.log import Ledger
from audit.record import SubjectReference
from audit.values import SubjectRole
from proxy.identity import Subject
from proxy.services import Bound
from redaction.vault import Scope, Vault


class ThreadedVault:
    """`services.AsyncVault` over a synchronous vault."""

    def __init__(self, vault: Vault, threads: ThreadPoolExecutor) -> None:
        self._vault = vault
        self._threads = threads

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

    async def bound(self, destination: str, object_ids: Sequence[str]) -> Bound | None:
        if not object_ids:
            return None
        return await self._run(lambda: self._bound(destination, object_ids))

    async def bind(self, destination: str, object_id: str, scopes: Sequence[Scope]) -> None:
        await self._run(lambda: self._vault.bind(destination, object_id, scopes))

    def _bound(self, destination: str, object_ids: Sequence[str]) -> Bound | None:
        scopes: dict[str, Scope] = {}
        for object_id in object_ids:
            for scope in self._vault.binding(destination, object_id):
                scopes[scope.id] = scope
        lost = sum(self._vault.expired(destination, object_id) for object_id in object_ids)
        if not scopes and not lost:
            return None
        return Bound(tuple(scopes.values()), self._vault.restorable(list(scopes.values())), lost)

    async def _run[T](self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


class LedgerReferences:
    """`services.PersonReferences` over the ledger's references."""

    def __init__(self, ledger: Ledger, threads: ThreadPoolExecutor) -> None:
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
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)
