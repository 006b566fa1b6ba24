"""The ledger: `append` returns when the record is durable and in the tree under a signed checkpoint, or it raises.

One writer thread takes everything that waits and commits it as one batch. When a commit fails nobody knows what is
on the disk, so nothing is tried again: everybody who waits gets the error, the ledger is closed, and the next start
finds out, or `reopen` where the database is a server's. Nothing here may ever let a transfer go on without its record.
"""

import asyncio
import contextlib
import os
import threading
import traceback
from collections.abc import Collection, Iterable
from concurrent.futures import Future
from itertools import batched
from pathlib import Path
from typing import Protocol, cast

import sqlalchemy as sa

from audit.canonical import Record
from audit.errors import AuditError, LedgerError
from audit.home import Home
from audit.ids import new_id, now_ms
from audit.ledger import publish
from audit.ledger.marks import Marks, previous
from audit.ledger.opening import begin, begin_boot, end_boot, key_of
from audit.ledger.queue import MAX_BATCH, Queue
from audit.ledger.recovery import Left, after_failure, check_tree, unfinished
from audit.ledger.rotation import finish_rotation, rotation_record
from audit.ledger.waiting import Waiting, again, deliver
from audit.ledger.writer import Answer, Draft, Probe, Receipt, Writer, no_probe
from audit.references import References, index_key
from audit.signing import KeyFile, VerifierKey
from audit.store import BusyError, Store
from audit.trouble import why

__all__ = ["Ledger", "LedgerAccess", "Receipt"]


class LedgerAccess(Protocol):
    """What most who append need: a ledger of this process, or a way to one in another. See `Ledger`."""

    store: Store
    references: References

    def append_blocking(self, record: Record, *, proof: bool = False) -> Receipt: ...


