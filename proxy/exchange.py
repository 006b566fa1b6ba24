"""One transfer from its first byte to its last: which step may follow which, and the restoring of its answer.

The order "recorded, then sent" is a table here, so that the other order cannot be written. Bytes and facts enter,
bytes leave; no I/O. An exchange is used by one door and one connection only.
"""

import base64
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from audit.flat import slotted
from proxy.errors import ProxyError
from proxy.formats.base import Endpoint, Format, ResponseReader
from proxy.identity import RECEIPT_HEADER
from proxy.messages import HOP_BY_HOP, Header, Headers, Outgoing, Refusal, Reply
from proxy.steps.answered_files import AnsweredFile, FileRestorer, FilesWithin
from proxy.steps.held import HeldAnswer, Watch
from proxy.steps.offload import Offload, at_once
from proxy.steps.unpacking import BodyDecoder, Unpacking
from redaction.restore import Listener, Restorer

if TYPE_CHECKING:
    from proxy.steps.session import Session


class State(StrEnum):
    """Where a transfer stands."""

    RECEIVED = "received"
    INSPECTED = "inspected"
    RECORDED = "recorded"
    SENT = "sent"
    RESTORING = "restoring"
    CLOSED = "closed"


# Two rules: SENT is reached from RECORDED alone, and whatever has begun can be closed exactly once.
NEXT: dict[State, frozenset[State]] = {
    State.RECEIVED: frozenset({State.INSPECTED, State.CLOSED}),
    State.INSPECTED: frozenset({State.RECORDED, State.CLOSED}),
    State.RECORDED: frozenset({State.SENT, State.CLOSED}),
    State.SENT: frozenset({State.RESTORING, State.CLOSED}),
    State.RESTORING: frozenset({State.CLOSED}),
    State.CLOSED: frozenset(),
}


class Ending(StrEnum):
    """How a transfer ended, as the door saw it."""

    COMPLETE = "complete"
    CUT = "cut"
    CLIENT_GONE = "client_gone"
    UPSTREAM_ERROR = "upstream_error"
    NOT_SENT = "not_sent"


class OrderError(ProxyError):
    """A step out of order: a defect of ours, so the transfer is refused."""

    code = "internal_order"


REASON_HEADER = "dragoman-reason"
"""Of our refusals alone: a provider's answer under that name would tell the app that we said no."""
_TRANSFER = b"dragoman-transfer"
_ADDED = (RECEIPT_HEADER, _TRANSFER.decode())
_NOT_TOLD = (*HOP_BY_HOP, "content-length", "content-encoding", "alt-svc", REASON_HEADER, *_ADDED)
"""`Alt-Svc` (RFC 7838) names another way to the provider, which an app would take around us."""


_UNCODED = Unpacking(None)


@slotted
@dataclass(frozen=True, slots=True)
class Cleared:
    """What the gate hands an exchange that may be sent: everything the answer needs to be restored.

    on_sent: called before the first byte. on_objects: begins to bind objects that the answer creates, by their ids.
    on_close: writes the outcome.
    watch: the answer goes on only when it was looked at, so through `take` and `end`.
    session: what the messages share, where the request opens a session. files: restores office files, the answer itself
    or in it. offload: where much of an answer is read. renew: what of a stream of events
    is restored is brought up to date by it.
    """

    outgoing: Outgoing
    format: Format
    endpoint: Endpoint
    restorer: Restorer
    on_sent: Callable[[], None] = lambda: None
    watch: Watch | None = None
    on_objects: "Callable[[Sequence[str]], Awaitable[None]] | None" = None
    on_close: "Callable[[Exchange, Ending], Awaitable[None]] | None" = None
    session: "Session | None" = None
    files: FileRestorer | None = None
    offload: Offload = at_once
    renew: "Callable[[], Awaitable[None]] | None" = None


