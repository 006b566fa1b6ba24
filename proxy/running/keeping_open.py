"""A log on a database server goes on by itself after a commit of which nobody knew what became of it."""

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import sqlalchemy as sa

from audit.errors import AuditError

if TYPE_CHECKING:
    from audit.log import Ledger

log = logging.getLogger("dragoman")

LOOK_S = 0.5
AGAIN_S = 1.0
"""Between two attempts while the server is away."""


async def keep_open(ledger: "Ledger", observe: Callable[[str, str], None]) -> None:
    """Reopens the log where that can be done, for ever. See `Ledger.reopen`."""
    while True:
        await asyncio.sleep(LOOK_S)
        if ledger.refusal is None or ledger.refusal.code != "ledger_reopening":
            continue
        try:
            await asyncio.to_thread(ledger.reopen)
        except (AuditError, sa.exc.SQLAlchemyError, OSError) as error:
            if ledger.lost:
                log.error("the audit log stays closed (%s)", getattr(error, "code", type(error).__name__))
                observe("ledger_reopened", "no")
            await asyncio.sleep(AGAIN_S)
        else:
            log.warning("the audit log is open again after a commit that failed")
            observe("ledger_reopened", "yes")
