"""What a policy would have done with transfers that were recorded under another one.

Counts from the log enter (types, scores by decile, languages, who and where to), never texts; a summary leaves. Equal
transfers are decided once, so that a week of a busy service replays in seconds.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from policies.decide import decide
from policies.model import Action, FindingFacts, MediaPart, PolicyInput, SubjectFacts, TransferDecision
from policies.outcome import Outcome, outcome
from policies.policy import Policy


@dataclass(frozen=True, slots=True)
class RecordedFinding:
    """One row of a record's counts. score_decile: 7 means 0.7 to 0.8 (1.0 counts as 9). operator: what was done."""

    entity_type: str
    score_decile: int = 9
    language: str = ""
    recognizer: str = ""
    segment_kind: str = "unknown"
    n: int = 1
    operator: str = ""
    exception: str = ""


@dataclass(frozen=True, slots=True)
class RecordedTransfer:
    """What the log keeps of a transfer that matters to a policy. at: milliseconds since 1970 UTC."""

    application: str
    destination: str
    purpose: str
    at: int
    action: str
    findings: tuple[RecordedFinding, ...] = ()
    media: tuple[MediaPart, ...] = ()
    subjects: tuple[SubjectFacts, ...] = ()
    size: int = 0
    endpoint: str = ""
    model: str = ""
    session_bucket: int | None = None


@dataclass(slots=True)
class Simulation:
    """What would have changed. changed: (application, destination, before, after) -> transfers.

    findings: (entity type, before, after) -> findings. uncertain: transfers in which a score decile crosses a
    threshold of the policy, so that the record cannot say on which side a finding was.
    """

    transfers: int = 0
    same: int = 0
    changed: dict[tuple[str, str, str, Outcome], int] = field(default_factory=dict)
    findings: dict[tuple[str, str, str], int] = field(default_factory=dict)
    uncertain: int = 0
    needs_flags: bool = False

    def _add(self, one: RecordedTransfer, effect: "_Effect") -> None:
        self.transfers += 1
        self.uncertain += effect.uncertain
        if effect.action == one.action and not effect.findings:
            self.same += 1
        elif effect.action != one.action:
            key = (one.application or "unknown", one.destination, one.action, effect.outcome)
            self.changed[key] = self.changed.get(key, 0) + 1
        for row, n in effect.findings:
            self.findings[row] = self.findings.get(row, 0) + n


@dataclass(frozen=True, slots=True)
class _Effect:
    action: str
    outcome: Outcome
    findings: tuple[tuple[tuple[str, str, str], int], ...]
    uncertain: bool


