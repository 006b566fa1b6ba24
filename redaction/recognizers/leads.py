"""Where many expressions may match, found in one pass over a text for all of them.

Most expressions begin with one of a few words, signs or digits. What a match must begin with is read from the
expression itself; the beginnings of all of them go into one automaton (Aho-Corasick), and an expression is tried only
where one of its own stands. What is found stays the same: an expression that may begin with anything is searched for.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from typing import Any, Final

_LONGEST: Final = 7
# A longer beginning is rarer, but they multiply: none grows where there would be more than this.
_MOST: Final = 400
# Two letters stand nearly everywhere if there are many pairs of them.
_MOST_SHORT: Final = 60
# A class with more members than this may as well be anything.
_WIDEST: Final = 14
# An element that may repeat is followed this often; a longer run begins with a shorter one.
_REPEATED: Final = 3
# Letters before the first digit: more than this many possible places are no help.
_PLACES: Final = 3
_DIGIT: Final = "0"
_SPACES: Final = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028"
    "\u2029\u202f\u205f\u3000"
)
# Beside lower case: any digit, any space, and letters that an expression takes for others when case does not count.
_FOLDED: Final = str.maketrans(
    {**dict.fromkeys("123456789", _DIGIT), **dict.fromkeys(_SPACES, " "), "\u017f": "s", "\u0131": "i", "\u0130": "i"}
)
_COMMON: Final = (*((digit, _DIGIT) for digit in "123456789"), ("\n", " "), ("\t", " "), ("\r", " "))
_RARE: Final = re.compile(
    "[" + "".join(sorted(chr(code) for code in _FOLDED if chr(code) not in "123456789\n\t\r")) + "]"
)
_RUN: Final = re.compile("0+")

_NOWHERE: Final = ((), frozenset[str]())

type _Node = tuple[Any, Any]


class Leads:
    """The beginnings of a set of expressions."""

    def __init__(self, expressions: Iterable[re.Pattern[str]]) -> None:
        import ahocorasick  # a C extension that a process without detection need not load

        self._expressions = {id(expression): expression for expression in expressions}  # held: known by identity
        leads: defaultdict[str, list[int]] = defaultdict(list)
        runs: defaultdict[str, list[int]] = defaultdict(list)
        self._before: list[tuple[int, tuple[int, ...], frozenset[str]]] = []
        self.known: set[int] = set()
        for key, expression in self._expressions.items():
            nodes = _parsed(expression)
            found = _leads(nodes)
            if found is None:
                places, first = _first_digit(nodes)
                if places:
                    self._before.append((key, places, first))
                    self.known.add(key)
                continue
            self.known.add(key)
            begins_runs = _no_digit_before(nodes)
            for lead in found:
                (runs if begins_runs and lead[0] == _DIGIT else leads)[lead].append(key)
        self._automaton: Any = ahocorasick.Automaton()
        for lead, keys in leads.items():
            self._automaton.add_word(lead, (len(lead) - 1, tuple(keys)))
        self._automaton.make_automaton()
        # With every beginning of a lead, so that a walk knows where to stop.
        self._runs = {
            lead[:size]: tuple(runs.get(lead[:size], ())) for lead in runs for size in range(1, len(lead) + 1)
        }

    def starts(self, lower: str) -> dict[int, list[int]]:
        """Identity of an expression -> where it may match, in no order and perhaps twice.

        lower: a view's text in lower case, position by position; its digits are ASCII.
        """
        text = _folded(lower)
        found: defaultdict[int, list[int]] = defaultdict(list)
        if len(self._automaton):
            for end, (size, keys) in self._automaton.iter(text):
                for key in keys:
                    found[key].append(end - size)
        if _DIGIT in text and (self._runs or self._before):
            self._numbers(text, found)
        return found

    def _numbers(self, text: str, found: defaultdict[int, list[int]]) -> None:
        for match in _RUN.finditer(text):
            at = match.start()
            for end in range(at + 1, at + _LONGEST + 1):
                keys = self._runs.get(text[at:end])
                if keys is None:
                    break
                for key in keys:
                    found[key].append(at)
            for key, places, first in self._before:
                for place in places:
                    if place <= at and text[at - place] in first:
                        found[key].append(at - place)


def _folded(lower: str) -> str:
    """As `str.translate` with `_FOLDED` would do it, which is slow where there are letters beyond ASCII."""
    for char, instead in _COMMON:
        lower = lower.replace(char, instead)
    if _RARE.search(lower):
        lower = lower.translate(_FOLDED)
    return lower


def matches(expression: re.Pattern[str], text: str, starts: Sequence[int]) -> Iterator["re.Match[str]"]:
    """What `finditer` gives, when the expression matches nowhere else than at `starts`."""
    at = 0
    for start in sorted(set(starts)):
        if start >= at and (match := expression.match(text, start)):
            yield match
            at = match.end()


def leads_of(expression: re.Pattern[str]) -> frozenset[str] | None:
    """What each match begins with, folded as `Leads` folds a text; None when it may begin with anything."""
    return _leads(_parsed(expression))


def _parsed(expression: re.Pattern[str]) -> list[_Node]:
    """The expression's parts as Python's own parser tells them."""
    return list(import_module("re._parser").parse(expression.pattern, expression.flags))


def _leads(nodes: Sequence[_Node]) -> frozenset[str] | None:
    found = {lead for lead, _ in _sequence(nodes, {("", False)})}
    # One letter stands everywhere: looking there costs more than a search.
    if any(not lead or (len(lead) == 1 and lead.isalpha()) for lead in found):
        return None
    if sum(len(lead) == 2 and lead.isalnum() for lead in found) > _MOST_SHORT:
        return None
    return frozenset(lead for lead in found if not any(lead[:size] in found for size in range(1, len(lead))))


type _Begun = set[tuple[str, bool]]
"""Beginnings, and whether anything may follow (closed)."""


def _sequence(nodes: Iterable[_Node], begun: _Begun) -> _Begun:
    for node in nodes:
        if all(closed for _, closed in begun):
            break
        begun = _step(node, begun)
    return begun


def _step(node: _Node, begun: _Begun) -> _Begun:
    kind, value = str(node[0]), node[1]
    if kind in ("AT", "ASSERT", "ASSERT_NOT"):
        return begun
    if kind == "SUBPATTERN":
        return _sequence(value[-1], begun)
    if kind == "ATOMIC_GROUP":
        return _sequence(value, begun)
    if kind == "BRANCH":
        return set().union(*(_sequence(option, begun) for option in value[1]))
    if kind in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        least, most, repeated = value
        return _repeat(least, most, repeated, begun)
    members = {_fold(chr(value))} if kind == "LITERAL" else _members(value) if kind == "IN" else None
    if members is None or len(members) > _WIDEST or len(members) * len(begun) > _MOST:
        return {(lead, True) for lead, _ in begun}
    grown: _Begun = set()
    for lead, closed in begun:
        if closed:
            grown.add((lead, True))
        else:
            grown |= {(lead + member, len(lead) + 1 >= _LONGEST) for member in members}
    return grown


def _repeat(least: int, most: Any, nodes: Iterable[_Node], begun: _Begun) -> _Begun:
    for _ in range(min(least, _LONGEST)):
        begun = _sequence(nodes, begun)
    ended, more = set(begun), begun
    for _ in range(min(int(most) - least, _REPEATED)):
        more = _sequence(nodes, more)
        ended |= more
    if int(most) - least > _REPEATED:
        ended |= {(lead, True) for lead, _ in more}
    return ended


def _members(items: Iterable[_Node]) -> set[str] | None:
    """The members of a class, folded; None when they are many or not told one by one."""
    members: set[str] = set()
    for kind, value in ((str(kind), value) for kind, value in items):
        if kind == "LITERAL":
            members.add(_fold(chr(value)))
        elif kind == "RANGE" and value[1] - value[0] <= 4 * _WIDEST:
            members |= {_fold(chr(code)) for code in range(value[0], value[1] + 1)}
        elif kind == "CATEGORY" and str(value) == "CATEGORY_DIGIT":
            members.add(_DIGIT)
        elif kind == "CATEGORY" and str(value) == "CATEGORY_SPACE":
            members.add(" ")
        else:
            return None
    return members


def _fold(char: str) -> str:
    lowered = char.lower() if len(char.lower()) == 1 else char
    return lowered.translate(_FOLDED)


def _no_digit_before(nodes: Sequence[_Node]) -> bool:
    """Whether no match of an expression begins behind a digit, by what the expression looks back at first."""
    if not nodes:
        return False
    kind, value = str(nodes[0][0]), nodes[0][1]
    if kind == "SUBPATTERN":
        return _no_digit_before(value[-1])
    if kind == "BRANCH":
        return all(_no_digit_before(option) for option in value[1])
    if kind == "ASSERT_NOT" and value[0] < 0 and len(value[1]) == 1:
        return str(value[1][0][0]) == "IN" and _has_digits(value[1][0][1])
    if kind == "ASSERT" and value[0] < 0 and len(value[1]):
        return _ends_without_digit(value[1])
    return False


def _ends_without_digit(nodes: Sequence[_Node]) -> bool:
    kind, value = str(nodes[-1][0]), nodes[-1][1]
    if kind == "BRANCH":
        return all(_ends_without_digit(option) for option in value[1])
    members = {chr(value)} if kind == "LITERAL" else _members(value) if kind == "IN" else None
    return members is not None and not any(member.isdigit() for member in members)


def _has_digits(items: Sequence[_Node]) -> bool:
    """Whether a class has all digits: `[\\w-]`, `[0-9.]`, or all but what is no word character."""
    told = [(str(kind), str(value) if str(kind) == "CATEGORY" else value) for kind, value in items]
    if told[0] == ("NEGATE", None):
        return all(item in (("CATEGORY", "CATEGORY_NOT_WORD"), ("LITERAL", ord("_"))) for item in told[1:])
    return ("CATEGORY", "CATEGORY_WORD") in told or ("RANGE", (ord("0"), ord("9"))) in told


def _first_digit(nodes: Sequence[_Node]) -> tuple[tuple[int, ...], frozenset[str]]:
    """How many signs that are no digits may stand before the first digit of a match, and what it may begin with.

    Nothing and nothing when that is not told.
    """
    least = most = 0
    first: set[str] = set()
    left = list(reversed(nodes))
    while left:
        node = left.pop()
        kind, value = str(node[0]), node[1]
        if kind == "SUBPATTERN":
            left.extend(reversed(value[-1]))
            continue
        if _is_place(node):
            continue
        fewest, longest = 1, 1
        if kind in ("MAX_REPEAT", "MIN_REPEAT"):
            fewest, longest = value[0], min(int(value[1]), _LONGEST)
            kind, value = (str(value[2][0][0]), value[2][0][1]) if len(value[2]) == 1 else ("", None)
        members = {_fold(chr(value))} if kind == "LITERAL" else _letters(value) if kind == "IN" else set()
        if members == {_DIGIT} and fewest:
            known = most > 0 and most - least < _PLACES and (least > 0 or _no_digit_before(nodes))
            return (
                (tuple(range(least, most + 1)), frozenset(first | members if not least else first))
                if known
                else _NOWHERE
            )
        if not members or _DIGIT in members:
            break
        if not least:
            first |= members
        least, most = least + fewest, most + longest
    return _NOWHERE


def _is_place(node: _Node) -> bool:
    """Whether a part of an expression takes no sign."""
    kind, value = str(node[0]), node[1]
    if kind == "BRANCH":
        return all(_is_place(part) for option in value[1] for part in option)
    return kind in ("AT", "ASSERT", "ASSERT_NOT")


def _letters(items: Sequence[_Node]) -> set[str]:
    """The members of a class of single signs and ranges, folded; empty for any other."""
    members: set[str] = set()
    for kind, value in items:
        if str(kind) == "RANGE":
            members |= {_fold(chr(code)) for code in range(value[0], value[1] + 1)}
        elif str(kind) == "LITERAL":
            members.add(_fold(chr(value)))
        elif str(kind) == "CATEGORY" and str(value) == "CATEGORY_DIGIT":
            members.add(_DIGIT)
        else:
            return set()
    return members
