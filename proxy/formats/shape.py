"""What the places of a JSON body are for: a table of paths, compiled into a tree that the scanner walks along.

A format lists what is structure, what is opaque, what is media; a place that no path names is text. Only names of a
provider's API enter, never a value of a request. Shapes are built once at import and not changed afterwards.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from redaction.segment import SegmentKind


class Use(StrEnum):
    """What a string at a place is.

    TEXT: inspected in requests, restored as a whole in responses. STRUCTURAL: ids, names, enum values; untouched while
    it looks like one (`jsonscan.IDENTIFIER`), else text. OPAQUE: bytes of the provider's own, signed or encrypted.
    MEDIA: base64, a data: URL or a reference. DELTA (responses): a piece of a growing string.
    """

    TEXT = "text"
    STRUCTURAL = "structural"
    OPAQUE = "opaque"
    MEDIA = "media"
    DELTA = "delta"


@dataclass(slots=True, eq=False)
class Shape:
    """One place. members: listed keys; element: of an array; other: of keys that are not listed (None: unknown).

    kind: whose words stand here and below; None: as above. note: the value is remembered under this name, for the
    objects around it (`role`, `mime`, `index`, `close`, `tool`, `call`), or with `@` before it for the whole body
    (`@model`).
    free: the app's own data, in which a number may become a string. tokens: an array of numbers here is text in
    disguise (token ids). json: the string is itself a JSON document. once: belongs to one event of a channel, so an
    event that we add does not carry it. joined: elements at different positions continue the same growing strings.
    named: unlisted keys are names that a program refers to, so they are structure where they are identifiers.
    medium: MEDIA that stands in the string as it is, of this type, while it looks like it.
    """

    use: Use = Use.TEXT
    kind: SegmentKind | None = None
    note: str = ""
    free: bool = False
    tokens: bool = False
    json: bool = False
    once: bool = False
    joined: bool = False
    named: bool = False
    medium: str = ""
    members: dict[str, "Shape"] = field(default_factory=dict)
    element: "Shape | None" = None
    other: "Shape | None" = None

    def member(self, key: str) -> "Shape":
        """The shape of a key's value."""
        return self.members.get(key) or self.other or UNKNOWN

    def item(self) -> "Shape":
        """The shape of an array's elements."""
        return self.element or self.other or UNKNOWN


UNKNOWN = Shape()
"""What no table names: text at any depth."""


def free(kind: SegmentKind | None = None, use: Use = Use.TEXT) -> Shape:
    """Data of the app at any depth: strings and keys are text, numbers may become strings."""
    shape = Shape(use=use, kind=kind, free=True)
    shape.element = shape.other = shape
    return shape


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a format's table: paths and what holds there. graft: this very shape stands there."""

    paths: str
    use: Use | None = None
    kind: SegmentKind | None = None
    note: str = ""
    tokens: bool = False
    json: bool = False
    once: bool = False
    joined: bool = False
    free: bool = False
    medium: str = ""
    graft: Shape | None = None


def structural(paths: str, *, note: str = "", once: bool = False) -> Rule:
    """Ids, names, enum values and known numbers. once: see `Shape`."""
    return Rule(paths, Use.STRUCTURAL, note=note, once=once)


def opaque(paths: str, *, once: bool = False) -> Rule:
    """Signed or encrypted bytes that only the provider can read."""
    return Rule(paths, Use.OPAQUE, once=once)


def media(paths: str, *, medium: str = "") -> Rule:
    """Base64 data, data: URLs, references to files. medium: see `Shape`."""
    return Rule(paths, Use.MEDIA, medium=medium)


def text(paths: str, kind: SegmentKind | None = None, *, note: str = "", tokens: bool = False) -> Rule:
    """Words; listed only to say whose they are."""
    return Rule(paths, Use.TEXT, kind=kind, note=note, tokens=tokens)


def app_data(paths: str, kind: SegmentKind | None = None) -> Rule:
    """An object of the app's own making, at any depth."""
    return Rule(paths, graft=free(kind))


def delta(paths: str, kind: SegmentKind | None = None, *, json: bool = False) -> Rule:
    """Pieces of a growing string. json: it grows into a JSON document."""
    return Rule(paths, Use.DELTA, kind=kind, json=json)


def joined(paths: str) -> Rule:
    """Elements of a list whose strings go on in the next event, at whatever position."""
    return Rule(paths, joined=True)


def graft(paths: str, shape: Shape) -> Rule:
    """A shape that was built before."""
    return Rule(paths, graft=shape)


_BRACES = re.compile(r"\{([^{}]*)\}")
_CAMEL = re.compile(r"(?<=[a-z0-9])([A-Z])")


def expand(paths: str) -> Iterator[str]:
    """`a/{b,c} d` as `a/b`, `a/c`, `d`."""
    for path in paths.split():
        match = _BRACES.search(path)
        if match is None:
            yield path
            continue
        for choice in match[1].split(","):
            yield from expand(path[: match.start()] + choice + path[match.end() :])


def build(*rules: Rule, fold: bool = False, other: Shape | None = None) -> Shape:
    """The tree of a table. fold: `camelCase` and `snake_case` are the same key (proto JSON).

    `*` in a path stands for any element and any key that is not listed, `**` (at its end) for any depth.
    """
    root = Shape(other=other)
    for rule in rules:
        for path in expand(rule.paths):
            _place(root, path.strip("/").split("/"), rule, fold)
    return root


def _place(shape: Shape, parts: list[str], rule: Rule, fold: bool) -> None:
    *before, last = parts if parts != [""] else [""]
    for part in before:
        shape = _step(shape, part, fold)
    if rule.graft is not None:
        _set(shape, last, rule.graft, fold)
        return
    if last == "**":
        shape.element = shape.other = target = Shape()
        target.element = target.other = target
    else:
        target = _step(shape, last, fold) if last else shape
    target.use = rule.use or target.use
    target.kind = rule.kind or target.kind
    target.note = rule.note or target.note
    target.tokens, target.json = target.tokens or rule.tokens, target.json or rule.json
    target.once, target.free = target.once or rule.once, target.free or rule.free
    target.joined, target.medium = target.joined or rule.joined, rule.medium or target.medium


def _step(shape: Shape, part: str, fold: bool) -> Shape:
    found = (shape.element or shape.other) if part == "*" else shape.members.get(part)
    if found is None:
        found = Shape()
        _set(shape, part, found, fold)
    return found


def _set(shape: Shape, part: str, child: Shape, fold: bool) -> None:
    if part in ("*", "**"):
        shape.element = shape.other = child
        return
    shape.members[part] = child
    if fold:
        shape.members[_CAMEL.sub(lambda match: "_" + match[1].lower(), part)] = child
