"""What is wrong with a file's values, in words for the person who wrote them.

The schema's findings enter with the tree they are about; problems leave, each with its place, its line, a message and
what was probably meant. Values are quoted only where they are words of the language, never texts of cases.
"""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from policies.errors import Problem
from policies.language.document import MAX_PROBLEMS
from policies.language.tree import Node, Path, Sources

_KINDS = {
    "string_type": "a text",
    "int_type": "a whole number",
    "float_type": "a number",
    "dict_type": "a mapping (`key: value` lines)",
    "model_type": "a mapping (`key: value` lines)",
    "tuple_type": "a list (`- item` lines)",
    "list_type": "a list (`- item` lines)",
    "bool_type": "yes or no",
}

_PATTERNS = {
    r"^[a-z0-9][a-z0-9_.-]{0,63}$": "a name has lower-case letters, digits, `-`, `_` and `.`, at most 64",
    r"^[A-Z][A-Z0-9_]{1,63}$": "an entity type is written in capitals, digits and `_`, like EMPLOYEE_NUMBER",
    r"^bundled:": "only `bundled:NAME@DATE` can be extended",
    r"^[0-9a-f]{64}$": "a keyed hash has 64 hexadecimal digits; `dragoman policy except` writes it",
    r"^([A-Z]{2})?$": "a country is two capital letters (ISO 3166-1), like IE",
    r"^([A-Za-z0-9_.:/-]{1,100}=.{1,200})?$": "write NAME=VALUE, like `x-service=messenger`",
    r"^(sha256:[0-9a-f]{64})?$": "write `sha256:` and 64 hexadecimal digits; `dragoman app fingerprint` prints them",
    r"^/": "a path begins with `/`",
    r"^(/.*|claim:.+|header|)$": "a subject is a JSON pointer (`/user`), `claim:NAME`, or `header`",
    r"^https?://[A-Za-z0-9.\-\[\]:]{1,255}(/[A-Za-z0-9._~/-]*)?$": "write it with its scheme, like `https://HOST`",
    r"^(\*\.)?[a-z0-9*-]{1,63}(\.[a-z0-9*-]{1,63})*$|^[0-9a-f:]{3,39}$": (
        "write it without scheme, port and path, like `api.example.com`"
    ),
}

_KEY = "[key]"
"""Where pydantic ends the path of an error about a key itself."""
_DECIMAL = "a decimal number has a point, like 0.5; a comma begins the next key"

# What people write for yes and no in YAML 1.1 and elsewhere.
_YES_NO = {"true": "yes", "false": "no", "on": "yes", "off": "no", "y": "yes", "n": "no", "Yes": "yes", "No": "no"}


def closest(word: str, known: Iterable[str]) -> str:
    """`did you mean 'x'?` for the nearest known word, else the first known words, else ""."""
    names = list(known)
    by_case = [name for name in names if name.lower() == word.lower()]
    longer = [name for name in names if len(word) > 2 and name.startswith(word)]
    shorter = [name for name in names if len(name) > 2 and word.startswith(name)]
    near = by_case or (longer if len(longer) == 1 else []) or difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if len(longer) > 1 and not by_case:
        return f"one of {', '.join(longer)}?"
    if near or shorter:
        return f"did you mean '{(near or shorter)[0]}'?"
    if not names:
        return ""
    shown = ", ".join(names[:12])
    return f"known here: {shown}{', ...' if len(names) > 12 else ''}"


def from_validation(error: ValidationError, tree: Node, sources: Sources, root: type[BaseModel]) -> list[Problem]:
    """The schema's findings as problems, at most MAX_PROBLEMS."""
    details = [detail for detail in error.errors(include_url=False) if not _consequence(detail, tree)]
    return sorted({_problem(detail, tree, sources, root) for detail in details[:MAX_PROBLEMS]})


def _consequence(detail: ErrorDetails, tree: Node) -> bool:
    """A list is also reported as too short when its only member is wrong; the member is what matters."""
    node, _, _ = tree.find(tuple(detail["loc"]))
    return detail["type"] == "too_short" and node.value not in ([], {}, "")


def _problem(detail: ErrorDetails, tree: Node, sources: Sources, root: type[BaseModel]) -> Problem:
    path: Path = tuple(detail["loc"])
    kind = detail["type"]
    if kind in ("unknown_fact", "fact_value"):
        path = (*path, str((detail.get("ctx") or {})["name"]))
    key = next((step for step in reversed(path) if isinstance(step, str)), "")
    node, place, _ = tree.find(path)
    if kind == "extra_forbidden":
        parent, _, _ = tree.find(path[:-1])
        place = parent.keys.get(key, place)
        hint = _DECIMAL if key.isdigit() else closest(key, _keys(root, path[:-1]))
        return sources.problem(place, f"unknown key '{key[:60]}'", "unknown_key", hint)
    if path[-1:] == (_KEY,):
        rule = _PATTERNS.get(str((detail.get("ctx") or {}).get("pattern")), "")
        name, where = str(path[-2])[:60], "".join(f" under '{step}'" for step in path[-3:-2])
        return sources.problem(place, f"'{name}' cannot be a name{where}", "wrong_form", rule)
    if kind == "missing":
        return sources.problem(place, f"'{key}' is missing here", "missing_key", _WHY_MISSING.get(key, ""))
    if node.value is None:
        return sources.problem(place, f"'{key}' has no value", "no_value", "write a value, or delete the line")
    message, code, hint = _value_message(detail, node, key)
    if kind == "tuple_type" and _model(_member(_annotation(root, path))) is None:
        message = f"'{key}' should be a word or a list of words, not {describe(node.value)}"
    problem = sources.problem(node.place if _scalar(node) and kind != "unknown_fact" else place, message, code, hint)
    return replace(problem, source="") if _PRIVATE & set(path) else problem


