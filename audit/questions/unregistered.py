"""Shadow AI: model services that apps asked for and that nobody registered, with how often and by whom.

Refusals carry the code `shadow_ai`; where the policy lets unknown hosts pass, the transfer has no destination of the
register but a provider.
"""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from audit.query import PAGE, Question
from audit.tables import transfer

REASON = "shadow_ai"
PASSED = "unregistered"
"""What a transfer to a host outside the register has as its destination."""


def shadow(connection: sa.Connection, question: Question) -> Iterator[dict[str, Any]]:
    """One row for each service, host and application, the most frequent first: refused, passed, first, last (ms)."""
    by = (transfer.c.provider, transfer.c.host, transfer.c.application)
    refused = sa.func.sum(sa.case((transfer.c.kind == "blocked", 1), else_=0)).label("refused")
    passed = sa.func.sum(sa.case((transfer.c.kind == "transfer", 1), else_=0)).label("passed")
    first, last = sa.func.min(transfer.c.at).label("first"), sa.func.max(transfer.c.at).label("last")
    went = (transfer.c.destination == PASSED) & transfer.c.provider.is_not(None) & (transfer.c.provider != PASSED)
    rows = sa.select(*by, refused, passed, first, last).where(
        (transfer.c.reason == REASON) | went, *question.conditions()
    )
    ordered = rows.group_by(*by).order_by(sa.func.count().desc(), *by)
    for row in connection.execute(ordered, execution_options={"yield_per": PAGE}).mappings():
        yield {str(name): value for name, value in row.items()}
