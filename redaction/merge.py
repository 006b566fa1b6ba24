"""Many opinions about one text become spans that do not overlap.

The stronger opinion wins a place; what a weaker one covers beyond it stays covered: a leak is worse than a
placeholder too many. Splicing over overlaps is how other gateways destroy their users' prompts.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from redaction.finding import ORDER, Finding

# Types whose value naturally holds others: an address holds a postal code, a URL an e-mail, a key block anything.
_CONTAINERS: Final = frozenset(
    {
        "STREET_ADDRESS",
        "PRIVATE_KEY",
        "CONNECTION_STRING",
        "URL",
        "JWT",
        "API_KEY",
        "COORDINATES",
        "EMAIL_ADDRESS",
        "COOKIE",
    }
)
NOTHING: Final = ""
"""The entity type of an opinion that nobody and no place is named in a span. It goes before weaker opinions that lie
in it; no finding has this type."""
# What it speaks about: an address, a number or a company is not its matter.
_NAMED: Final = frozenset({"PERSON", "LOCATION"})
_END: Final = 1 << 62
MIN_SCORE: Final = 0.4
"""Below this an opinion alone is not a finding."""


def merge(text: str, opinions: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sorted, non-overlapping findings. Depends on the set of opinions only, not on their order."""
    held: set[Finding] = set()
    nobody: set[tuple[float, int, int]] = set()
    for opinion in opinions:
        if opinion.score >= MIN_SCORE and opinion.start < opinion.end:
            if opinion.entity_type == NOTHING:
                nobody.add((opinion.score, opinion.start, opinion.end))
            else:
                held.add(opinion)
    against: dict[float, list[tuple[int, int]]] = {}
    for score, start, end in sorted(nobody):
        against.setdefault(score, []).append((start, end))
    kept = sorted((opinion for opinion in held if not _denied(opinion, against)), key=ORDER)
    if len(kept) < 2:
        return tuple(kept)
    result: list[Finding] = []
    for cluster in _clusters(kept):
        result.extend(cluster if len(cluster) == 1 else _settle(text, cluster))
    return tuple(sorted(result, key=ORDER))


def _denied(opinion: Finding, against: Mapping[float, Sequence[tuple[int, int]]]) -> bool:
    """against: score -> spans in order, those of one score apart from each other."""
    if opinion.entity_type not in _NAMED:
        return False
    for score, spans in against.items():
        if opinion.score < score:
            at = bisect_right(spans, (opinion.start, _END)) - 1
            if at >= 0 and opinion.end <= spans[at][1]:
                return True
    return False


def _clusters(findings: list[Finding]) -> Iterable[list[Finding]]:
    cluster = [findings[0]]
    end = findings[0].end
    for finding in findings[1:]:
        if finding.start >= end:
            yield cluster
            cluster = []
        cluster.append(finding)
        end = max(end, finding.end)
    yield cluster


def _settle(text: str, cluster: list[Finding]) -> list[Finding]:
    taken: list[Finding] = []
    for finding in sorted(cluster, key=_strength, reverse=True):
        taken.extend(_rest(text, finding, taken))
    return _glued(text, sorted(taken, key=ORDER))


def _strength(finding: Finding) -> tuple[int, float, int, int, str, str]:
    size = finding.end - finding.start
    container = finding.entity_type in _CONTAINERS and finding.score >= 0.5
    return (
        size if container else 0,
        round(finding.score, 2),
        size,
        -finding.start,
        finding.entity_type,
        finding.recognizer,
    )


def _rest(text: str, finding: Finding, taken: list[Finding]) -> list[Finding]:
    """What of a finding no stronger one has taken, without edges that are neither letter nor digit."""
    spans = [(finding.start, finding.end)]
    for other in taken:
        spans = [
            piece
            for start, end in spans
            for piece in ((start, min(end, other.start)), (max(start, other.end), end))
            if piece[0] < piece[1]
        ]
    if spans == [(finding.start, finding.end)]:
        return [finding]
    pieces = []
    for start, end in spans:
        while start < end and not text[start].isalnum():
            start += 1
        while end > start and not text[end - 1].isalnum():
            end -= 1
        if end - start >= 2:
            pieces.append(replace(finding, start=start, end=end))
    return pieces


def _glued(text: str, findings: list[Finding]) -> list[Finding]:
    """Neighbours of one type whose spans touch or have one space between them, both from this cluster, become one."""
    glued: list[Finding] = []
    for finding in findings:
        last = glued[-1] if glued else None
        if last and last.entity_type == finding.entity_type and text[last.end : finding.start] in ("", " "):
            glued[-1] = replace(last, end=finding.end, score=max(last.score, finding.score))
        else:
            glued.append(finding)
    return glued