# Lines under these keys may hold texts and values of people, or a key; no error shows them.
_PRIVATE = {"text", "values", "examples", "counterexamples", "provider_key"}

_WHY_MISSING = {
    "version": "begin the file with `version: 1`",
    "until": "every exception and every test phase ends: `until: YYYY-MM-DD`",
    "approved_by": "say who approved it",
    "id": "every rule has an id; it stands in every record that the rule decided",
    "do": "say what the rule does, for example `do: tokenize`",
    "rules": "a policy without rules would block everything",
    "name": "name the policy; its name stands in every record",
}


def _value_message(detail: ErrorDetails, node: Node, key: str) -> tuple[str, str, str]:
    kind, context = detail["type"], detail.get("ctx") or {}
    shown = describe(node.value)
    if kind in ("literal_error", "enum"):
        return _closed_word(node.value, re.findall(r"'([^']*)'", str(context.get("expected", ""))), key)
    if kind == "unknown_fact":
        name = str(context.get("name", ""))
        return f"unknown fact '{name}'", "unknown_name", closest(name, context.get("known", []))
    if kind in _KINDS:
        hint = "put it in quotation marks" if kind == "string_type" and _scalar(node) else ""
        return f"'{key}' should be {_KINDS[kind]}, not {shown}", "wrong_type", hint
    if kind == "string_pattern_mismatch":
        rule = _PATTERNS.get(str(context.get("pattern")), "")
        shown = "this" if key in _PRIVATE else f"'{str(node.value)[:60]}'"
        return f"{shown} cannot be used as '{key}'", "wrong_form", rule
    if kind in ("fact_value", "value_error"):
        return str(context.get("error", detail["msg"])), "wrong_value", ""
    if kind in ("too_short", "string_too_short"):
        return f"'{key}' is empty", "empty", ""
    if kind in ("too_long", "string_too_long"):
        return f"'{key}' is too long", "too_large", f"at most {context.get('max_length')}"
    limits = {"greater_than_equal": "ge", "greater_than": "gt", "less_than_equal": "le"}
    if kind in limits:
        bound = {"ge": "at least", "gt": "more than", "le": "at most"}[limits[kind]]
        return f"'{key}' should be {bound} {context[limits[kind]]}, not {shown}", "wrong_value", ""
    return detail["msg"], "wrong_value", ""


def _closed_word(value: Any, allowed: Sequence[str], key: str) -> tuple[str, str, str]:
    if key == "version":
        return "only version 1 of the policy language is known", "wrong_value", "write `version: 1`"
    word = str(value).lower() if isinstance(value, bool) else str(value)
    if {"yes", "no"} <= set(allowed) and word in _YES_NO:
        return f"'{key}' is yes or no", "wrong_value", f"did you mean '{_YES_NO[word]}'?"
    if not isinstance(value, str):
        return f"'{key}' should be one of {', '.join(allowed)}, not {describe(value)}", "wrong_type", ""
    return f"'{word[:60]}' is not a value of '{key}'", "unknown_word", closest(word, allowed)


def describe(value: Any) -> str:
    """What a value is, without quoting texts: `a list`, `the number 3`, `a text`."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case int() | float():
            return f"the number {value}"
        case str():
            return "a text"
        case list():
            return "a list"
        case _:
            return "a mapping"


def _scalar(node: Node) -> bool:
    return not isinstance(node.value, (dict, list))


def _keys(root: type[BaseModel], path: Path) -> list[str]:
    """The keys that the schema allows at a path."""
    model = _model(_annotation(root, path))
    return [field.alias or name for name, field in model.model_fields.items()] if model else []


def _annotation(root: type[BaseModel], path: Path) -> Any:
    """The type that the schema gives to the value at a path."""
    annotation: Any = root
    for step in path:
        model = _model(annotation)
        if model is not None:
            names = {field.alias or name: field.annotation for name, field in model.model_fields.items()}
            annotation = names.get(str(step), annotation)
        else:
            annotation = _member(annotation) or annotation
    return annotation


def _model(annotation: Any) -> type[BaseModel] | None:
    """The section behind an annotation, Optional and Annotated taken off."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _model(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return next((found for one in get_args(annotation) if (found := _model(one))), None)
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _member(annotation: Any) -> Any:
    """The type of a list's or mapping's members."""
    origin = get_origin(annotation)
    if origin is Annotated or origin in (Union, UnionType):
        return next((found for one in get_args(annotation) if (found := _member(one))), None)
    args = [one for one in get_args(annotation) if one is not Ellipsis]
    return args[-1] if origin in (tuple, list, dict) and args else None
