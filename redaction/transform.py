"""Findings and what was decided about them become a new text; every other character stays.

Decisions come settled (`redaction.settling`), so nothing overlaps. Pure: placeholders are issued by whoever calls,
texts and surfaces are not kept, and errors never quote them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from redaction import operators, stand_ins
from redaction.errors import OperatorError
from redaction.finding import Finding
from redaction.places import cut
from redaction.restore import Restorable
from redaction.restore.literals import is_word
from redaction.restore.urls import Context, may_hold_url
from redaction.settling import Decided, look_alikes, masked, settle, uncovered

type Item = tuple[str, str]
"""(entity type, surface text): what one placeholder stands for; `surrogate:` before the type asks for a stand-in."""

_TOKENIZE, _SURROGATE = "tokenize", "surrogate"
_ROUNDS = 3  # of looking for look-alikes; a second one finds something only if a new placeholder was guessed


@dataclass(frozen=True, slots=True)
class Change:
    """A finding and the text that takes its place."""

    finding: Finding
    replacement: str


@dataclass(frozen=True, slots=True)
class Replacement:
    """Where a change landed. start, end: in the new text, code points, half open."""

    start: int
    end: int
    finding: Finding


@dataclass(frozen=True, slots=True)
class Transformed:
    """A new text and the changes that made it, in order."""

    text: str
    changes: tuple[Change, ...]

    @property
    def replacements(self) -> tuple[Replacement, ...]:
        """Where in the new text the changes are, in order."""
        made, moved = [], 0
        for change in self.changes:
            finding = change.finding
            begin = finding.start + moved
            moved += len(change.replacement) - (finding.end - finding.start)
            made.append(Replacement(begin, finding.end + moved, finding))
        return tuple(made)


@dataclass(frozen=True, slots=True)
class Protected:
    """Texts after replacement, same order. restorable: every placeholder that may stand in them -> original."""

    texts: tuple[Transformed, ...]
    restorable: Mapping[str, str]


class Filled:
    """What a text becomes, without the text: where in it which placeholders stand."""

    __slots__ = ("_between", "_size", "_values", "tokens")

    def __init__(self, size: int, decided: Sequence[Decided], tokens: Iterable[str]) -> None:
        """size: of the text. tokens: one for each decision. Raises OperatorError as `transform` does."""
        spans = [(finding.start, finding.end) for finding, _, _ in decided]
        between: list[tuple[int, int]] = []
        position = 0
        for start, end in spans:
            if not position <= start < end <= size:
                raise _bad_finding()
            between.append((position, start))
            position = end
        self._size = size
        self._between, self._values = cut([*between, (position, size)]), cut(spans)
        self.tokens = tuple(tokens)

    def text(self, text: str) -> str:
        """What it becomes. Raises OperatorError `bad_finding` for a text of another size."""
        if len(text) != self._size:
            raise _bad_finding()
        parts = [""] * (2 * len(self.tokens) + 1)
        parts[::2] = self._between(text)
        parts[1::2] = self.tokens
        return "".join(parts)

    def originals(self, text: str) -> Iterator[tuple[str, str]]:
        """Each placeholder with what it stands for."""
        return zip(self.tokens, self._values(text), strict=True)


def transform(text: str, changes: Iterable[Change]) -> Transformed:
    """The text with every change made; all other characters as they are.

    Raises OperatorError `bad_finding` where a span is empty, lies outside of the text or overlaps another (`settle`
    makes spans that do not); then nothing may be sent.
    """
    ordered = sorted(changes, key=lambda change: change.finding.start)
    parts: list[str] = []
    position = 0
    for change in ordered:
        start, end = change.finding.start, change.finding.end
        if not position <= start < end <= len(text):
            raise _bad_finding()
        parts += (text[position:start], change.replacement)
        position = end
    parts.append(text[position:])
    return Transformed("".join(parts), tuple(ordered))


def surfaces(text: str, decided: Sequence[Decided]) -> tuple[Item, ...]:
    """What needs a placeholder or stand-in, in order; an operator is asked, not named."""
    if tokenizes(decided):
        return tuple([(one.entity_type, text[one.start : one.end]) for one, _, _ in decided])
    return tuple(item for spans in _wanted(text, decided) for _, _, item in spans)


def changes(text: str, decided: Sequence[Decided], tokens: Mapping[Item, str], key: bytes) -> tuple[Change, ...]:
    """Each decision with its replacement. Raises OperatorError `no_token` where none was issued for a surface."""
    made: list[Change] = []
    chosen = _operators(decided)
    for one, spans in zip(decided, _wanted(text, decided), strict=True):
        finding, operator = one.finding, chosen[one.operator]
        if not spans:
            surface = text[finding.start : finding.end]
            made.append(Change(finding, operator.apply(finding.entity_type, surface, one.params, key)))
            continue
        parts: list[str] = []
        position = finding.start
        for start, end, item in spans:
            parts += (text[position:start], _issued(tokens, item))
            position = end
        made.append(Change(finding, "".join((*parts, text[position : finding.end]))))
    return tuple(made)


def rewritten(text: str, decided: Sequence[Decided], tokens: Mapping[Item, str], key: bytes) -> str:
    """The text with every decision carried out: `changes` and `transform` in one. Raises OperatorError as they do."""
    if not tokenizes(decided):
        return transform(text, changes(text, decided, tokens, key)).text
    return Filled(len(text), decided, [_issued(tokens, item) for item in surfaces(text, decided)]).text(text)


def tokenizes(decided: Sequence[Decided]) -> bool:
    """Whether everything becomes a placeholder, as nearly always; this is on every request's path."""
    for _, operator, _ in decided:  # noqa: SIM110 (a generator costs more than all that it looks at)
        if operator != _TOKENIZE:
            return False
    return True


