"""The transfers that are open in the network door, and how each of them ends.

Every refusal, failure and ending of the door goes through here, so that each has an answer for the client, a count for
the operator and one outcome for the ledger. Counts have closed names; error texts never enter logs or counts.
"""

import asyncio
import logging
import re
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol

from mitmproxy import http
from mitmproxy.proxy.layers.http._events import ErrorCode

from proxy.doors.network.translate import Sendable, egress_of, plain_reply, sendable
from proxy.errors import place_of
from proxy.exchange import Ending, Exchange
from proxy.framing.websocket import Message
from proxy.messages import Egress, Origin, Refusal, Reply
from proxy.steps.passing import HostVerdict
from proxy.steps.session import Session, Turn

logger = logging.getLogger("dragoman.network")

WATCH_S = 1.0
"""How often an open session is asked about stops; an officer's stop takes effect within two seconds."""
CANCELLED = "connection cancelled"
"""The engine's words for a connection to an upstream that we gave up before TCP stood."""
KEY = "dragoman"
"""Under this name a flow's metadata holds its passage."""


class NetworkGate(Protocol):
    """The part of the gate that this door needs."""

    async def admit(self, egress: Egress) -> Exchange:
        """Every step up to the durable record; never raises, a refusal has `reply` set."""
        ...

    async def refuse(self, egress: Egress, refusal: Refusal) -> Exchange:
        """What the door itself refuses, recorded and in the provider's format."""
        ...

    def screen_host(self, host: str, port: int) -> HostVerdict:
        """Whether connections to a host are opened, passed unread, or closed."""
        ...

    async def admit_message(self, session: Session, message: Message) -> Turn:
        """One message of the client in an open session."""
        ...

    async def answer(self, session: Session, message: Message) -> list[Message]:
        """One message of the provider."""
        ...

    async def look_at_turn(self, session: Session) -> None:
        """Inspect what the provider has said."""
        ...

    def ended(self, session: Session) -> Refusal | None:
        """Why an open session has to end now."""
        ...

    async def passed(self, host: str, port: int, peer: str, credential: str, mode: str) -> None:
        """Record, durably, that a connection passes unread."""
        ...


class Held(Protocol):
    """An answer that the client gets only after it was looked at."""

    async def look(self) -> None:
        """Put what the client gets into the flow."""
        ...


@dataclass(slots=True)
class Passage:
    """One request's way through this door.

    came_as: origin as the client named it. allowed: the request as it may be sent, nothing else may. unread: passes by
    the policy's words. sent, answered, ended: how far it is. failed: the answer could not be restored.
    held: its complete answer, which has to be looked at.
    refusal: why the engine is about to give up on it. reply: what the client gets instead of the engine's error page.
    working: set when nothing of ours reads its answer any more.
    """

    came_as: Origin | None = None
    credential: str = ""
    exchange: Exchange | None = None
    allowed: Sendable | None = None
    unread: bool = False
    sent: bool = False
    answered: bool = False
    ended: bool = False
    failed: bool = False
    held: "Held | None" = None
    refusal: Refusal | None = None
    reply: Reply | None = None
    working: asyncio.Event | None = None

    def cleared(self, flow: http.HTTPFlow) -> bool:
        """True when what the flow is about to send is what was allowed, and nobody touched it since."""
        return self.allowed is not None and sendable(flow.request) == self.allowed


def passage_of(flow: http.HTTPFlow) -> Passage:
    """The flow's passage; a new one, which is not cleared, where no hook of ours saw the flow."""
    passage = flow.metadata.get(KEY)
    if not isinstance(passage, Passage):
        passage = flow.metadata[KEY] = Passage()
    return passage


