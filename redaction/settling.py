"""What is to be replaced in a text: decisions that overlap become spans that do not, and together cover all of them.

What in a text reads like a placeholder of its exchange becomes a decision of its own here. Pure; texts are not kept.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

from redaction.finding import Finding
from redaction.restore import Restorable

PLACEHOLDER = "PLACEHOLDER"
"""Entity type of text that reads like a placeholder of this exchange; it gets a placeholder of its own."""
LOOK_ALIKE = "look_alike"
"""Name of the recognizer that says so."""

# Where decisions about overlapping findings differ, the one that gives away least covers all of them.
_COVERS_MOST = ("redact", "hash", "tokenize", "surrogate", "mask")


class Decided(NamedTuple):
    """A finding and the operator that a rule chose for it. params: the operator's, as the rule gives them.

    A tuple, because a long talk has hundreds.
    """

    finding: Finding
    operator: str = "tokenize"
    params: Mapping[str, str | int] = MappingProxyType({})


def settle(decided: Iterable[Decided]) -> tuple[Decided, ...]:
    """Sorted decisions whose spans do not overlap and together cover every span that is to be replaced.

    Findings that overlap become one over all of their text, with type, score and recognizer of the strongest (score,
    then length, then place) and the operator that gives away least. What is kept takes no part.
    """
    replaced = tuple([one for one in decided if one[1] != "keep"])
    covered = 0
    for finding, _, _ in replaced:
        if finding.start < covered:
            break
        covered = finding.end
    else:
        return replaced  # as detection gives them
    settled: list[Decided] = []
    cluster: list[Decided] = []
    for one in sorted(replaced, key=lambda one: one.finding):
        if cluster and one.finding.start >= max(other.finding.end for other in cluster):
            settled.append(_united(cluster))
            cluster = []
        cluster.append(one)
    if cluster:
        settled.append(_united(cluster))
    return tuple(settled)


def _united(cluster: Sequence[Decided]) -> Decided:
    if len(cluster) == 1:
        return cluster[0]
    strongest = max(cluster, key=lambda one: _strength(one.finding)).finding
    span = replace(
        strongest,
        start=min(one.finding.start for one in cluster),
        end=max(one.finding.end for one in cluster),
    )
    covering = min(cluster, key=lambda one: (_cover(one.operator), one.finding))
    return Decided(span, covering.operator, covering.params)


def _strength(finding: Finding) -> tuple[float, int, int, str, str]:
    return finding.score, finding.end - finding.start, -finding.start, finding.entity_type, finding.recognizer


def _cover(operator: str) -> int:
    return _COVERS_MOST.index(operator) if operator in _COVERS_MOST else -1


def look_alikes(text: str, restorable: Restorable, plan: Sequence[Decided] = ()) -> tuple[Decided, ...]:
    """What in a text of the app reads like a placeholder or stand-in of the set: to be replaced itself.

    plan: settled decisions; a word may end where one of them begins, once that is replaced.
    """
    if not restorable.is_near(text):
        return ()
    found = {(span.start, span.end) for span in restorable.spans(text)}
    if plan:
        found |= {(span.start, span.end) for span in restorable.spans(masked(text, plan))}
    return tuple(Decided(Finding(start, end, PLACEHOLDER, 1.0, LOOK_ALIKE)) for start, end in sorted(found))


def masked(text: str, plan: Sequence[Decided]) -> str:
    """The text with a character of no word where something is replaced, at the same offsets."""
    parts: list[str] = []
    position = 0
    for one in plan:
        parts += (text[position : one.finding.start], "\0" * (one.finding.end - one.finding.start))
        position = one.finding.end
    return "".join((*parts, text[position:]))


def uncovered(found: Iterable[Decided], plan: Sequence[Decided]) -> Iterable[Decided]:
    """Those that do not lie inside of something that is replaced anyway."""
    spans = [(one.finding.start, one.finding.end) for one in plan]
    return (
        one for one in found if not any(start <= one.finding.start and one.finding.end <= end for start, end in spans)
    )
