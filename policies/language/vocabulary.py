"""The entity types and groups that one policy knows: the built-in ones and its own.

A group may hold types and other groups; circles and names that mean nothing are reported where they stand.
"""

import re
from math import prod
from typing import Final

from policies.declared import CustomEntity
from policies.groups import ENTITY_TYPES, GROUPS
from policies.language.compile import SEGMENTS
from policies.language.resolve import Findings
from policies.language.schema import EntitySection, PolicyFile
from policies.language.tree import Path
from policies.model import Action, Operator

# A pattern is run on every segment; one that repeats a repetition can take exponential time (ReDoS).
_NESTED_REPEAT = re.compile(r"\((?:[^()\\]|\\.)*[+*](?:[^()\\]|\\.)*\)[+*{]")
_TIMES, _TIMES_OF_GROUP = re.compile(r"\{([0-9]+)"), re.compile(r"\)\{([0-9]+)")
# Repetitions inside of repetitions multiply: no pattern of a real identifier is near this, and the engine's memory
# for one try, even on the empty text, grows with it.
_MOST_TIMES = 1_000_000
VALIDATORS: Final = (
    *("damm", "ean", "iban", "imei", "lei", "luhn", "mod-11-10", "mod-11-2", "mod-37-2", "mod-37-36", "mod-97-10"),
    "verhoeff",
)
"""Checks that a match of an own pattern may have to pass; the same as detection's."""
# What a case writes for "nothing of that kind".
NOTHING_FOUND = "none"


def resolve_groups(file: PolicyFile, found: Findings) -> dict[str, frozenset[str]]:
    """Every group with its entity types."""
    return _Groups(file, found).resolved()


class _Groups:
    def __init__(self, file: PolicyFile, found: Findings) -> None:
        self._file = file
        self._found = found
        self._known = ENTITY_TYPES | set(file.entities)
        self._groups = {name: set(types) for name, types in GROUPS.items()}
        self._circles: set[frozenset[str]] = set()

    def resolved(self) -> dict[str, frozenset[str]]:
        for name, entity in self._file.entities.items():
            if entity.group is not None and entity.group in GROUPS:
                self._groups[entity.group].add(name)
            elif entity.group is not None:
                self._found.unknown(("entities", name, "group"), "group", entity.group, GROUPS)
        for name in self._file.groups:
            if name in GROUPS:
                self._found.add(
                    ("groups", name), f"'{name}' is a built-in group", "reserved_name", "choose another name"
                )
        own = {name: self._expand(name, ()) for name in self._file.groups if name not in GROUPS}
        return {name: frozenset(types) for name, types in (self._groups | own).items()}

    def _expand(self, name: str, chain: tuple[str, ...]) -> set[str]:
        members: set[str] = set()
        for index, member in enumerate(self._file.groups[name]):
            members |= self._member(("groups", name, index), member, (*chain, name))
        return members

    def _member(self, path: Path, member: str, chain: tuple[str, ...]) -> set[str]:
        inner = member.removeprefix("group:")
        if inner == member:
            if member not in self._known:
                self._found.unknown(path, "entity type", member, self._known)
            return {member}
        if inner in chain:
            if frozenset(chain) not in self._circles:
                self._circles.add(frozenset(chain))
                way = " -> ".join((*chain, inner))
                self._found.add(path, f"the group '{inner}' contains itself", "group_circle", way)
            return set()
        if inner in self._file.groups:
            return self._expand(inner, chain)
        if inner not in self._groups:
            self._found.unknown(path, "group", inner, {*self._groups, *self._file.groups})
        return self._groups.get(inner, set())