def _bad_finding() -> OperatorError:
    return OperatorError("a finding lies outside of its text or overlaps another", code="bad_finding")


def _issued(tokens: Mapping[Item, str], item: Item) -> str:
    token = tokens.get(item)
    if token is None:
        raise _no_token()
    return token


def _no_token() -> OperatorError:
    return OperatorError("no placeholder was issued for a finding", code="no_token")


def _wanted(text: str, decided: Sequence[Decided]) -> Iterator[tuple[tuple[int, int, Item], ...]]:
    """For each decision what the vault has to issue, where in the text; () where the operator needs no vault."""
    from_vault = {name for name, operator in _operators(decided).items() if operator.price.from_vault}
    loose = _loose(text, decided) if _SURROGATE in from_vault else frozenset[int]()
    for one in decided:
        finding = one.finding
        surface = text[finding.start : finding.end]
        if one.operator not in from_vault:
            yield ()
            continue
        parts = stand_ins.parts(finding.entity_type, surface) if finding.start in loose else ()
        kind = f"{stand_ins.KIND}{finding.entity_type}"
        if one.operator == _SURROGATE and parts:
            yield tuple(
                (finding.start + start, finding.start + end, (kind, surface[start:end])) for start, end in parts
            )
        else:
            yield ((finding.start, finding.end, (finding.entity_type, surface)),)


def _loose(text: str, decided: Sequence[Decided]) -> frozenset[int]:
    """Where findings begin that stand alone as words do, outside of URLs; elsewhere restore would miss a stand-in."""
    found: set[int] = set()
    context, position, urls = Context(), 0, may_hold_url(masked(text, decided))
    for one, before, after in zip(decided, (None, *decided), (*decided[1:], None), strict=False):
        start, end = one.finding.start, one.finding.end
        touched = (before is not None and before.finding.end == start) or (
            after is not None and after.finding.start == end
        )
        alone = not touched and not is_word(text[max(0, start - 1) : start]) and not is_word(text[end : end + 1])
        if urls:
            context.append(text[position:start])
            alone = alone and context.place().url is None
            # A placeholder ends no word, whatever the text did that it stands for.
            context.append_token(text[start:end] if alone else "[]")
            position = end
        if alone:
            found.add(start)
    return frozenset(found)


def _operators(decided: Iterable[Decided]) -> dict[str, operators.Operator]:
    """Each operator once, however many findings it has."""
    return {name: operators.named(name) for name in {one.operator for one in decided}}


def protect(
    texts: Sequence[tuple[str, Sequence[Decided]]],
    issue: Callable[[Sequence[Item]], Sequence[str]],
    key: bytes,
    known: Mapping[str, str] = MappingProxyType({}),
) -> Protected:
    """Texts of one exchange, replaced together, so that no text can pretend to hold a placeholder of another.

    issue: the vault's, one batch per call. known: placeholders of the exchange that exist already -> originals.
    """
    plans = [settle(decided) for _, decided in texts]
    issued: dict[Item, str] = {}
    for _ in range(_ROUNDS):
        wanted = dict.fromkeys(
            item for (text, _), plan in zip(texts, plans, strict=True) for item in surfaces(text, plan)
        )
        missing = [item for item in wanted if item not in issued]
        if missing:
            issued.update(zip(missing, issue(missing), strict=True))
        restorable = Restorable({**known, **{token: item[1] for item, token in issued.items()}})
        before = plans
        plans = [
            settle((*plan, *uncovered(look_alikes(text, restorable, plan), plan)))
            for (text, _), plan in zip(texts, plans, strict=True)
        ]
        if plans == before:
            made = [
                transform(text, changes(text, plan, issued, key)) for (text, _), plan in zip(texts, plans, strict=True)
            ]
            return Protected(tuple(made), restorable.tokens)
    raise OperatorError("texts keep looking like placeholders that were just made", code="unstable")
