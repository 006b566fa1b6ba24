"""The order of decision, written down once.

A transfer is its findings, its media parts and the rest of its text. Each part takes the first rule that matches it;
rules that count only add restrictions. What no rule matches is blocked. The transfer takes the most restrictive of
its parts' actions, block > hold > route > transform > allow, so one finding more never makes a decision weaker.
A routed transfer is decided again for where it goes, and takes the more restrictive of both.

Only a policy and facts enter; there is no I/O, no clock and no randomness here.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from policies.errors import UsageError
from policies.groups import SECRETS
from policies.model import (
    Action,
    Code,
    Decision,
    MediaAction,
    MediaDecision,
    Mirror,
    Operator,
    PolicyInput,
    TransferDecision,
)
from policies.rules import Part, holds_now
from policies.walk import NO_RULE, Outcome, candidates_of, outcome_at

if TYPE_CHECKING:
    from policies.policy import Policy

_LOOP = Decision(Action.BLOCK, code=Code.ROUTE_LOOP, because="The rules route this transfer in a circle")


def decide(policy: "Policy", given: PolicyInput) -> TransferDecision:
    """What happens to a transfer. Raises UsageError (`policy_usage`) when the time is naive."""
    if given.time.tzinfo is None:
        raise UsageError("the time of a transfer needs a time zone")
    return _decide(policy, given, given.purpose or policy.purpose_for(given.application))


def _decide(policy: "Policy", given: PolicyInput, purpose: str) -> TransferDecision:
    refused = _refused_before_rules(policy, given)
    if refused is not None:
        return _refusal(refused, given, purpose)
    decided = _follow(policy, given, purpose, given.destination, frozenset())
    if policy.index.mirrors and decided.allowed and not decided.route_to:
        decided = replace(decided, mirrors=_mirrors(policy, given, purpose))
    if policy.observe is not None and policy.observe.in_force(given.application, given.time):
        return _observed(decided, given, policy.groups.get("secrets", SECRETS))
    return decided


def decide_mirror(policy: "Policy", given: PolicyInput, purpose: str = "") -> TransferDecision:
    """What happens to a copy for a second recipient: at least every finding a placeholder, no route, no mirror.

    purpose: the copy's own, which the policy gives it and the application need not be permitted; "" for the first's.
    """
    decided = _decide(policy, given, purpose) if purpose else decide(policy, given)
    if decided.observe or decided.action.rank > Action.TRANSFORM.rank:
        because = decided.because or "A mirrored copy is neither routed on nor sent while the policy only observes"
        why = replace(NO_RULE, rule_id=decided.rule_id, code=decided.code, because=because)
        return _refusal(why, given, decided.purpose)
    tokenized = tuple(
        replace(one, action=Action.TRANSFORM, operator=Operator.TOKENIZE, exception="")
        if one.operator is Operator.KEEP
        else one
        for one in decided.decisions
    )
    action = Action.TRANSFORM if tokenized else decided.action
    return replace(decided, action=action, decisions=tokenized, mirrors=())


def _refused_before_rules(policy: "Policy", given: PolicyInput) -> Decision | None:
    """Who sends, where to, what for and how much must be in order before any rule is asked."""
    application = policy.applications.get(given.application)
    if application is None and policy.unknown_applications == "refuse":
        return _block(Code.APPLICATION_UNKNOWN, "The policy knows no such application")
    if given.destination not in policy.destinations and policy.unknown_hosts == "refuse":
        return _block(Code.DESTINATION_UNKNOWN, "The destination is not in the policy's register")
    if given.purpose:
        permitted = application.purposes if application else tuple(policy.purposes)
        if given.purpose not in permitted:
            return _block(Code.PURPOSE_NOT_PERMITTED, "The application may not send for this purpose")
    for budget in policy.budgets:
        if budget.id in given.exhausted:
            return _block(Code.BUDGET_EXCEEDED, budget.because or "A budget of the policy is used up", budget.id)
    return None


def _block(code: Code, because: str, rule_id: str = "") -> Decision:
    return Decision(Action.BLOCK, rule_id, because=because, code=code)


def _refusal(why: Decision, given: PolicyInput, purpose: str) -> TransferDecision:
    """A blocked transfer in which every part has the same reason."""
    return TransferDecision(
        action=Action.BLOCK,
        decisions=(why,) * len(given.findings),
        rest=why,
        media=(MediaDecision(MediaAction.REFUSE, why.rule_id, why.because),) * len(given.media),
        rule_id=why.rule_id,
        code=why.code,
        because=why.because,
        rule_ids=(why.rule_id,) if why.rule_id else (),
        purpose=purpose,
    )


def _follow(
    policy: "Policy", given: PolicyInput, purpose: str, destination: str, seen: frozenset[str]
) -> TransferDecision:
    """Decides for a destination, and again for each one that rules route to.

    With several routes the one of the earliest rule is taken, but the most restrictive outcome of all counts, so
    that a finding which adds a route cannot lift a block.
    """
    outcome = outcome_at(policy, given, purpose, destination)
    here = _combine(outcome, purpose)
    if not any(part.decision.to for part in outcome.parts):
        return here
    routes = {part.decision.to: part for part in sorted(outcome.parts, key=_order) if part.decision.to}
    ahead = []
    for target in routes:
        if target in seen or target == destination:
            ahead.append(_refusal(_LOOP, given, purpose))
        else:
            ahead.append(_follow(policy, given, purpose, target, seen | {destination}))
    worst = max(ahead, key=lambda one: one.action.rank)
    rule_ids = _unique([*here.rule_ids, *(rule_id for one in ahead for rule_id in one.rule_ids)])
    holds = _unique([*here.holds, *(rule_id for one in ahead for rule_id in one.holds)])
    if max(here.action.rank, worst.action.rank) == Action.BLOCK.rank:
        decider = here if here.action is Action.BLOCK else worst
        return replace(decider, rule_ids=_first(decider.rule_id, list(rule_ids)), holds=(), route_to="")
    action = Action.HOLD if holds else Action.ROUTE
    decider = worst if worst.action is Action.HOLD and here.action is not Action.HOLD else here
    first = ahead[0]
    return replace(
        first,
        action=action,
        rule_id=decider.rule_id,
        code=decider.code,
        because=decider.because,
        rule_ids=_first(decider.rule_id, list(rule_ids)),
        holds=holds,
        route_to=first.route_to or next(iter(routes)),
    )


def _order(part: Part) -> tuple[int, int]:
    return part.position, -part.rank


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _combine(outcome: Outcome, purpose: str) -> TransferDecision:
    """The most restrictive part decides; of equals, the one whose rule stands first in the policy."""
    worst = outcome.rest
    fired: dict[int, str] = {}
    for part in outcome.parts:
        for rule in part.fired:
            fired[rule.position] = rule.id
        if part.rank > worst.rank or (part.rank == worst.rank and part.position < worst.position):
            worst = part
    chosen = worst.decision
    held = chosen.action is Action.HOLD
    return TransferDecision(
        action=chosen.action,
        decisions=tuple([part.decision for part in outcome.findings]),
        rest=outcome.rest.decision,
        media=outcome.media,
        rule_id=chosen.rule_id,
        code=chosen.code,
        because=chosen.because,
        rule_ids=_first(chosen.rule_id, [fired[position] for position in sorted(fired)]),
        holds=_held(outcome.parts) if held else (),
        purpose=purpose,
    )


def _first(decisive: str, rule_ids: list[str]) -> tuple[str, ...]:
    """The decisive rule, then the others in the policy's order."""
    if decisive in rule_ids and rule_ids[0] != decisive:
        rule_ids.remove(decisive)
        rule_ids.insert(0, decisive)
    return tuple(rule_ids)


