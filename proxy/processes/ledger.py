"""The ledger writer as a process: one place where the records of all door workers meet, so that one commit takes many.

Drafts enter over the socket, receipts leave after the commit. Whose connection ends has left its transfers open: they
are closed here and now, as interrupted, or as not sent where that is proven. A log that failed ends this process; the
next one recovers.
"""

import asyncio
import os
import time
from collections.abc import Iterable
from functools import partial
from typing import Any

import orjson

from audit.errors import AuditError, RecordError
from audit.ids import now_ms
from audit.ledger.writer import Draft
from audit.log import Ledger, Receipt
from audit.record import OutcomeRecord
from audit.values import OutcomeState
from proxy.processes import channel
from proxy.processes import ledger_words as words
from redaction.detectors.frames import pack

RETURN_S = 10.0
"""How long a restarted writer waits for the workers that went on before it closes what nobody speaks for."""
LOOK_S = 0.05


class Writer:
    """Serves the ledger to door workers. failed: set when the log does not work any more."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._peers: list[_Peer] = []
        self.failed = asyncio.Event()

    @property
    def peers(self) -> int:
        """Connections that are there now."""
        return len(self._peers)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One door worker, until it goes."""
        peer = _Peer(channel.peer_of(writer)[0], writer)
        self._peers.append(peer)
        try:
            while (frame := await channel.read_frame(reader)) is not None:
                message = orjson.loads(frame)
                if "open" in message:
                    peer.said = True
                    peer.open.update({(one, attempt): index for one, attempt, index in message["open"]})
                else:
                    self._take(message, peer)
        finally:
            if peer.waiting:
                # What it sent last is in the log or not; only then is known what it left open.
                await asyncio.wait(peer.waiting)
            others = [other for other in self._peers if other is not peer and other.pid == peer.pid]
            again = {identity for other in others for identity in other.open}
            await self._abandoned({one: index for one, index in peer.open.items() if one not in again})
            self._peers.remove(peer)

    def _take(self, message: dict[str, Any], peer: "_Peer") -> None:
        number, kind, facts = message["n"], message["kind"], message["facts"]
        if message.get("refs"):
            self._ledger.references.adopt(words.references_from_json(message["refs"]))
        try:
            future = self._ledger.submit(Draft(kind, facts, bool(message.get("proof"))))
        except AuditError as error:
            peer.answer({"n": number, "error": words.error_to_json(error)})
            self._look()
            return
        peer.waiting.add(future)
        future.add_done_callback(partial(self._settled, number, kind, words.identity(kind, facts), peer))

    def _settled(
        self,
        number: int,
        kind: str,
        identity: tuple[str, int] | None,
        peer: "_Peer",
        future: "asyncio.Future[Receipt]",
    ) -> None:
        peer.waiting.discard(future)
        error = future.exception()
        if error is not None:
            self._look()
            peer.answer({"n": number, "error": words.error_to_json(error)})
            if isinstance(error, RecordError) and error.code == "duplicate" and kind == "outcome":
                peer.close(identity)
            return
        receipt = future.result()
        if kind == "transfer" and identity is not None:
            peer.open[identity] = receipt.index
        else:
            peer.close(identity)
        peer.answer({"n": number, "receipt": words.receipt_to_json(receipt)})

    def _look(self) -> None:
        refusal = self._ledger.refusal
        if refusal is not None and refusal.code != "ledger_closed":
            self.failed.set()

    async def _abandoned(self, left: words.OpenTransfers) -> None:
        """Closes what a worker that is gone left open; where the log does not work now, the next start does it."""
        for (one, attempt), index in left.items():
            unsent = self._ledger.proves_unsent(index)
            state = OutcomeState.NOT_SENT if unsent else OutcomeState.INTERRUPTED
            try:
                await self._ledger.append(OutcomeRecord(id=one, attempt=attempt, at=now_ms(), state=state))
            except AuditError:
                self._look()

    async def recover(self, pids: Iterable[int]) -> None:
        """After a crash of the writer before this one: wait for the workers that went on, close what is nobody's."""
        until = time.monotonic() + RETURN_S
        missing = set(pids)
        while missing and time.monotonic() < until:
            await asyncio.sleep(LOOK_S)
            back = {peer.pid for peer in self._peers if peer.said}
            missing = {pid for pid in missing - back if _lives(pid)}
        alive = {identity for peer in self._peers for identity in peer.open}
        await asyncio.to_thread(self._ledger.recover, alive)


class _Peer:
    """One connection of a door worker: what it left open so far, and what it waits for."""

    def __init__(self, pid: int, writer: asyncio.StreamWriter) -> None:
        self.pid = pid
        self.said = False
        self.open: words.OpenTransfers = {}
        self.waiting: set[asyncio.Future[Receipt]] = set()
        self._writer = writer

    def answer(self, message: dict[str, Any]) -> None:
        if not self._writer.is_closing():
            self._writer.write(pack(message))

    def close(self, identity: tuple[str, int] | None) -> None:
        if identity is not None:
            self.open.pop(identity, None)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
