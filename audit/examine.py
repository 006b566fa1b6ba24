"""One stretch of a log, looked at on its own, so that several processes can share a verification.

A stretch is hashed again, compared with the leaf hashes, and what its entries say of themselves is taken down. What
needs the order of all entries (sequence numbers, outcomes, tiles above the leaves) is for `verify`.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Protocol

from audit.canonical import facts as facts_of
from audit.errors import VerifyError
from audit.folder import Folder
from audit.merkle import leaf_hash
from audit.store import Store, StoredTiles
from audit.tiles import ENTRIES, WIDTH, TileId, TileSource, split, width_at

BUNDLES = 16
"""Bundles in a shared stretch: 4,096 entries, a tenth of a second; long enough to be worth sending an answer."""
WORTH_SHARING = 250_000
"""Entries from which on other processes are started: each needs a second for its imports, in which one process looks
at 60,000 entries."""


type Seen = tuple[str, str, int, tuple[str, int] | None, dict[str, Any] | None]
"""What one entry says of itself: kind, boot, sequence number, id and attempt, and all its facts where `verify` needs
them (key rotations, exports). A plain tuple, because there are as many as entries."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """leaves: hashes of all entries of the stretch up to the fault; seen: of those whose content was there, from index
    `first` on, in order; fault: what ends the verification here."""

    leaves: Sequence[bytes]
    first: int
    seen: Sequence[Seen | VerifyError]
    fault: VerifyError | None


class Place(Protocol):
    """Where a log can be opened by another process."""

    def open(self) -> AbstractContextManager[TileSource]:
        """The log as a source of tiles."""
        ...


@dataclass(frozen=True, slots=True)
class AtFolder:
    """An export on disk."""

    path: Path

    @contextmanager
    def open(self) -> Iterator[TileSource]:
        yield Folder(self.path)


@dataclass(frozen=True, slots=True)
class AtDatabase:
    """A database, by its URL; opened for reading only. Never shown: it may hold a password."""

    url: str

    @contextmanager
    def open(self) -> Iterator[TileSource]:
        store = Store.open(self.url, read_only=True)
        try:
            with store.read() as connection:
                yield StoredTiles(connection)
        finally:
            store.close()


def stretches(
    source: TileSource, size: int, here: range, *, place: Place | None = None, workers: int = 1
) -> Iterator[Stretch]:
    """The whole log in order. here: entries whose content is there. place, workers: share the work, where it is worth
    it; the processes see at least the entries that the caller sees, because a log only grows."""
    bundles = range(-(-size // WIDTH))
    if place is None or workers < 2 or size < WORTH_SHARING:
        yield from (examine(source, size, here, bundles[number : number + 1]) for number in bundles)
        return
    parts = [bundles[at : at + BUNDLES] for at in range(0, len(bundles), BUNDLES)]
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
    look: Callable[[range], Stretch] = partial(_examine_at, place, size, here)
    try:
        yield from pool.map(look, parts)
    finally:
        pool.shutdown(cancel_futures=True)


def _examine_at(place: Place, size: int, here: range, numbers: range) -> Stretch:
    with place.open() as source:
        return examine(source, size, here, numbers)


def examine(source: TileSource, size: int, here: range, numbers: range) -> Stretch:
    """Looks at the bundles of these numbers; the first one that does not hold ends the stretch."""
    leaves: list[bytes] = []
    seen: list[Seen | VerifyError] = []
    first = max(numbers.start * WIDTH, here.start)
    try:
        for number in numbers:
            width = width_at(size, 0, number)
            said = split(source.hashes(TileId(0, number, width)))
            if number * WIDTH not in here:
                leaves += said
                continue
            for offset, data in enumerate(source.bundle(TileId(ENTRIES, number, width))):
                index, leaf = number * WIDTH + offset, leaf_hash(data)
                if leaf != said[offset]:
                    text = f"entry {index} is not the one that was signed"
                    raise VerifyError(text, code="entry_differs", index=index)
                leaves.append(leaf)
                seen.append(_seen(index, data))
    except VerifyError as fault:
        return Stretch(leaves, first, seen, fault)
    return Stretch(leaves, first, seen, None)


def _seen(index: int, data: bytes) -> Seen | VerifyError:
    """What an entry says of itself, or why it is none; an error in words that do not repeat it."""
    try:
        facts = facts_of(data)
        kind = facts["kind"]
        exchange = (facts["id"], facts["attempt"]) if kind in {"transfer", "outcome"} else None
        return kind, facts["boot"], facts["node_seq"], exchange, facts if kind in {"key", "export"} else None
    except VerifyError as error:
        return VerifyError(f"entry {index}: {error.message}", code=error.code, index=index)
    except KeyError:
        return VerifyError(f"entry {index}: a field is missing that its kind has", code="entry_malformed", index=index)
