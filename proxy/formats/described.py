"""What each format does with each place of a request, for people: the second half of docs/formats.md.

It is made from the very tables that the formats run on, so it cannot say anything else; a test compares the two.
`python -m proxy.formats.described` prints it.
"""

import sys
from collections.abc import Iterator

from proxy.formats import ALL
from proxy.formats.core import JsonFormat, Operation
from proxy.formats.shape import Shape, Use

MARK = "a test compares):\n\n"
"""What the page by hand ends with."""


def page() -> str:
    """The operations and tables of every format, in Markdown."""
    return "\n".join("\n".join(_format(item)) + "\n" for item in _tables())


def _tables() -> list[JsonFormat]:
    return [item for item in ALL if isinstance(item, JsonFormat)]


def _format(item: JsonFormat) -> Iterator[str]:
    yield f"## {item.name}\n"
    yield "| operation | methods | path | streams | kept by the provider |"
    yield "|---|---|---|---|---|"
    for one in item.operations:
        path = one.path.pattern.replace("|", "\\|")
        yield f"| {one.name} | {', '.join(sorted(one.methods))} | `{path}` | {one.streams.value} | {_kept(one)} |"
    shown: dict[int, str] = {}
    for one in item.operations:
        if not (one.request.members or one.request.element):
            continue
        first = shown.setdefault(id(one.request), one.name)
        if first == one.name:
            same = ", ".join(other.name for other in item.operations if other.request is one.request)
            yield f"\nRequests of {same}:\n"
            yield from _places(one.request)


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
    found: dict[str, dict[str, list[str]]] = {"structural": {}, "opaque": {}, "media": {}, "JSON Schema": {}}
    same: list[str] = []
    known = {
        id(one.request): f"requests of {item.name} {one.name}"
        for item in reversed(_tables())
        for one in reversed(item.operations)
    }
    for parent, name, kind in _walk(shape, "", {key: told for key, told in known.items() if key != id(shape)}):
        if kind in found:
            found[kind].setdefault(parent, []).append(name)
        else:
            same.append(f"`{parent}{name}` like {kind}")
    for kind, parents in found.items():
        if parents:
            yield f"- {kind}: " + ", ".join(_joined(parent, names) for parent, names in parents.items())
    if same:
        yield "- " + ", ".join(same)


def _joined(parent: str, names: list[str]) -> str:
    place = names[0] if len(names) == 1 else "{" + ",".join(names) + "}"
    return f"`{parent}{place}`"


def _walk(shape: Shape, path: str, shown: dict[int, str]) -> Iterator[tuple[str, str, str]]:
    """(parent, name, what it is) of every place that is not plain text; a shape that was shown is named by its place.

    shown: shapes with members -> where they were shown first.
    """
    children = [*shape.members.items()]
    inner = shape.element or shape.other
    if inner is not None and not _any_depth(inner):
        children.append(("*", inner))
    for name, child in children:
        if _spelled_twice(name, children, child):
            continue
        if "$ref" in child.members:
            yield path, name, "JSON Schema"
            continue
        deep = child.element if child.element is not None and _any_depth(child.element) else None
        use = deep.use if deep is not None else child.use
        if use is not Use.TEXT:
            yield path, name + ("/**" if deep is not None else ""), use.value
        if child.members or (child.element is not None and deep is None):
            if id(child) in shown:
                yield path, name, shown[id(child)]
                continue
            shown[id(child)] = f"`{path}{name}`"
            yield from _walk(child, f"{path}{name}/", shown)


def _any_depth(shape: Shape) -> bool:
    return shape.element is shape and not shape.members


def _spelled_twice(name: str, children: list[tuple[str, Shape]], child: Shape) -> bool:
    """Whether this is the snake_case of a key that stands here in camelCase already."""
    first, *rest = name.split("_")
    camel = first + "".join(part.capitalize() for part in rest)
    return camel != name and any(other == camel and one is child for other, one in children)


if __name__ == "__main__":
    sys.stdout.write(page())
