"""Which rules can ever decide anything, and which are hidden behind earlier ones.

A rule is a box in the policy's space. It can be reached if its box is not covered by the boxes of earlier rules that
end the walk. The answer is exact: a rule that is reached comes with a transfer that reaches it, one that is not comes
with the rules that hide it. Only for a rule that would take too long to settle there is no answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from policies.policy import Policy
from policies.rules import Does, Rule
from policies.space import Box, Boxes, Space

# One step compares two boxes. Real policies settle a rule in a few hundred; the worst case is exponential.
MAX_STEPS = 20_000


@dataclass(frozen=True, slots=True)
class Reach:
    """What is known about one rule.

    point: a point of the space at which the rule is the first to match, or None. settled: False when it took too
    long. hidden_by: ids of the earlier rules that together cover it; empty for a rule that nothing can ever match.
    """

    rule: Rule
    point: tuple[int, ...] | None = None
    settled: bool = True
    hidden_by: tuple[str, ...] = ()

    @property
    def unreachable(self) -> bool:
        """True when it is certain that no transfer reaches the rule."""
        return self.settled and self.point is None


def reach(policy: Policy, space: Space | None = None) -> list[Reach]:
    """Every rule that looks at findings or at the rest, in order; rules about media and mirrors are left out.

    A hold that was approved lets the walk go on, and so does a rule that counts: neither hides anything.
    """
    space = space or Space([policy])
    boxes = Boxes(space, policy)
    walls: list[tuple[Rule, Box]] = []
    by_item: dict[int, list[int]] = {}
    found: list[Reach] = []
    for rule in policy.rules:
        if rule.when.media is not None or rule.does is Does.MIRROR:
            continue
        box = boxes.of(rule)
        found.append(_settle(rule, box, walls, by_item))
        if not rule.adds and rule.does is not Does.HOLD and all(box):
            for item in _bits(box[0]):
                by_item.setdefault(item, []).append(len(walls))
            walls.append((rule, box))
    return found


def _settle(rule: Rule, box: Box, walls: Sequence[tuple[Rule, Box]], by_item: dict[int, list[int]]) -> Reach:
    """Looks for a point item by item; each item meets only the walls that stand on it."""
    if not all(box):
        return Reach(rule)
    search = _Search()
    used: set[int] = set()
    for item in _bits(box[0]):
        start = (1 << item, *box[1:])
        near = [walls[index][1] for index in by_item.get(item, ())]
        point = search.outside(start, near)
        if point is not None:
            return Reach(rule, point)
        used.update(by_item.get(item, ()))
    if search.exhausted:
        return Reach(rule, settled=False)
    return Reach(rule, hidden_by=_hiding(box, [walls[index] for index in sorted(used)]))


def _hiding(box: Box, walls: Sequence[tuple[Rule, Box]]) -> tuple[str, ...]:
    """The one rule that covers the box alone, or all that touch it."""
    for rule, wall in walls:
        if all(not mine & ~theirs for mine, theirs in zip(box, wall, strict=True)):
            return (rule.id,)
    touching = [rule.id for rule, wall in walls if all(a & b for a, b in zip(box, wall, strict=True))]
    return tuple(touching[:8])


class _Search:
    """Box subtraction, depth first, with a budget of steps."""

    def __init__(self) -> None:
        self._steps = 0

    @property
    def exhausted(self) -> bool:
        return self._steps >= MAX_STEPS

    def outside(self, box: Box, walls: Sequence[Box]) -> tuple[int, ...] | None:
        """A point of the box in none of the walls, or None."""
        stack: list[tuple[Box, int]] = [(box, 0)]
        while stack and not self.exhausted:
            current, start = stack.pop()
            met = self._first_meeting(current, walls, start)
            if met is None:
                return tuple((mask & -mask).bit_length() - 1 for mask in current) if not self.exhausted else None
            stack.extend(_around(current, walls[met], met + 1))
        return None

    def _first_meeting(self, box: Box, walls: Sequence[Box], start: int) -> int | None:
        for index in range(start, len(walls)):
            self._steps += 1
            for mine, theirs in zip(box, walls[index], strict=True):
                if not mine & theirs:
                    break
            else:
                return index
            if self.exhausted:
                return None
        return None


def _around(box: Box, wall: Box, following: int) -> list[tuple[Box, int]]:
    """What is left of a box outside a wall, in disjoint pieces that need only be compared with later walls."""
    pieces: list[tuple[Box, int]] = []
    left = list(box)
    for dimension, theirs in enumerate(wall):
        outside = left[dimension] & ~theirs
        if outside:
            pieces.append(((*left[:dimension], outside, *left[dimension + 1 :]), following))
            left[dimension] &= theirs
    return pieces


def _bits(mask: int) -> list[int]:
    found = []
    while mask:
        low = mask & -mask
        found.append(low.bit_length() - 1)
        mask ^= low
    return found
