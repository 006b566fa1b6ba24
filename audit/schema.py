"""The record's schema: as JSON Schema for programs, as a page for people; both are made from the fields themselves.

`dragoman audit schema` prints them. docs/audit-record.md is the page as it stands; a test keeps it so.
"""

from collections.abc import Iterator
from typing import Any

from audit.canonical import KINDS
from audit.checks import Check, Closed, Many, Maybe, Text, Whole
from audit.fields import NAME, ULID, Nested, schema_of, table
from audit.record import MAX_ENTRY_BYTES, VERSION

_STAMP: dict[str, tuple[dict[str, Any], str]] = {
    "v": ({"const": VERSION}, "Version of this schema."),
    "kind": ({}, "What kind of record it is."),
    "node": (dict(NAME.schema()), "Machine that wrote the entry."),
    "boot": (dict(ULID.schema()), "Start of the process that wrote it."),
    "node_seq": ({"type": "integer", "minimum": 0}, "Its number within that start, from 0 without a hole."),
}
_MERGED = ({"type": "integer", "minimum": 1, "maximum": 3}, "How far rows of findings were merged to fit into 8 kB.")

INTRODUCTION = f"""\
# The audit record, field by field

Every transfer leaves two entries in the log: a `transfer` before the first byte is sent, an `outcome` after it. What
was refused leaves a `blocked`, and whatever changes, stops, reads or undoes something leaves an entry of its own kind.

An entry holds facts only: values from closed sets, names that your policy gives, whole numbers, yes or no, ids and
digests. There is no free text, no value that was found, no original of a placeholder and no identifier of a person.
Persons and sessions stand as references: random values that mean something only together with a key that can be
destroyed. **As long as that key exists a reference is personal data for whoever holds the key.**

Facts about a destination and a purpose are those that your register and policy declared when the transfer was made.
`unknown` is a value; nothing is guessed. Times are milliseconds since 1970 UTC. A field that is empty is left out.
An entry has at most {MAX_ENTRY_BYTES} bytes: where more was found, rows are merged (`findings_merged`) and what still
does not fit is counted (`..._overflow`).

This page is made from the program (`dragoman audit schema --page`); `dragoman audit schema` prints the same as
JSON Schema 2020-12.
"""

ABOUT = {kind: (KINDS[kind].__doc__ or "").split("\n")[0] for kind in KINDS}
"""What each kind is for, in a sentence."""


def schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of every entry of the log: one of the kinds, told apart by `kind`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "dragoman audit record",
        "oneOf": [_kind(name) for name in KINDS],
    }


def _kind(name: str) -> dict[str, Any]:
    found = schema_of(KINDS[name])
    stamp = {field: {**rule, "description": text} for field, (rule, text) in _STAMP.items()}
    stamp["kind"] = {"const": name, "description": ABOUT[name]}
    if "findings" in found["properties"]:
        found["properties"]["findings_merged"] = {**_MERGED[0], "description": _MERGED[1]}
    return {
        **found,
        "title": name,
        "properties": {**stamp, **found["properties"]},
        "required": [*stamp, *found["required"]],
    }


def page() -> str:
    """The same as a page in Markdown."""
    return "\n".join(_page())


def _page() -> Iterator[str]:
    yield INTRODUCTION
    yield "## What stands in every entry\n"
    yield from _rows((name, "", text) for name, (_, text) in _STAMP.items())
    nested: dict[str, type[Any]] = {}
    for name, kind in KINDS.items():
        yield f"\n## {name}\n\n{ABOUT[name]}\n"
        yield from _rows((rule.name, _shape(rule.check, nested), rule.doc) for rule in table(kind).rules)
    yield "\n## Parts of a record"
    for name, of in _with_inner(nested).items():
        yield f"\n### {name}\n\n{(of.__doc__ or '').splitlines()[0]}\n"
        yield from _rows((rule.name, _shape(rule.check, {}), rule.doc) for rule in table(of).rules)
    yield ""


def _with_inner(nested: dict[str, type[Any]]) -> dict[str, type[Any]]:
    """The parts, and the parts of parts."""
    found: dict[str, type[Any]] = dict(nested)
    for of in nested.values():
        for rule in table(of).rules:
            _shape(rule.check, found)
    return dict(sorted(found.items()))


def _rows(rows: Any) -> Iterator[str]:
    yield "| field | holds | meaning |"
    yield "|---|---|---|"
    yield from (f"| `{name}` | {shape} | {text} |" for name, shape, text in rows)


def _shape(check: Check, nested: dict[str, type[Any]]) -> str:
    """A check in words; nested classes are gathered on the way."""
    if isinstance(check, Maybe):
        return f"{_shape(check.check, nested)}, or left out"
    if isinstance(check, Many):
        return f"up to {check.most}: {_shape(check.check, nested)}"
    if isinstance(check, Nested):
        nested[check.of.__name__] = check.of
        return f"[{check.of.__name__}](#{check.of.__name__.lower()})"
    if isinstance(check, Closed):
        return ", ".join(f"`{value}`" for value in check.values)
    if isinstance(check, Text):
        return check.says
    if isinstance(check, Whole):
        return "a whole number" if check == Whole() else f"a whole number from {check.least} to {check.most}"
    return {"Flag": "yes or no", "LegalName": "an organisation's name"}[type(check).__name__]