def _held(parts: tuple[Part, ...]) -> tuple[str, ...]:
    return _unique(part.decision.rule_id for part in sorted(parts, key=_order) if part.decision.action is Action.HOLD)


def _mirrors(policy: "Policy", given: PolicyInput, purpose: str) -> tuple[Mirror, ...]:
    """Second recipients that rules ask for; never the first one again."""
    candidates, _ = candidates_of(policy, given, purpose, given.destination)
    return tuple(
        Mirror(rule.decision.to, rule.id, rule.decision.because, rule.output_may_train, rule.purpose, rule.keep_days)
        for rule in candidates.mirrors
        if rule.decision.to != given.destination and (not rule.asks or holds_now(rule, given))
    )


def _observed(decided: TransferDecision, given: PolicyInput, secrets: frozenset[str]) -> TransferDecision:
    """Nothing is changed and all is recorded, but a secret that a rule stops or changes keeps the transfer here.

    A secret that left cannot be called back, so a test phase must not cost one.
    """
    kept = Decision(Action.ALLOW, because="Observed only")
    secret = next(
        (
            decision
            for one, decision in zip(given.findings, decided.decisions, strict=True)
            if one.entity_type in secrets and decision.action is not Action.ALLOW
        ),
        None,
    )
    if secret is not None:
        stopped = replace(secret, action=Action.BLOCK, operator=Operator.KEEP, because="Secrets stay blocked")
        return replace(_refusal(stopped, given, decided.purpose), observe=True, would=decided)
    return TransferDecision(
        action=Action.ALLOW,
        decisions=tuple(replace(kept, rule_id=one.rule_id) for one in decided.decisions),
        rest=replace(kept, rule_id=decided.rest.rule_id),
        media=tuple(MediaDecision(MediaAction.PASS, one.rule_id, "Observed only") for one in decided.media),
        rule_id=decided.rule_id,
        because="Observed only",
        rule_ids=decided.rule_ids,
        observe=True,
        would=decided,
        purpose=decided.purpose,
    )
