"""The tables of sums: what the questions about many transfers are answered from.

Each counts under a few columns by day. Where a year has too many such rows there is a second table by month; in it
`day` is the month's first. A row of sums names nobody. How they are filled is told in `summing`, up to which entry and
how the rest is added in `summed`.
"""

from sqlalchemy import BigInteger, Column, Integer, String, Table

from audit.tables import ROW_INDEX, metadata

_NAME = String(128)
_WORD = String(16)
_TYPE = String(48)


def _sums(name: str, key: dict[str, type[Integer] | type[BigInteger] | String], counts: tuple[str, ...]) -> Table:
    """A table of whole numbers under a key."""
    keys = [Column(one, kind, primary_key=True, autoincrement=False) for one, kind in key.items()]
    numbers = [Column(one, BigInteger, nullable=False) for one in counts]
    return Table(name, metadata, *keys, *numbers, sqlite_with_rowid=False)


DAILY = ("day", "kind", "environment", "application", "purpose", "destination", "entity", "provider", "action")
DAILY_FINDING = ("day", "kind", "environment", "application", "destination", "provider", "entity_type", "operator")
DAILY_TYPE = ("day", "kind", "destination", "provider", "entity_type", "operator")
DAILY_APPLICATION = ("day", "application", "entity_type", "operator")
HOLDER = (
    "application", "purpose", "controller", "basis", "destination", "entity", "role", "mechanism", "countries",
    "retention", "training",
)  # fmt: skip
"""What makes one line of *who holds what*: if one fact of the register changed, it is another line."""

_KEYS: dict[str, type[Integer] | type[BigInteger] | String] = {
    "day": Integer,
    "kind": _WORD,
    "environment": _WORD,
    "action": _WORD,
    "operator": _WORD,
    "entity_type": _TYPE,
    "holder": BigInteger,
}


def _keys(names: tuple[str, ...]) -> dict[str, type[Integer] | type[BigInteger] | String]:
    return {name: _KEYS.get(name, _NAME) for name in names}


_TRANSFERS = ("transfers", "with_subject", "findings", "bytes_in", "bytes_out")
_HELD = ("transfers", "with_subject", "first", "last", "newest")
_HOLDER_TYPE = ("day", "holder", "entity_type", "operator")

daily = _sums("daily", _keys(DAILY), _TRANSFERS)
daily_finding = _sums("daily_finding", _keys(DAILY_FINDING), ("n", "transfers"))
daily_type = _sums("daily_type", _keys(DAILY_TYPE), ("n",))
daily_application = _sums("daily_application", _keys(DAILY_APPLICATION), ("n",))
daily_value = _sums(
    "daily_value",
    {"name": _WORD, "day": Integer, "value": String(512)},
    ("transfers", "findings", "bytes_in", "bytes_out", "first", "last"),
)
daily_holder = _sums("daily_holder", _keys(("day", "holder")), _HELD)
daily_holder_finding = _sums("daily_holder_finding", _keys(_HOLDER_TYPE), ("n",))
monthly_finding = _sums("monthly_finding", _keys(DAILY_FINDING), ("n",))
monthly_holder = _sums("monthly_holder", _keys(("day", "holder")), _HELD)
monthly_holder_finding = _sums("monthly_holder_finding", _keys(_HOLDER_TYPE), ("n",))
kinds = _sums("entries_by_kind", {"kind": _WORD}, ("entries",))

BLOCK = 1_024
"""Entries in a block: findings of so many are read in a third of a millisecond."""
finding_block = _sums("finding_block", {"entity_type": _TYPE, "block": BigInteger}, ())
"""In which blocks a kind of data was found at all; an index of every finding would be twenty times as large, and every
append would touch as many of its pages as there are kinds in a transfer."""

ADDED = (
    daily, daily_finding, daily_type, daily_application, daily_value, daily_holder, daily_holder_finding,
    monthly_finding, monthly_holder, monthly_holder_finding, kinds, finding_block,
)  # fmt: skip
"""All of them."""

holder = Table(
    "holder",
    metadata,
    Column("id", ROW_INDEX, primary_key=True, autoincrement=False),
    Column("application", _NAME, nullable=False),
    Column("purpose", _NAME),
    Column("controller", _NAME),
    Column("basis", String(64)),
    Column("destination", _NAME),
    Column("entity", _NAME),
    Column("role", String(64)),
    Column("mechanism", String(32)),
    Column("countries", String(512)),
    Column("retention", String(64)),
    Column("training", String(64)),
)
