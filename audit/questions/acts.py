"""What was done besides transfers: policies, stops, tokens, originals seen, erasures, exports, keys, gaps."""

import orjson
import sqlalchemy as sa

from audit.query import Row
from audit.tables import ACTS, entry

KINDS = ("policy", "stop", "token", "reveal", "erasure", "shred", "export", "key", "gap", "config")
MOST = 200
"""Of one kind; whoever needs all takes the report or an export."""


def acts_since(connection: sa.Connection, since: int) -> list[Row]:
    """The acts from a time (ms) on, newest first, at most `MOST` of a kind. Each has `index` besides its facts."""
    found: list[Row] = []
    for kind in KINDS:
        rows = sa.select(entry.c.idx, entry.c.body).where(ACTS, entry.c.kind == kind, entry.c.at >= since)
        for row in connection.execute(rows.order_by(entry.c.idx.desc()).limit(MOST)):
            found.append({"index": row.idx, **orjson.loads(row.body)})
    return sorted(found, key=lambda one: -one["index"])
