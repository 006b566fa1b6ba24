"""What a recorded request hands to its exchange: how its answer is restored, watched and ended.

Nothing is decided here and nothing is awaited; the functions that are handed over do that when an answer comes.
"""

from collections.abc import Awaitable, Callable

from proxy.exchange import Cleared, Ending, Exchange
from proxy.messages import Door, Outgoing
from proxy.steps import closing, talks, upload_parts
from proxy.steps.answered_files import FileRestorer
from proxy.steps.held import Watch
from proxy.steps.session import Session
from proxy.steps.unexpected import watch_of
from proxy.steps.work import GateLimits, Services, Work, known
from redaction.restore import Redactor, Restorer

type OnClose = Callable[[Exchange, Ending], Awaitable[None]]


def restorer_of(work: Work) -> Restorer:
    """Puts originals back into the answer, in the tools that the policy allows."""
    policy, tokenized = work.active.policy, known(work.tokenized)
    may_restore = None if policy.restores_every_tool else policy.restore_tool
    return Restorer(tokenized.restorable, may_restore=may_restore)


def watched(work: Work, services: Services, limits: GateLimits) -> Watch | None:
    """How the answer is held until it was looked at, where the policy wants that."""
    # mitmproxy passes a body on inside the engine, which cannot wait; there an answer is held to its end.
    sentences = work.facts.egress.door is Door.GATEWAY
    return watch_of(work, services, sentences=sentences, detect_s=limits.detect_s)


def cleared(
    work: Work,
    services: Services,
    request: Outgoing,
    restorer: Restorer,
    session: Session | None,
    watch: Watch | None,
    on_close: OnClose,
) -> Cleared:
    """Everything of a request whose record is durable."""
    answered = restorer if watch is None else Redactor(restorer, watch.words)
    return Cleared(
        request,
        work.format if work.upload is None else upload_parts.InUpload(work.format, work.upload),
        known(work.endpoint),
        answered,
        on_sent=lambda: services.recorder.sending(known(work.receipt)),
        watch=watch,
        on_objects=lambda object_ids: closing.bind(work, services, object_ids),
        on_close=on_close,
        session=session,
        files=_files_of(services, restorer),
        offload=services.offload,
        renew=talks.renewal(work, services, answered),
    )


def _files_of(services: Services, restorer: Restorer) -> FileRestorer | None:
    if not restorer.restorable.tokens:
        return None

    def told(code: str) -> None:
        services.observe("file_not_restored", code)

    return FileRestorer(services.documents, restorer, told, services.offload)
