"""What each format does with each place of a request and an answer, for people: the second half of docs/formats.md.

It is made from the very tables that the formats run on, so it cannot say anything else; a test compares the two.
`python -m proxy.formats.described docs/formats.md` writes it there, without a path it is printed.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from proxy.formats import ALL
from proxy.formats.core import JsonFormat, Operation
from proxy.formats.shape import Shape, Use
from redaction.segment import SegmentKind

MARK = "a test compares):\n\n"
"""What the page by hand ends with."""

_LET_ALONE = (Use.OPAQUE, Use.MEDIA)
_HEAD = "| operation | methods | path | what becomes of a request | streams | kept by the provider |"

type Of = Callable[[Operation], Shape]
type Told = Callable[[Shape], Iterator[str]]


@dataclass(frozen=True, slots=True)
class Listed:
    """One place of a table. like: where the same places are listed already, else ""."""

    parent: str
    name: str
    shape: Shape
    like: str = ""


def page() -> str:
    """The operations and tables of every format, in Markdown."""
    return "\n".join("\n".join(_format(item)) + "\n" for item in _tables())


def written(text: str) -> str:
    """The whole page with its second half made anew. Raises ValueError where the page has lost its mark."""
    by_hand, mark, _ = text.partition(MARK)
    if not mark:
        raise ValueError(f"no line of the page ends with: {MARK.strip()}")
    return by_hand + mark + page()


def _tables() -> list[JsonFormat]:
    return [item for item in ALL if isinstance(item, JsonFormat)]


def _format(item: JsonFormat) -> Iterator[str]:
    yield f"## {item.name}\n"
    yield _HEAD
    yield "|---|---|---|---|---|---|"
    for one in item.operations:
        path = one.path.pattern.replace("|", "\\|")
        methods = ", ".join(sorted(one.methods))
        yield f"| {one.name} | {methods} | `{path}` | {_becomes(one)} | {one.streams.value} | {_kept(one)} |"
    yield from _shown(item, "Requests", lambda one: one.request, _places)
    yield from _shown(item, "Answers", lambda one: one.answer, _not_restored)


def _shown(item: JsonFormat, what: str, shape_of: Of, told: Told) -> Iterator[str]:
    """Each shape once, under the names of all operations that have it."""
    shown: set[int] = set()
    for one in item.operations:
        shape = shape_of(one)
        if id(shape) in shown or not (shape.members or shape.element):
            continue
        shown.add(id(shape))
        lines = list(told(shape))
        if lines:
            same = ", ".join(other.name for other in item.operations if shape_of(other) is shape)
            yield f"\n{what} of {same}:\n"
            yield from lines


def _becomes(one: Operation) -> str:
    if one.refused:
        return f"refused: {one.refused}"
    if one.session is not None:
        told = "a session: each message inspected"
    elif one.uploads:
        told = "any content type, inspected"
    else:
        told = "inspected" if one.request.members or one.request.element else "inspected, every string"
    return f"{told}; refused unless the policy lets `{one.beside}` pass" if one.beside else told


def _kept(one: Operation) -> str:
    if one.creates:
        return "always"
    if one.stores:
        return "unless it says `store: false`"
    return "where it says `store: true`" if _notes_store(one.request) else "no"


def _notes_store(shape: Shape) -> bool:
    field = shape.members.get("store")
    return field is not None and field.note == "@store"


def _places(shape: Shape) -> Iterator[str]:
    """What is let alone, what is opened, and whose words are where."""
    known = {
        id(one.request): f"requests of {item.name} {one.name}"
        for item in reversed(_tables())
        for one in reversed(item.operations)
    }
    listed = list(_walk(shape, "", {key: told for key, told in known.items() if key != id(shape)}))
    for use in (Use.STRUCTURAL, *_LET_ALONE):
        yield from _line(use.value, [one for one in listed if not one.like and _use(one.shape) is use])
    yield from _line("JSON Schema", [one for one in listed if "$ref" in one.shape.members])
    words = [one for one in listed if not one.like and _use(one.shape) is Use.TEXT and "$ref" not in one.shape.members]
    for kind in dict.fromkeys(kind for one in words if (kind := _kind(one.shape))):
        yield from _line(f"words, `{kind.value}`", [one for one in words if _kind(one.shape) is kind])
    same = [f"`{one.parent}{one.name}` like {one.like}" for one in listed if one.like]
    if same:
        yield "- " + ", ".join(same)


def _not_restored(shape: Shape) -> Iterator[str]:
    listed = list(_walk(shape, "", {}))
    for use in _LET_ALONE:
        yield from _line(f"let alone, {use.value}", [one for one in listed if not one.like and _use(one.shape) is use])


def _line(told: str, listed: list[Listed]) -> Iterator[str]:
    parents: dict[str, list[str]] = {}
    for one in listed:
        parents.setdefault(one.parent, []).append(one.name + ("/**" if _deep(one.shape) else ""))
    if parents:
        yield f"- {told}: " + ", ".join(_joined(parent, names) for parent, names in parents.items())


def _joined(parent: str, names: list[str]) -> str:
    place = names[0] if len(names) == 1 else "{" + ",".join(names) + "}"
    return f"`{parent}{place}`"


def _walk(shape: Shape, path: str, shown: dict[int, str]) -> Iterator[Listed]:
    """Every place of a shape; one that was shown before is named by its place.

    shown: shapes with members -> where they were shown first.
    """
    children = [*shape.members.items()]
    inner = shape.element or shape.other
    if inner is not None and not _any_depth(inner):
        children.append(("*", inner))
    for name, child in children:
        if _spelled_twice(name, children, child):
            continue
        yield Listed(path, name, child)
        if "$ref" in child.members:
            continue
        if child.members or (child.element is not None and not _deep(child)):
            if id(child) in shown:
                yield Listed(path, name, child, shown[id(child)])
                continue
            shown[id(child)] = f"`{path}{name}`"
            yield from _walk(child, f"{path}{name}/", shown)


def _use(shape: Shape) -> Use:
    return shape.element.use if shape.element is not None and _any_depth(shape.element) else shape.use


def _kind(shape: Shape) -> SegmentKind | None:
    return shape.kind or (shape.element.kind if shape.element is not None and _any_depth(shape.element) else None)


def _deep(shape: Shape) -> bool:
    return shape.element is not None and _any_depth(shape.element)


def _any_depth(shape: Shape) -> bool:
    return shape.element is shape and not shape.members


def _spelled_twice(name: str, children: list[tuple[str, Shape]], child: Shape) -> bool:
    """Whether this is the snake_case of a key that stands here in camelCase already."""
    first, *rest = name.split("_")
    camel = first + "".join(part.capitalize() for part in rest)
    return camel != name and any(other == camel and one is child for other, one in children)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        target = Path(sys.argv[1])
        target.write_text(written(target.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        sys.stdout.write(page())