def resolve_entities(file: PolicyFile, found: Findings) -> tuple[CustomEntity, ...]:
    """The company's own entity types. One without patterns and values is reported by a plugged-in recognizer."""
    entities = []
    for name, one in file.entities.items():
        if name in ENTITY_TYPES:
            found.add(("entities", name), f"{name} is a built-in entity type", "reserved_name", "choose another name")
        for index, pattern in enumerate(one.patterns):
            _check_pattern(("entities", name, "patterns", index), pattern, found)
        _check_own(("entities", name), one, found)
        entities.append(
            CustomEntity(
                name=name,
                group=one.group or "",
                patterns=one.patterns,
                values=one.values,
                context=one.context,
                languages=one.languages,
                score=one.score,
                validator=one.validator or "",
            )
        )
    return tuple(entities)


def _check_own(path: Path, one: EntitySection, found: Findings) -> None:
    if one.validator is not None and one.validator not in VALIDATORS:
        found.unknown((*path, "validator"), "validator", one.validator, VALIDATORS)
    for key in ("validator", "context"):
        if getattr(one, key) and not one.patterns:
            message = f"'{key}' is about matches of `patterns`, and there are none"
            found.add((*path, key), message, "senseless", "add `patterns`, or delete this line")
    if (one.examples or one.counterexamples) and not (one.patterns or one.values):
        message = "examples are looked for with `patterns` and `values`, and there are none"
        found.add((*path, "examples" if one.examples else "counterexamples"), message, "senseless", quote=False)


def _check_pattern(path: Path, pattern: str, found: Findings) -> None:
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        found.add(
            path, f"this pattern is no regular expression: {error}", "pattern", "single quotation marks keep `\\`"
        )
        return
    if _NESTED_REPEAT.search(pattern):
        hint = "write each repetition once, with an upper bound: `[A-Z]{2}[0-9]{1,8}`"
        found.add(path, "a repetition inside a repetition can take forever", "pattern", hint)
    elif _times(pattern) > _MOST_TIMES:
        found.add(path, "its repetitions multiply to more than a text has characters", "pattern", "repeat fewer times")
    elif re.match(pattern, ""):
        found.add(path, "this pattern matches the empty text", "pattern", "ask for at least one character")


def _times(pattern: str) -> int:
    """How often something in it has to stand at least, at most: groups may be inside of each other."""
    groups = prod(max(1, int(times)) for times in _TIMES_OF_GROUP.findall(pattern))
    return groups * max((int(times) for times in _TIMES.findall(pattern)), default=1)


_KEYS = ("action", "rule", "to", "code", "media", "mirror", "copy")


def resolve_cases(file: PolicyFile, found: Findings) -> None:
    """Names in cases that mean nothing; a case that cannot fail would be worse than none."""
    types = ENTITY_TYPES | set(file.entities)
    words = [
        *(one.value for one in Operator if one is not Operator.KEEP),
        *(one.value for one in Action),
        NOTHING_FOUND,
    ]
    for index, case in enumerate(file.cases):
        path: Path = ("cases", index)
        if case.app is not None and case.app not in file.applications:
            found.unknown((*path, "app"), "application", case.app, file.applications)
        if case.to not in file.destinations:
            found.unknown((*path, "to"), "destination", case.to, file.destinations)
        if case.kind not in SEGMENTS:
            found.unknown((*path, "kind"), "kind of segment", case.kind, SEGMENTS)
        if not case.expect:
            found.add((*path, "expect"), "a case that expects nothing cannot fail", "senseless", "add `action: ...`")
        for key, expected in case.expect.items():
            if key not in _KEYS and key not in types:
                found.unknown((*path, "expect", key), "entity type", key, [*sorted(types), *_KEYS])
            elif key not in _KEYS and expected not in words:
                found.unknown((*path, "expect", key), "action", expected, words)
            elif key == "mirror" and expected not in (*file.destinations, NOTHING_FOUND):
                found.unknown((*path, "expect", key), "destination", expected, file.destinations)
            elif key in ("action", "copy") and expected not in {*Action, *([NOTHING_FOUND] if key == "copy" else [])}:
                found.unknown((*path, "expect", key), "action", expected, [one.value for one in Action])
