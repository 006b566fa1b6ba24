"""Precision, recall and F2 of findings against gold spans; pure arithmetic over spans, no text is needed.

Exact: same type, same ends. Overlap: same type, at least one character in common. Covered: any type, so nothing of the
value would have left as it was written. A finding of a type that the set does not measure counts nowhere.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from redaction.evaluate.examples import DataSet, Example, Span

BETA: Final = 2.0
"""Recall counts this much more than precision: a leak is worse than a placeholder too many."""
PER_CHARS: Final = 2_000
"""False alarms are told per this many characters, about the size of a longer message."""


@dataclass(slots=True)
class Counts:
    """Sums over examples.

    gold, found: spans. exact, overlap, covered: gold spans that are met. alarms: findings that meet no gold span.
    """

    gold: int = 0
    found: int = 0
    exact: int = 0
    overlap: int = 0
    covered: int = 0
    alarms: int = 0

    def add(self, other: "Counts") -> None:
        """Adds another's sums to these."""
        self.gold += other.gold
        self.found += other.found
        self.exact += other.exact
        self.overlap += other.overlap
        self.covered += other.covered
        self.alarms += other.alarms

    def to_dict(self, chars: int) -> dict[str, Any]:
        """Rates as JSON-ready data; a rate without a denominator is null."""
        precision = _ratio(self.found - self.alarms, self.found)
        exact = _ratio(self.exact, self.found)
        return {
            "gold": self.gold,
            "found": self.found,
            "precision": precision,
            "recall": _ratio(self.overlap, self.gold),
            "f2": f_beta(precision, _ratio(self.overlap, self.gold)),
            "precision_exact": exact,
            "recall_exact": _ratio(self.exact, self.gold),
            "f2_exact": f_beta(exact, _ratio(self.exact, self.gold)),
            "covered": _ratio(self.covered, self.gold),
            "false_alarms": self.alarms,
            f"false_alarms_per_{PER_CHARS}_chars": round(self.alarms * PER_CHARS / chars, 3) if chars else None,
        }


@dataclass(slots=True)
class Scores:
    """One system on one set. types: entity type -> counts. seconds: what looking took."""

    system: str
    data: DataSet
    seconds: float
    types: dict[str, Counts] = field(default_factory=dict)

    @property
    def total(self) -> Counts:
        """Over all types."""
        counts = Counts()
        for one in self.types.values():
            counts.add(one)
        return counts

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready data."""
        chars = self.data.chars
        return {
            "system": self.system,
            "set": self.data.name,
            "language": self.data.language,
            "examples": len(self.data.examples),
            "chars": chars,
            "chars_per_second": round(chars / self.seconds) if self.seconds else None,
            "total": self.total.to_dict(chars),
            "types": {name: self.types[name].to_dict(chars) for name in sorted(self.types)},
        }


def score(system: str, data: DataSet, found: Sequence[Sequence[Span]], seconds: float) -> Scores:
    """The scores of findings per example, in the order of `data.examples`."""
    types: defaultdict[str, Counts] = defaultdict(Counts)
    for example, spans in zip(data.examples, found, strict=True):
        for name, counts in count(example, spans, data.types).items():
            types[name].add(counts)
    return Scores(system, data, seconds, dict(types))


def count(example: Example, found: Iterable[Span], measured: frozenset[str]) -> dict[str, Counts]:
    """entity type -> counts for one example."""
    types: defaultdict[str, Counts] = defaultdict(Counts)
    everything = tuple(found)
    for gold in example.gold:
        counts = types[gold.entity_type]
        same = [span for span in everything if span.entity_type == gold.entity_type and meets(span, gold)]
        counts.gold += 1
        counts.exact += any((span.start, span.end) == (gold.start, gold.end) for span in same)
        counts.overlap += bool(same)
        counts.covered += any(meets(span, gold) for span in everything)
    for span in everything:
        if span.entity_type not in measured or any(meets(span, other) for other in example.ignored):
            continue
        types[span.entity_type].found += 1
        types[span.entity_type].alarms += is_false_alarm(span, example)
    return dict(types)


def is_false_alarm(span: Span, example: Example) -> bool:
    """Whether a finding meets no gold span of its type."""
    return not any(gold.entity_type == span.entity_type and meets(span, gold) for gold in example.gold)


def meets(one: Span, other: Span) -> bool:
    """Whether two spans have a character in common."""
    return one.start < other.end and other.start < one.end


def f_beta(precision: float | None, recall: float | None) -> float | None:
    """The weighted harmonic mean (van Rijsbergen), null where one of both is."""
    if precision is None or recall is None:
        return None
    weight = BETA * BETA
    below = weight * precision + recall
    return round((1 + weight) * precision * recall / below, 4) if below else 0.0


def _ratio(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
