"""What a value in a record may be: one small check per shape, each of which can also describe itself.

A check reads a value and raises `RecordError` with the field's name, never with the value. What is not in a closed
set or of a fixed shape has no check here and therefore no way into the log; free text has none on purpose.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from audit.errors import RecordError
from audit.flat import Hold, indented

type Json = str | int | bool | list[Json] | dict[str, Json] | None

MAX_INT = 2**53 - 1
"""RFC 8785 allows no larger integer (ECMAScript numbers)."""


REMEMBERED = 1_024
"""Strings of one shape that are known to have it: a record names the same rules, models and types as the one before.
The first ones stay, so that names which a stranger makes up can fill this and then cost what they cost without it."""


class Check(Protocol):
    """A rule for one field."""

    def encode(self, value: Any) -> Json:
        """The JSON value. Raises RecordError with the path from here on as its field, "" for the value itself."""
        ...

    def lines(self, hold: Hold) -> Sequence[str]:
        """The same for `flat`: Python that leaves in `x` the JSON value of what `x` is, or raises what says nothing."""
        ...

    def schema(self) -> Mapping[str, Any]:
        """The same rule as JSON Schema 2020-12."""
        ...


class Closed:
    """One member of an enumeration."""

    def __init__(self, values: type[StrEnum]) -> None:
        self.values = values
        # Under the members themselves, which are found by identity; a plain string of the same letters is found too.
        self._plain: dict[str, str] = {value: value.value for value in values}

    def encode(self, value: Any) -> Json:
        plain = self._plain.get(value) if isinstance(value, str) else None
        if plain is None:
            raise RecordError("", f"must be one of {', '.join(self.values)}")
        return plain

    def lines(self, hold: Hold) -> Sequence[str]:
        return (f"x = {hold(self._plain)}[x]",)

    def schema(self) -> Mapping[str, Any]:
        return {"enum": [str(value) for value in self.values]}


class Shaped:
    """A string that one pattern matches as a whole, of a greatest length. says: what it must be, for who is refused."""

    def __init__(self, pattern: str, longest: int, says: str, flags: re.RegexFlag) -> None:
        self.pattern, self.longest, self.says = pattern, longest, says
        self._match = re.compile(pattern, flags).fullmatch
        self._seen: set[str] = set()

    def encode(self, value: Any) -> Json:
        if type(value) is str and value in self._seen:
            return value
        if not isinstance(value, str) or len(value) > self.longest or self._match(value) is None:
            raise RecordError("", f"must be {self.says}, at most {self.longest} characters")
        if len(self._seen) < REMEMBERED:
            self._seen.add(str(value))
        return str(value)

    def lines(self, hold: Hold) -> Sequence[str]:
        return (f"if x.__class__ is not str or x not in {hold(self._seen)}: x = {hold(self.encode)}(x)",)

    def schema(self) -> Mapping[str, Any]:
        return {"type": "string", "pattern": f"^(?:{self.pattern})$", "maxLength": self.longest}


class Text(Shaped):
    """A string of ASCII letters, digits and signs."""

    def __init__(self, pattern: str, longest: int, says: str) -> None:
        super().__init__(pattern, longest, says, re.ASCII)


class LegalName(Shaped):
    """A name of an organisation as the register or the policy spells it, in any script; never from traffic."""

    def __init__(self) -> None:
        says = "an organisation's name of letters, digits and . , & ' ( ) / + -"
        super().__init__(r"[\w .,&'’()/+–-]+", 120, says, re.UNICODE)

    def schema(self) -> Mapping[str, Any]:
        # What a letter is differs between dialects of regular expressions.
        return {"type": "string", "minLength": 1, "maxLength": self.longest}


@dataclass(frozen=True, slots=True)
class Whole:
    """An integer from `least` to `most`."""

    least: int = 0
    most: int = MAX_INT

    def encode(self, value: Any) -> Json:
        if type(value) is not int or not self.least <= value <= self.most:
            raise RecordError("", f"must be a whole number from {self.least} to {self.most}")
        return value

    def lines(self, hold: Hold) -> Sequence[str]:
        return (f"if x.__class__ is not int or not {self.least} <= x <= {self.most}: raise Doubt",)

    def schema(self) -> Mapping[str, Any]:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


class Flag:
    """True or false."""

    def encode(self, value: Any) -> Json:
        if type(value) is not bool:
            raise RecordError("", "must be true or false")
        return value

    def lines(self, hold: Hold) -> Sequence[str]:
        return ("if x is not True and x is not False: raise Doubt",)

    def schema(self) -> Mapping[str, Any]:
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Maybe:
    """None, which leaves the field out of the entry, or what `check` allows."""

    check: Check

    def encode(self, value: Any) -> Json:
        return None if value is None else self.check.encode(value)

    def lines(self, hold: Hold) -> Sequence[str]:
        return self.check.lines(hold)

    def schema(self) -> Mapping[str, Any]:
        return self.check.schema()


@dataclass(frozen=True, slots=True)
class Many:
    """A tuple of at most `most` values; an empty one is left out of the entry."""

    check: Check
    most: int

    def encode(self, value: Any) -> Json:
        if not isinstance(value, tuple):
            raise RecordError("", "must be a tuple")
        if len(value) > self.most:
            raise RecordError("", f"must hold at most {self.most} values; say how many were left out in its overflow")
        encoded: list[Json] = []
        for item in value:
            try:
                encoded.append(self.check.encode(item))
            except RecordError as error:
                raise error.inside(f"[{len(encoded)}]") from None
        return encoded

    def lines(self, hold: Hold) -> Sequence[str]:
        many = hold(self)  # a name of its own
        return (
            f"if x.__class__ is not tuple or len(x) > {self.most}: raise Doubt",
            f"{many} = []",
            "for x in x:",
            *indented((*self.check.lines(hold), f"{many}.append(x)")),
            f"x = {many}",
        )

    def schema(self) -> Mapping[str, Any]:
        return {"type": "array", "items": self.check.schema(), "maxItems": self.most, "minItems": 1}
