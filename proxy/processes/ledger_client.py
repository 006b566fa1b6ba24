"""A door worker's way to the ledger writer: the same calls as the ledger's own, over the socket.

A record that begins something is refused at once where the writer is away longer than a moment, so that nothing is sent
unrecorded. An outcome is not given up: it waits until the writer is back, because its transfer has happened.
"""

import asyncio
import contextlib
from concurrent.futures import Future
from itertools import count
from typing import Any

import orjson

from audit.canonical import Record
from audit.errors import LedgerError, RecordError
from audit.home import Home
from audit.ledger.marks import Marks
from audit.log import Receipt
from audit.references import NewReference, References, index_key
from audit.store import Store
from proxy.config import Settings
from proxy.processes import channel
from proxy.processes import ledger_words as words
from proxy.running.databases import AUDIT, database_url
from redaction.detectors.frames import pack

WAIT_S = 2.0
"""How long a record waits for a writer that is being started again: longer than such a start, on a quiet machine."""
OUTCOME_S = 60.0
AGAIN_S = 0.1
AWAY = "the ledger writer is away; try again"


class RemoteLedger:
    """The log as a door worker has it. `start` first; belongs to one event loop. Reads go to the database itself."""

    def __init__(self, settings: Settings, folder: channel.Folder) -> None:
        """Blocks while the database is opened. Raises AuditError, ConfigError."""
        self.home = Home(settings.home)
        self.store = Store.open(database_url(settings, AUDIT) or self.home.database_url, migrate=False)
        self.references = References(self.store, index_key(self.home.index_key))
        self._folder = folder
        self._marks: Marks | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._there = asyncio.Event()
        self._numbers = count()
        self._waiting: dict[int, asyncio.Future[Receipt]] = {}
        self._open: words.OpenTransfers = {}
        self._travelling: set[bytes] = set()
        # Recorded over a connection that broke since: the writer may have closed them as not sent.
        self._unsure: set[int] = set()
        self._closed = False
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Returns when the writer is there."""
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.create_task(self._keep_connected())
        await self._there.wait()

    @property
    def refusal(self) -> LedgerError | None:
        """Why nothing can be appended now, None while it can."""
        return None if self._there.is_set() else LedgerError(AWAY, code="ledger_away")

    @property
    def lost(self) -> bool:
        """Never: the supervisor starts the writer again."""
        return False

    async def append(self, record: Record, *, proof: bool = False) -> Receipt:
        """See `audit.log.Ledger.append`."""
        facts = record.facts()
        identity = words.identity(record.kind, facts)
        if record.kind == "outcome":
            receipt = await self._outcome(facts)
        else:
            receipt = await self._ask(record.kind, facts, WAIT_S, proof=proof)
        if identity is not None and record.kind == "transfer":
            self._open[identity] = receipt.index
        elif identity is not None:
            self._unsure.discard(self._open.pop(identity, -1))
        return receipt

    def append_blocking(self, record: Record, *, proof: bool = False) -> Receipt:
        """The same from a thread."""
        future: Future[Receipt] = asyncio.run_coroutine_threadsafe(self.append(record, proof=proof), self._loop)
        return future.result()

    def sending(self, receipt: Receipt) -> None:
        """Says that the first byte of that transfer may leave now. Raises LedgerError where that cannot be noted."""
        if self._marks is None or not self._there.is_set() or receipt.index in self._unsure:
            raise LedgerError(AWAY, code="ledger_away")
        self._marks.set(receipt.index)

    async def close(self) -> None:
        """Ends the connection: the writer closes what is still open. May be called twice."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        self._lost()
        if self._marks is not None:
            self._marks.close()
            self._marks = None
        await asyncio.to_thread(self.store.close)

    # --- inside --------------------------------------------------------------------------------------------------

    async def _outcome(self, facts: dict[str, Any]) -> Receipt:
        until = self._loop.time() + OUTCOME_S
        again = False
        while True:
            try:
                return await self._ask("outcome", dict(facts), OUTCOME_S)
            except RecordError as error:
                if again and error.code == "duplicate":
                    # It was in the log already when the writer went away before it could say so.
                    return Receipt(0, 0, b"", b"")
                raise
            except LedgerError as error:
                if self._closed or error.code == "ledger_closed" or self._loop.time() > until:
                    raise
            again = True
            await asyncio.sleep(AGAIN_S)

    async def _ask(self, kind: str, facts: dict[str, Any], patience_s: float, *, proof: bool = False) -> Receipt:
        if not self._there.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._there.wait(), patience_s)
        writer = self._writer
        if writer is None:
            raise LedgerError(AWAY, code="ledger_away")
        made = self._new_references()
        number, future = next(self._numbers), self._loop.create_future()
        self._waiting[number] = future
        try:
            message: dict[str, Any] = {"n": number, "kind": kind, "facts": facts}
            if proof:
                message["proof"] = True
            if made:
                message["refs"] = words.references_to_json(made)
            writer.write(pack(message))
            receipt: Receipt = await future
            self.references.stored(made)
            return receipt
        finally:
            self._waiting.pop(number, None)
            self._travelling.difference_update(one.lookup for one in made)

    def _new_references(self) -> list[NewReference]:
        """Those that are not on their way yet: each goes with the first record that may name it."""
        made = [one for one in self.references.take_pending() if one.lookup not in self._travelling]
        self._travelling.update(one.lookup for one in made)
        return made

    async def _keep_connected(self) -> None:
        while True:
            try:
                reader, self._writer = await channel.connect(self._folder, words.SOCKET)
            except OSError:
                await asyncio.sleep(AGAIN_S)
                continue
            self._map_marks()
            opened = [[one, attempt, index] for (one, attempt), index in self._open.items()]
            self._writer.write(pack({"open": opened}))
            self._there.set()
            while (frame := await channel.read_frame(reader)) is not None:
                self._answered(orjson.loads(frame))
            self._lost()

    def _map_marks(self) -> None:
        if self._marks is not None:
            self._marks.close()
        self._marks = Marks(self.home.marks, create=False)

    def _answered(self, message: dict[str, Any]) -> None:
        future = self._waiting.get(message["n"])
        if future is None or future.done():
            return
        if "error" in message:
            future.set_exception(words.error_from_json(message["error"]))
        else:
            future.set_result(words.receipt_from_json(message["receipt"]))

    def _lost(self) -> None:
        """Whether what waits was recorded is not known: it is refused, and the next writer closes it."""
        self._there.clear()
        self._unsure.update(self._open.values())
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(LedgerError(AWAY, code="ledger_away"))
