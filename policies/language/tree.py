"""The tree of a policy file: values that know where they stood, and the lines that a problem shows.

Whatever makes a tree (`document`), joins trees (`include`) or reads one (`problems`, `resolve`) shares these. Pure.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from policies.errors import Problem

type Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: file as named, line and column from 1."""

    file: str
    line: int
    column: int


@dataclass(slots=True)
class Node:
    """One value of the tree. value: dict of Node, list of Node, or a scalar (str, int, float, bool, None).

    keys: for a mapping, where each key stands. Mutable only while `policies.language.include` joins trees.
    """

    value: Any
    place: Place
    keys: dict[str, Place] = field(default_factory=dict)

    def plain(self) -> Any:
        """The tree as dicts, lists and scalars."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def find(self, path: Path) -> tuple["Node", Place, bool]:
        """The node at a path, the place to point at, and whether the whole path exists.

        The deepest node on the way is returned where a step is missing; steps that are no step of the tree at all
        (validators put their own names into a path) are passed over when a later step fits.
        """
        node, place, complete = self, self.place, True
        for step in path:
            if isinstance(node.value, dict) and str(step) in node.value:
                place, node, complete = node.keys[str(step)], node.value[str(step)], True
            elif isinstance(node.value, list) and isinstance(step, int) and step < len(node.value):
                node, complete = node.value[step], True
                place = node.place
            else:
                complete = False
        return node, place, complete


class Sources:
    """The lines of every file read, so that a problem can show the line it is about."""

    def __init__(self) -> None:
        self._lines: dict[str, list[str]] = {}

    def add(self, file: str, text: str) -> None:
        """Keeps a file's lines (YAML breaks lines at LF, CR LF and CR)."""
        self._lines[file] = re.split(r"\r\n|\r|\n", text)

    @property
    def files(self) -> tuple[str, ...]:
        """Every file read, in the order of reading."""
        return tuple(self._lines)

    def text(self, file: str) -> str:
        """A file's text, its lines ended by LF."""
        return "\n".join(self._lines.get(file, []))

    def line(self, place: Place) -> str:
        """The source line, or ""."""
        lines = self._lines.get(place.file, [])
        return lines[place.line - 1] if 0 < place.line <= len(lines) else ""

    def problem(self, place: Place, message: str, code: str, hint: str = "", severity: str = "error") -> Problem:
        """A problem at a place, with its line."""
        return Problem(place.file, place.line, place.column, message, code, self.line(place), hint, severity)