class Ledger:
    """One process's way into the log. Made by `open` or `join`; closed by `close`."""

    def __init__(
        self, home: Home, store: Store, writer: Writer, references: References, boot_id: str, node: str
    ) -> None:
        self.home, self.store, self.references, self._node = home, store, references, node
        self._writer, self._boot_id = writer, boot_id
        self._queue = Queue()
        self._marks: Marks | None = None
        self._lock: int | None = None
        self._left: Left | None = None
        self._doubtful: list[tuple[str, int]] = []
        self._failed_at = 0
        self._committing = threading.Lock()
        self._reopening = threading.Lock()
        self._publisher: publish.Publisher | None = None
        self._begin_thread()

    @classmethod
    def open(
        cls,
        home: Path,
        *,
        database_url: str | None = None,
        node: str = "local",
        origin: str | None = None,
        sending_marks: bool = False,
        resume: bool = False,
        publish_every_s: float = 1.0,
        probe: Probe = no_probe,
    ) -> "Ledger":
        """Opens the log for the process that serves it: creates it at first start, else recovers. Blocks.

        node: name of this machine in the entries. origin: name of a new log. sending_marks: the caller promises to
        call `sending` before the first byte of every transfer; only then may a crash close one as `not_sent`.
        resume: processes that send go on while this one was away; what the one before left open is closed by
        `recover`, which is told what is still alive.
        Raises LedgerError, StoreError, SigningKeyError.
        """
        place = Home(home)
        place.create()
        lock = place.lock()
        store = None
        try:
            store = Store.open(database_url or place.database_url)
            signer = finish_rotation(store, place, key_of(place, origin))
            ledger = cls._begin(place, store, signer, node, probe, serve=True, resume=resume)
        except BaseException:
            if store is not None:
                store.close()
            os.close(lock)
            raise
        ledger._lock = lock
        if sending_marks:
            kept = previous(place.marks) if resume else None
            ledger._marks = kept or Marks(place.marks, create=True)
        else:
            place.marks.unlink(missing_ok=True)
        ledger._publisher = publish.Publisher(place, store, every_s=publish_every_s, roots=ledger._writer.roots)
        return ledger

    @classmethod
    def join(cls, home: Path, *, database_url: str | None = None, node: str = "local") -> "Ledger":
        """Opens an existing log beside the process that serves it, to append a few records (who looked, exports).

        Never migrates: the process that serves may be of the release before. Raises LedgerError, StoreError,
        SigningKeyError.
        """
        place = Home(home)
        loaded = place.load_signer()
        store = Store.open(database_url or place.database_url, migrate=False)
        try:
            signer = finish_rotation(store, place, loaded)
            return cls._begin(place, store, signer, node, no_probe, serve=False)
        except BaseException:
            store.close()
            raise

    @classmethod
    def _begin(
        cls, home: Home, store: Store, signer: KeyFile, node: str, probe: Probe, *, serve: bool, resume: bool = False
    ) -> "Ledger":
        references = References(store, index_key(home.index_key))
        begun = begin(home, store, signer, node, serve=serve, resume=resume)
        writer = Writer(store, signer, references, node, begun.boot_id, probe)
        ledger = cls(home, store, writer, references, begun.boot_id, node)
        ledger._left = begun.noted
        try:
            ledger._append_all(begun.left)
        except BaseException:
            ledger.close()
            raise
        return ledger

    async def append(self, record: Record, *, proof: bool = False) -> Receipt:
        """Appends from asyncio. proof: the receipt shall prove the record offline.

        Raises RecordError (it may not enter) or LedgerError (nothing was acknowledged).
        """
        return await self.submit(Draft(record.kind, record.facts(), proof))

    def submit(self, draft: Draft) -> "asyncio.Future[Receipt]":
        """The same without waiting: drafts are appended in the order in which they were submitted."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Receipt] = loop.create_future()
        self._queue.put(Waiting(draft, future, loop))
        return future

    def append_blocking(self, record: Record, *, proof: bool = False) -> Receipt:
        """The same from a thread."""
        future: Future[Receipt] = Future()
        self._queue.put(Waiting(Draft(record.kind, record.facts(), proof), future))
        return future.result()

    def rotate(self, actor: str = "system") -> VerifierKey:
        """Gives the log a new signing key; returns its verifier key. Blocks; appends wait for as long.

        The record of it stands under a checkpoint that both keys sign, so that whoever holds the old verifier key
        can follow. Only for the one process that serves this home. Raises LedgerError, SigningKeyError.
        """
        if self._lock is None:
            raise LedgerError("only the process that serves the log can rotate its key", code="ledger_in_use")
        with self._committing:
            if self.refusal is not None:
                raise again(self.refusal)
            old, new = self._writer.signer, self.home.create_signer(self._writer.signer.verifier.name)
            record = rotation_record(old, new, actor)
            try:
                answer = self._writer.rotate(new, Draft(record.kind, record.facts()))
            except BaseException as error:
                raise self._fail(error) from None
            if isinstance(answer, AuditError):
                raise answer
            self.home.use_signer(new)
        if self._publisher is not None:
            self._publisher.wake()
        return new.verifier

    def sending(self, receipt: Receipt) -> None:
        """Says that the first byte of that transfer may leave now. Raises OSError where it cannot. See `open`."""
        if self._marks is not None:
            self._marks.set(receipt.index)

    def proves_unsent(self, index: int) -> bool:
        """Whether the transfer at that index was certainly never handed to the transport."""
        return self._marks is not None and self._marks.proves_unsent(index)

    def recover(self, alive: Collection[tuple[str, int]]) -> None:
        """After an `open` with `resume`: closes what was left open, and says how long nothing was recorded. Blocks.

        alive: (id, attempt) of transfers whose processes go on.
        """
        with self.store.read() as connection:
            found = unfinished(connection, self.home, self._node, left=self._left, alive=alive)
        self._append_all(list(found.records()))

    def reopen(self) -> None:
        """After a failed commit on a database server: finds out what it holds, as a start does, and goes on. Blocks.

        Not where the database is a file: the kernel may have dropped pages that it could not write, and what is read
        here would hide that. Raises LedgerError where nobody can go on from what is there (see `check_tree`), and
        whatever the database raises while it is away; then it can be tried again.
        """
        with self._reopening:
            if self._lock is None or self.refusal is None or self.refusal.code != "ledger_reopening":
                raise again(self.refusal or LedgerError("the audit log is open", code="ledger_in_use"))
            self._thread.join()
            boot_id = new_id()
            signer = finish_rotation(self.store, self.home, self.home.load_signer())
            with self.store.write() as connection:
                try:
                    check_tree(connection, self.home, signer.verifier)
                except LedgerError as error:
                    self._queue.refuse(error)
                    raise
                left = after_failure(connection, self._doubtful, self.proves_unsent, self._failed_at, self._boot_id)
                begin_boot(connection, boot_id, self._node)
            # Its commit may have come through: what is there must not be written a second time.
            self.references.look_up_pending()
            self._writer = self._writer.anew(signer, boot_id)
            self._boot_id = boot_id
            self._queue.reopen()
            self._begin_thread()
            self._append_all(left)
            self._doubtful, self._failed_at = [], 0

    @property
    def refusal(self) -> LedgerError | None:
        """Why nothing can be appended, None while it can; for readiness and metrics."""
        return self._queue.refusal

    @property
    def lost(self) -> bool:
        """Whether only a start, or somebody who mends the database, can help."""
        refusal = self.refusal
        return refusal is not None and refusal.code not in {"ledger_closed", "ledger_reopening"}

    @property
    def size(self) -> int:
        """Entries, as of this process's newest commit."""
        return self._writer.size

    def close(self) -> None:
        """Writes what waits, publishes, and ends. Safe to call twice. Blocks."""
        with self._reopening:
            self._close()

    def _close(self) -> None:
        refusal = self._queue.end(LedgerError("the audit log is shut down", code="ledger_closed"))
        self._thread.join()
        if self._publisher is not None:
            self._publisher.close()
        if self._lock is not None:
            if refusal.code == "ledger_closed":
                # Where the database is away the next start calls this one crashed, which costs nothing but the word.
                with contextlib.suppress(BusyError, sa.exc.SQLAlchemyError), self.store.write() as connection:
                    end_boot(connection, self._boot_id)
            os.close(self._lock)
            self._lock = None
        if self._marks is not None:
            self._marks.close()
            self._marks = None
        self.store.close()

    def _append_all(self, records: Iterable[Record]) -> None:
        """Appends many in order, as few batches as may be; there may be thousands after a crash under load."""
        for some in batched(records, MAX_BATCH):
            futures: list[Future[Receipt]] = [Future() for _ in some]
            for record, future in zip(some, futures, strict=True):
                self._queue.put(Waiting(Draft(record.kind, record.facts()), future))
            for future in futures:
                future.result()

    def _begin_thread(self) -> None:
        self._thread = threading.Thread(target=self._run, name="audit-writer", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        last = 1
        while batch := self._queue.take(last):
            last = len(batch)
            try:
                with self._committing:
                    answers: list[Answer] | LedgerError = list(self._writer.commit([item.draft for item in batch]))
            except BusyError as error:
                answers = LedgerError(error.message, code="ledger_busy")
            except BaseException as error:
                facts = [item.draft.facts for item in batch if item.draft.kind == "transfer"]
                self._doubtful += [(str(one["id"]), cast(int, one["attempt"])) for one in facts]
                answers = self._fail(error)
            deliver(batch, answers)
            if self._publisher is not None:
                self._publisher.wake()

    def _fail(self, error: BaseException) -> LedgerError:
        """Closes the ledger; the text names kind and place of the error, its words might hold anything."""
        place = traceback.extract_tb(error.__traceback__)[-1]
        kind = f"{why(error)}; {Path(place.filename).name}, line {place.lineno}"
        failed = LedgerError(
            f"the audit log could not commit ({kind}) and is closed; restart to recover", code="ledger_failed"
        )
        if self._lock is not None and not self.store.sqlite:
            failed = LedgerError(
                f"the audit log could not commit ({kind}); what was written is looked up", code="ledger_reopening"
            )
        self._failed_at = self._failed_at or now_ms()
        deliver(self._queue.refuse(failed), failed)
        return failed
