"""One stretch of a log, looked at on its own, so that several processes can share a verification.

A stretch is hashed again, compared with the leaf hashes, and what its entries say of themselves is taken down. What
needs the order of all entries (sequence numbers, outcomes, tiles above the leaves) is for `verify`.
"""

import gc
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Protocol

from audit.canonical import facts as facts_of
from audit.errors import VerifyError
from audit.folder import Folder
from audit.merkle import full_root, leaf_hash
from audit.store import Store
from audit.stored import StoredTiles
from audit.tiles import ENTRIES, WIDTH, TileId, TileSource, split, width_at

BUNDLES = 16
"""Bundles in a shared stretch: 4,096 entries, a tenth of a second; long enough to be worth sending an answer."""
WORTH_SHARING = 120_000
"""Entries from which on other processes are started: each needs half a second to a second for its imports, in which one
process looks at 60,000 entries."""
WORTH_FORKING = 20_000
"""The same where they begin as copies of this process, which costs some hundredths of a second."""
OUT_OF_SEQUENCE = "entry {}: its sequence number does not follow the one before"


type Exchange = tuple[str, int]
"""Id and attempt."""


@dataclass(slots=True)
class Said:
    """What the entries of a stretch say of themselves, added up, so that little travels between processes.

    kinds: how many of each. counted: for each start of a process the index and number of its first entry here and the
    number that must follow. begun: transfers whose outcome is not here; ended: outcomes whose transfer is not. facts:
    of key rotations and exports, whole, because `verify` needs them. fault: the first one of their content.
    """

    kinds: dict[str, int] = field(default_factory=dict)
    counted: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    begun: set[Exchange] = field(default_factory=set)
    ended: set[Exchange] = field(default_factory=set)
    facts: list[dict[str, Any]] = field(default_factory=list)
    fault: VerifyError | None = None

    def take(self, first: int, entries: Iterable[bytes]) -> None:
        """Looks at entries in order; first: index of the first of them."""
        begun, boot = self.begun, None
        since = least = expected = 0
        for index, data in enumerate(entries, start=first):
            try:
                facts = facts_of(data)
                kind, number = facts["kind"], facts["node_seq"]
                if facts["boot"] != boot:
                    known = self.counted.get(facts["boot"], (index, number, number))
                    if boot is not None:
                        self.counted[boot] = since, least, expected
                    boot, (since, least, expected) = facts["boot"], known
                if number != expected:
                    self._fault(OUT_OF_SEQUENCE.format(index), "sequence", index)
                expected = number + 1
                self.kinds[kind] = self.kinds.get(kind, 0) + 1
                if kind == "transfer":
                    begun.add((facts["id"], facts["attempt"]))
                elif kind == "outcome":
                    exchange = facts["id"], facts["attempt"]
                    (begun.remove if exchange in begun else self.ended.add)(exchange)
                elif kind == "key" or kind == "export":
                    self.facts.append(facts)
            except VerifyError as error:
                self._fault(f"entry {index}: {error.message}", error.code, index)
            except (KeyError, TypeError):
                text = f"entry {index}: a field that its kind has is missing, or is of another kind"
                self._fault(text, "entry_malformed", index)
        if boot is not None:
            self.counted[boot] = since, least, expected

    def _fault(self, text: str, code: str, index: int) -> None:
        if self.fault is None:
            self.fault = VerifyError(text, code=code, index=index)


@dataclass(frozen=True, slots=True)
class Stretch:
    """roots: of its full bundles; leaves: of the entries after them; said: what those say whose content was there;
    fault: what ends the verification here."""

    roots: Sequence[bytes]
    leaves: Sequence[bytes]
    said: Said
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
) -> Generator[Stretch]:
    """The whole log in order. here: entries whose content is there. place, workers: share the work, where it is worth
    it; the processes see at least the entries that the caller sees, because a log only grows."""
    bundles = range(-(-size // WIDTH))
    # A copy of a process with threads may wait for ever, and one with an open SQLite database would take its locks for
    # its own; an export on disk has neither.
    forks = isinstance(place, AtFolder) and threading.active_count() == 1
    if place is None or workers < 2 or size < (WORTH_FORKING if forks else WORTH_SHARING):
        yield from (examine(source, size, here, bundles[number : number + 1]) for number in bundles)
        return
    parts = [bundles[at : at + BUNDLES] for at in range(0, len(bundles), BUNDLES)]
    start = get_context("fork" if forks else "spawn")
    pool = ProcessPoolExecutor(workers, mp_context=start, initializer=_enter, initargs=(place,))
    look: Callable[[range], Stretch] = partial(_examine_here, size, here)
    try:
        yield from pool.map(look, parts)
    finally:
        pool.shutdown(cancel_futures=True)


_kept = ExitStack()
_entered: list[TileSource] = []
"""In a process that shares the work: the log, opened once for all of its stretches, and what keeps it open."""


def _enter(place: Place) -> None:
    gc.disable()  # entries have no cycles, and looking for some costs a tenth
    _entered.append(_kept.enter_context(place.open()))


def _examine_here(size: int, here: range, numbers: range) -> Stretch:
    return examine(_entered[0], size, here, numbers)


def examine(source: TileSource, size: int, here: range, numbers: range) -> Stretch:
    """Looks at the bundles of these numbers; the first one that does not hold ends the stretch."""
    roots: list[bytes] = []
    leaves: list[bytes] = []
    said = Said()
    try:
        for number in numbers:
            first, width = number * WIDTH, width_at(size, 0, number)
            hashes = source.hashes(TileId(0, number, width))
            if first in here:
                entries = source.bundle(TileId(ENTRIES, number, width))
                _compare(first, entries, hashes)
                said.take(first, entries)
            leaves = split(hashes)
            if width == WIDTH:
                roots.append(full_root(leaves))
                leaves = []
    except VerifyError as fault:
        return Stretch(roots, leaves, said, fault)
    return Stretch(roots, leaves, said, None)


def _compare(first: int, entries: Sequence[bytes], hashes: bytes) -> None:
    """Hashes entries again. Raises VerifyError that names the first one that is not what was signed."""
    found = [leaf_hash(data) for data in entries]
    if b"".join(found) == hashes:
        return
    index = first + next(at for at, (one, said) in enumerate(zip(found, split(hashes), strict=True)) if one != said)
    raise VerifyError(f"entry {index} is not the one that was signed", code="entry_differs", index=index)
