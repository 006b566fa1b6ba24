"""The tree: RFC 6962 / RFC 9162 with SHA-256, as a frontier that grows and as proofs that anybody can check.

Pure functions over hashes of 32 bytes; nothing here knows records, files or databases. Proofs ask a callback for the
hash of a full subtree, `node(level, index)` = root of the leaves [index * 2^level, (index + 1) * 2^level).
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence

type NodeSource = Callable[[int, int], bytes]

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()


_LEAF = hashlib.sha256(b"\x00")


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256 of 0x00 and the entry."""
    hashed = _LEAF.copy()  # begun with the prefix: an entry of kilobytes is not copied to put a byte before it
    hashed.update(entry)
    return hashed.digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256 of 0x01 and both children."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a tree: one hash for each bit that is set in its size, largest subtree first.

    Appending costs two hashes on average, the root as many as there are bits.
    """

    __slots__ = ("_peaks", "size")

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        self.size = size
        self._peaks = list(peaks)
        if len(self._peaks) != size.bit_count() or any(len(peak) != HASH_BYTES for peak in self._peaks):
            raise ValueError("a frontier has one hash for each bit of its size")

    def append(self, leaf: bytes, height: int = 0) -> Sequence[bytes]:
        """Adds the hash of one more leaf. Returns the roots of the full subtrees that end with it and have 2^height,
        4^height and so on leaves, the lowest first; none for 0."""
        size, level = self.size, 0
        roots: list[bytes] = []
        while size & 1:
            leaf = node_hash(self._peaks.pop(), leaf)
            size >>= 1
            level += 1
            if level == height:
                roots.append(leaf)
                level = 0
        self._peaks.append(leaf)
        self.size += 1
        return roots

    def root(self) -> bytes:
        """The root of the tree as it stands."""
        return fold(self._peaks)

    def to_bytes(self) -> bytes:
        """The peaks one after another; `from_bytes` reads them."""
        return b"".join(self._peaks)

    @classmethod
    def from_bytes(cls, size: int, data: bytes) -> "Frontier":
        """A frontier that was stored. Raises ValueError where the bytes do not fit the size."""
        return cls(size, (data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)))

    @property
    def peaks(self) -> tuple[bytes, ...]:
        """The roots of the full subtrees, largest first."""
        return tuple(self._peaks)

    def copy(self) -> "Frontier":
        """Another frontier of the same state."""
        return Frontier(self.size, self._peaks)


def fold(peaks: Sequence[bytes]) -> bytes:
    """The root over the peaks of a frontier, largest first."""
    if not peaks:
        return EMPTY_ROOT
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = node_hash(peak, root)
    return root


def full_root(hashes: Sequence[bytes]) -> bytes:
    """The root over as many hashes as a power of two, level by level: half the time that a frontier takes."""
    sha256 = hashlib.sha256
    while len(hashes) > 1:
        hashes = [
            sha256(b"\x01" + left + right).digest() for left, right in zip(hashes[::2], hashes[1::2], strict=True)
        ]
    return hashes[0]


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root over leaf hashes."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()


def subtree_root(node: NodeSource, start: int, end: int) -> bytes:
    """Root of the leaves [start, end), where start is a multiple of the largest power of two below end - start."""
    peaks = []
    while start < end:
        level = (end - start).bit_length() - 1
        peaks.append(node(level, start >> level))
        start += 1 << level
    return fold(peaks)


def inclusion_proof(node: NodeSource, index: int, size: int) -> list[bytes]:
    """RFC 9162, 2.1.3: hashes from the leaf to the root. Raises ValueError unless 0 <= index < size."""
    if not 0 <= index < size:
        raise ValueError("the index is outside the tree")
    proof: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + (1 << ((end - start - 1).bit_length() - 1))
        if index < middle:
            proof.append(subtree_root(node, middle, end))
            end = middle
        else:
            proof.append(subtree_root(node, start, middle))
            start = middle
    proof.reverse()
    return proof


def consistency_proof(node: NodeSource, old: int, new: int) -> list[bytes]:
    """RFC 9162, 2.1.4. Raises ValueError unless 0 < old <= new."""
    if not 0 < old <= new:
        raise ValueError("the older tree must not be empty nor larger than the newer")
    proof: list[bytes] = []
    start, end, whole = 0, new, True
    while end > old:
        middle = start + (1 << ((end - start - 1).bit_length() - 1))
        if old <= middle:
            proof.append(subtree_root(node, middle, end))
            end = middle
        else:
            proof.append(subtree_root(node, start, middle))
            start, whole = middle, False
    if not whole:
        proof.append(subtree_root(node, start, end))
    proof.reverse()
    return proof


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """RFC 9162, 2.1.3.2: whether the leaf stands at that index of the tree with that root."""
    if not 0 <= index < size:
        return False
    position, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            found = node_hash(sibling, found)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and found == root


def verify_consistency(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """RFC 9162, 2.1.4.2: whether the newer tree begins with the whole of the older one."""
    if not 0 < old <= new:
        return False
    if old == new:
        return not proof and old_root == new_root
    path = list(proof) if old.bit_count() > 1 else [old_root, *proof]
    if not path:
        return False
    position, last = old - 1, new - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    first = second = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            second = node_hash(second, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root
