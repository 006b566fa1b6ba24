"""The walk over the rules at one destination: each part of a transfer and the first rule that matches it.

A policy and facts enter, one decision per finding, per media part and for the rest of the text leaves. What becomes of
the transfer as a whole is decided in `policies.decide`; what this page says about order is said there.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from policies.index import Candidates
from policies.model import (
    Action,
    Code,
    Decision,
    FindingFacts,
    MediaAction,
    MediaDecision,
    PolicyInput,
)
from policies.rules import Context, Flags, Part, Rule, combined_flags, holds_now

if TYPE_CHECKING:
    from policies.policy import Policy

NO_RULE = Decision(Action.BLOCK, code=Code.NO_RULE, because="No rule matches; what matches nothing is blocked")
"""What happens to a part that no rule is about."""
_EXPIRED = Decision(Action.BLOCK, code=Code.DESTINATION_EXPIRED, because="The destination's last day has passed")


@dataclass(frozen=True, slots=True)
class Outcome:
    """A transfer decided for one destination, routes not followed yet. parts: all of them, those alike once."""

    findings: tuple[Part, ...]
    rest: Part
    media: tuple[MediaDecision, ...]
    parts: tuple[Part, ...]


def outcome_at(policy: "Policy", given: PolicyInput, purpose: str, destination: str) -> Outcome:
    """Every part decided by the rules that hold at one destination."""
    candidates, nothing = candidates_of(policy, given, purpose, destination)
    rest = _walk(candidates.rest, given, None, _NO_COUNTS, nothing)
    counts = _counts(candidates, given) if candidates.counts else _NO_COUNTS
    # Findings that are one object are decided once: nothing here depends on a finding's place among the others.
    decided = {id(one): one for one in given.findings}
    parts = {key: _finding(policy, candidates, given, one, counts, nothing, rest) for key, one in decided.items()}
    findings = tuple([parts[id(one)] for one in given.findings])
    alike = parts.values()
    if not given.media:
        return Outcome(findings, rest, (), (rest, *alike))
    media = tuple([_media(policy, candidates, given, index) for index in range(len(given.media))])
    extra = tuple(part for _, part in media if part is not None)
    return Outcome(findings, rest, tuple(one for one, _ in media), (rest, *alike, *extra))


def candidates_of(policy: "Policy", given: PolicyInput, purpose: str, name: str) -> tuple[Candidates, Decision]:
    """The candidate rules of this context, and what happens where none of them matches."""
    index = policy.index
    destination = policy.destinations.get(name)
    expired = destination is not None and destination.until is not None and destination.expired(given.time)
    flags: Flags | None = combined_flags(given.subjects) if index.uses_flags else None
    context = Context(
        given.application if given.application in policy.applications else "",
        name if destination is not None else "",
        purpose,
        expired,
        given.endpoint if given.endpoint in index.endpoints else "",
        given.model if given.model in index.models else "",
        flags,
    )
    return index.candidates(context), _EXPIRED if expired else NO_RULE


_NO_COUNTS: dict[int, int] = {}
_LAST = 1 << 30
_BLOCKED = Action.BLOCK.rank


def _walk(
    rules: tuple[Rule, ...], given: PolicyInput, one: FindingFacts | None, counts: dict[int, int], nothing: Decision
) -> Part:
    """First match, less approved holds; rules that count are added to it. `position` is _LAST when nothing matched."""
    added: list[Rule] = []
    for rule in rules:
        when = rule.when
        if one is None:
            if when.languages is not None and not when.languages & given.languages:
                continue
        elif one.score < when.score_at_least:
            continue
        if rule.asks and not holds_now(rule, given):
            continue
        if given.approved and rule.decision.action is Action.HOLD and rule.id in given.approved:
            continue
        if rule.adds:
            if counts.get(rule.position, 0) >= when.count_at_least:
                added.append(rule)
            continue
        return _strictest([*added, rule]) if added else rule.alone
    if not added:
        return Part(nothing, _LAST, _BLOCKED)
    strictest = _strictest(added)
    return strictest if strictest.rank == _BLOCKED else Part(nothing, _LAST, _BLOCKED, tuple(added))


def _strictest(rules: list[Rule]) -> Part:
    chosen = max(rules, key=lambda rule: (rule.decision.action.rank, -rule.position))
    return replace(chosen.alone, fired=tuple(rules))


def _finding(
    policy: "Policy",
    candidates: Candidates,
    given: PolicyInput,
    one: FindingFacts,
    counts: dict[int, int],
    nothing: Decision,
    rest: Part,
) -> Part:
    """One finding. A guess below every score that the rules ask for is no finding to them: it goes with the rest."""
    rules = candidates.for_finding(one.entity_type, one.segment_kind, one.language, one.recognizer)
    part = _walk(rules, given, one, counts, nothing)
    if part.position == _LAST and not part.fired:
        certain = _walk(rules, given, replace(one, score=1.0), counts, nothing)
        return rest if certain.position != _LAST else part
    if policy.exceptions and one.value_refs and len(part.fired) >= 1:
        return _excepted(policy, given, one, part)
    return part


def _excepted(policy: "Policy", given: PolicyInput, one: FindingFacts, part: Part) -> Part:
    """Lets a value pass that an exception to the deciding rule names, for as long as it lasts."""
    for terms in policy.exceptions.get(part.decision.rule_id, ()):
        if terms.refs & one.value_refs and terms.in_force(given.application, given.time):
            passed = Decision(Action.ALLOW, part.decision.rule_id, because="Exception", exception=terms.id)
            return Part(passed, part.position, Action.ALLOW.rank, part.fired)
    return part


def _counts(candidates: Candidates, given: PolicyInput) -> dict[int, int]:
    """Per counting rule, how many findings of the transfer it looks at."""
    counts = dict.fromkeys((rule.position for rule in candidates.counts), 0)
    for one in given.findings:
        for rule in candidates.for_finding(one.entity_type, one.segment_kind, one.language, one.recognizer):
            if rule.adds and one.score >= rule.when.score_at_least:
                counts[rule.position] += 1
    return counts


def _media(
    policy: "Policy", candidates: Candidates, given: PolicyInput, index: int
) -> tuple[MediaDecision, Part | None]:
    """One media part: the tables first, then rules about media, which can only restrict further."""
    part = given.media[index]
    action, where = policy.media_action(given.application, part)
    if action is MediaAction.REFUSE:
        because = "This kind of media is refused, or it cannot be inspected"
        blocked = Decision(Action.BLOCK, where, because=because, code=Code.MEDIA_REFUSED)
        return MediaDecision(action, where, because), Part(blocked, _LAST, _BLOCKED)
    found = _walk(candidates.for_media(part), given, None, _NO_COUNTS, NO_RULE)
    if found.position == _LAST:
        return MediaDecision(action, where), None
    decision = found.decision
    refused = decision.action is Action.BLOCK
    return MediaDecision(MediaAction.REFUSE if refused else action, decision.rule_id, decision.because), found
