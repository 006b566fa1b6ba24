"""From a YAML file to the tree that remembers where everything stood.

YAML 1.2 only (so `no` is a word, not False), one document, no anchors, no tags, no merge keys, no duplicate keys, and
limits on size, depth and number of values: whatever is legal here means what it looks like. Text enters, a tree or a
list of problems leaves; nothing is ever constructed from a tag and no file is opened here.
"""

import re
from collections.abc import Iterator
from typing import Any, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLStreamError, YAMLWarning
from ruamel.yaml.reader import ReaderError
from yaml import CSafeLoader, YAMLError, __with_libyaml__

from policies.errors import PolicyFileError, Problem
from policies.language.tree import Node, Place, Sources

# A policy of 2,000 rules has about 300 kB and 40,000 values; both limits leave room for several times that.
MAX_BYTES = 2 * 1024 * 1024
MAX_VALUES = 250_000
# The language itself needs eight levels.
MAX_DEPTH = 24
MAX_PROBLEMS = 50

_OF_YAML_1_1 = re.compile(
    r"""[\t\x85\u2028\u2029\ufeff]|(?:^|[\s,\[{])[?&*!%]|[\]}]:\S|[^\s,\[{]['"]:\S|[|>][0-9+-]*#|^(?:---|\.\.\.)""",
    re.M,
)
"""Where libyaml and YAML 1.2 could part: tabs, other line breaks, `? key`, anchors, tags, directives, `"key":value`,
comments right after `|`, several documents."""

type Event = Any
"""An event of one of the two parsers: they have the same names and fields."""


def parse(data: bytes | str, file: str, sources: Sources) -> Node:
    """The tree of one file. Raises PolicyFileError naming line and column."""
    text = _decode(data, file)
    sources.add(file, text)
    found = _quickly(text, file, sources)
    return found if found is not None else _exactly(text, file, sources)


def _quickly(text: str, file: str, sources: Sources) -> Node | None:
    """The tree by libyaml, which is ten times as fast; None where it is not installed, or where anything is wrong or
    could mean something else in YAML 1.1: then `_exactly` says what."""
    if not __with_libyaml__ or _OF_YAML_1_1.search(text):
        return None
    try:
        return _Builder(file, sources, _events(CSafeLoader(text))).document()
    except (YAMLError, PolicyFileError, ValueError, RecursionError):
        return None


def _events(loader: Any) -> Iterator[Event]:
    """What libyaml says. Raises ValueError at a value that is left empty: the two do not agree where it stands."""
    while (event := loader.get_event()) is not None:
        if type(event).__name__ == "ScalarEvent" and not event.value and event.implicit[0]:
            raise ValueError("an empty value")
        yield event


def _exactly(text: str, file: str, sources: Sources) -> Node:
    place = Place(file, 1, 1)
    yaml = YAML(typ="safe", pure=True)
    try:
        return _Builder(file, sources, yaml.parse(text)).document()
    except ReaderError as error:
        before = text[: error.position]
        where = Place(file, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)
        message = f"the character U+{ord(text[error.position]):04X} may not stand in YAML"
        raise PolicyFileError([sources.problem(where, message, "character")]) from None
    except MarkedYAMLError as error:
        problem = str(error.problem or error.context or "not YAML")
        begun = any(part in problem for part in _POINT_AT_BEGINNING)
        mark = (error.context_mark if begun else None) or error.problem_mark or error.context_mark
        where = Place(file, mark.line + 1, mark.column + 1) if mark else place
        message, hint = _explain(problem, sources.line(where))
        raise PolicyFileError([sources.problem(where, message, "yaml", hint)]) from None
    except (YAMLStreamError, YAMLWarning, ValueError, RecursionError) as error:
        raise PolicyFileError([sources.problem(place, f"not YAML: {type(error).__name__}", "yaml")]) from None


