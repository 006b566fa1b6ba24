"""The difference between two policies in meaning: which transfers are treated differently.

Two compiled policies enter. Every point of their common space is decided by both, and what changed is told per
application, destination and entity; tables that are no rules (media, tools, recipients, exceptions) are compared by
value. Comments, order of keys and names of rules are no difference.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from itertools import product
from typing import Any

from policies.decide import decide
from policies.groups import GROUPS
from policies.model import Action, Decision, Mirror, PolicyInput, TransferDecision
from policies.policy import Policy
from policies.space import DIMENSIONS, OTHER, Space, known_types

# Beyond this many points the open dimensions are varied one at a time, and the result says that it is not complete.
MAX_POINTS = 20_000


@dataclass(frozen=True, slots=True)
class Change:
    """One application and destination for which some kinds of data are treated differently.

    entities: entity types, `group:<name>` where a whole group changed. before, after: `tokenize`, `block`, ...
    when: what else must hold, "" when it is always so.
    """

    application: str
    destination: str
    entities: tuple[str, ...]
    before: str
    after: str
    when: str = ""

    @property
    def weaker(self) -> bool:
        """True when the new policy lets more through."""
        return _strength(self.after) < _strength(self.before)

    @property
    def stricter(self) -> bool:
        """True when the new policy lets less through; a change may be neither."""
        return _strength(self.after) > _strength(self.before)


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


type _Key = tuple[str, str, str, str, str]


def _changes(old: Policy, new: Policy, space: Space) -> tuple[list[Change], bool]:
    points, complete = _points(space)
    seen: dict[tuple[int, int], dict[tuple[str, str], list[tuple[int, ...]]]] = {}
    totals: dict[tuple[int, int], int] = {}
    for point in points:
        given = space.input_at(point)
        outcomes = (_happens(old, given), _happens(new, given))
        place = (point[0], point[1])
        totals[place] = totals.get(place, 0) + 1
        if outcomes[0] != outcomes[1]:
            seen.setdefault(place, {}).setdefault(outcomes, []).append(point)
    rows: dict[_Key, list[str]] = {}
    for (item, where), by_outcome in seen.items():
        situation = space.situations[where]
        for (before, after), found in by_outcome.items():
            when = "" if len(found) == totals[item, where] else _when(space, found)
            if situation.expired:
                when = f"after its last day{', ' + when if when else ''}"
            key = (situation.application or "unknown", situation.destination or "unknown", before, after, when)
            name = space.items[item]
            rows.setdefault(key, []).extend((*space.members.get(name, (name,)), *([OTHER] if name == OTHER else [])))
    changes = [
        Change(application, destination, _grouped(items), before, after, when)
        for (application, destination, before, after, when), items in sorted(rows.items())
    ]
    return changes, complete


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


def outcome(decision: TransferDecision) -> str:
    """What happens to the finding of a transfer, or to the transfer where there is none, in a word and its target."""
    judged = decision.would or decision
    words = _word(judged.decisions[0]) if judged.decisions else judged.action.value
    if judged.action.rank >= Action.ROUTE.rank:
        target = f" {judged.route_to}" if judged.route_to else ""
        words = f"{judged.action.value}{target}" + (f", {words}" if judged.action is Action.ROUTE else "")
    if decision.observe:
        words = f"observe ({words})" if decision.action is Action.ALLOW else f"observe, {decision.action.value}"
    return ", ".join([words, *(mirror_words(one) for one in decision.mirrors)])


def _happens(policy: Policy, given: PolicyInput) -> str:
    """What happens to a transfer and to its copies."""
    decision = decide(policy, given)
    copies = [outcome(policy.decide_mirror(given, one)) for one in decision.mirrors]
    return outcome(decision) + (f" (the copy: {', '.join(copies)})" if copies else "")


def mirror_words(mirror: Mirror) -> str:
    """A second recipient, what for, and how long the pair of answers is kept."""
    purpose = f" for {mirror.purpose}" if mirror.purpose else ""
    days = "day" if mirror.keep_days == 1 else "days"
    kept = f", answers kept {mirror.keep_days} {days}" if mirror.keep_days else ""
    return f"mirror {mirror.to}{purpose}{kept}"


def _word(decision: Decision) -> str:
    if decision.action is not Action.TRANSFORM:
        return decision.action.value
    params = " ".join(f"{key}={value}" for key, value in decision.params)
    return f"{decision.operator.value} {params}".strip()


_STRENGTH = ("observe", "allow", "hash", "mask", "surrogate", "tokenize", "redact", "route", "hold", "block")


def _strength(words: str) -> int:
    return _STRENGTH.index(words.split(" ")[0].rstrip(","))


def _when(space: Space, found: Sequence[tuple[int, ...]]) -> str:
    """What the points have in common beyond item and situation, in words."""
    parts = []
    for dimension in range(2, len(DIMENSIONS)):
        indices = {point[dimension] for point in found}
        if len(indices) == space.sizes_of[dimension]:
            continue
        shown = sorted({str(_piece(space, dimension, index)) for index in indices})
        parts.append(f"{DIMENSIONS[dimension]} {' | '.join(shown[:4])}{' | ...' if len(shown) > 4 else ''}")
    return ", ".join(parts) or "in some cases"


def _piece(space: Space, dimension: int, index: int) -> object:
    point = [0] * len(DIMENSIONS)
    point[dimension] = index
    piece = space.describe(point)[DIMENSIONS[dimension]]
    if DIMENSIONS[dimension] in ("score", "size") and isinstance(piece, float):
        return f"from {piece:g}"
    if DIMENSIONS[dimension] == "flags" and isinstance(piece, tuple):
        return "/".join(piece)
    return piece or "other"


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
            | {"before": one.before, "after": one.after, "when": one.when, "weaker": one.weaker}
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
        f"{one.before} -> {one.after}{f' ({one.when})' if one.when else ''}"
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
