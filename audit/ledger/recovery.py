"""What a start finds out before it signs anything, and what it writes about the time it was down.

The rules: never sign a tree that does not continue what was signed or published before; say of every transfer whose
process died that it was interrupted, or not sent where that is proven; say how long nothing was recorded.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from audit.checkpoint import Checkpoint, unverified
from audit.errors import LedgerError, VerifyError
from audit.events import GapRecord
from audit.home import Home
from audit.ids import now_ms
from audit.ledger.marks import previous
from audit.merkle import Frontier, subtree_root
from audit.record import OutcomeRecord
from audit.signing import VerifierKey, open_note
from audit.stored import StoredTiles, newest_checkpoint
from audit.tables import boot, transfer, tree
from audit.tiles import node_source
from audit.values import GapCause, OutcomeState


@dataclass(frozen=True, slots=True)
class Unfinished:
    """What the process before left open. since: last sign of life in ms, None at the first start."""

    since: int | None
    last_boot: str | None
    clean: bool
    outcomes: tuple[OutcomeRecord, ...]

    def records(self) -> Iterator[OutcomeRecord | GapRecord]:
        """What to append, in this order."""
        yield from self.outcomes
        if self.since is not None:
            states = [outcome.state for outcome in self.outcomes]
            now = now_ms()
            yield GapRecord(
                at=now,
                cause=GapCause.CLEAN_STOP if self.clean else GapCause.CRASH,
                since=min(self.since, now),
                until=now,
                last_boot=self.last_boot,
                interrupted=states.count(OutcomeState.INTERRUPTED),
                not_sent=states.count(OutcomeState.NOT_SENT),
            )


@dataclass(frozen=True, slots=True)
class Left:
    """How the log was when this process opened it. size: entries. at: newest commit in ms. boot: this process."""

    size: int
    at: int
    boot: str


def check_tree(connection: sa.Connection, home: Home, key: VerifierKey) -> int:
    """Refuses to go on from a tree that is torn, of another key, or older than what was published; returns its size.

    Raises LedgerError: `ledger_corrupt`, `ledger_key`, `ledger_fork`.
    """
    row = connection.execute(sa.select(tree.c.size, tree.c.peaks)).one()
    note = newest_checkpoint(connection) or b""
    try:
        text, _ = open_note(note, [key])
        signed = Checkpoint.parse(text)
    except VerifyError as error:
        raise LedgerError("the newest checkpoint in the database is not by this key", code="ledger_key") from error
    node = node_source(StoredTiles(connection), row.size)
    try:
        frontier = Frontier.from_bytes(row.size, row.peaks)
        found = subtree_root(node, 0, row.size)
    except (ValueError, VerifyError) as error:
        raise LedgerError("the audit database is torn: part of the tree is missing", code="ledger_corrupt") from error
    if signed.size != row.size or not signed.root == frontier.root() == found:
        raise LedgerError("the audit database does not give the root that was signed", code="ledger_corrupt")
    published = read_published(home)
    if published is not None and (published.size > row.size or published.root != subtree_root(node, 0, published.size)):
        raise LedgerError(
            f"the audit database holds {row.size} entries and does not continue the {published.size} that were "
            f"published in {home.log}: it was restored from an older backup, or replaced. Nothing is signed on top of "
            "it. Restore the newest backup, or begin a new log in another home and keep this one as it is.",
            code="ledger_fork",
        )
    return int(row.size)


def read_published(home: Home) -> Checkpoint | None:
    """The newest published checkpoint, None where nothing was published. Raises LedgerError where it is unreadable."""
    try:
        note = (home.log / "checkpoint").read_bytes()
    except FileNotFoundError:
        return None
    try:
        return unverified(note)
    except VerifyError as error:
        raise LedgerError(f"{home.log / 'checkpoint'} is not a checkpoint", code="ledger_corrupt") from error


def unfinished(
    connection: sa.Connection,
    home: Home,
    node: str,
    *,
    left: "Left | None" = None,
    alive: Collection[tuple[str, int]] = (),
) -> Unfinished:
    """What the serving process before this one left open on this node.

    left: what an opening noted, where this process has begun already. alive: (id, attempt) of transfers that go on.
    """
    before = sa.select(boot.c.boot, boot.c.ended).where(boot.c.node == node).order_by(boot.c.started.desc()).limit(1)
    if left is not None:
        before = before.where(boot.c.boot != left.boot)
    last = connection.execute(before).one_or_none()
    if last is None:
        return Unfinished(None, None, True, ())
    seen = left.at if left is not None else connection.execute(sa.select(tree.c.at)).scalar_one()
    since = last.ended or seen
    outcomes = tuple(_outcomes(connection, home, node, left.size if left is not None else None, alive))
    return Unfinished(since, last.boot, last.ended is not None, outcomes)


def after_failure(
    connection: sa.Connection,
    doubtful: Collection[tuple[str, int]],
    unsent: Callable[[int], bool],
    since: int,
    boot_id: str,
) -> list[OutcomeRecord | GapRecord]:
    """What to append after a commit that failed in a process that goes on, when the database is back.

    doubtful: (id, attempt) of transfers that were in it, and whose senders were refused. unsent: see
    `Marks.proves_unsent`. since: of the failure, in ms. boot_id: of the writer that failed.
    """
    columns = (transfer.c.idx, transfer.c.id, transfer.c.attempt)
    asked = sa.select(*columns).where(transfer.c.state.is_(None), transfer.c.id.in_([one for one, _ in doubtful]))
    rows = [row for row in connection.execute(asked.order_by(transfer.c.idx)) if (row.id, row.attempt) in set(doubtful)]
    states = [OutcomeState.NOT_SENT if unsent(row.idx) else OutcomeState.INTERRUPTED for row in rows]
    now = now_ms()
    gap = GapRecord(
        at=now,
        cause=GapCause.STORAGE,
        since=min(since, now),
        until=now,
        last_boot=boot_id,
        interrupted=states.count(OutcomeState.INTERRUPTED),
        not_sent=states.count(OutcomeState.NOT_SENT),
    )
    closed = [
        OutcomeRecord(id=row.id, attempt=row.attempt, at=now, state=state)
        for row, state in zip(rows, states, strict=True)
    ]
    return [*closed, gap]


def _outcomes(
    connection: sa.Connection, home: Home, node: str, below: int | None, alive: Collection[tuple[str, int]]
) -> Iterator[OutcomeRecord]:
    marks = previous(home.marks)
    columns = (transfer.c.idx, transfer.c.id, transfer.c.attempt)
    rows = sa.select(*columns).where(transfer.c.node == node, transfer.c.state.is_(None)).order_by(transfer.c.idx)
    if below is not None:
        rows = rows.where(transfer.c.idx < below)
    for row in connection.execute(rows):
        if (row.id, row.attempt) in alive:
            continue
        unsent = marks is not None and marks.proves_unsent(row.idx)
        state = OutcomeState.NOT_SENT if unsent else OutcomeState.INTERRUPTED
        yield OutcomeRecord(id=row.id, attempt=row.attempt, at=now_ms(), state=state)
    if marks is not None:
        marks.close()
