"""THE path: what a request goes through before a byte of it may leave, in this order and in no other.

    identify -> parse -> detect -> decide -> vault -> splice -> record (durable) -> cleared

Both doors lead here. Whatever fails on the way, foreseen or not, ends in a refusal in the provider's own format and, if
the ledger still works, in a record of it. Nothing here does I/O itself; services are awaited through Protocols.
"""

import logging
from dataclasses import replace
from functools import partial

from audit.commitment import REQUEST_IN, REQUEST_OUT, commit
from audit.errors import LedgerError
from audit.ids import new_id
from policies.model import Mirror
from proxy.errors import RefusedError, UnavailableError, place_of
from proxy.exchange import Ending, Exchange, State
from proxy.formats.core import echoes
from proxy.framing.coding import decode_body, decoder
from proxy.framing.websocket import Message
from proxy.identity import RECEIPT_HEADER
from proxy.messages import Door, Egress, Headers, Origin, Outgoing, Refusal, Reply
from proxy.steps import closing, records, talks, unregistered, upload_parts
from proxy.steps.attachments import open_attachments, rewrite_attachments
from proxy.steps.clearing import cleared, restorer_of, watched
from proxy.steps.deciding import decide
from proxy.steps.held import Watch
from proxy.steps.holding import let_wait
from proxy.steps.mirrored import copy_of, offer_copies, readdress
from proxy.steps.outgoing import outgoing, with_current_key
from proxy.steps.passing import HostVerdict, passing_record, screen_host
from proxy.steps.preview import Rehearsal, preview_reply
from proxy.steps.reading import find_destination, find_identity, read_request
from proxy.steps.refusals import refusal_of
from proxy.steps.routing import reroute
from proxy.steps.session import Session, Turn
from proxy.steps.spending import spending_of
from proxy.steps.subjects import find_subjects
from proxy.steps.tokenizing import tokenize
from proxy.steps.turns import Turns
from proxy.steps.upload_parts import UploadParts
from proxy.steps.uploads import Uploads
from proxy.steps.work import GateLimits, Services, Work, known
from redaction.restore import Restorer

__all__ = ["Gate", "GateLimits", "Services"]

logger = logging.getLogger("dragoman.gate")

SWITCHED = 101
"""The provider took the session (RFC 6455 section 4.2.2)."""


