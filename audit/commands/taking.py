"""Taking a part of the log out: how many transfers it has, and its rows page by page in short transactions.

The part is bounded by the size of the tree when it was asked for, so that it ends however much comes meanwhile.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import sqlalchemy as sa

from audit import query
from audit.query import Question, Row
from audit.tables import transfer


def count(connection: sa.Connection, question: Question, below: int) -> int:
    """Transfers and refusals in question whose index is below `below`."""
    rows = sa.select(sa.func.count()).select_from(transfer).where(*question.conditions(), transfer.c.idx < below)
    return int(connection.execute(rows).scalar_one())


def pages(
    read: Callable[[], AbstractContextManager[sa.Connection]], question: Question, below: int
) -> Iterator[list[Row]]:
    """The same rows, newest first. read: begins a transaction; none is open while somebody has a page."""
    while True:
        with read() as connection:
            page = list(query.transfers(connection, question, before=below, limit=query.PAGE))
        if not page:
            return
        yield page
        below = page[-1]["idx"]