def simulate(policy: Policy, recorded: Iterable[RecordedTransfer]) -> Simulation:
    """Replays recorded transfers under a policy.

    Flags of persons are not in the log unless the caller looked them up again: without them everybody's are unknown,
    and `needs_flags` says that the policy asks for them.
    """
    result = Simulation(needs_flags=policy.index.uses_flags)
    grain, sized, shared = _time_grain(policy), _sized(policy), _shared(policy)
    crossed = _crossed(policy)
    known: dict[tuple[object, ...], _Effect] = {}
    for one in recorded:
        key = (
            *(one.application, one.destination, one.purpose, one.action, one.findings, one.media, one.subjects),
            *(one.size if sized else 0, one.endpoint, one.model, one.at // grain),
            one.session_bucket if shared else None,
        )
        effect = known.get(key)
        if effect is None:
            if len(known) >= _MAX_KNOWN:
                known.clear()
            effect = known[key] = _effect(policy, one, crossed)
        result._add(one, effect)
    return result


_MAX_KNOWN = 200_000
_MINUTE = 60_000
_DAY = 86_400_000


def _time_grain(policy: Policy) -> int:
    """How finely the time of a transfer matters: time windows turn on minutes, everything else on days."""
    return _MINUTE if any(rule.when.window for rule in policy.rules) else _DAY


def _sized(policy: Policy) -> bool:
    return any(rule.when.size_at_least for rule in policy.rules)


def _shared(policy: Policy) -> bool:
    return any(rule.when.share is not None for rule in policy.rules)


def _effect(policy: Policy, one: RecordedTransfer, crossed: frozenset[int]) -> _Effect:
    rows = [row for row in one.findings for _ in range(min(row.n, 1000))]
    decision = decide(policy, _input(policy, one, tuple(_facts(row) for row in rows)))
    counts: dict[tuple[str, str, str], int] = {}
    for row, chosen in zip(rows, decision.decisions, strict=True):
        after = chosen.operator.value if chosen.action in (Action.ALLOW, Action.TRANSFORM) else chosen.action.value
        if row.operator and row.operator != after and not row.exception:
            key = (row.entity_type, row.operator, after)
            counts[key] = counts.get(key, 0) + 1
    uncertain = any(row.score_decile in crossed for row in one.findings)
    return _Effect(decision.action.value, _whole(decision), tuple(counts.items()), uncertain)


def _whole(decision: TransferDecision) -> Outcome:
    """What happens to the transfer; what happens to its findings is counted by itself."""
    return outcome(decision) if decision.action.rank >= Action.ROUTE.rank else Outcome(decision.action.value)


def _facts(row: RecordedFinding) -> FindingFacts:
    # The middle of the decile: no threshold of a sensible policy stands there, and `_crossed` says when one does.
    return FindingFacts(
        row.entity_type, min(1.0, row.score_decile / 10 + 0.05), row.segment_kind, row.language, row.recognizer
    )


def _crossed(policy: Policy) -> frozenset[int]:
    """Deciles within which a rule's threshold stands."""
    thresholds = {rule.when.score_at_least for rule in policy.rules}
    deciles = ((decile, decile / 10, (decile + 1) / 10) for decile in range(10))
    return frozenset(decile for decile, low, high in deciles if any(low < one < high for one in thresholds))


def _input(policy: Policy, one: RecordedTransfer, facts: tuple[FindingFacts, ...]) -> PolicyInput:
    application = policy.applications.get(one.application)
    purpose = one.purpose if application and one.purpose in application.purposes else ""
    return PolicyInput(
        application=one.application if application else "",
        destination=one.destination,
        time=datetime.fromtimestamp(one.at / 1000, UTC),
        findings=facts,
        purpose=purpose,
        subjects=one.subjects,
        media=one.media,
        languages=frozenset(row.language for row in one.findings if row.language),
        size=one.size,
        endpoint=one.endpoint,
        model=one.model,
        session_bucket=one.session_bucket,
    )


def as_data(found: Simulation) -> dict[str, Any]:
    """The summary as JSON-ready data."""
    return {
        "transfers": found.transfers,
        "same": found.same,
        "changed": [
            {"application": application, "destination": destination, "before": before, "after": str(after)}
            | {"transfers": n}
            for (application, destination, before, after), n in _most(found.changed)
        ],
        "findings": [
            {"entity_type": entity, "before": before, "after": after, "findings": n}
            for (entity, before, after), n in _most(found.findings)
        ],
        "uncertain": found.uncertain,
        "needs_flags": found.needs_flags,
    }


def _most[K](counts: Mapping[K, int]) -> list[tuple[K, int]]:
    return sorted(counts.items(), key=lambda one: -one[1])


def render(found: Simulation) -> str:
    """The summary as plain text, the most frequent changes first."""
    lines = [f"{_counted(found.transfers)} replayed, {found.same:,} would have been treated the same"]
    for (application, destination, before, after), n in _most(found.changed):
        lines.append(f"  {n:>9,}  {application} -> {destination}: {before} -> {after}")
    for (entity, was, becomes), n in _most(found.findings):
        lines.append(f"  {n:>9,}  {entity}: {was} -> {becomes}")
    if found.uncertain:
        lines.append(f"in {_counted(found.uncertain)} a score lies near a threshold; the log cannot tell its side")
    if found.needs_flags:
        lines.append("the policy asks for flags of persons, which the log does not keep; they count as unknown")
    return "\n".join(lines)


def _counted(n: int) -> str:
    return f"{n:,} transfer{'' if n == 1 else 's'}"
