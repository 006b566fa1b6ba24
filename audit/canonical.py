"""From a record to the bytes of its entry, and back to plain facts.

The bytes are RFC 8785 canonical JSON. Because a record holds only strings, booleans, integers within ±(2^53-1) and
ASCII keys, orjson with sorted keys writes exactly those bytes; the tests hold it against an independent encoder.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any, cast

import orjson

from audit import events
from audit.checks import Json
from audit.errors import RecordError, VerifyError
from audit.flat import slotted
from audit.record import MAX_ENTRY_BYTES, VERSION, BlockedRecord, OutcomeRecord, TransferRecord

type Record = (
    TransferRecord
    | BlockedRecord
    | OutcomeRecord
    | events.GapRecord
    | events.ConfigRecord
    | events.PolicyRecord
    | events.KeyRecord
    | events.RevealRecord
    | events.ShredRecord
    | events.ErasureRecord
    | events.StopRecord
    | events.ExportRecord
    | events.QueryRecord
    | events.WitnessRecord
    | events.TokenRecord
)

KINDS: dict[str, type[Any]] = {
    kind.kind: kind
    for kind in (
        TransferRecord,
        BlockedRecord,
        OutcomeRecord,
        events.GapRecord,
        events.ConfigRecord,
        events.PolicyRecord,
        events.KeyRecord,
        events.RevealRecord,
        events.ShredRecord,
        events.ErasureRecord,
        events.StopRecord,
        events.ExportRecord,
        events.QueryRecord,
        events.WitnessRecord,
        events.TokenRecord,
    )
}
"""Every kind of record, by the word that stands in its entry."""

FOLDS: tuple[tuple[str, ...], ...] = (
    ("where", "kind", "score_decile"),
    ("where", "kind", "score_decile", "language", "recognizer"),
    ("where", "kind", "score_decile", "language", "recognizer", "exception", "rule"),
)
"""What findings lose, step by step, until an entry fits into 8 kB; type, operator and count stay to the last."""


@slotted
@dataclass(frozen=True, slots=True)
class Stamp:
    """What the ledger adds: which machine and which start of it wrote the entry, and as its how-manieth."""

    node: str
    boot: str
    seq: int


def seal(facts: dict[str, Json], kind: str, stamp: Stamp) -> bytes:
    """The canonical bytes of a record, at most MAX_ENTRY_BYTES.

    facts: as `Recorded.facts` returns them; stamped here, and shortened together with the bytes. Where the entry would
    be too large, rows of findings are merged step by step; it then says how many steps (`findings_merged`). What is
    still too long is cut as SHORTENED says and counted in `…_overflow`. Raises RecordError where nothing is enough.
    """
    facts["v"], facts["kind"] = VERSION, kind
    facts["node"], facts["boot"], facts["node_seq"] = stamp.node, stamp.boot, stamp.seq
    data = dumps(facts)
    return data if len(data) <= MAX_ENTRY_BYTES else _shortened(facts)


def entry(record: Record, stamp: Stamp) -> bytes:
    """The same, from the record itself."""
    return seal(record.facts(), record.kind, stamp)


def dumps(facts: dict[str, Json]) -> bytes:
    """RFC 8785 bytes of an object that keeps the restrictions above."""
    return orjson.dumps(facts, option=orjson.OPT_SORT_KEYS)


SHORTENED = (("media", 4), ("uninspected", 4), ("rules", 4), ("findings", 16), ("subjects", 16))
"""What is cut where merging was not enough, in this order and down to so many; each counts its loss."""


def _shortened(facts: dict[str, Json]) -> bytes:
    rows = cast("list[dict[str, Json]]", facts.get("findings") or [])
    for step, dropped in enumerate(FOLDS if rows else (), start=1):
        rows = _merged(rows, dropped)
        facts.update(findings=cast("Json", rows), findings_merged=step)
        data = dumps(facts)
        if len(data) <= MAX_ENTRY_BYTES:
            return data
    for name, least in SHORTENED:
        items = list(cast("list[Json]", facts.get(name) or []))
        while len(items) > least:
            _cut(facts, name, items)
            data = dumps(facts)
            if len(data) <= MAX_ENTRY_BYTES:
                return data
    raise RecordError("record", f"is larger than {MAX_ENTRY_BYTES} bytes even shortened", code="record_too_large")


def _cut(facts: dict[str, Json], name: str, items: list[Json]) -> None:
    """Takes the last item of a list away and counts it; of findings, what it counted."""
    last = items.pop()
    lost = last["n"] if name == "findings" and isinstance(last, dict) else 1
    overflow = f"{name}_overflow"
    facts.update({name: items, overflow: cast("int", facts[overflow]) + cast("int", lost)})


def _merged(rows: list[dict[str, Json]], dropped: tuple[str, ...]) -> list[dict[str, Json]]:
    """The rows without those keys, equal ones added up, the most frequent first."""
    counts: Counter[tuple[tuple[str, Json], ...]] = Counter()
    for row in rows:
        key = tuple(sorted((name, value) for name, value in row.items() if name not in dropped and name != "n"))
        counts[key] += cast("int", row["n"])
    return [{**dict(key), "n": n} for key, n in sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))]


def facts(data: bytes) -> dict[str, Any]:
    """The facts of an entry. Raises VerifyError where the bytes are not canonical or of no known kind."""
    try:
        loaded = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise VerifyError("an entry is not JSON", code="entry_unreadable") from error
    if not isinstance(loaded, dict) or orjson.dumps(loaded, option=orjson.OPT_SORT_KEYS) != data:
        raise VerifyError("an entry is not in canonical form", code="entry_not_canonical")
    kind = loaded.get("kind")
    if loaded.get("v") != VERSION or not isinstance(kind, str) or kind not in KINDS:
        raise VerifyError("an entry is of a kind or version that this release does not know", code="entry_unknown")
    return loaded
