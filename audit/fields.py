"""The fields of a record class: from `Annotated[type, Check, "sentence"]` to what checks, encodes and explains them.

The checks are in `checks`. Whatever is wrong is found by the loop here, which names the field; what is right never
comes to it, because `flat` writes a function for each class that says the same faster.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any, get_type_hints

from audit import flat
from audit.checks import Check, Flag, Json, LegalName, Many, Maybe, Text, Whole
from audit.errors import RecordError

DOUBTS = (flat.Doubt, RecordError, LookupError, TypeError)
"""What a function of `flat` raises where the loop has to decide."""


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

    def lines(self, hold: flat.Hold) -> Sequence[str]:
        known = f"if x.__class__ is not {hold(self.of)}: raise Doubt"
        return known, "x = x.encoded()" if issubclass(self.of, Again) else f"x = {hold(table(self.of).encode)}(x)"

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
    """The fields of a record class, and one call that reads them all.

    encode: what `flat` makes of them. changes: the same for `change`, by the names of the fields that change.
    """

    of: type[Any]
    rules: tuple[Rule, ...]
    checks: tuple[tuple[str, bool, Callable[[Any], Json]], ...]
    by_name: Mapping[str, tuple[bool, Callable[[Any], Json]]]
    read: Callable[[Any], tuple[Any, ...]]
    encode: flat.Function
    changes: dict[tuple[str, ...], flat.Function] = field(default_factory=dict)


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
        held = flat.Names()
        encode = flat.encoder(_lines(rules, held), held)
        found = _tables[of] = Table(of, rules, checks, by_name, read, encode)
    return found


def _check(rule: Rule) -> Callable[[Any], Json]:
    """The call for a value that is there."""
    return rule.check.check.encode if isinstance(rule.check, Maybe) else rule.check.encode


def _lines(rules: Sequence[Rule], held: flat.Names) -> list[flat.Field]:
    """The fields by name, in the order in which an entry has them."""
    there = {Maybe: "x is not None", Many: "x != ()"}
    ordered = sorted(rules, key=lambda rule: rule.name)
    return [(rule.name, there.get(type(rule.check), ""), rule.check.lines(held)) for rule in ordered]


def encode(value: Any) -> dict[str, Json]:
    """A record as a JSON object without its empty fields. Raises RecordError that names the first bad field."""
    known = table(type(value))
    try:
        entry: dict[str, Json] = known.encode(value)
    except DOUBTS:
        return encode_by_field(value)
    return entry


def encode_by_field(value: Any) -> dict[str, Json]:
    """The same, field by field."""
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


def changed(value: Any, facts: dict[str, Json], given: Mapping[str, Any]) -> Any:
    """A record like another with some fields given, which alone are checked; `facts`, the other's, become its own.

    What `facts` hold after an error is nobody's. Raises RecordError that names the first bad field, KeyError where the
    class has no such field.
    """
    known = table(type(value))
    try:
        return _change(known, tuple(given))(value, facts, given)
    except DOUBTS:
        return _changed_by_field(value, facts, given)


def _change(known: Table, given: tuple[str, ...]) -> flat.Function:
    """What `flat` makes of these names; there are as many as places in the code that make a record like another."""
    change = known.changes.get(given)
    if change is None:
        if unknown := set(given) - known.by_name.keys():
            raise KeyError(min(unknown))
        held = flat.Names()
        change = known.changes[given] = flat.changer(_lines(known.rules, held), known.of, set(given), held)
    return change


def _changed_by_field(value: Any, facts: dict[str, Json], given: Mapping[str, Any]) -> Any:
    known, put = table(type(value)), object.__setattr__
    made = object.__new__(known.of)
    for (name, _, _), old in zip(known.checks, known.read(value), strict=True):
        put(made, name, given.get(name, old))
    for name, one in given.items():
        optional, check = known.by_name[name]
        if optional and (one is None or one == ()):
            facts.pop(name, None)
            continue
        try:
            facts[name] = check(one)
        except RecordError as error:
            raise error.inside(name) from None
    return made


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
