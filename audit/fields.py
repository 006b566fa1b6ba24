"""What a field of a record may hold: one small check per shape, each of which can also describe itself.

A check reads a value and raises `RecordError` with the field's name, never with the value. What is not in a closed
set or of a fixed shape has no check here and therefore no way into the log; free text has none on purpose.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from operator import attrgetter
from typing import Any, Protocol, get_type_hints

from audit.errors import RecordError

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

    def schema(self) -> Mapping[str, Any]:
        """The same rule as JSON Schema 2020-12."""
        ...


class Closed:
    """One member of an enumeration."""

    def __init__(self, values: type[StrEnum]) -> None:
        self.values = values
        self._plain = {str(value): str(value) for value in values}

    def encode(self, value: Any) -> Json:
        plain = self._plain.get(value) if isinstance(value, str) else None
        if plain is None:
            raise RecordError("", f"must be one of {', '.join(self.values)}")
        return plain

    def schema(self) -> Mapping[str, Any]:
        return {"enum": [str(value) for value in self.values]}


class Text:
    """A string of a fixed shape: a regular expression that matches the whole of it, and a greatest length."""

    def __init__(self, pattern: str, longest: int, says: str) -> None:
        self.pattern, self.longest, self.says = pattern, longest, says
        self._match = re.compile(pattern, re.ASCII).fullmatch
        self._seen: set[str] = set()

    def encode(self, value: Any) -> Json:
        if type(value) is str and value in self._seen:
            return value
        if not isinstance(value, str) or len(value) > self.longest or self._match(value) is None:
            raise RecordError("", f"must be {self.says}, at most {self.longest} characters")
        if len(self._seen) < REMEMBERED:
            self._seen.add(str(value))
        return str(value)

    def schema(self) -> Mapping[str, Any]:
        return {"type": "string", "pattern": f"^(?:{self.pattern})$", "maxLength": self.longest}


class LegalName:
    """A name of an organisation as the register or the policy spells it, in any script; never from traffic."""

    longest = 120
    allowed = re.compile(r"[\w .,&'’()/+–-]+").fullmatch

    def encode(self, value: Any) -> Json:
        if not isinstance(value, str) or len(value) > self.longest or self.allowed(value) is None:
            raise RecordError("", "must be an organisation's name of letters, digits and . , & ' ( ) / + -")
        return value

    def schema(self) -> Mapping[str, Any]:
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

    def schema(self) -> Mapping[str, Any]:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


class Flag:
    """True or false."""

    def encode(self, value: Any) -> Json:
        if type(value) is not bool:
            raise RecordError("", "must be true or false")
        return value

    def schema(self) -> Mapping[str, Any]:
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Maybe:
    """None, which leaves the field out of the entry, or what `check` allows."""

    check: Check

    def encode(self, value: Any) -> Json:
        return None if value is None else self.check.encode(value)

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

    def schema(self) -> Mapping[str, Any]:
        return {"type": "array", "items": self.check.schema(), "maxItems": self.most, "minItems": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """A part that many records hold: it is checked and encoded once, when the first of them is made."""

    _encoded: dict[str, Json] | None = field(default=None, init=False, repr=False, compare=False)

    def encoded(self) -> dict[str, Json]:
        """The part as a JSON object, which is shared: nobody may change it."""
        if self._encoded is None:
            object.__setattr__(self, "_encoded", encode(self))
        assert self._encoded is not None
        return self._encoded


@dataclass(frozen=True, slots=True)
class Nested:
    """A frozen dataclass of this package, encoded as an object."""

    of: type[Any]

    def encode(self, value: Any) -> Json:
        if not isinstance(value, self.of):
            raise RecordError("", f"must be a {self.of.__name__}")
        return value.encoded() if isinstance(value, Again) else encode(value)

    def schema(self) -> Mapping[str, Any]:
        return schema_of(self.of)


@dataclass(frozen=True, slots=True)
class Rule:
    """One field of a record: its name, its check and the sentence that explains it to a reader."""

    name: str
    check: Check
    doc: str

    @property
    def optional(self) -> bool:
        """Whether the field may be left out of an entry."""
        return isinstance(self.check, Maybe | Many)


@dataclass(frozen=True, slots=True)
class Table:
    """The fields of a record class, and one call that reads them all."""

    rules: tuple[Rule, ...]
    checks: tuple[tuple[str, bool, Callable[[Any], Json]], ...]
    by_name: Mapping[str, tuple[bool, Callable[[Any], Json]]]
    read: Callable[[Any], tuple[Any, ...]]


_tables: dict[type[Any], Table] = {}
"""What `table` has read once; classes do not change, and reading annotations is slow."""


def table(of: type[Any]) -> Table:
    """The fields of a record class, from `Annotated[type, Check, "sentence"]`."""
    found = _tables.get(of)
    if found is None:
        hints = get_type_hints(of, include_extras=True)
        names = [one.name for one in fields(of) if not one.name.startswith("_")]
        rules = tuple(Rule(name, *hints[name].__metadata__) for name in names)
        read = attrgetter(*names) if len(names) > 1 else lambda value: (getattr(value, names[0]),)
        checks = tuple((rule.name, rule.optional, _check(rule)) for rule in rules)
        by_name = {name: (optional, check) for name, optional, check in checks}
        found = _tables[of] = Table(rules, checks, by_name, read)
    return found


def _check(rule: Rule) -> Callable[[Any], Json]:
    """The call for a value that is there."""
    return rule.check.check.encode if isinstance(rule.check, Maybe) else rule.check.encode


def encode(value: Any) -> dict[str, Json]:
    """A record as a JSON object without its empty fields. Raises RecordError that names the first bad field."""
    entry: dict[str, Json] = {}
    known = table(type(value))
    name = ""
    try:
        for (name, optional, check), given in zip(known.checks, known.read(value), strict=True):
            if optional and (given is None or given == ()):
                continue
            entry[name] = check(given)
    except RecordError as error:
        raise error.inside(name) from None
    return entry


def encode_some(of: type[Any], given: Mapping[str, Any]) -> dict[str, Json]:
    """Some fields of a record class, as `encode`; one that is empty is None here. Raises RecordError as it does."""
    entry: dict[str, Json] = {}
    checks = table(of).by_name
    for name, value in given.items():
        optional, check = checks[name]
        if optional and (value is None or value == ()):
            entry[name] = None
            continue
        try:
            entry[name] = check(value)
        except RecordError as error:
            raise error.inside(name) from None
    return entry


def schema_of(of: type[Any]) -> dict[str, Any]:
    """JSON Schema of one record class; what may be empty is not required."""
    rules = table(of).rules
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {rule.name: {**rule.check.schema(), "description": rule.doc} for rule in rules},
        "required": [rule.name for rule in rules if not rule.optional],
    }


# The shapes. A name never has an @ or a space, so that an address or a person's name cannot pass as one.
NAME = Text(r"[A-Za-z0-9][A-Za-z0-9._:/+-]*", 96, "a name of letters, digits and . _ : / + -")
TERM = Text(r"[a-z0-9][a-z0-9._:+-]*", 64, "a lower-case term of the policy's vocabulary")
CODE = Text(r"[a-z][a-z0-9_.-]*", 64, "a stable lower-case code")
ENTITY_TYPE = Text(r"[A-Z][A-Z0-9_]*", 48, "an entity type in capitals")
HOST = Text(r"[A-Za-z0-9._-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?", 260, "a host name with optional port")
MARKED = Text(
    r"~[0-9a-f]{16}|(?!.*[0-9]{9})[A-Za-z0-9][A-Za-z0-9._:/-]*",
    96,
    "a name as `References.marked` returns it",
)
POINTER = Text(r"(?:path|query|header|/)[A-Za-z0-9_.~*/$:-]*", 128, "a schema pointer with * for free keys")
LANGUAGE = Text(r"[a-z]{2,3}", 3, "an ISO 639 language code or und")
COUNTRY = Text(r"[A-Z]{2}|unknown|any", 7, "an ISO 3166 country code, EU, any or unknown")
MEDIA_TYPE = Text(r"[a-z0-9][a-z0-9.+-]*/[a-z0-9][a-z0-9.+-]*", 80, "a media type")
ULID = Text(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", 26, "a ULID")
DIGEST = Text(r"[0-9a-f]{64}", 64, "64 lower-case hexadecimal digits")
SCOPE = Text(r"[0-9a-f]{32,64}", 64, "a scope as the vault names it: 32 to 64 lower-case hexadecimal digits")
REFERENCE = Text(r"[A-Za-z0-9_-]{22}", 22, "a reference as `References` returns it")
ACTOR = Text(r"system|[A-Za-z0-9_-]{22}", 22, "`system` or a reference as `References.actor` returns it")
KEY_NAME = Text(r"[A-Za-z0-9][A-Za-z0-9./_-]*", 120, "a key name without space or +")
KEY_ID = Text(r"[0-9a-f]{8}", 8, "8 hexadecimal digits")
VKEY = Text(r"[A-Za-z0-9][A-Za-z0-9./_-]*\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+", 240, "a C2SP verifier key")
SIGNATURE = Text(r"[A-Za-z0-9+/]{86}==", 88, "an Ed25519 signature in base64")
COUNT = Whole()
TIME_MS = Whole()
FLAG = Flag()
LEGAL_NAME = LegalName()