class Gate:
    """Admits, refuses, previews. One per process; of a transfer it keeps nothing but a count of open ones."""

    def __init__(self, services: Services, limits: GateLimits | None = None) -> None:
        self._services = services
        self._limits = limits or GateLimits()
        self._uploads = Uploads(services.pieces, self._limits.body_bytes)
        self._parts = UploadParts(services.pieces, self._limits.body_bytes)
        self._turns = Turns(self, services, self._limits)
        self._open = 0
        self._sessions = 0

    @property
    def open_transfers(self) -> int:
        """Transfers that were admitted and not closed yet."""
        return self._open

    def screen_host(self, host: str, port: int) -> HostVerdict:
        """What happens to a connection to this host: opened, passed unread with a record, or closed."""
        return screen_host(self._services, host, port)

    async def admit(self, egress: Egress) -> Exchange:
        """Take a request through every step. Never raises: a refusal is an exchange with `reply` set."""
        work = self.begin(egress)
        try:
            whole = await self._uploads.take(egress)
            if isinstance(whole, Reply):
                work.exchange.refuse(whole, "upload_held")
                return work.exchange
            work.facts.egress = whole
            await self._identify(work)
            held = await self._in_parts(work)
            if held is not None:
                work.exchange.refuse(held, "upload_held")
                return work.exchange
            await self._to_decision(work)
            request = await self._replaced(work)
            restorer, watch = restorer_of(work), watched(work, self._services, self._limits)
            session = self._opened(work, restorer, watch)
            await self.to_record(work, request, restorer, session, watch)
        except Exception as error:
            await self.refuse_work(work, error)
        else:
            offer_copies(work, self._services)
        return work.exchange

    async def admit_copy(self, first: Work, mirror: Mirror, attempt: int) -> Exchange:
        """Take the copy of an admitted request for a second recipient through the steps. Never raises, as `admit`."""
        work = copy_of(first, self._services, attempt)
        try:
            if self._open >= self._limits.open_transfers:
                raise UnavailableError("too many transfers are open", code="too_many_transfers")
            work.enter("decide")
            await readdress(work, self._services, first, mirror)
            request = await self._replaced(work)
            await self.to_record(work, request, restorer_of(work))
        except Exception as error:
            await self.refuse_work(work, error)
        return work.exchange

    async def admit_message(self, session: Session, message: Message) -> Turn:
        """Take one message of an open session through the same steps. Never raises: what is refused is not sent."""
        return await self._turns.admit(session, message)

    async def answer(self, session: Session, message: Message) -> list[Message]:
        """One message of the provider as the client gets it, perhaps behind others. Raises FormatError."""
        return await self._turns.answer(session, message)

    async def look_at_turn(self, session: Session) -> None:
        """Look for personal data in what the provider has said since the last time; off the way of any message."""
        await self._turns.look_at(session)

    def ended(self, session: Session) -> Refusal | None:
        """Why an open session has to end now: stopped by an officer, its credential ended, its destination gone."""
        return self._turns.ended(session)

    async def preview(self, egress: Egress) -> Reply:
        """What would leave, and why. Sends nothing, so nothing is recorded."""
        seen = await self.rehearse(egress)
        if seen.request is None:
            return seen.work.format.refuse(seen.work.endpoint, known(seen.refusal))
        return preview_reply(known(seen.work.decision), seen.work.facts, seen.request)

    async def rehearse(self, egress: Egress) -> Rehearsal:
        """Every step up to the record, for somebody who wants to see them. Never raises; nothing is sent."""
        work = self.begin(egress)
        try:
            await self._identify(work)
            await self._to_decision(work)
            return Rehearsal(work, await self._replaced(work), restorer_of(work))
        except Exception as error:
            return Rehearsal(work, refusal=refusal_of(error))

    async def refuse(self, egress: Egress, refusal: Refusal) -> Exchange:
        """A refusal that a door decided on (names that disagree, an upgrade), recorded and in the provider's format."""
        work = self.begin(egress)
        try:
            find_destination(work, self._services)
        except Exception as error:
            self._services.observe("refused_early", type(error).__name__)
        await self._end(work, replace(refusal, transfer=work.facts.transfer), recorded=True)
        return work.exchange

    async def passed(self, host: str, port: int, peer: str, credential: str, mode: str) -> None:
        """Record, durably, that a connection passes unread, as the policy says in words. Raises when it cannot be."""
        origin = Origin("https", host, port)
        egress = Egress(Door.NETWORK, mode, "CONNECT", b"", Headers(), b"", "", origin, peer, credential)
        await closing.recorded(self._services, passing_record(self.begin(egress).facts, origin, self._services))

    # --- the steps -------------------------------------------------------------------------------------------------

    def begin(self, egress: Egress) -> Work:
        """A request, or a message of a session, before its first step."""
        services, transfer, active = self._services, new_id(), self._services.active()
        facts = records.Facts(transfer, services.clock_ms(), egress, active.policy)
        exchange = Exchange(transfer, clock_ms=services.clock_ms, decoder=decoder)
        return Work(facts, active, exchange, services.formats.first_shape(egress))

    async def _identify(self, work: Work) -> None:
        services = self._services
        if self._open >= self._limits.open_transfers:
            raise UnavailableError("too many transfers are open; try again", code="too_many_transfers")
        work.enter("identify")
        find_destination(work, services)
        await find_identity(work, services)

    async def _in_parts(self, work: Work) -> Reply | None:
        """Our answer to a request about an upload in parts; once it is complete, its file is the request."""
        egress, path = work.facts.egress, work.facts.egress.target.decode("latin-1").partition("?")[0]
        if work.destination.format_for(path) != upload_parts.FORMAT:
            return None
        coding, limit = egress.headers.get("content-encoding"), self._limits.body_bytes
        taken = await self._parts.take(
            egress, work.destination.name, lambda: decode_body(egress.body, coding, limit=limit)
        )
        if isinstance(taken, upload_parts.Complete):
            work.facts.egress, work.upload = taken.egress, taken.upload
            return None
        return taken

    async def _to_decision(self, work: Work) -> None:
        services, size = self._services, len(work.facts.egress.body)
        work.enter("parse")
        await services.offload(size, lambda: read_request(work, services, self._limits))
        await open_attachments(work, services)
        await find_subjects(work, services, self._limits)
        work.enter("detect")
        result = await services.detection.detect(
            work.segments, deadline_s=self._limits.detect_s, owner=work.identity.owner
        )
        work.facts.detector_version = result.version
        work.enter("decide")
        decide(work, services, result)
        reroute(work, services)

    async def _replaced(self, work: Work) -> Outgoing:
        services, destination = self._services, work.destination.name
        work.enter("vault")
        if objects := work.objects:
            work.bound = await services.vault.bound(destination, objects, work.owners)
            work.facts.expired = work.bound.expired if work.bound is not None else 0
        else:
            work.bound = await talks.bound_to(work, services)
        await self.replace_texts(work)
        work.enter("splice")
        files = await rewrite_attachments(work, services)
        return await services.offload(len(work.facts.egress.body), lambda: outgoing(work, services, files))

    async def replace_texts(self, work: Work) -> None:
        """Placeholders and new texts for what was decided. Raises RedactionError."""
        persons = tuple(dict.fromkeys([subject.ref for subject in work.facts.subjects]))
        identity = talks.identity_in(work)
        work.tokenized = await tokenize(
            self._services, identity, work.destination.name, work.facts.found, work.segments, work.bound, persons
        )
        if opened := echoes(known(work.inspected), work.tokenized.texts):
            restorable = work.tokenized.restorable
            work.tokenized = replace(work.tokenized, restorable=restorable.with_sent(restorable.sent, opened))

    async def to_record(
        self,
        work: Work,
        request: Outgoing,
        restorer: Restorer,
        session: Session | None = None,
        watch: Watch | None = None,
    ) -> None:
        """Durable in the log, and only then cleared. Raises AuditError, RefusedError."""
        work.leave()
        tokenized, facts = known(work.tokenized), work.facts
        work.spending = spending_of(work)
        self._services.budgets.reserve(work.spending)
        facts.commit_key = key = tokenized.commit_key
        facts.commitment_in = commit(key, facts.transfer, REQUEST_IN, facts.egress.body)
        commitment_out = commit(key, facts.transfer, REQUEST_OUT, request.body)
        record = self._services.records.make(facts, bytes_out=len(request.body), commitment_out=commitment_out)
        work.exchange.advance(State.INSPECTED)
        work.receipt = await closing.recorded(self._services, record, proof=self._proof_asked(work))
        work.exchange.proof = work.receipt.proof
        request = with_current_key(work, self._services, request)
        on_close = partial(self._close, work)
        work.exchange.clear(cleared(work, self._services, request, restorer, session, watch, on_close))
        self._open += 1
        self._sessions += session is not None
        self._services.observe("sent", work.destination.name)

    def _proof_asked(self, work: Work) -> bool:
        return (work.facts.egress.headers.get(RECEIPT_HEADER) or "").strip().lower() == "yes"

    def _opened(self, work: Work, restorer: Restorer, watch: Watch | None) -> Session | None:
        if known(work.endpoint).session is None:
            return None
        if watch is not None:
            raise RefusedError(
                "the policy lets answers go on only when they were inspected, which a session cannot wait for",
                code="held_answer_unsupported",
                status=501,
            )
        if self._sessions >= self._limits.open_sessions:
            raise UnavailableError("too many sessions are open; try again", code="too_many_sessions")
        return Session(work, self._limits.session, restorer, self._services.clock_ms())

    async def refuse_work(self, work: Work, error: Exception) -> None:
        """Whatever a step raised, as a refusal that is recorded."""
        refusal = refusal_of(error, work.facts.transfer)
        if refusal.code == "internal":
            self._services.observe("internal_error", type(error).__name__)
            logger.error("gate: an unexpected %s, so nothing was sent; please report it", place_of(error))
        await self._end(work, refusal, recorded=not isinstance(error, LedgerError))
        if refusal.code == "held":
            await let_wait(work, self._services)

    async def _end(self, work: Work, refusal: Refusal, *, recorded: bool) -> None:
        refusal = unregistered.said(work.facts, refusal)
        self._services.observe("refused", refusal.code)
        if refusal.code == "shadow_ai":
            self._services.observe("shadow_ai", work.facts.provider)
        work.leave()
        if recorded:
            try:
                record = records.blocked_record(work.facts, code=refusal.code, status=refusal.status)
                receipt = await closing.in_time(self._services.recorder.append(record, proof=self._proof_asked(work)))
                work.receipt, work.exchange.proof = receipt, receipt.proof
            except Exception as error:
                # Nothing is sent, so nothing is hidden; but somebody should see that the log has trouble.
                self._services.observe("refusal_not_recorded", type(error).__name__)
        work.exchange.refuse(work.format.refuse(work.endpoint, refusal), refusal.code)

    async def _close(self, work: Work, exchange: Exchange, ending: Ending) -> None:
        session = exchange.session
        try:
            if session is not None and exchange.reader is not None and exchange.status == SWITCHED:
                await self._turns.look_at(session)
            await closing.close(work, self._services, exchange, ending, detect_s=self._limits.detect_s)
        finally:
            self._open -= 1
            self._sessions -= session is not None
