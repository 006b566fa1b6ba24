"""One batch, one transaction: indices, tree, checkpoint, rows, commit.

Only the ledger's writer thread calls this. Another process may have appended in between, so the state of the tree is
read under the lock each time; nothing is acknowledged, or kept in memory, before the commit has returned.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from orjson import dumps

from audit.canonical import Stamp, seal
from audit.checkpoint import Checkpoint
from audit.checks import Json
from audit.errors import LedgerError, RecordError
from audit.flat import slotted
from audit.ids import now_ms
from audit.merkle import Frontier, leaf_hash
from audit.prove import Fresh
from audit.references import References
from audit.signing import Signer, signing_id
from audit.statements import Statements
from audit.store import Store
from audit.stored import StoredTiles
from audit.sums.alike import Alike
from audit.sums.rows import Rows
from audit.sums.summed import Unsummed
from audit.tables import finding
from audit.tiles import HEIGHT, TileBuilder, TileId

type Probe = Callable[[str], None]


@slotted
@dataclass(frozen=True, slots=True)
class Receipt:
    """What an append returns: where the record stands, and the signed checkpoint that covers it.

    index: of the entry, from 0. tree_size: entries under the checkpoint. checkpoint: the signed note. leaf: leaf hash.
    proof: C2SP tlog-proof of all that, where one was asked for.
    """

    index: int
    tree_size: int
    checkpoint: bytes
    leaf: bytes
    proof: bytes | None = None


@slotted
@dataclass(frozen=True, slots=True)
class Draft:
    """A record on its way: its facts, not yet stamped. proof: its receipt shall hold one."""

    kind: str
    facts: dict[str, Json]
    proof: bool = False


type Answer = Receipt | RecordError


def no_probe(step: str) -> None:
    """Does nothing; the crash tests pass a function that ends the process at a step."""


MAX_ROOTS = 2_048


class Writer:
    """Appends batches. node and boot: what entries are stamped with; probe: called with each step's name.

    roots: over the newest full tiles, so that who publishes them need not hash them again.
    """

    def __init__(
        self, store: Store, signer: Signer, references: References, node: str, boot_id: str, probe: Probe = no_probe
    ) -> None:
        self._store, self.signer, self._references, self._probe = store, signer, references, probe
        self._node, self._boot = node, boot_id
        self._say = Statements(store.dialect)
        self._seq = 0
        self._frontier = Frontier()
        self._tiles = TileBuilder()
        self._erasures = -1
        self._expected = signer.verifier.id
        self._note = b""
        self._unsummed, self._alike = Unsummed(), Alike()
        self.roots: dict[TileId, bytes] = {}

    def anew(self, signer: Signer, boot_id: str) -> "Writer":
        """One that knows nothing of what this one believed: the database says what there is."""
        return Writer(self._store, signer, self._references, self._node, boot_id, self._probe)

    @property
    def size(self) -> int:
        """Entries, as far as this process knows."""
        return self._frontier.size

    def commit(self, drafts: Sequence[Draft], cosigners: Sequence[Signer] = ()) -> list[Answer]:
        """Appends what may be appended; one answer for each draft.

        A record that may not enter gets its RecordError and costs the others nothing. Raises BusyError where nothing
        was tried; whatever else is raised leaves the outcome unknown, and the ledger must close.
        """
        pending = self._references.take_pending()
        with self._store.write() as connection:
            self._probe("locked")
            frontier, tiles, summed = self._state(connection)
            taken, counted = _known(connection, self._say, drafts)
            sums = self._unsummed.begin(connection, summed, frontier.size, len(drafts))
            batch = _Batch(
                self._stamp, frontier, tiles, Rows(counted=counted, sums=sums, alike=self._alike.begin(frontier.size))
            )
            batch.fill(drafts, taken)
            note = Checkpoint(self.signer.verifier.name, frontier.size, frontier.root()).signed(self.signer, *cosigners)
            self._probe("signed")
            references = self._say.insert["reference"]
            references.run(connection, [itemgetter(*references.names)(new.row()) for new in pending])
            batch.write(connection, self._say)
            summed = self._unsummed.write(connection, self._say, summed, frontier.size)
            _save_tree(connection, self._say, frontier, note, summed)
            self._probe("written")
        self._probe("committed")
        self._note, self._expected = note, self.signer.verifier.id
        self._references.stored(pending)
        self._unsummed.committed(summed, frontier.size)
        self._alike.committed(frontier.size)
        if len(self.roots) > MAX_ROOTS:  # who joins a log publishes nothing, and empties nothing
            self.roots.clear()
        self.roots.update((tile, root) for tile, _, root in batch.full)
        self._frontier, self._tiles, self._seq = frontier, tiles, self._seq + len(batch.entries)
        proofs = batch.proofs(drafts, note)
        return [
            answer
            if isinstance(answer, RecordError)
            else Receipt(answer[0], frontier.size, note, answer[1], proofs.get(answer[0]))
            for answer in batch.answers
        ]

    def rotate(self, signer: Signer, draft: Draft) -> Answer:
        """Commits a `key` record under a checkpoint that both keys sign; from then on the new one signs alone.

        Raises like `commit`; afterwards it is unknown which key the log has, and the ledger must close.
        """
        old, self.signer = self.signer, signer
        return self.commit([draft], (old,))[0]

    def _stamp(self, offset: int) -> Stamp:
        return Stamp(self._node, self._boot, self._seq + offset)

    def _state(self, connection: sa.Connection) -> tuple[Frontier, TileBuilder, int]:
        """The tree, its tiles that are not full, and up to which entry the sums go."""
        ((origin, size, peaks, erasures, summed, note),) = self._say.state.ask(connection)
        if origin != self.signer.verifier.name:
            raise LedgerError("the database belongs to another log than the key", code="ledger_key")
        if note != self._note and signing_id(note) != self._expected:
            raise LedgerError("the log's key was rotated by another process; start again", code="ledger_key")
        if erasures != self._erasures:
            self._references.forget()
            self._erasures = erasures
        if size == self._tiles.size == self._frontier.size:
            return self._frontier.copy(), self._tiles.copy(), summed
        tiles = TileBuilder.load(StoredTiles(connection), size)
        return Frontier.from_bytes(size, peaks), tiles, summed


class _Batch:
    """The rows of one transaction."""

    def __init__(self, stamp: Callable[[int], Stamp], frontier: Frontier, tiles: TileBuilder, rows: Rows) -> None:
        self._stamp, self._frontier, self._tiles, self._rows = stamp, frontier, tiles, rows
        self.answers: list[RecordError | tuple[int, bytes]] = []
        self.entries: list[tuple[int, str, Any, bytes, bytes]] = []
        self.full: list[tuple[TileId, bytes, bytes]] = []

    def fill(self, drafts: Iterable[Draft], taken: set[tuple[str, Any, Any]]) -> None:
        for draft in drafts:
            try:
                self.answers.append(self._append(draft, taken))
            except RecordError as error:
                self.answers.append(error)

    def _append(self, draft: Draft, taken: set[tuple[str, Any, Any]]) -> tuple[int, bytes]:
        facts = draft.facts
        key = _identity(draft)
        if key is not None:
            if key in taken:
                raise RecordError("id", f"a record of this {key[0]} and attempt exists already", code="duplicate")
            taken.add(key)
        body = seal(facts, draft.kind, self._stamp(len(self.entries)))
        index, leaf = self._frontier.size, leaf_hash(body)
        roots = self._frontier.append(leaf, HEIGHT)
        full = self._tiles.append(leaf, roots)
        if full:
            self.full += [(*one, root) for one, root in zip(full, roots, strict=True)]
        self.entries.append((index, draft.kind, facts["at"], leaf, body))
        self._rows.add(index, facts)
        return index, leaf

    def proofs(self, drafts: Iterable[Draft], note: bytes) -> dict[int, bytes]:
        """The proofs that were asked for, by index."""
        both = zip(drafts, self.answers, strict=True)
        wanted = [answer for draft, answer in both if draft.proof and not isinstance(answer, RecordError)]
        return Fresh(self._tiles, {tile: hashes for tile, hashes, _ in self.full}).prove(wanted, note) if wanted else {}

    def write(self, connection: sa.Connection, say: Statements) -> None:
        rows = self._rows
        say.insert["entry"].run(connection, self.entries)
        say.insert["tile"].run(connection, [(tile.level, tile.number, hashes) for tile, hashes, _ in self.full])
        say.insert["transfer"].run(connection, rows.transfers)
        say.insert[finding.name].run(connection, rows.findings)
        say.insert["subject"].run(connection, rows.subjects)
        say.close.run(connection, rows.outcomes)


def _identity(draft: Draft) -> tuple[str, Any, Any] | None:
    """What must be unique: one record before the first byte and one after it for each attempt."""
    if draft.kind in {"transfer", "blocked"}:
        return ("transfer", draft.facts["id"], draft.facts["attempt"])
    if draft.kind == "outcome":
        return ("outcome", draft.facts["id"], draft.facts["attempt"])
    return None


def _known(
    connection: sa.Connection, say: Statements, drafts: Iterable[Draft]
) -> tuple[set[tuple[str, Any, Any]], dict[tuple[str, int], tuple[Any, ...]]]:
    """The identities among the drafts' ids that the log holds already, and what sums need of their transfers."""
    taken: set[tuple[str, Any, Any]] = set()
    counted: dict[tuple[str, int], tuple[Any, ...]] = {}
    ids = {draft.facts["id"] for draft in drafts if _identity(draft) is not None}
    for ident, attempt, outcome, *of in say.taken.ask(connection, (dumps(sorted(ids)).decode(),)) if ids else ():
        taken.add(("transfer", ident, attempt))
        if outcome is not None:
            taken.add(("outcome", ident, attempt))
        counted[ident, attempt] = tuple(of)
    return taken, counted


def _save_tree(connection: sa.Connection, say: Statements, frontier: Frontier, note: bytes, summed: int) -> None:
    say.grow.run(connection, [(frontier.size, frontier.to_bytes(), note, now_ms(), summed)])
