"""For each class of record one function that checks and encodes all its fields, written when the class is first used.

A record is made between a request and its first byte, and a loop that calls a check for each of its forty fields takes
three times as long as the checks themselves. So the checks' own lines (`Check.lines`) stand here one after another in
one function, as `dataclasses` does for `__init__`. It answers only where every value is as it should be. Whatever
else it meets it raises (`DOUBTS`), and the loop in `fields` decides: refusals have one place and one wording.
"""

import dataclasses
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any

type Hold = Callable[[object], str]
"""Gives an object a name in the lines."""
type Field = tuple[str, str, Sequence[str]]
"""Name; the condition on `x` under which it is in the entry, "" where it always is; the lines of its check."""
type Function = Callable[..., Any]


class Doubt(Exception):  # noqa: N818 (never seen outside: nothing was found wrong yet)
    """A value that the lines do not answer for."""


class Names(dict[str, Any]):
    """The names that lines use. Calling it is `Hold`."""

    def __init__(self) -> None:
        super().__init__(Doubt=Doubt)

    def __call__(self, thing: object) -> str:
        name = f"held_{len(self)}"
        self[name] = thing
        return name


def indented(lines: Iterable[str]) -> Iterator[str]:
    """The lines one step further in."""
    return (f"    {line}" for line in lines)


def encoder(fields: Iterable[Field], names: Names) -> Function:
    """`encode(value)`: the JSON object of a record without what is empty."""
    body = ["entry = {}"]
    for name, there, lines in fields:
        kept = (*lines, f"entry[{name!r}] = x")
        body += [f"x = value.{name}", *((f"if {there}:", *indented(kept)) if there else kept)]
    return _function("encode", "value", [*body, "return entry"], names)


def changer(fields: Iterable[Field], of: type[Any], given: Collection[str], names: Names) -> Function:
    """`change(old, facts, given)`: a record like the old one with the given values, and `facts` changed accordingly.

    fields: all of the class `of`; given: the names of those that change. What does not change is not checked.
    """
    body = [f"made = {names(object.__new__)}({names(of)})"]
    for name, there, lines in fields:
        put = names(getattr(of, name).__set__)
        if name not in given:
            body.append(f"{put}(made, old.{name})")
            continue
        kept = (*lines, f"facts[{name!r}] = x")
        or_not = (f"if {there}:", *indented(kept), f"else: facts.pop({name!r}, None)")
        body += [f"x = given[{name!r}]", f"{put}(made, x)", *(or_not if there else kept)]
    return _function("change", "old, facts, given", [*body, "return made"], names)


def slotted[T](of: type[T]) -> type[T]:
    """The frozen dataclass with slots, with an `__init__` that fills the slots themselves.

    Its own asks `object.__setattr__` for each, which takes four times as long: half of what making a record costs.
    """
    names, given, body = Names(), [], []
    for one in dataclasses.fields(of):  # type: ignore[arg-type]
        there = one.default is not dataclasses.MISSING
        if one.init:
            if one.kw_only and "*" not in given:
                given.append("*")
            given.append(f"{one.name}={names(one.default)}" if there else one.name)
        if one.init or there:
            put = names(getattr(of, one.name).__set__)
            body.append(f"{put}(self, {one.name if one.init else names(one.default)})")
    if hasattr(of, "__post_init__"):
        body.append("self.__post_init__()")
    of.__init__ = _function("__init__", ", ".join(("self", *given)), body, names)  # type: ignore[method-assign]
    return of


def _function(name: str, parameters: str, body: Iterable[str], names: Names) -> Function:
    source = "\n".join((f"def {name}({parameters}):", *indented(body)))
    # Names of fields and whole numbers out of classes of this package: nothing from outside becomes a line.
    known = dict(names)  # the interpreter finds names of a plain dict at once, of a subclass of it slowly
    exec(compile(source, f"<{__name__}>", "exec"), known)  # noqa: S102
    function: Function = known[name]
    return function
