"""How far each stream out of the log has come: a cursor, and a lease so that of several machines one sends.

The cursor moves only after the receiver has a batch; whoever loses the lease meanwhile moves nothing, and the next one
sends the batch again.
"""

from dataclasses import dataclass

import sqlalchemy as sa

from audit.ids import now_ms
from proxy.control.database import ControlDatabase, insert_if_free
from proxy.control.tables import stream

MAX_ERROR = 200


@dataclass(frozen=True, slots=True)
class Cursor:
    """position: index of the first entry that was not delivered, None before the first start. sent: when something was
    delivered last, ms. failures: in a row; error: the last one, "" while it works."""

    name: str
    position: int | None
    holder: str
    until: int
    sent: int | None
    failures: int
    error: str


class Cursors:
    """The cursors of one control database. Synchronous. Raises UnavailableError."""

    def __init__(self, database: ControlDatabase) -> None:
        self._database = database

    def claim(self, name: str, holder: str, lease_ms: int) -> Cursor | None:
        """Takes or renews the lease; None where somebody else has it."""
        now = now_ms()
        row = {"name": name, "position": None, "holder": holder, "until": 0, "sent": None, "failures": 0, "error": ""}
        free = (stream.c.holder == holder) | (stream.c.until < now)
        with self._database.write() as connection:
            connection.execute(insert_if_free(connection, stream).values(row))
            change = stream.update().where(stream.c.name == name, free).values(holder=holder, until=now + lease_ms)
            if connection.execute(change).rowcount == 0:
                return None
            return _cursor(connection.execute(sa.select(stream).where(stream.c.name == name)).one())

    def moved(self, name: str, holder: str, position: int, *, sent: bool) -> bool:
        """The receiver has everything before `position`. False where the lease is somebody else's by now."""
        values = {"position": position, "failures": 0, "error": ""} | ({"sent": now_ms()} if sent else {})
        return self._change(name, holder, values)

    def failed(self, name: str, holder: str, error: str) -> None:
        """A batch was not delivered."""
        self._change(name, holder, {"failures": stream.c.failures + 1, "error": error[:MAX_ERROR]})

    def release(self, name: str, holder: str) -> None:
        """Lets another begin at once."""
        self._change(name, holder, {"until": 0})

    def place(self, name: str, position: int) -> bool:
        """Sets the cursor of a stream. False where there is no such stream yet."""
        with self._database.write() as connection:
            change = stream.update().where(stream.c.name == name).values(position=position, holder="", until=0)
            return connection.execute(change).rowcount > 0

    def all(self) -> tuple[Cursor, ...]:
        """Every cursor, by name."""
        with self._database.read() as connection:
            return tuple(_cursor(row) for row in connection.execute(sa.select(stream).order_by(stream.c.name)))

    def _change(self, name: str, holder: str, values: dict[str, object]) -> bool:
        mine = (stream.c.name == name) & (stream.c.holder == holder)
        with self._database.write() as connection:
            return connection.execute(stream.update().where(mine).values(values)).rowcount > 0


def _cursor(row: "sa.Row[tuple[object, ...]]") -> Cursor:
    return Cursor(row.name, row.position, row.holder, row.until, row.sent, row.failures, row.error)