class Exchange:
    """The state of one transfer. Made by the gate; `reply` is set when there is nothing to send.

    transfer: id of the record, also in the `dragoman-transfer` header of every answer. proof: that the record stands in
    the log (C2SP tlog-proof), for the answer to a client that asked for it; set before `clear` or `refuse`.
    """

    def __init__(
        self,
        transfer: str,
        *,
        clock_ms: Callable[[], int],
        decoder: Callable[[str], BodyDecoder],
    ) -> None:
        self.transfer = transfer
        self.state = State.RECEIVED
        self.reply: Reply | None = None
        self.outgoing: Outgoing | None = None
        self.status: int | None = None
        self.sent_at: int | None = None
        self.first_byte_at: int | None = None
        self.first_text_at: int | None = None
        self.ended_at: int | None = None
        self.bytes_sent = 0
        self.bytes_received = 0
        self.error: str | None = None
        self.reader: ResponseReader | None = None
        self.cleared: Cleared | None = None
        self.proof: bytes | None = None
        self._clock_ms = clock_ms
        self._make_decoder = decoder
        self._unpacking = _UNCODED
        self._answer: HeldAnswer | AnsweredFile | None = None
        self._bounded = False
        self._within: FilesWithin | None = None
        self._renew: Callable[[], Awaitable[None]] | None = None
        self._size = 0
        self._objects: Mapping[str, str] = {}
        self._begun: set[str] = set()
        self._binding: list[Awaitable[None]] = []

    def advance(self, state: State) -> None:
        """Take a step. Raises OrderError when the table does not allow it."""
        if state not in NEXT[self.state]:
            raise OrderError(f"transfer {self.transfer}: {state} cannot follow {self.state}")
        self.state = state

    def refuse(self, reply: Reply, code: str) -> None:
        """End without sending: `reply` is the answer to the client."""
        self.reply = self._named(reply)
        self.error = code
        self.outgoing = None
        if self.state is not State.CLOSED:
            self.advance(State.CLOSED)

    def clear(self, cleared: Cleared) -> None:
        """The record is durable: the request may be sent."""
        self.advance(State.RECORDED)
        self.cleared = cleared
        self.outgoing = cleared.outgoing

    def sent(self) -> None:
        """The first byte is about to go upstream."""
        assert self.cleared is not None, "sent() before clear()"
        self.advance(State.SENT)
        self.cleared.on_sent()
        self.sent_at = self._clock_ms()
        self.bytes_sent = len(self.cleared.outgoing.body)

    def sent_more(self, size: int) -> None:
        """A further message has gone upstream under this record."""
        self.bytes_sent += size

    @property
    def session(self) -> "Session | None":
        """The session that this exchange has opened, if it is one."""
        return self.cleared.session if self.cleared is not None else None

    def answer(self, status: int, headers: Headers) -> Headers:
        """The head of the upstream's answer; returns the head for the client, without a Content-Length.

        Informational answers (1xx) are the door's own business and never come here.
        """
        assert self.cleared is not None, "answer() before clear()"
        self.advance(State.RESTORING)
        self.status = status
        self.first_byte_at = self._clock_ms()
        if coding := headers.get("content-encoding"):
            self._unpacking = Unpacking(coding, self._make_decoder)
        self.reader = self._reader_of(self.cleared, status, headers)
        self._objects = self.reader.facts.objects
        if (headers.get("content-type") or "").lower().startswith("text/event-stream"):
            self._renew = self.cleared.renew
        return self._ours(headers.without(_NOT_TOLD))

    def _reader_of(self, cleared: Cleared, status: int, headers: Headers) -> ResponseReader:
        reader = cleared.format.reader(cleared.endpoint, status, headers, cleared.restorer)
        if cleared.files is not None:
            self._within = cleared.files.within(headers)
        if cleared.watch is None:
            if cleared.files is not None and (file := cleared.files.whole(status, headers, reader)) is not None:
                self._answer, self._bounded = file, headers.get("content-length") is not None
            return reader
        scout = cleared.format.reader(cleared.endpoint, status, headers, Listener(cleared.watch.words))
        self._answer = HeldAnswer(cleared.watch, scout, reader, cleared.offload)
        return scout  # it has heard everything, the other one only what went on

    def unpacked(self, chunk: bytes) -> Iterable[bytes]:
        """A piece of the upstream's body without its content coding, in pieces of bounded size for `take`.

        Raises ProxyError on one that cannot be read, at the latest with its last piece.
        """
        self.bytes_received += len(chunk)
        return self._unpacking.pieces(chunk)

    async def take(self, piece: bytes) -> bytes:
        """`feed` for every answer, also one that is looked at before it goes on. Raises ProxyError."""
        if self._renew is not None and (b"[" in piece or b"_" in piece):
            await self._renew()
        if self._answer is None:
            return await self._with_files(self.feed(piece))
        passed = await self._answer.take(piece)
        self._heard()
        self._bind()
        return await self._with_files(passed)

    async def _with_files(self, restored: bytes) -> bytes:
        return restored if self._within is None else await self._within.restored(restored)

    async def end(self) -> bytes:
        """`finish` for every answer. Raises ProxyError."""
        assert self.cleared is not None, "end() before clear()"
        assert self.reader is not None, "end() before answer()"
        self._unpacking.finish()
        if self._answer is not None:
            rest = await self._answer.end()
        else:
            rest = await self.cleared.offload(self._size, self.reader.finish)  # one document may be the whole answer
        self._heard()
        self._bind()
        return await self._with_files(rest)

    def feed(self, piece: bytes) -> bytes:
        """A piece that was unpacked in, restored bytes out. Raises ProxyError on a body that cannot be read."""
        assert self.reader is not None, "feed() before answer()"
        self._size += len(piece)
        restored = self.reader.feed(piece)
        self._heard()
        self._bind()
        return restored

    def finish(self) -> bytes:
        """The upstream's body ended; what was held back comes out."""
        assert self.reader is not None, "finish() before answer()"
        self._unpacking.finish()
        rest = self.reader.finish()
        self._heard()
        self._bind()
        return rest

    def _heard(self) -> None:
        """Note when the first word of the answer came; the head of a stream may be there long before it."""
        if self.first_text_at is None and self.reader is not None:
            facts = self.reader.facts
            if facts.texts or facts.wholes:
                self.first_text_at = self._clock_ms()

    def _bind(self) -> None:
        """Begin to bind objects that the answer has named since the last time, if there are any."""
        if len(self._objects) == len(self._begun) or self.cleared is None or self.cleared.on_objects is None:
            return
        new = [one for one in self._objects.values() if one not in self._begun]
        self._begun.update(self._objects.values())
        if new:
            self._binding.append(self.cleared.on_objects(new))

    async def bound(self) -> None:
        """Return when every binding that was begun is written. A door awaits it before it passes the answer's end on.

        So the app cannot name an object of which the vault does not know yet. Never raises.
        """
        while self._binding:
            await self._binding.pop()

    @property
    def coded(self) -> bool:
        """The answer is content-coded, so a piece of it may be unpacked to many."""
        return self._unpacking.coded

    @property
    def apart(self) -> bool:
        """A piece of the answer has to be awaited: it may be unpacked to many, what is restored may have grown, or it
        is a file.
        """
        return self.coded or self._renew is not None or self._answer is not None

    def holds_file(self, data: bytes) -> bool:
        """Whether a file has begun in the answer with this piece, or before; then every further piece is awaited."""
        return self._within is not None and self._within.begun(data)

    @property
    def watched(self) -> bool:
        """The answer goes on only when it was looked at, or is whole: use `take` and `end`."""
        return self._bounded or (self.cleared is not None and self.cleared.watch is not None)

    @property
    def held_whole(self) -> bool:
        """Nothing of the answer goes on before its end."""
        return self.cleared is not None and self.cleared.watch is not None and not self.cleared.watch.sentences

    def stream_error(self, refusal: Refusal) -> bytes:
        """Bytes that end a begun stream in the provider's own way."""
        assert self.cleared is not None, "stream_error() before clear()"
        self.error = refusal.code
        return self.cleared.format.stream_error(self.cleared.endpoint, refusal)

    def refusal_reply(self, refusal: Refusal) -> Reply:
        """A refusal after the record was made (upstream unreachable, its head unreadable), in the provider's shape."""
        assert self.cleared is not None, "refusal_reply() before clear()"
        self.error = refusal.code
        reply = self.cleared.format.refuse(self.cleared.endpoint, refusal)
        return self._named(reply)

    def _named(self, reply: Reply) -> Reply:
        return Reply(reply.status, self._ours(reply.headers.without(_ADDED)), reply.body)

    def _ours(self, headers: Headers) -> Headers:
        """The fields of an answer, none of them of the names in `_ADDED`, with those that we add to each."""
        added: tuple[Header, ...] = ((_TRANSFER, self.transfer.encode("ascii")),)
        if self.proof is not None:
            added = (*added, (RECEIPT_HEADER.encode("ascii"), base64.b64encode(self.proof)))
        return Headers((*headers.fields, *added))

    async def close(self, ending: Ending) -> None:
        """Write the outcome. Idempotent; the first ending counts."""
        if self.state is State.CLOSED:
            return
        self.advance(State.CLOSED)
        self.ended_at = self._clock_ms()
        await self.bound()
        if self.cleared is not None and self.cleared.on_close is not None:
            await self.cleared.on_close(self, ending)
