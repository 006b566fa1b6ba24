"""The flow picture: applications, kinds of data, recipients, and bands between them as wide as what flowed.

Pure: flows in, positions out. Columns hold a few names and one for all others, so that a picture stays a picture.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from audit.questions.overview import Flow

WIDTH, HEIGHT = 960.0, 420.0
NODE = 12.0
GAP = 14.0
LEAST = 4.0
"""Height below which a node could not be seen."""
MOST = 8
"""Nodes in a column; the rest is one node."""
OUTCOMES = ("replaced", "kept", "blocked")
OTHERS = ""
"""The node of all others."""
NOBODY = "-"
"""The node of what was refused before a recipient was known."""


@dataclass(frozen=True, slots=True)
class Node:
    """A bar with its name. column: 0 to 2."""

    column: int
    name: str
    n: int
    x: float
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Band:
    """A band from one node to another. column: of its source. path: an SVG path of its middle; width: its stroke."""

    column: int
    outcome: str
    source: str
    target: str
    n: int
    path: str
    width: float


@dataclass(frozen=True, slots=True)
class Sum:
    """What one node comes to, for a list of bars where the picture has no room."""

    name: str
    replaced: int
    kept: int
    blocked: int

    @property
    def n(self) -> int:
        """All of it."""
        return self.replaced + self.kept + self.blocked


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything to draw, in units of a view box of WIDTH x HEIGHT. columns: the same without the bands, from left to
    right, the names in the order of the nodes."""

    nodes: tuple[Node, ...]
    bands: tuple[Band, ...]
    columns: tuple[tuple[Sum, ...], ...] = ()


type Name = Callable[[Flow], str]
_COLUMNS: tuple[Name, ...] = (
    lambda flow: flow.application,
    lambda flow: flow.entity_type,
    lambda flow: flow.destination or NOBODY,
)


def picture(flows: Iterable[Flow]) -> Picture:
    """The picture of some flows; no nodes where there are none."""
    given = [flow for flow in flows if flow.n]
    names = [_or_others(given, column) for column in _COLUMNS]
    nodes = [_column(number, _summed(given, name)) for number, name in enumerate(names)]
    bands: list[Band] = []
    for left in (0, 1):
        bands += _bands(given, (names[left], names[left + 1]), nodes[left], nodes[left + 1])
    sums = tuple(_sums(given, name, list(column)) for name, column in zip(names, nodes, strict=True))
    return Picture(tuple(node for column in nodes for node in column.values()), tuple(bands), sums)


def _sums(flows: Iterable[Flow], name: Name, order: Iterable[str]) -> tuple[Sum, ...]:
    found = {one: [0, 0, 0] for one in order}
    for flow in flows:
        for at, outcome in enumerate(OUTCOMES):
            found[name(flow)][at] += getattr(flow, outcome)
    return tuple(Sum(one, *counts) for one, counts in found.items())


def _or_others(flows: Iterable[Flow], column: Name) -> Name:
    """The same name for the largest, `OTHERS` for the rest."""
    counts = Counter(_summed(flows, column))
    kept = frozenset(counts) if len(counts) <= MOST else {name for name, _ in counts.most_common(MOST - 1)}
    return lambda flow: column(flow) if column(flow) in kept else OTHERS


def _summed(flows: Iterable[Flow], name: Name) -> dict[str, int]:
    found: Counter[str] = Counter()
    for flow in flows:
        found[name(flow)] += flow.n
    return dict(found)


def _column(number: int, counts: dict[str, int]) -> dict[str, Node]:
    """Nodes from the largest to the smallest, the others last, centred."""
    order = sorted(counts, key=lambda name: (name == OTHERS, -counts[name], name))
    room = HEIGHT - GAP * max(0, len(order) - 1)
    total = sum(counts.values()) or 1
    heights = {name: max(LEAST, room * counts[name] / total) for name in order}
    scale = min(1.0, room / (sum(heights.values()) or 1))
    x = (WIDTH - NODE) * number / 2
    y = 0.0
    nodes = {}
    for name in order:
        height = heights[name] * scale
        nodes[name] = Node(number, name, counts[name], round(x, 1), round(y, 1), round(height, 1))
        y += height + GAP
    return nodes


def _bands(
    flows: Sequence[Flow], names: tuple[Name, Name], left: dict[str, Node], right: dict[str, Node]
) -> list[Band]:
    source, target = names
    sums: Counter[tuple[str, str, str]] = Counter()
    for flow in flows:
        for outcome in OUTCOMES:
            sums[source(flow), target(flow), outcome] += getattr(flow, outcome)
    first, second = list(left), list(right)
    order = sorted(
        (key for key, n in sums.items() if n), key=lambda key: (first.index(key[0]), second.index(key[1]), key[2])
    )
    out = {name: node.y for name, node in left.items()}
    into = {name: node.y for name, node in right.items()}
    found = []
    for name, other, outcome in order:
        n, start, end = sums[name, other, outcome], left[name], right[other]
        from_height, to_height = start.height * n / start.n, end.height * n / end.n
        y1, y2 = out[name] + from_height / 2, into[other] + to_height / 2
        out[name] += from_height
        into[other] += to_height
        x1, x2 = start.x + NODE, end.x
        middle = (x1 + x2) / 2
        path = f"M{x1:.1f} {y1:.1f}C{middle:.1f} {y1:.1f} {middle:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
        found.append(Band(start.column, outcome, name, other, n, path, round(max(1.0, min(from_height, to_height)), 1)))
    return found
