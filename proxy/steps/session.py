"""One open WebSocket session: what all its messages share, from the request that opened it to its end.

The session is the scope of its placeholders, and what may be restored grows with every message. Media pass under
leases: one record, then at most so long and so many bytes. Facts and texts of one session enter; no I/O.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

from proxy.errors import RefusedError, UnavailableError
from proxy.exchange import Exchange
from proxy.formats.base import Dialect, MediaPart, SessionReader
from proxy.framing.websocket import Close, Message, Rate, SessionLimits
from proxy.messages import Egress, Refusal
from proxy.steps.found import Found
from proxy.steps.services import Bound
from proxy.steps.tokenizing import Tokenized
from proxy.steps.work import Work, known
from redaction.restore import Restorer

MAX_SENT = 16 * 1024 * 1024
"""Characters of texts with placeholders that one session may send: they are kept, to know which URLs were sent."""
MAX_FOUND = 20_000
"""Findings in answers that are counted one by one; a session with more says that it was not inspected to its end."""

ENDING = frozenset(
    """destination_stopped application_stopped destination_unknown credential_unknown session_changed rate_exceeded
    message_too_large session_too_large too_many_placeholders internal internal_order""".split()  # noqa: SIM905
)
"""Refusals after which a session cannot go on, whatever its provider would do."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What becomes of one message of the client. send: what may go upstream, exactly so. told: what the client gets.

    exchange: of the message's own record, to be told of the sending; None where there is nothing to record. under: the
    exchange of the lease that has recorded it. ended: of a lease whose outcome is due. close: the session ends with
    this. Where `send` is None, nothing goes upstream.
    """

    send: Message | None = None
    exchange: Exchange | None = None
    under: Exchange | None = None
    ended: Exchange | None = None
    told: Message | None = None
    close: Close | None = None


@dataclass(slots=True)
class Lease:
    """Media that may pass until a time or a size, or are refused until then. exchange: of its record.

    left: bytes that may still pass. refusal: what all of them get instead.
    """

    types: frozenset[str]
    until_ms: int
    left: int
    exchange: Exchange | None = None
    refusal: Refusal | None = None


class Session:
    """State of one session. Belongs to one connection; messages of the client are taken one after the other.

    work: of the request that opened it. tokenized: its scopes and all that may be restored by now. keeping: the message
    that asked the provider to keep the session, if one did.
    """

    def __init__(self, work: Work, limits: SessionLimits, restorer: Restorer, now_ms: int) -> None:
        tokenized = known(work.tokenized)
        self.work = work
        self.limits = limits
        self.dialect: Dialect = known(known(work.endpoint).session)
        self.restorer = restorer
        self.keeping: Work | None = None
        self.lease: Lease | None = None
        self.tokenized = tokenized
        self._sent: dict[str, None] = dict.fromkeys(tokenized.restorable.sent)
        self._sent_size = sum(map(len, self._sent))
        self._echoes: dict[str, str] = dict(tokenized.restorable.echoes)
        self._rate = Rate(limits, now_ms)
        self._found: list[Found] = []
        self._inspected = "none"

    @property
    def exchange(self) -> Exchange:
        """The exchange that opened it; its outcome is that of the session."""
        return self.work.exchange

    @property
    def reader(self) -> SessionReader:
        """Of what the provider says; there once it has accepted."""
        reader = self.exchange.reader
        assert reader is not None, "the provider has not accepted the session"
        return cast(SessionReader, reader)  # the format's reader for status 101

    def egress(self, message: Message) -> Egress:
        """The message as a request of its own."""
        return replace(self.work.facts.egress, body=message.data)

    def check(self, message: Message, now_ms: int) -> None:
        """Size and rate. Raises RefusedError, UnavailableError; both end the session."""
        if len(message.data) > self.limits.message_bytes:
            raise RefusedError("a message of this session is too large", code="message_too_large", status=413)
        if not self._rate.take(now_ms):
            raise UnavailableError("the session sends more messages than it may", code="rate_exceeded")

    def check_same(self, work: Work) -> None:
        """What is in force now may not lead a message elsewhere than the session goes. Raises RefusedError."""
        mine = self.work
        same = work.destination.name == mine.destination.name and work.origin == mine.origin
        if not same or work.identity.application != mine.identity.application:
            raise RefusedError("the policy has changed under this session; open a new one", code="session_changed")

    def reason(self, words: str) -> str:
        """What the provider says as it ends the session, restored, as far as a close frame holds it."""
        return Close(0, self.restorer.whole(words)).payload_reason

    # --- leases --------------------------------------------------------------------------------------------------

    def leased(self, media: Sequence[MediaPart], now_ms: int) -> Lease | None:
        """The lease under which a message of nothing but media falls, where one is running."""
        lease = self.lease
        if lease is None or now_ms >= lease.until_ms or not {part.media_type for part in media} <= lease.types:
            return None
        size = sum(part.size for part in media)
        if lease.refusal is None:
            if size > lease.left:
                return None
            lease.left -= size
        return lease

    def to_lease(self, media: Sequence[MediaPart]) -> tuple[MediaPart, ...]:
        """What the record of a new lease says: each type once, with all the bytes that it may come to."""
        types = dict.fromkeys(part.media_type for part in media)
        size = max(self.limits.lease_bytes, sum(part.size for part in media))
        return tuple(MediaPart("", one, size) for one in types)

    def open_lease(
        self, media: Sequence[MediaPart], now_ms: int, *, exchange: Exchange | None, refusal: Refusal | None = None
    ) -> Exchange | None:
        """A new lease; returns the exchange of the one before, whose outcome is due."""
        size = sum(part.size for part in media)
        left = max(self.limits.lease_bytes, size) - size
        types = frozenset(part.media_type for part in media)
        return self._swap(Lease(types, now_ms + self.limits.lease_ms, left, exchange, refusal))

    def end_lease(self) -> Exchange | None:
        """No lease any more; returns the exchange whose outcome is due."""
        return self._swap(None)

    def _swap(self, lease: Lease | None) -> Exchange | None:
        before, self.lease = self.lease, lease
        return before.exchange if before is not None else None

    # --- placeholders --------------------------------------------------------------------------------------------

    def bound(self, named: Bound | None) -> Bound:
        """The session's scopes and placeholders, with those of a provider object that a message names."""
        if named is None:
            return Bound(self.tokenized.scopes, self.tokenized.restorable.originals)
        restorable = {**self.tokenized.restorable.originals, **named.restorable}
        return Bound((*named.scopes, *self.tokenized.scopes), restorable, named.expired)

    def widen(self, tokenized: Tokenized) -> None:
        """From here on the placeholders of this message are restored as well.

        Raises RefusedError `session_too_large`.
        """
        new = [text for text in tokenized.restorable.sent if text not in self._sent]
        echoes = {**self._echoes, **tokenized.restorable.echoes}
        more = (text for text in echoes if text not in self._echoes)
        size = self._sent_size + sum(map(len, new)) + sum(len(text) + len(echoes[text]) for text in more)
        if size > MAX_SENT:
            raise RefusedError(
                "this session has sent more than it may; open a new one", code="session_too_large", status=413
            )
        if new or len(echoes) > len(self._echoes) or len(tokenized.restorable) != len(self.tokenized.restorable):
            self.restorer.widen(tokenized.restorable.with_sent((*self._sent, *new), echoes))
        self._echoes = echoes
        self._sent.update(dict.fromkeys(new))
        self._sent_size = size
        scopes = {scope.id: scope for scope in (*tokenized.scopes, *self.tokenized.scopes)}
        self.tokenized = replace(tokenized, scopes=tuple(scopes.values()))

    # --- what the provider said ----------------------------------------------------------------------------------

    def heard(self, found: Sequence[Found], inspected: str, *, truncated: bool) -> None:
        """Add what was found in a turn of the provider's; its texts are not kept."""
        room = MAX_FOUND - len(self._found)
        self._found += [one._replace(segment=replace(one.segment, text="")) for one in found[:room]]
        if truncated or len(found) > room:
            inspected = "failed"
        if self._inspected != "failed" and inspected != "none":
            self._inspected = inspected

    def answer(self) -> tuple[Sequence[Found], str]:
        """Everything that was found, and how it was looked for."""
        return self._found, self._inspected


def ends(refusal: Refusal) -> bool:
    """Whether a session ends with such a refusal."""
    return refusal.code in ENDING
