"""Why a transfer was decided as it was: per part, which rules were asked, which matched, and why the others did not.

A policy and an input enter, a tree of plain words leaves. It walks the rules one by one instead of using the index, so
it is also the check that both agree (a test compares them).
"""

from dataclasses import dataclass
from typing import Any

from policies.cases import word
from policies.decide import decide
from policies.model import Action, Decision, FindingFacts, Mirror, PolicyInput, TransferDecision
from policies.outcome import copied
from policies.policy import Policy
from policies.rules import (
    Context,
    DestinationWhen,
    Rule,
    applies,
    combined_flags,
    covers_finding,
    covers_rest,
    holds_now,
)


@dataclass(frozen=True, slots=True)
class Step:
    """One rule that was asked. matched: whether it fits; why: the condition that kept it from fitting, or ""."""

    rule_id: str
    matched: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class PartStory:
    """One part. label: its entity type or what it is; decision: as in the transfer; steps: in the order asked."""

    label: str
    decision: Decision
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class CopyStory:
    """One copy for a second recipient, and what the policy decides about it there."""

    mirror: Mirror
    decision: TransferDecision


@dataclass(frozen=True, slots=True)
class Explanation:
    """The whole story of one transfer; parts are told for the destination that was asked for."""

    decision: TransferDecision
    destination: str
    parts: tuple[PartStory, ...]
    copies: tuple[CopyStory, ...] = ()


def explain(policy: Policy, given: PolicyInput) -> Explanation:
    """The decision for an input, with the way to it."""
    decision = decide(policy, given)
    judged = decision.would or decision
    parts = [
        PartStory(f"{one.entity_type} ({one.score:.2f})", chosen, _steps(policy, given, one))
        for one, chosen in zip(given.findings, judged.decisions, strict=True)
    ]
    parts.append(PartStory("the rest of the text", judged.rest, _steps(policy, given, None)))
    for part, verdict in zip(given.media, judged.media, strict=True):
        label = f"{part.kind.value} {part.media_type}".strip()
        steps = (Step(verdict.rule_id, True, f"{verdict.action.value}: {verdict.because}".removesuffix(": ")),)
        parts.append(PartStory(label, Decision(judged.action, verdict.rule_id, because=verdict.because), steps))
    copies = tuple(CopyStory(one, policy.decide_mirror(given, one)) for one in decision.mirrors)
    return Explanation(decision, given.destination, tuple(parts), copies)


def _steps(policy: Policy, given: PolicyInput, one: FindingFacts | None) -> tuple[Step, ...]:
    context, steps = _context(policy, given), []
    for rule in policy.rules:
        why = _why_not(policy, rule, context, given, one)
        if why == _OTHER_THING:
            continue
        steps.append(Step(rule.id, not why, why))
        if not why and not rule.adds:
            break
    return tuple(steps)


# Rules about other things (another type of finding, media) are not told: there may be hundreds.
_OTHER_THING = "other"


def _context(policy: Policy, given: PolicyInput) -> Context:
    destination = policy.destinations.get(given.destination)
    return Context(
        given.application if given.application in policy.applications else "",
        given.destination if destination else "",
        given.purpose or policy.purpose_for(given.application),
        bool(destination and destination.expired(given.time)),
        given.endpoint,
        given.model,
        combined_flags(given.subjects),
    )


def _why_not(policy: Policy, rule: Rule, context: Context, given: PolicyInput, one: FindingFacts | None) -> str:
    """The first condition that does not fit, in words; "" when the rule matches."""
    when = rule.when
    if one is None:
        if not covers_rest(rule):
            return _OTHER_THING
        if when.languages is not None and not when.languages & given.languages:
            return f"the text is not in {_list(when.languages)}"
    elif not covers_finding(rule, one.entity_type, one.segment_kind, one.language, one.recognizer):
        named = when.entities or frozenset()
        about = not when.names_entities or when.any_entity or one.entity_type in named
        return _elsewhere(rule, one) if about and when.media is None else _OTHER_THING
    elif one.score < when.score_at_least:
        return f"the score {one.score:.2f} is below {when.score_at_least:.2f}"
    if not applies(rule, context, policy.destination(context.destination)):
        return _outside(policy, rule, context)
    if not holds_now(rule, given):
        return _not_now(rule, given)
    if rule.decision.action is Action.HOLD and rule.id in given.approved:
        return "a person approved it"
    return _too_few(rule, given) if rule.adds else ""


def _elsewhere(rule: Rule, one: FindingFacts) -> str:
    when = rule.when
    if when.segments is not None and one.segment_kind not in when.segments:
        return f"it stood in {one.segment_kind}, not in {_list(when.segments)}"
    if when.languages is not None and one.language not in when.languages:
        return f"the text is {one.language or 'in no known language'}, not {_list(when.languages)}"
    if when.recognizers is not None:
        return f"it was found by {one.recognizer or 'another recognizer'}"
    return _OTHER_THING


