"""Opening a log: its key, the row of its tree, and what is to be recorded before anything else is.

Nothing here appends; whoever opens does, once there is a writer.
"""

from dataclasses import dataclass

import sqlalchemy as sa

from audit.canonical import Record
from audit.checkpoint import Checkpoint
from audit.errors import LedgerError
from audit.events import KeyRecord
from audit.home import Home, default_origin
from audit.ids import new_id, now_ms
from audit.ledger.recovery import Left, check_tree, unfinished
from audit.merkle import Frontier
from audit.references import create_index_key
from audit.signing import KeyFile, Signer
from audit.store import Store
from audit.tables import boot, tree
from audit.values import KeyEvent


@dataclass(frozen=True, slots=True)
class Begun:
    """boot_id: of this process. left: records that come first. noted: how the log was, where `recover` comes later."""

    boot_id: str
    left: tuple[Record, ...]
    noted: Left | None


def key_of(home: Home, origin: str | None) -> KeyFile:
    """The key of the log; made at first start, which may have been cut off before the tree was there."""
    if not home.vkey.exists() and not home.first.exists():
        create_index_key(home.index_key)
        home.begin_first(home.create_signer(origin or default_origin()))
    signer = home.load_signer()
    if origin is not None and origin != signer.verifier.name:
        raise LedgerError("the log in this home has another origin than configured", code="ledger_key")
    return signer


def begin(home: Home, store: Store, signer: KeyFile, node: str, *, serve: bool, resume: bool = False) -> Begun:
    """Looks at what is there, and says that this process has begun where it serves. See `Ledger.open`.

    Raises LedgerError where nobody may go on from what is there.
    """
    boot_id = new_id()
    left: list[Record] = []
    noted: Left | None = None
    with store.write() as connection:
        begin_tree(connection, signer, first=not home.vkey.exists())
        if check_tree(connection, home, signer.verifier) == 0:
            left.append(KeyRecord(at=now_ms(), event=KeyEvent.CREATED, new_vkey=str(signer.verifier)))
        if serve and not resume:
            left += unfinished(connection, home, node).records()
        if serve and resume:
            row = connection.execute(sa.select(tree.c.size, tree.c.at)).one()
            noted = Left(row.size, row.at, boot_id)
        if serve:
            begin_boot(connection, boot_id, node)
    home.keep_first()
    return Begun(boot_id, tuple(left), noted)


def begin_tree(connection: sa.Connection, signer: Signer, *, first: bool) -> None:
    """Makes the row of an empty tree at the first start. Raises LedgerError where a log that was begun has none."""
    if connection.execute(sa.select(sa.func.count()).select_from(tree)).scalar():
        return
    if not first:
        raise LedgerError(
            "the audit database is empty, but its log was begun before; restore a backup of it", code="ledger_fork"
        )
    empty = Frontier()
    note = Checkpoint(signer.verifier.name, 0, empty.root()).signed(signer)
    row = {"id": 1, "origin": signer.verifier.name, "size": 0, "peaks": b"", "checkpoint": note, "at": now_ms()}
    connection.execute(sa.insert(tree), {**row, "erasures": 0})


def begin_boot(connection: sa.Connection, boot_id: str, node: str) -> None:
    """Says that this process has begun to write."""
    connection.execute(sa.insert(boot), {"boot": boot_id, "node": node, "started": now_ms(), "ended": None})


def end_boot(connection: sa.Connection, boot_id: str) -> None:
    """Says that this process has ended as it should."""
    connection.execute(sa.update(boot).where(boot.c.boot == boot_id).values(ended=now_ms()))