@dataclass(slots=True)
class Transfers:
    """What is open, what went wrong, and the gate. One per door.

    counts: events by closed names, for metrics. observe: told of each, as (kind, label). draining: nothing new is
    taken. retiring: connections end after their next answer. late: clients for which a connection to an upstream was
    just given up. end_session: tells a session's layer to end it, with a refusal or because we are shutting down.
    """

    gate: NetworkGate
    observe: Callable[[str, str], None] = lambda _kind, _label: None
    counts: Counter[str] = field(default_factory=Counter)
    draining: bool = False
    retiring: bool = False
    late: set[str] = field(default_factory=set)
    _open: dict[int, tuple[str, Passage]] = field(default_factory=dict)
    _closing: set[asyncio.Task[None]] = field(default_factory=set)
    _quiet: asyncio.Event = field(default_factory=asyncio.Event)
    _sessions: dict[int, http.HTTPFlow] = field(default_factory=dict)
    _watching: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    end_session: Callable[[http.HTTPFlow, Refusal | None], None] = lambda _flow, _refusal: None

    def note(self, kind: str, label: str = "") -> None:
        """Count an event. Both words come from closed sets."""
        self.counts[f"{kind}:{label}" if label else kind] += 1
        self.observe(f"network_{kind}", label)

    def trouble(self, where: str, error: BaseException) -> None:
        """Count and log a failure that was dealt with: its class and its line of code, never its text."""
        self.note("failed", where)
        logger.error("network door: %s failed and was closed (%s)", where, place_of(error))

    # --- refusals ----------------------------------------------------------------------------------------------

    async def refuse(self, egress: Egress, refusal: Refusal) -> Reply:
        """A refusal by this door, recorded, in the provider's format; in a plain one if the gate cannot make it."""
        self.note("refused", refusal.code)
        try:
            reply = (await self.gate.refuse(egress, refusal)).reply
        except Exception as error:
            self.trouble("refusal", error)
            reply = None
        return reply or plain_reply(refusal)

    def give_up(self, passage: Passage, refusal: Refusal) -> Reply:
        """A refusal after the record was made; it belongs to that transfer and its outcome."""
        self.note("refused", refusal.code)
        if passage.exchange is not None:
            try:
                return passage.exchange.refusal_reply(refusal)
            except Exception as error:
                self.trouble("refusal", error)
        return plain_reply(refusal)

    async def explain(self, flow: http.HTTPFlow) -> None:
        """Find the words for a request that the engine gives up on, before its own page is sent."""
        passage = passage_of(flow)
        if passage.refusal is None or passage.reply is not None:
            return
        if passage.exchange is not None:
            passage.reply = self.give_up(passage, passage.refusal)
        else:
            egress = egress_of(flow, passage.came_as, passage.credential)
            passage.reply = await self.refuse(egress, passage.refusal)

    # --- beginning and end -------------------------------------------------------------------------------------

    def opened(self, client: str, passage: Passage) -> None:
        """The gate cleared it: it has to be ended."""
        self._open[id(passage)] = (client, passage)

    def end(self, passage: Passage, ending: Ending) -> None:
        """Write the outcome; the first ending counts. Does not wait: the client's answer is not held up by it."""
        if passage.ended or passage.exchange is None:
            return
        passage.ended = True
        self._open.pop(id(passage), None)
        if not passage.sent:
            ending = Ending.NOT_SENT
        if watching := self._watching.pop(id(passage.exchange), None):
            watching.cancel()
        self.later(self._close(passage.exchange, ending, passage.working))

    def close_later(self, exchange: Exchange, ending: Ending) -> None:
        """Write the outcome of an exchange, without waiting for it."""
        self.later(self._close(exchange, ending))

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something whose end the door waits for when it stops."""
        # A task of the work itself: one that is cancelled before its first step would leave it unawaited.
        task = asyncio.get_running_loop().create_task(work)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    # --- sessions ----------------------------------------------------------------------------------------------

    def watch(self, flow: http.HTTPFlow, session: Session) -> None:
        """Ask about stops as long as the session is open, and end it when there is one."""
        self._sessions[id(session.exchange)] = flow
        task = asyncio.get_running_loop().create_task(self._watch(flow, session))
        self._watching[id(session.exchange)] = task
        task.add_done_callback(lambda _: self._sessions.pop(id(session.exchange), None))

    async def _watch(self, flow: http.HTTPFlow, session: Session) -> None:
        while True:
            await asyncio.sleep(WATCH_S)
            try:
                refusal = self.gate.ended(session)
            except Exception as error:
                self.trouble("watch", error)
                refusal = Refusal(503, "failed_closed", "dragoman failed on this session", 1)
            if refusal is not None:
                self.note("refused", refusal.code)
                self.end_session(flow, refusal)
                return

    def end_sessions(self) -> None:
        """We are shutting down: every session is told so."""
        for flow in list(self._sessions.values()):
            self.end_session(flow, None)

    async def _close(self, exchange: Exchange, ending: Ending, working: asyncio.Event | None = None) -> None:
        if working is not None:
            await working.wait()
        try:
            await exchange.close(ending)
        except Exception as error:
            self.trouble("outcome", error)

    def client_left(self, client: str) -> None:
        """The connection is over: whatever was still open on it ends."""
        for owner, passage in list(self._open.values()):
            if owner == client:
                self.end(passage, Ending.CLIENT_GONE)

    def cut_all(self) -> None:
        """End everything that is open, as cut."""
        for _, passage in list(self._open.values()):
            self.end(passage, Ending.CUT)

    def busy(self, client: str) -> bool:
        """True while a transfer is open on that connection."""
        return any(owner == client for owner, _ in self._open.values())

    @property
    def open_count(self) -> int:
        """How many transfers are open."""
        return len(self._open)

    async def settled(self) -> None:
        """Return when every outcome that was due is written."""
        while self._closing:
            ended, _ = await asyncio.wait(self._closing)
            self._closing -= ended  # one that was cancelled before it began does not leave by itself


NEXT_PROXY = re.compile(r"Upstream proxy \S+ refused HTTP CONNECT request: (\d{3})\b")
"""The engine's words where that proxy answered; what it said besides is its own affair."""


def refusal_for(code: ErrorCode, message: str) -> Refusal:
    """What the engine's error means to a client. message: the engine's, read for its kind and never passed on."""
    match code:
        case ErrorCode.REQUEST_TOO_LARGE:
            return Refusal(413, "body_too_large", "the request body is larger than the configured limit")
        case ErrorCode.REQUEST_VALIDATION_FAILED | ErrorCode.GENERIC_CLIENT_ERROR | ErrorCode.DESTINATION_UNKNOWN:
            return Refusal(400, "invalid_request", "the request is not valid HTTP or names no destination")
        case ErrorCode.CONNECT_FAILED if message.startswith("Certificate verify failed"):
            text = "the provider's certificate does not prove its name, so nothing was sent; see upstream_ca"
            return Refusal(502, "upstream_untrusted", text)
        case ErrorCode.CONNECT_FAILED if message == CANCELLED:
            return Refusal(504, "upstream_timeout", "the provider did not accept a connection in time", 1)
        case ErrorCode.CONNECT_FAILED if found := NEXT_PROXY.match(message):
            text = f"the next proxy let nobody through to the provider (it answered {found[1]}); nothing was sent"
            return Refusal(502, "upstream_unreachable", text + "; see upstream_auth" * (found[1] == "407"), 1)
        case ErrorCode.CONNECT_FAILED:
            return Refusal(502, "upstream_unreachable", "the provider could not be reached; nothing was sent", 1)
        case ErrorCode.KILL:
            return Refusal(503, "failed_closed", "dragoman failed on this request; it was stopped", 1)
    return Refusal(502, "upstream_broken", "the provider did not answer properly")
