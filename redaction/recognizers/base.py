"""What a pattern recognizer is: a name, entity types, and a linear search over one page of text.

A page is one normalized text with what recognizers need again and again, computed once. Expressions must be linear:
no nested or adjacent quantifiers over overlapping classes; the tests run every one over adversarial megabytes.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Protocol

from redaction.finding import Finding
from redaction.propagate import lower
from redaction.recognizers.leads import Leads, matches
from redaction.segment import SegmentKind

BEFORE: Final = 60
AFTER: Final = 25
_DIGIT: Final = re.compile(r"[0-9]")

# Tokens that machines made for machines. A number inside one is no phone number, card or id.
_LONG_OPAQUE: Final = re.compile(
    r"""
    \b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b             # UUID
    | (?<![\w-])(?=[0-9a-f-]*[a-f])(?=[a-f-]*[0-9])[0-9a-f]{12,128}(?![\w-])                     # hash, trace id
    | (?<![\w-])[a-z]{2,12}[_-][A-Za-z0-9_-]{16,200}(?![\w-])                                    # call_…, msg_…
    | (?<![A-Za-z0-9+/=])(?=[A-Za-z0-9+/]{0,200}[a-z])(?=[A-Za-z0-9+/]{0,200}[A-Z])[A-Za-z0-9+/]{40,}={0,2} # base64
    """,
    re.VERBOSE,
)
_SHORT_OPAQUE: Final = re.compile(
    r"""
    \b\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:Z|\ ?[+-]\d{2}:?\d{2})?     # timestamp
    | \bv?(?!0\d)\d{1,4}\.\d{1,4}\.\d{1,5}(?:[-+][0-9A-Za-z][0-9A-Za-z.-]{0,40})?(?![.\d])              # version
    """,
    re.VERBOSE,
)
_LONG_WORD: Final = re.compile(r"\S{12,}")
_SOLID: Final = re.compile(r"\S{6,}")
SHARED: Final = (_SHORT_OPAQUE,)
"""The expressions that a page itself asks for."""


@dataclass(frozen=True)
class Page:
    """text: the view of a segment. hint: its key or column, lower case. kind: whose words.

    leads: the beginnings of expressions that will be asked for; without them each is searched for.
    """

    text: str
    hint: str = ""
    kind: SegmentKind = SegmentKind.UNKNOWN
    languages: tuple[str, ...] = ("en",)
    leads: Leads | None = None

    @cached_property
    def lower(self) -> str:
        """The text in lower case, position by position."""
        return lower(self.text)

    @cached_property
    def has_digit(self) -> bool:
        return _DIGIT.search(self.text) is not None

    @cached_property
    def longest(self) -> int:
        """The length of the longest run of signs without a space."""
        return max(map(len, self.text.split()), default=0)

    @cached_property
    def _solids(self) -> tuple[tuple[int, int], ...]:
        return tuple(match.span() for match in _SOLID.finditer(self.text))

    def solid_matches(self, expression: re.Pattern[str], least: int, signs: Sequence[str]) -> Iterator["re.Match[str]"]:
        """As `matches`, for an expression that matches no space, six signs or more and, if there are any, one of `signs`.

        least: the length of a run of signs without a space that a match stands in.
        """
        if least > self.longest:
            return
        for start, end in self._solids:
            if end - start < least:
                continue
            if not signs or any(self.lower.find(sign, start, end) >= 0 for sign in signs):
                yield from expression.finditer(self.text, start, end)

    @cached_property
    def _starts(self) -> dict[int, list[int]]:
        return self.leads.starts(self.lower) if self.leads else {}

    @cached_property
    def missing(self) -> frozenset[int]:
        """Identities of the expressions of which no beginning stands in the text, so that they match nowhere."""
        return frozenset(self.leads.known - self._starts.keys()) if self.leads else frozenset()

    def matches(self, expression: re.Pattern[str]) -> Iterator["re.Match[str]"]:
        """The matches of an expression in the text, as `finditer` gives them."""
        if self.leads is None or id(expression) not in self.leads.known:
            return expression.finditer(self.text)
        starts = self._starts.get(id(expression))
        return matches(expression, self.text, starts) if starts else iter(())

    def says(self, expression: re.Pattern[str]) -> bool:
        """Whether an expression of lower-case words matches in the hint or in the text in lower case."""
        if self.hint and expression.search(self.hint):
            return True
        if self.leads is None or id(expression) not in self.leads.known:
            return expression.search(self.lower) is not None
        return any(expression.match(self.lower, start) for start in self._starts.get(id(expression), ()))

    @cached_property
    def opaque(self) -> tuple[tuple[int, int], ...]:
        """Spans of machine-made tokens, sorted."""
        found = [match.span() for match in self.matches(_SHORT_OPAQUE)] if self.has_digit else []
        for word in _LONG_WORD.finditer(self.text):
            found += [match.span() for match in _LONG_OPAQUE.finditer(self.text, *word.span())]
        joined: list[tuple[int, int]] = []
        for start, end in sorted(found):
            if joined and start < joined[-1][1]:
                joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
            else:
                joined.append((start, end))
        return tuple(joined)

    def in_opaque(self, start: int, end: int) -> bool:
        """Whether a span lies inside a machine-made token."""
        at = bisect_right(self.opaque, (start, len(self.text) + 1)) - 1
        return at >= 0 and self.opaque[at][1] >= end

    def around(self, start: int, end: int, before: int = BEFORE, after: int = AFTER) -> str:
        """Lower-case text near a span, the hint first; what context words are looked for in."""
        return f"{self.hint} {self.lower[max(0, start - before) : start]} \x00 {self.lower[end : end + after]}"

    def ahead(self, start: int, before: int = BEFORE) -> str:
        """Lower-case text before a position on the same line, the hint first."""
        left = self.lower[max(0, start - before) : start]
        return f"{self.hint} {left[left.rfind(chr(10)) + 1 :]}"


class Recognizer(Protocol):
    """Finds one family of values. `name` is unique and stands in findings and audit records."""

    @property
    def name(self) -> str: ...

    @property
    def entity_types(self) -> tuple[str, ...]: ...

    @property
    def expressions(self) -> tuple[re.Pattern[str], ...]:
        """Those that it asks `Page.matches` for."""
        ...

    @property
    def needed(self) -> re.Pattern[str] | None:
        """The one of them without a match of which it finds nothing; None when there is no such."""
        ...

    def find(self, page: Page) -> Iterable[Finding]:
        """Findings with offsets in `page.text`; may overlap."""
        ...


type Check = Callable[[str, Page, int, int], float | None]
"""(value, page, start, end) -> score, or None when it is not what it looks like."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A recognizer made of one expression and, mostly, a check.

    regex: linear. group: which group is the value. check: validation; without it every match scores `score`.
    trigger: lower-case literals of which one must stand in the text, else the expression is not tried; "0" means
    any digit. least: signs without a space between them that a match has somewhere. solid: given where a match has no
    space and at least six signs, so only such runs are looked at; lower-case literals of which a run must have one.
    """

    name: str
    entity_type: str
    regex: re.Pattern[str]
    score: float = 0.9
    check: Check | None = None
    group: int | str = 0
    trigger: tuple[str, ...] = ()
    skip_opaque: bool = True
    least: int = 0
    solid: tuple[str, ...] | None = None
    entity_types: tuple[str, ...] = field(init=False)
    expressions: tuple[re.Pattern[str], ...] = field(init=False)
    needed: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "entity_types", (self.entity_type,))
        object.__setattr__(self, "expressions", (self.regex,))
        object.__setattr__(self, "needed", self.regex)

    def find(self, page: Page) -> Iterator[Finding]:
        if page.longest < self.least:
            return
        if self.trigger and not _triggered(self.trigger, page):
            return
        for match in self._matches(page):
            start, end = match.span(self.group)
            if start < 0 or start == end or (self.skip_opaque and page.in_opaque(start, end)):
                continue
            score = self.score if self.check is None else self.check(page.text[start:end], page, start, end)
            if score is not None:
                yield Finding(start, end, self.entity_type, score, self.name)

    def _matches(self, page: Page) -> Iterator["re.Match[str]"]:
        if self.solid is None:
            return page.matches(self.regex)
        return page.solid_matches(self.regex, self.least, self.solid)


def _triggered(trigger: tuple[str, ...], page: Page) -> bool:
    text = page.lower
    for literal in trigger:  # noqa: SIM110 - a generator takes longer than what it asks
        if page.has_digit if literal == "0" else literal in text:
            return True
    return False


def words(*alternatives: str) -> re.Pattern[str]:
    """An expression that finds any of some lower-case words or phrases, not inside longer words."""
    return re.compile(r"(?<![^\W_])(?:" + "|".join(alternatives) + r")(?![^\W_])")


def digits(value: str) -> str:
    """The ASCII digits of a value."""
    return "".join(char for char in value if "0" <= char <= "9")
