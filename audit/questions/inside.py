"""Conditions on what stands inside an entry's JSON, in the words of each database.

An entry is canonical JSON of this package's own making; a path is of names from the record classes. Comparing is by
text: every value in question is a name, a term or a whole number.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

type Part = tuple[str, Sequence[str]]
"""A key of a list's parts, "" where the parts are plain values, and the values that it may have."""


@dataclass(frozen=True, slots=True)
class Inside:
    """Where a field stands: at a path, or, where a list stands there, below each of its parts.

    of_outcome: in the outcome's entry. whole: it is a whole number.
    """

    path: tuple[str, ...]
    below: tuple[str, ...]
    listed: bool
    of_outcome: bool
    whole: bool


class Holds(sa.ColumnElement[bool]):
    """Whether an entry says something: one value at a path, or a part of a list that fits every condition."""

    inherit_cache = False
    type = sa.Boolean()

    def __init__(self, body: sa.ColumnElement[Any], path: Sequence[str], parts: Sequence[Part], *, listed: bool):
        self.body, self.path, self.parts, self.listed = body, tuple(path), tuple(parts), listed

    @classmethod
    def at(cls, body: sa.ColumnElement[Any], path: Sequence[str], values: Sequence[str]) -> Self:
        """One of these values stands at the path."""
        return cls(body, path, [("", values)], listed=False)

    @classmethod
    def any_of(cls, body: sa.ColumnElement[Any], path: Sequence[str], parts: Sequence[Part]) -> Self:
        """A part of the list at the path has, under each key, one of its values."""
        return cls(body, path, parts, listed=True)


@compiles(Holds, "sqlite")
def _sqlite(holds: Holds, compiler: SQLCompiler, **kw: Any) -> str:
    def bound(text: str) -> str:
        return str(compiler.process(sa.literal(text), **kw))

    def fits(of: str, path: str, values: Sequence[str]) -> str:
        text = f"json_extract({of}, {bound(path)})" if path else of
        return f"CAST({text} AS TEXT) IN ({', '.join(map(bound, values))})"

    document, path = f"CAST({compiler.process(holds.body, **kw)} AS TEXT)", "$." + ".".join(holds.path)
    if not holds.listed:
        return fits(document, path, holds.parts[0][1])
    each = " AND ".join(fits("part.value", key and f"$.{key}", values) for key, values in holds.parts)
    return f"EXISTS (SELECT 1 FROM json_each({document}, {bound(path)}) AS part WHERE {each})"  # noqa: S608 - every value is bound


@compiles(Holds, "postgresql")
def _postgresql(holds: Holds, compiler: SQLCompiler, **kw: Any) -> str:
    def bound(text: str) -> str:
        return str(compiler.process(sa.literal(text), **kw))

    def fits(of: str, path: Sequence[str], values: Sequence[str]) -> str:
        text = f"jsonb_extract_path_text({', '.join((of, *map(bound, path)))})" if path else f"{of} #>> '{{}}'"
        return f"{text} IN ({', '.join(map(bound, values))})"

    document = f"convert_from({compiler.process(holds.body, **kw)}, 'UTF8')::jsonb"
    if not holds.listed:
        return fits(document, holds.path, holds.parts[0][1])
    listed = f"jsonb_extract_path({', '.join((document, *map(bound, holds.path)))})"
    each = " AND ".join(fits("part.value", [key] if key else [], values) for key, values in holds.parts)
    return f"EXISTS (SELECT 1 FROM jsonb_array_elements({listed}) AS part(value) WHERE {each})"  # noqa: S608 - every value is bound
