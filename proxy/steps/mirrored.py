"""The copy of a transfer that the policy mirrors: the same request, for a second recipient, with tokens of its own.

It takes the gate's steps from the decision on; what was found stays found. The copy has the first one's id and the
next number as its attempt, so whoever reads the log sees both recipients of one request together. Pure.
"""

from dataclasses import replace

from policies.model import Mirror, TransferDecision
from proxy.errors import ProxyError
from proxy.exchange import Exchange
from proxy.framing.coding import decoder
from proxy.steps.deciding import decide_copy
from proxy.steps.routing import redirect
from proxy.steps.subjects import find_flags
from proxy.steps.work import Services, Work, known


def offer_copies(work: Work, services: Services) -> None:
    """Hand the copies of a recorded transfer over, one for each recipient that the policy adds. Never raises."""
    decision: TransferDecision = known(work.decision)
    for attempt, mirror in enumerate(decision.mirrors, start=2):
        if known(work.endpoint).session is not None or not known(work.inspected).segments:
            services.observe("mirror_skipped", mirror.to)  # there is nothing that a second model could answer
        else:
            work.keep_days = max(work.keep_days, mirror.keep_days)
            services.mirror(work, mirror, attempt)


def copy_of(first: Work, services: Services, attempt: int) -> Work:
    """The copy before its steps: what was read is the same, what was decided is not there yet."""
    facts = replace(
        first.facts,
        at_ms=services.clock_ms(),
        attempt=attempt,
        action="block",
        rules=(),
        found=(),
        uninspected=(),
        expired=0,
        commitment_in=None,
        stages={},
    )
    exchange = Exchange(facts.transfer, clock_ms=services.clock_ms, decoder=decoder)
    copied = Work(facts, first.active, exchange, first.format, first.endpoint, first.head, first.inspected)
    copied.target, copied.files, copied.claims, copied.mirrored = first.target, first.files, first.claims, True
    copied.persons, copied.subjects = first.persons, first.subjects
    return copied


async def readdress(copied: Work, services: Services, first: Work, mirror: Mirror) -> None:
    """Make the second recipient the copy's, and ask the policy whether it may have it. Raises ProxyError."""
    copied.keep_days = mirror.keep_days
    target = copied.active.policy.destinations[mirror.to]
    facts, name = copied.facts, known(copied.inspected).model or known(copied.endpoint).model
    try:
        redirect(copied, services, target, "mirrors")
    except ProxyError:
        # The record of the refusal names whom the copy was for.
        facts.destination, facts.provider, facts.host = target, target.name, ""
        raise
    facts.provider = target.name
    facts.model = services.references.marked(target.models.get(name, name))
    if mirror.purpose:
        # Whoever agreed to the first purpose has said nothing of this one.
        await find_flags(copied, services, mirror.purpose)
    decide_copy(copied, services, first, mirror)
