"""The log for whoever follows it: the entries from an index on, page by page, as far as a checkpoint covers them.

A page is read in one short transaction. Where an entry ends a transfer, the page says of which one, because an outcome
alone does not tell model or destination.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from audit import query
from audit.checkpoint import unverified
from audit.formats.base import Place
from audit.merkle import leaf_hash
from audit.stored import newest_checkpoint
from audit.tables import transfer

_TOLD = ("id", "attempt", "at", "application", "provider", "destination", "model", "endpoint", "host")
_OF = tuple(transfer.c[name] for name in _TOLD)

type Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Followed:
    """One entry. body: as it was signed. of: for an outcome its transfer, as far as the tables know it."""

    place: Place
    body: bytes
    facts: Facts
    of: Facts | None


@dataclass(frozen=True, slots=True)
class Followings:
    """entries: those of the page. next: index to go on from. size: of the tree that covers them."""

    entries: tuple[Followed, ...]
    next: int
    size: int


def page(connection: sa.Connection, since: int, limit: int, kinds: Sequence[str] = ()) -> Followings:
    """At most `limit` entries from an index on; kinds: only these, all for none. Empty where there is nothing new."""
    note = newest_checkpoint(connection)
    if note is None:
        return Followings((), since, 0)
    signed = unverified(note)
    found: list[tuple[int, bytes]] = []
    for index, body in query.entries(connection, since=since, kinds=kinds):
        if index >= signed.size or len(found) >= limit:
            break
        found.append((index, body))
    # A page that is not full has seen everything: what it left out was of another kind, or is sealed away.
    following = found[-1][0] + 1 if len(found) >= limit else max(since, signed.size)
    facts = [orjson.loads(body) for _, body in found]
    ended = _ended(connection, [one for one in facts if one["kind"] == "outcome"])
    entries = tuple(
        Followed(
            Place(signed.origin, index, leaf_hash(body).hex()),
            body,
            one,
            ended.get((one["id"], one["attempt"])) if one["kind"] == "outcome" else None,
        )
        for (index, body), one in zip(found, facts, strict=True)
    )
    return Followings(entries, following, signed.size)


def head(connection: sa.Connection) -> tuple[int, str]:
    """How many entries the newest checkpoint covers, and the root over them in hexadecimal digits."""
    note = newest_checkpoint(connection)
    if note is None:
        return 0, ""
    signed = unverified(note)
    return signed.size, signed.root.hex()


def _ended(connection: sa.Connection, outcomes: Sequence[Facts]) -> dict[tuple[str, int], Facts]:
    ids = sorted({one["id"] for one in outcomes})
    if not ids:
        return {}
    rows = connection.execute(sa.select(*_OF).where(transfer.c.id.in_(ids))).mappings()
    return {(row["id"], row["attempt"]): {str(name): value for name, value in row.items()} for row in rows}