def _decode(data: bytes | str, file: str) -> str:
    size = len(data) if isinstance(data, bytes) else len(data.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        message = f"the file has {size:,} bytes; a policy may have {MAX_BYTES:,}"
        raise PolicyFileError([Problem(file, 0, 0, message, "too_large", hint="split it with `include`")])
    if isinstance(data, str):
        return data.removeprefix("\ufeff")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        message = f"byte 0x{data[error.start]:02X} is not UTF-8"
        raise PolicyFileError(
            [Problem(file, line, column, message, "encoding", hint="save the file as UTF-8")]
        ) from None


# What is never ended is shown where it began, not where the file ends.
_POINT_AT_BEGINNING = ("expected ',' or", "could not find expected ':'", "unexpected end of stream", "end of stream")


def _explain(problem: str, line: str) -> tuple[str, str]:
    """The parser's words in ours, and what was probably meant."""
    if "\\t" in problem or "'\t'" in problem or ("\t" in line and line[: len(line) - len(line.lstrip())].count("\t")):
        return "a tab stands where YAML wants spaces", "indent with spaces, two per level"
    if "mapping values are not allowed" in problem and line.count(":") == 1:
        return "this line is indented too far", "align it with the other keys of the same mapping"
    for part, (message, hint) in _YAML_WORDS.items():
        if part in problem:
            return message, hint
    return f"not YAML: {problem}", ""


_YAML_WORDS = {
    "mapping values are not allowed": (
        "a second `: ` stands in this line",
        "put a text that contains `: ` in quotation marks",
    ),
    "could not find expected ':'": ("a key without `:`", "write `key: value`, and a list item as `- value`"),
    "expected <block end>": ("this line is indented differently from its neighbours", "align it with the line above"),
    "expected ',' or ']'": ("a list in [ ] does not end", "close it with `]`"),
    "expected ',' or '}'": ("a mapping in { } does not end", "close it with `}`"),
    "unexpected end of stream": ("a quotation mark or bracket is never closed", "close it"),
    "found unknown escape character": (
        "a backslash in double quotation marks begins an escape",
        "use single quotation marks for patterns and paths",
    ),
    "cannot start any token": ("this character cannot begin a value", "put the value in quotation marks"),
    "<document start>": ("something stands after the end of the policy", "delete it"),
    "found duplicate": ("this key stands twice", "keep one of the two"),
}


class _Builder:
    """Events to tree; an explicit stack instead of recursion, so that depth costs nothing but a check."""

    def __init__(self, file: str, sources: Sources, events: Iterator[Event]) -> None:
        self._file = file
        self._sources = sources
        self._events = events
        self._root: Node | None = None
        self._stack: list[tuple[Node, list[tuple[str, Place]]]] = []
        self._values = 0

    def document(self) -> Node:
        for event in self._events:
            # Both libraries call their events the same, and give them the same fields.
            match type(event).__name__:
                case "ScalarEvent":
                    self._scalar(event)
                case "MappingStartEvent" | "SequenceStartEvent":
                    self._open(event)
                case "MappingEndEvent" | "SequenceEndEvent":
                    self._stack.pop()
                case "DocumentStartEvent":
                    self._document_start(event)
                case "AliasEvent":
                    self._fail(event, "anchors and aliases are not used in policies", "anchor", _NO_ANCHOR)
                case "DocumentEndEvent" if self._root is None:
                    break
                case _:
                    pass
        if self._root is None or self._root.value is None:
            place = Place(self._file, 1, 1)
            raise PolicyFileError([self._sources.problem(place, "the file is empty", "empty", _NEW)])
        return self._root

    def _document_start(self, event: Event) -> None:
        if self._root is not None:
            self._fail(event, "a second document begins here", "documents", "keep one policy per file")
        if event.version is not None and tuple(event.version) != (1, 2):
            self._fail(event, "policies are YAML 1.2", "yaml_version", "delete the %YAML line")

    def _scalar(self, event: Event) -> None:
        if self._stack and isinstance(self._stack[-1][0].value, dict) and not self._stack[-1][1]:
            self._check(event, event.tag)
            self._key(event)
            return
        plain = bool(event.implicit[0])
        self._check(event, event.tag)
        self._attach(Node(scalar(event.value) if plain else event.value, self._place(event)))

    def _key(self, event: Event) -> None:
        node, pending = self._stack[-1]
        key, place = str(event.value), self._place(event)
        if key == "<<" and event.implicit[0]:
            self._fail(event, "merge keys are not used in policies", "anchor", _NO_ANCHOR)
        if key in node.value:
            first = node.keys[key]
            hint = f"it stands in line {first.line} already; keep one of the two"
            self._fail(event, f"the key '{key[:60]}' stands twice", "duplicate_key", hint)
        pending.append((key, place))

    def _open(self, event: Event) -> None:
        self._check(event, event.tag)
        if len(self._stack) >= MAX_DEPTH:
            self._fail(event, f"values are nested deeper than {MAX_DEPTH} levels", "too_deep")
        if self._stack and isinstance(self._stack[-1][0].value, dict) and not self._stack[-1][1]:
            self._fail(event, "a list or mapping cannot be a key", "key", "write `key: value`")
        mapping = type(event).__name__ == "MappingStartEvent"
        empty: dict[str, Node] | list[Node] = {} if mapping else []
        node = Node(empty, self._place(event))
        self._attach(node)
        self._stack.append((node, []))

    def _attach(self, node: Node) -> None:
        if not self._stack:
            self._root = node
            return
        parent, pending = self._stack[-1]
        if isinstance(parent.value, list):
            parent.value.append(node)
            return
        key, place = pending.pop()
        parent.value[key] = node
        parent.keys[key] = place

    def _check(self, event: Event, tag: object) -> None:
        self._values += 1
        if self._values > MAX_VALUES:
            self._fail(event, f"the file holds more than {MAX_VALUES:,} values", "too_large")
        if event.anchor is not None:
            self._fail(event, "anchors and aliases are not used in policies", "anchor", _NO_ANCHOR)
        if tag is not None:
            self._fail(event, f"the tag {str(tag)[:60]} has no place in a policy", "tag", "delete it")

    def _place(self, event: Event) -> Place:
        mark = event.start_mark
        return Place(self._file, mark.line + 1, mark.column + 1)

    def _fail(self, event: Event, message: str, code: str, hint: str = "") -> NoReturn:
        raise PolicyFileError([self._sources.problem(self._place(event), message, code, hint)])


_NO_ANCHOR = "write the value out, or name it once as a group"
_NEW = "`dragoman policy new` writes a commented file to start from"

_INT = re.compile(r"[-+]?[0-9]{1,18}\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?\Z")
_WORDS: dict[str, bool | None] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}


def scalar(text: str) -> str | int | float | bool | None:
    """A plain scalar by the YAML 1.2 core schema, without octal, hexadecimal, infinity and not-a-number.

    `0171` stays text, because a number that begins with 0 is an identifier in every policy.
    """
    if text in _WORDS:
        return _WORDS[text]
    if _INT.match(text) and not (len(text.lstrip("-+")) > 1 and text.lstrip("-+")[0] == "0"):
        return int(text)
    if _FLOAT.match(text) and not _INT.match(text):
        return float(text)
    return text
