"""One message of an open session on its way, and what comes back: the gate's steps in the gate's order.

A session's request was admitted; each message that bears text has a record of its own, media pass under leases. What
the steps are is said in `proxy.gate`, which owns them; nothing here does I/O itself.
"""

from typing import Protocol

from proxy.exchange import Exchange
from proxy.framing.websocket import POLICY, TOO_BIG, Close, Message
from proxy.messages import Egress, Headers, Outgoing, Refusal
from proxy.steps import closing
from proxy.steps.answers import look_at
from proxy.steps.attachments import open_attachments, rewrite_attachments
from proxy.steps.deciding import decide
from proxy.steps.outgoing import outgoing_message
from proxy.steps.reading import check_application, find_destination, find_identity, read_message
from proxy.steps.refusals import refusal_of
from proxy.steps.routing import reroute
from proxy.steps.session import Lease, Session, Turn, ends
from proxy.steps.subjects import find_subjects
from proxy.steps.work import GateLimits, Services, Work, known
from redaction.restore import Restorable, Restorer


class Steps(Protocol):
    """The steps that a message shares with every request; the gate's."""

    def begin(self, egress: Egress) -> Work: ...

    async def replace_texts(self, work: Work) -> None: ...

    async def to_record(self, work: Work, request: Outgoing, restorer: Restorer) -> None: ...

    async def refuse_work(self, work: Work, error: Exception) -> None: ...


class Turns:
    """Takes messages of sessions; keeps nothing of them."""

    def __init__(self, steps: Steps, services: Services, limits: GateLimits) -> None:
        self._steps, self._services, self._limits = steps, services, limits

    async def admit(self, session: Session, message: Message) -> Turn:
        """See `Gate.admit_message`."""
        work = self._steps.begin(session.egress(message))
        try:
            return await self._message(session, work, message)
        except Exception as error:
            return await self._refuse_message(session, work, message, error)

    async def answer(self, session: Session, message: Message) -> list[Message]:
        """One message of the provider as the client gets it, perhaps behind others. Raises FormatError."""
        session.exchange.bytes_received += len(message.data)
        restored = session.reader.message(message.data)
        named = session.reader.new_objects()
        if named and session.keeping is not None:
            session.keeping.tokenized = session.tokenized
            await closing.bind(session.keeping, self._services, named)
        return [Message(data, message.text) for data in restored]

    async def look_at(self, session: Session) -> None:
        """Look for personal data in what the provider has said since the last time; off the way of any message."""
        texts, truncated = session.reader.said()
        found, inspected = await look_at(texts, self._services, self._limits.detect_s, session.work.identity.owner)
        session.heard(found, inspected, truncated=truncated)

    def ended(self, session: Session) -> Refusal | None:
        """Why an open session has to end now: stopped by an officer, its credential ended, its destination gone."""
        work = self._steps.begin(session.work.facts.egress)
        try:
            find_destination(work, self._services)
            work.claims = session.work.claims  # verified with its opening, and again with each message
            check_application(work, self._services)
            session.check_same(work)
        except Exception as error:
            return refusal_of(error, session.exchange.transfer)
        return None

    async def _message(self, session: Session, work: Work, message: Message) -> Turn:
        services, now, size = self._services, work.facts.at_ms, len(message.data)
        session.check(message, now)
        work.enter("identify")
        find_destination(work, services)
        await find_identity(work, services)
        session.check_same(work)
        work.enter("parse")
        await services.offload(size, lambda: read_message(work, services, session.work, session.dialect))
        inspected = known(work.inspected)
        only_media = bool(inspected.media) and not (
            inspected.segments or inspected.uninspected or inspected.attachments
        )
        if only_media and (lease := session.leased(inspected.media, now)) is not None:
            return self._under(lease, session, message)
        if not (inspected.segments or inspected.media or inspected.uninspected or inspected.unkept or inspected.state):
            self._remember(session, work)
            return Turn(message)  # nothing but structure
        await open_attachments(work, services)
        await find_subjects(work, services, self._limits)
        work.facts.subjects = work.facts.subjects or session.work.facts.subjects
        work.enter("detect")
        result = await services.detection.detect(
            work.segments, deadline_s=self._limits.detect_s, owner=work.identity.owner
        )
        work.facts.detector_version = result.version
        work.enter("decide")
        decide(work, services, result)
        reroute(work, services)
        work.enter("vault")
        named = await services.vault.bound(work.destination.name, work.objects, work.owners)
        work.facts.expired = named.expired if named is not None else 0
        work.bound = session.bound(named)
        await self._steps.replace_texts(work)
        work.enter("splice")
        files = await rewrite_attachments(work, services)
        body = await services.offload(size, lambda: outgoing_message(work, session.dialect, files))
        if only_media:
            work.facts.media = session.to_lease(inspected.media)
            work.facts.uninspected = tuple((part, "policy_pass") for part in work.facts.media)
        session.widen(known(work.tokenized))
        self._remember(session, work)
        request = Outgoing(known(work.origin), "", b"", Headers(), body)
        await self._steps.to_record(work, request, Restorer(Restorable({})))
        if only_media:
            before = session.open_lease(inspected.media, now, exchange=work.exchange)
            return Turn(Message(body, message.text), work.exchange, ended=before)
        return Turn(Message(body, message.text), work.exchange)

    @staticmethod
    def _remember(session: Session, work: Work) -> None:
        """A message that asks the provider to keep the session: what it will be called is bound to its scopes."""
        if known(work.inspected).keeps:
            session.keeping = work

    async def _refuse_message(self, session: Session, work: Work, message: Message, error: Exception) -> Turn:
        await self._steps.refuse_work(work, error)
        refusal = refusal_of(error, work.facts.transfer)
        inspected, before = work.inspected, None
        if inspected is not None and inspected.media and not inspected.segments:
            # An app that streams what is refused would fill the log with it.
            now = work.facts.at_ms
            before = session.open_lease(inspected.media, now, exchange=None, refusal=refusal)
        return self._told(session, refusal, message, before)

    def _under(self, lease: Lease, session: Session, message: Message) -> Turn:
        if lease.refusal is not None:
            return self._told(session, lease.refusal, message, None)
        assert lease.exchange is not None, "a lease that lets pass has a record"
        return Turn(message, under=lease.exchange)

    @staticmethod
    def _told(session: Session, refusal: Refusal, message: Message, ended: Exchange | None) -> Turn:
        told = session.dialect.refused(refusal, message.data)
        over = told is None or ends(refusal)
        if over:
            session.exchange.error = refusal.code
        code = TOO_BIG if refusal.code == "message_too_large" else POLICY
        return Turn(
            told=Message(told) if told is not None else None,
            close=Close(code, f"dragoman: {refusal.message} [{refusal.code}]") if over else None,
            ended=ended,
        )
