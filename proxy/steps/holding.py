"""`do: hold`: a request waits, refused, until an officer lets that very request pass.

The app gets the provider's own error with a reference; sent again after the approval, the same request goes through.
What waits is a fingerprint and names of the policy, never a text.
"""

from dataclasses import replace

from policies.model import Action, TransferDecision
from proxy.control.approvals import HeldRequest
from proxy.errors import RefusedError
from proxy.steps.work import Services, Work, known


def decided(work: Work, services: Services) -> TransferDecision:
    """The policy's decision, with what an officer has approved for this very request."""
    policy, asked = work.active.policy, known(work.asked)
    decision = policy.decide(asked)
    if decision.action is not Action.HOLD:
        return decision
    work.fingerprint = services.scopes.request(
        work.identity, work.destination.name, work.facts.egress.target, work.facts.egress.body
    )
    approved = work.active.approved.get(work.fingerprint)
    if not approved:
        return decision
    return policy.decide(replace(asked, approved=approved))


def held_error(work: Work) -> RefusedError:
    """The refusal of a held request; its reference is the transfer's id."""
    decision = known(work.decision)
    because = f": {decision.because}" if decision.because else ""
    return RefusedError(
        f"the policy holds this transfer until an officer approves it (rule {decision.rule_id}{because}); "
        f"reference {work.facts.transfer}, send it again after that",
        code="held",
    )


async def let_wait(work: Work, services: Services) -> None:
    """Put a held request before the officers, after it was refused and recorded. Nothing is sent either way."""
    decision = work.decision
    if decision is None or decision.action is not Action.HOLD or services.waiting is None:
        return
    held = HeldRequest(
        work.facts.transfer,
        work.facts.at_ms,
        work.identity.application or "unknown",
        work.destination.name,
        decision.holds,
        work.fingerprint,
    )
    try:
        if not await services.waiting.ask(held):
            services.observe("held_without_asking", "full")
    except Exception as error:
        # The request stays refused; only nobody can approve it.
        services.observe("held_without_asking", type(error).__name__)
