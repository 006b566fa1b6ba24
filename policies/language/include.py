"""Files that build on others: a base for the company, an overlay for a team or an environment.

Trees enter and one tree leaves, in which every value still knows its file and line. Mappings are joined key by key and
the overlay wins; lists are joined, the overlay's first, so that its rules are asked before the base's. Rules that a
base marks `final: yes` are asked before the overlay's, so that a team cannot undo what the company decided.
"""

from collections.abc import Callable
from pathlib import PurePosixPath

from policies.errors import PolicyFileError
from policies.language.document import parse
from policies.language.tree import Node, Sources

MAX_FILES = 32
_ENDINGS = (".yaml", ".yml")
_LISTS = ("rules", "exceptions", "cases", "budgets")

type ReadFile = Callable[[str], bytes]
"""Reads a file by its path relative to the first one's folder; raises OSError."""


def join(data: bytes | str, file: str, read: ReadFile, bundled: ReadFile, sources: Sources) -> Node:
    """The tree of a file with all its includes. Raises PolicyFileError, also for circles and missing files."""
    return _Join(read, bundled, sources).tree(data, file, "", ())


class _Join:
    def __init__(self, read: ReadFile, bundled: ReadFile, sources: Sources) -> None:
        self._read = read
        self._bundled = bundled
        self._sources = sources

    def tree(self, data: bytes | str, file: str, folder: str, chain: tuple[str, ...]) -> Node:
        node = parse(data, file, self._sources)
        if not isinstance(node.value, dict):
            message = "a policy is a mapping (`key: value` lines)"
            raise PolicyFileError([self._sources.problem(node.place, message, "wrong_type")])
        listed = node.value.get("include")
        if listed is None:
            return node
        names = listed.value if isinstance(listed.value, list) else [listed]
        bases = [self._base(one, folder, (*chain, file)) for one in names]
        for base in reversed(bases):
            node = _overlay(base, node, top=True)
        return node

    def _base(self, named: Node, folder: str, chain: tuple[str, ...]) -> Node:
        name = named.value
        if not isinstance(name, str) or not name:
            self._fail(named, "an include is the name of a file", "wrong_type")
        if name.startswith("bundled:"):
            if name in chain:
                self._fail(named, f"'{name}' includes itself", "include_circle")
            return self.tree(self._fetch(named, self._bundled, name.removeprefix("bundled:")), name, "", (*chain, name))
        path = PurePosixPath(name)
        if path.is_absolute() or "\\" in name or ":" in name:
            self._fail(named, "an include is a path relative to this file", "include_path", "write it without a root")
        relative = _normal(f"{folder}/{name}" if folder else name)
        if relative.startswith("../"):
            self._fail(named, "an include stays inside the policy's folder", "include_path")
        if path.suffix not in _ENDINGS:
            # Beside a policy lie keys and settings, and what is wrong with a file is told with the line it stands on.
            self._fail(named, "an include is another policy file", "include_path", "its name ends in .yaml or .yml")
        if relative in chain or (len(chain) == 1 and relative == PurePosixPath(chain[0]).name):
            self._fail(named, f"'{name}' includes itself", "include_circle", " -> ".join((*chain, relative)))
        if len(self._sources.files) >= MAX_FILES:
            self._fail(named, f"more than {MAX_FILES} files are included", "too_large")
        parent = str(PurePosixPath(relative).parent)
        data = self._fetch(named, self._read, relative)
        return self.tree(data, relative, "" if parent == "." else parent, (*chain, relative))

    def _fetch(self, named: Node, read: ReadFile, name: str) -> bytes:
        try:
            return read(name)
        except OSError as error:
            reason = error.strerror or "cannot be read"
            problem = self._sources.problem(named.place, f"'{name[:100]}': {reason}", "include_missing")
            raise PolicyFileError([problem]) from None

    def _fail(self, named: Node, message: str, code: str, hint: str = "") -> None:
        raise PolicyFileError([self._sources.problem(named.place, message, code, hint)])


def _normal(path: str) -> str:
    """A relative path without `.` and inner `..`."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def _overlay(base: Node, over: Node, *, top: bool = False) -> Node:
    """Base and overlay as one mapping; the overlay wins."""
    joined = Node(dict(base.value), over.place, dict(base.keys))
    for key, node in over.value.items():
        old = joined.value.get(key)
        both = old is not None and node.value is not None
        if top and key in _LISTS and both and isinstance(old.value, list) and isinstance(node.value, list):
            joined.value[key] = Node(_ordered(old.value, node.value), node.place)
        elif both and isinstance(old.value, dict) and isinstance(node.value, dict):
            joined.value[key] = _overlay(old, node)
        else:
            joined.value[key] = node
        joined.keys[key] = over.keys[key]
    if top and "rules" not in over.value and "rules" in joined.value and isinstance(joined.value["rules"].value, list):
        joined.value["rules"] = Node(_ordered(joined.value["rules"].value, []), joined.value["rules"].place)
    return joined


def _ordered(base: list[Node], over: list[Node]) -> list[Node]:
    """The base's final rules, the overlay, the rest of the base."""
    final = [node for node in base if _final(node)]
    return [*final, *over, *(node for node in base if not _final(node))]


def _final(node: Node) -> bool:
    return isinstance(node.value, dict) and "final" in node.value and node.value["final"].value == "yes"
