"""What was found in a transfer, and how a record counts it: kinds of data, places by schema, no text and no pointer.

Findings with what was decided for them enter; rows of the record leave. Rows are remembered: they hold closed names and
schema pointers only, which say nothing about anybody.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple, overload

from audit.record import MAX_FINDINGS, FindingCount
from audit.values import Operator, SegmentKind
from policies.model import Action, Decision
from proxy.steps.declared import named
from redaction.finding import Finding, SegmentFindings
from redaction.segment import Segment

_POINTER = re.compile(r"(?:path|query|header|/)[A-Za-z0-9_.~*/$:-]*", re.ASCII)
_ENTITY = re.compile(r"[A-Z][A-Z0-9_]{0,47}", re.ASCII)
_LANGUAGE = re.compile(r"[a-z]{2,3}", re.ASCII)

KEPT = Decision(Action.ALLOW)
"""For what was only seen: personal data in an answer, which nothing replaced."""


class Found(NamedTuple):
    """One finding with what was decided for it and where it stood. A tuple, because a long talk has hundreds."""

    finding: Finding
    segment: Segment
    language: str
    decision: Decision


class InText(NamedTuple):
    """The findings of one text, and what was decided for each, in order."""

    segment: Segment
    part: SegmentFindings
    decisions: tuple[Decision, ...]


class AllFound(Sequence[Found]):
    """Every finding of a transfer. texts: the same text by text, those in which nothing was found left out."""

    def __init__(self, texts: Sequence[InText]) -> None:
        self.texts = texts

    @cached_property
    def _flat(self) -> list[Found]:
        return list(self)

    def __iter__(self) -> Iterator[Found]:
        for segment, part, decisions in self.texts:
            yield from [
                Found(one, segment, part.language, decision)
                for one, decision in zip(part.findings, decisions, strict=True)
            ]

    def __len__(self) -> int:
        return sum([len(one.decisions) for one in self.texts])

    def __bool__(self) -> bool:
        return bool(self.texts)

    @overload
    def __getitem__(self, place: int) -> Found: ...

    @overload
    def __getitem__(self, place: slice) -> list[Found]: ...

    def __getitem__(self, place: int | slice) -> Found | list[Found]:
        return self._flat[place]


def by_text(found: Sequence[Found]) -> Sequence[InText]:
    """Text by text."""
    if isinstance(found, AllFound):
        return found.texts
    texts: list[InText] = []
    for _, alike in groupby(found, key=lambda one: id(one.segment)):
        ones = list(alike)
        part = SegmentFindings(tuple([one.finding for one in ones]), ones[0].language)
        texts.append(InText(ones[0].segment, part, tuple([one.decision for one in ones])))
    return texts


def count(found: Sequence[Found]) -> tuple[tuple[FindingCount, ...], int]:
    """Findings as counts, the most frequent first, and how many found no row."""
    if not found:
        return (), 0
    # Rows are validated when they are made, so one is made per kind of finding and not per finding.
    decisions: dict[int, Decision] = {}
    # By language, place and kind of text first: there are few of those, and hundreds of findings.
    texts: dict[_Place, dict[_Kind, int]] = {}
    for segment, part, chosen in by_text(found):
        kinds = texts.setdefault((part.language, segment.schema_pointer, segment.kind._value_), {})
        for one, decision in zip(part.findings, chosen, strict=True):
            decisions[id(decision)] = decision
            kind = id(decision), one.entity_type, one.score, one.recognizer
            kinds[kind] = kinds.get(kind, 0) + 1
    alike: dict[_Row, int] = {}
    for place, kinds in texts.items():
        for same, n in kinds.items():
            row = _in_words(place, same, decisions[same[0]])
            alike[row] = alike.get(row, 0) + n
    ranked = sorted(alike.items(), key=itemgetter(1), reverse=True)
    kept = tuple([_row(row, n) for row, n in ranked[:MAX_FINDINGS]])
    return kept, sum([n for _, n in ranked[MAX_FINDINGS:]])


type _Place = tuple[str, str, str]
"""Language, schema pointer and kind of a text."""
type _Kind = tuple[int, str, float, str]
"""What makes findings in such texts alike: the decision's identity, entity type, score, recognizer."""
type _Row = tuple[str, str, int, str, str, str, str, str, str]


def _in_words(text: _Place, alike: _Kind, decision: Decision) -> _Row:
    (language, place, kind), (_, entity_type, score, recognizer) = text, alike
    action = decision.action
    operator = decision.operator if action is Action.ALLOW or action is Action.TRANSFORM else action
    decile = min(9, int(score * 10))
    return entity_type, operator, decile, language, recognizer, decision.rule_id, decision.exception, place, kind


@lru_cache(maxsize=4096)
def _row(kind: _Row, n: int) -> FindingCount:
    """The same rows come again with every turn, and making one validates it. Closed names and schema pointers only."""
    entity_type, operator, decile, language, recognizer, rule, exception, place, segment_kind = kind
    return FindingCount(
        entity_type=entity_name(entity_type),
        operator=Operator(operator),
        n=n,
        rule=named(rule),
        score_decile=decile,
        language=language if _LANGUAGE.fullmatch(language) else None,
        recognizer=named(recognizer),
        exception=named(exception),
        where=where(place),
        kind=SegmentKind(segment_kind),
    )


def where(schema_pointer: str) -> str | None:
    """A schema pointer as a record may hold it; one that is not of the allowed shape says only that there was one."""
    if not schema_pointer:
        return None
    pointer = schema_pointer.replace("#", "/$json")[:128]
    return pointer if _POINTER.fullmatch(pointer) else "/*"


def entity_name(entity_type: str) -> str:
    """An entity type as a record may hold it."""
    return entity_type if _ENTITY.fullmatch(entity_type) else "CUSTOM"
