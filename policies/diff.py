"""The difference between two policies in meaning: which transfers are treated differently.

Two compiled policies enter. Every point of their common space is decided by both, and what changed is told per
application, destination and entity; tables that are no rules (media, tools, recipients, exceptions) are compared by
value. Comments, order of keys and names of rules are no difference.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from itertools import product
from typing import Any

from policies.groups import GROUPS
from policies.outcome import Outcome, happens
from policies.policy import Policy
from policies.space import DIMENSIONS, OTHER, Space, known_types

# Beyond this many points the open dimensions are varied one at a time, and the result says that it is not complete.
MAX_POINTS = 20_000


@dataclass(frozen=True, slots=True)
class Condition:
    """What must hold for a change. name: of a dimension, ENDED or SOMETIMES. more: whether further values fit as well.

    values: as the policy writes them, `>= 0.8` for a threshold, or OTHER_VALUE.
    """

    name: str
    values: tuple[str, ...] = ()
    more: bool = False

    def __str__(self) -> str:
        return " ".join((self.name, " | ".join((*self.values, "...") if self.more else self.values))).strip()


ENDED = "after its last day"
SOMETIMES = "in some cases"
OTHER_VALUE = "other"
"""A value that no rule names."""


@dataclass(frozen=True, slots=True)
class Change:
    """One application and destination for which some kinds of data are treated differently.

    entities: entity types, `group:<name>` where a whole group changed. when: what else must hold, empty when it is
    always so.
    """

    application: str
    destination: str
    entities: tuple[str, ...]
    before: Outcome
    after: Outcome
    when: tuple[Condition, ...] = ()

    @property
    def weaker(self) -> bool:
        """True when the new policy lets more through."""
        return self.after.strength < self.before.strength

    @property
    def stricter(self) -> bool:
        """True when the new policy lets less through; a change may be neither."""
        return self.after.strength > self.before.strength

    @property
    def condition(self) -> str:
        """`when` in words."""
        return ", ".join(map(str, self.when))


@dataclass(frozen=True, slots=True)
class Setting:
    """One value outside the rules that differs. path: where, like `media.audio`."""

    path: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class PolicyDiff:
    """Everything that differs. complete: False when not every combination of conditions was compared."""

    changes: tuple[Change, ...] = ()
    settings: tuple[Setting, ...] = ()
    complete: bool = True

    @property
    def empty(self) -> bool:
        """True when both policies mean the same."""
        return not self.changes and not self.settings


def diff(old: Policy, new: Policy) -> PolicyDiff:
    """What changes in meaning when `new` takes the place of `old`."""
    if old.digest == new.digest:
        return PolicyDiff()
    space = Space([old, new], entity_types=known_types([old, new]))
    changes, complete = _changes(old, new, space)
    return PolicyDiff(tuple(changes), tuple(_settings(old, new)), complete)


type _Key = tuple[str, str, Outcome, Outcome, tuple[Condition, ...]]


def _changes(old: Policy, new: Policy, space: Space) -> tuple[list[Change], bool]:
    points, complete = _points(space)
    seen: dict[tuple[int, int], dict[tuple[Outcome, Outcome], list[tuple[int, ...]]]] = {}
    totals: dict[tuple[int, int], int] = {}
    for point in points:
        given = space.input_at(point)
        outcomes = (happens(old, given), happens(new, given))
        place = (point[0], point[1])
        totals[place] = totals.get(place, 0) + 1
        if outcomes[0] != outcomes[1]:
            seen.setdefault(place, {}).setdefault(outcomes, []).append(point)
    rows: dict[_Key, list[str]] = {}
    for (item, where), by_outcome in seen.items():
        situation = space.situations[where]
        for (before, after), found in by_outcome.items():
            when = () if len(found) == totals[item, where] else _when(space, found)
            if situation.expired:
                when = (Condition(ENDED), *when)
            key = (situation.application or "unknown", situation.destination or "unknown", before, after, when)
            name = space.items[item]
            rows.setdefault(key, []).extend((*space.members.get(name, (name,)), *([OTHER] if name == OTHER else [])))
    changes = [
        Change(application, destination, _grouped(items), before, after, when)
        for (application, destination, before, after, when), items in sorted(rows.items(), key=_in_words)
    ]
    return changes, complete


def _in_words(row: tuple[_Key, list[str]]) -> tuple[str, ...]:
    application, destination, before, after, when = row[0]
    return (application, destination, str(before), str(after), *map(str, when))


def _points(space: Space) -> tuple[Iterator[tuple[int, ...]], bool]:
    """Every point, or a cross of them when there are too many."""
    total = 1
    for size in space.sizes_of:
        total *= size
    if total <= MAX_POINTS:
        return space.points(), True
    return _cross(space), False


def _cross(space: Space) -> Iterator[tuple[int, ...]]:
    """Items and situations in full, every other dimension by itself against the first piece of the rest."""
    sizes = space.sizes_of
    plain = (0,) * (len(sizes) - 2)
    variants = dict.fromkeys(
        [plain]
        + [(*plain[: d - 2], index, *plain[d - 1 :]) for d in range(2, len(sizes)) for index in range(sizes[d])]
        + [(sizes[2] - 1, *plain[1:])]
    )
    for item, situation in product(range(sizes[0]), range(sizes[1])):
        for variant in variants:
            yield (item, situation, *variant)


def _when(space: Space, found: Sequence[tuple[int, ...]]) -> tuple[Condition, ...]:
    """What the points have in common beyond item and situation."""
    parts = []
    for dimension in range(2, len(DIMENSIONS)):
        indices = {point[dimension] for point in found}
        if len(indices) == space.sizes_of[dimension]:
            continue
        shown = sorted({str(_piece(space, dimension, index)) for index in indices})
        parts.append(Condition(DIMENSIONS[dimension], tuple(shown[:4]), len(shown) > 4))
    return tuple(parts) or (Condition(SOMETIMES),)


def _piece(space: Space, dimension: int, index: int) -> object:
    point = [0] * len(DIMENSIONS)
    point[dimension] = index
    piece = space.describe(point)[DIMENSIONS[dimension]]
    if DIMENSIONS[dimension] in ("score", "size") and isinstance(piece, float):
        return f">= {piece:g}"
    if DIMENSIONS[dimension] == "flags" and isinstance(piece, tuple):
        return "/".join(piece)
    return piece or OTHER_VALUE


def _grouped(items: Sequence[str]) -> tuple[str, ...]:
    """Items with whole built-in groups written as one."""
    left = set(items)
    shown = []
    for name, types in GROUPS.items():
        if types <= left:
            shown.append(f"group:{name}")
            left -= types
    return (*shown, *sorted(left))


def _settings(old: Policy, new: Policy) -> Iterator[Setting]:
    """Values outside the rules that differ."""
    for name in ("environment", "unknown_hosts", "unknown_applications", "response", "observe", "subject_source"):
        yield from _compare(name, getattr(old, name), getattr(new, name))
    for name in ("media", "tools", "trust", "controllers", "purposes", "applications", "destinations", "exceptions"):
        before, after = getattr(old, name), getattr(new, name)
        for key in sorted({*before, *after}):
            yield from _compare(f"{name}.{key}", before.get(key), after.get(key))
    yield from _compare("restore.other", old.tools_default, new.tools_default)
    yield from _compare("budgets", {one.id: one for one in old.budgets}, {one.id: one for one in new.budgets})
    yield from _compare("entities", {one.name: one for one in old.entities}, {one.name: one for one in new.entities})


def _compare(path: str, before: Any, after: Any) -> Iterator[Setting]:
    """One value; where both are of one shape, only the parts that differ."""
    if before == after:
        return
    if is_dataclass(before) and type(before) is type(after):
        for one in fields(before):
            yield from _compare(f"{path}.{one.name}", getattr(before, one.name), getattr(after, one.name))
    elif isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):
            yield from _compare(f"{path}.{key}", before.get(key), after.get(key))
    else:
        yield Setting(path, _shown(before), _shown(after))


_SHOWN = 6


def _shown(value: Any) -> str:
    if value is None:
        return "absent"
    if isinstance(value, (frozenset, set)):
        return f"{len(value)} values" if len(value) > _SHOWN else ", ".join(sorted(str(one) for one in value)) or "none"
    if isinstance(value, tuple):
        # A list of an own entity type may name people; how long it is says enough.
        if len(value) > _SHOWN:
            return f"{len(value)} values"
        return ", ".join(_shown(one) for one in value) or "none"
    if is_dataclass(value) and not isinstance(value, type):
        return "present"
    return str(value)


def as_data(found: PolicyDiff) -> dict[str, Any]:
    """The difference as JSON-ready data."""
    return {
        "same": found.empty,
        "complete": found.complete,
        "changes": [
            {"application": one.application, "destination": one.destination, "entities": list(one.entities)}
            | {"before": str(one.before), "after": str(one.after), "when": one.condition, "weaker": one.weaker}
            for one in found.changes
        ],
        "settings": [{"path": one.path, "before": one.before, "after": one.after} for one in found.settings],
    }


def render(found: PolicyDiff) -> str:
    """The difference as plain text, the weaker ones marked."""
    if found.empty:
        return "both policies mean the same"
    lines = [
        f"{'!' if one.weaker else ' '} {one.application} -> {', '.join(destinations)}: {', '.join(one.entities)}: "
        f"{one.before} -> {one.after}{f' ({one.condition})' if one.when else ''}"
        for one, destinations in _merged(found.changes)
    ]
    lines += [f"  {one.path}: {one.before} -> {one.after}" for one in found.settings]
    if any(one.weaker for one in found.changes):
        lines.append("! marks what becomes weaker")
    if not found.complete:
        lines.append("not every combination of conditions was compared; those above do differ")
    return "\n".join(lines)


def _merged(changes: Sequence[Change]) -> list[tuple[Change, list[str]]]:
    """Changes that are the same for several destinations as one line."""
    rows: dict[Change, list[str]] = {}
    for one in changes:
        rows.setdefault(replace(one, destination=""), []).append(one.destination)
    return list(rows.items())