def _outside(policy: Policy, rule: Rule, context: Context) -> str:
    when = rule.when
    if context.expired and rule.permits and not (when.destination and when.destination.expired):
        return "the destination's last day has passed"
    if rule.decision.to and rule.decision.to == context.destination:
        return f"it goes to {rule.decision.to} already"
    if when.applications is not None and context.application not in when.applications:
        return f"the application is {context.application or 'unknown'}, not {_list(when.applications)}"
    if when.applications_not is not None and context.application in when.applications_not:
        return f"the application is {context.application or 'unknown'}"
    if when.purposes is not None and context.purpose not in when.purposes:
        return f"the purpose is {context.purpose or 'unknown'}, not {_list(when.purposes)}"
    if when.destination and not when.destination.holds(
        policy.destination(context.destination), context.purpose, context.expired
    ):
        return _other_destination(policy, when.destination, context)
    if when.subject and context.flags is not None and not when.subject.holds(context.flags):
        consent, objected, minor = context.flags[3:] if when.subject.everybody else context.flags[:3]
        return f"consent is {consent}, objected {objected}, minor {minor}"
    if when.endpoints is not None and context.endpoint not in when.endpoints:
        return f"the endpoint is {context.endpoint or 'unknown'}, not {_list(when.endpoints)}"
    if when.models is not None and context.model not in when.models:
        return f"the model is not {_list(when.models)}"
    return "a condition on the transfer does not fit"


def _other_destination(policy: Policy, when: DestinationWhen, context: Context) -> str:
    destination = policy.destination(context.destination)
    for what, value, wanted, unwanted in (
        ("destination", destination.name, when.names, when.names_not),
        ("operator", destination.operator, when.operators, when.operators_not),
        ("role", destination.role_for(context.purpose), when.roles, when.roles_not),
        ("transfer mechanism", destination.transfer, when.transfers, when.transfers_not),
        ("store", destination.store, when.store, None),
    ):
        if (wanted is not None and value not in wanted) or (unwanted is not None and value in unwanted):
            return f"the destination's {what} is {value or 'unknown'}".replace(
                "destination's destination", "destination"
            )
    for fact in when.facts:
        known = destination.fact(fact.name)
        if not fact.holds(known):
            shown = ", ".join(known) if isinstance(known, tuple) else known
            return f"the destination's {fact.name} is {shown}"
    return "the destination does not fit"


def _not_now(rule: Rule, given: PolicyInput) -> str:
    when = rule.when
    if when.size_at_least and given.size < when.size_at_least:
        return f"the body has {given.size} bytes, fewer than {when.size_at_least}"
    if when.share is not None and (given.session_bucket is None or given.session_bucket >= when.share):
        return f"the session is not among its {when.share / 100:g} percent"
    return "it is outside the rule's hours"


def _too_few(rule: Rule, given: PolicyInput) -> str:
    counted = sum(
        covers_finding(rule, one.entity_type, one.segment_kind, one.language, one.recognizer)
        and one.score >= rule.when.score_at_least
        for one in given.findings
    )
    return "" if counted >= rule.when.count_at_least else f"only {counted} of {rule.when.count_at_least} such findings"


def _list(names: frozenset[str]) -> str:
    return " or ".join(sorted(name or "unknown" for name in names))


def as_data(story: Explanation) -> dict[str, Any]:
    """The story as JSON-ready data."""
    decision = story.decision
    return {
        "action": decision.action.value,
        "code": decision.code.value,
        "rule": decision.rule_id or None,
        "because": decision.because,
        "destination": story.destination,
        "route_to": decision.route_to or None,
        "holds": list(decision.holds),
        "observe": decision.observe,
        "would": decision.would.action.value if decision.would else None,
        "parts": [
            {
                "part": part.label,
                "does": word(part.decision),
                "rule": part.decision.rule_id or None,
                "exception": part.decision.exception or None,
                "because": part.decision.because,
                "steps": [{"rule": step.rule_id, "matched": step.matched, "why": step.why} for step in part.steps],
            }
            for part in story.parts
        ],
        "mirrors": [
            {
                "to": one.mirror.to,
                "rule": one.mirror.rule_id,
                "purpose": one.mirror.purpose or None,
                "keep_days": one.mirror.keep_days or None,
                "action": one.decision.action.value,
                "decided_by": one.decision.rule_id or None,
            }
            for one in story.copies
        ],
    }


def render(story: Explanation) -> str:
    """The story as an indented tree of plain text."""
    decision = story.decision
    lines = [f"{decision.action.value}{_route(decision)}: {decision.because or decision.code.value}"]
    if decision.observe and decision.would:
        lines.append(f"  observed only; without it: {decision.would.action.value}")
    for part in story.parts:
        chosen = f" by exception {part.decision.exception}" if part.decision.exception else ""
        lines.append(f"├─ {part.label}: {word(part.decision)}{chosen}")
        for step in part.steps:
            lines.append(f"│    {'✓' if step.matched else '·'} {step.rule_id}{': ' + step.why if step.why else ''}")
        if not any(step.matched for step in part.steps):
            lines.append(f"│    ✗ {part.decision.because or 'no rule matched'}")
    for one in story.copies:
        why = one.decision.because or one.decision.code.value
        lines.append(f"├─ {copied(one.mirror)} ({one.mirror.rule_id}): {one.decision.action.value}: {why}")
    return "\n".join(lines)


def _route(decision: TransferDecision) -> str:
    return f" to {decision.route_to}" if decision.route_to else ""
