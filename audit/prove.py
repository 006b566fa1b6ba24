"""Receipts that can be checked offline: C2SP tlog-proof, one record's way to a signed root.

The text holds index, hashes and checkpoint, and the hash of the entry as its `extra` data; with a public key it proves
that an entry with that hash stands in the log, and with the entry that it is this one. Checking needs neither the log
nor us.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import sqlalchemy as sa

from audit.checkpoint import Checkpoint, open_checkpoint, unverified
from audit.errors import VerifyError
from audit.merkle import HASH_BYTES, inclusion_proof, leaf_hash, verify_inclusion
from audit.signing import VerifierKey
from audit.stored import StoredTiles, newest_checkpoint
from audit.tiles import WIDTH, TileBuilder, TileId, node_source

HEADER = "c2sp.org/tlog-proof@v1"
MAX_PROOF = 63


@dataclass(frozen=True, slots=True)
class Proof:
    """The proof for the entry at `index`. hashes: from the leaf to the root; checkpoint: the signed note; leaf: hash of
    the entry, b"" where the proof does not say it."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    leaf: bytes = b""

    def text(self) -> bytes:
        """The file's bytes."""
        extra = (f"extra {base64.b64encode(self.leaf).decode()}",) if self.leaf else ()
        lines = (HEADER, *extra, f"index {self.index}", *(base64.b64encode(one).decode() for one in self.hashes))
        return "\n".join(lines).encode() + b"\n\n" + self.checkpoint

    @classmethod
    def parse(cls, data: bytes) -> "Proof":
        """A proof from its bytes. Raises VerifyError."""
        head, blank, checkpoint = data.partition(b"\n\n")
        lines = head.decode("ascii", "replace").split("\n")
        extra = lines.pop(1)[6:] if len(lines) > 1 and lines[1].startswith("extra ") else ""
        index = re.fullmatch(r"index (0|[1-9][0-9]{0,18})", lines[1], re.ASCII) if len(lines) > 1 else None
        if not blank or lines[0] != HEADER or index is None or len(lines) - 2 > MAX_PROOF:
            raise VerifyError(f"this is not a proof in the form of {HEADER}", code="proof_malformed")
        try:
            hashes = tuple(base64.b64decode(line, validate=True) for line in lines[2:])
            leaf = base64.b64decode(extra, validate=True)
        except binascii.Error:
            raise VerifyError("a hash of the proof is not base64", code="proof_malformed") from None
        return cls(int(index[1]), hashes, checkpoint, leaf if len(leaf) == HASH_BYTES else b"")


def read(data: bytes) -> Proof:
    """A proof from a file, or from the value of a `dragoman-receipt` header. Raises VerifyError."""
    if data.startswith(HEADER.encode()):
        return Proof.parse(data)
    try:
        return Proof.parse(base64.b64decode(data.strip(), validate=True))
    except binascii.Error:
        raise VerifyError(f"this is neither {HEADER} nor its base64", code="proof_malformed") from None


class Fresh:
    """The tiles that hold the entries of one commit, as a source for their proofs: all are still in memory.

    An entry's siblings stand in the tiles that it is in itself, and each of those was completed by this commit (`full`)
    or is not full yet.
    """

    def __init__(self, builder: TileBuilder, full: Mapping[TileId, bytes]) -> None:
        self._builder, self._full = builder, full

    def hashes(self, tile: TileId) -> bytes:
        """See TileSource."""
        return self._full[tile] if tile.width == WIDTH else b"".join(self._builder.levels[tile.level])

    def bundle(self, tile: TileId) -> Sequence[bytes]:
        """No proof asks for entries."""
        raise NotImplementedError

    def prove(self, at: Iterable[tuple[int, bytes]], note: bytes) -> "dict[int, bytes]":
        """The proofs of these entries (index, leaf hash) under the checkpoint of the commit, by index."""
        size = self._builder.size
        node = cache(node_source(self, size))  # the entries of one commit share most of their way
        return {index: Proof(index, tuple(inclusion_proof(node, index, size)), note, leaf).text() for index, leaf in at}


def prove(connection: sa.Connection, index: int) -> Proof:
    """The proof for one entry under the newest checkpoint. Raises VerifyError where there is no such entry."""
    note = newest_checkpoint(connection)
    size = 0 if note is None else unverified(note).size
    if note is None or not 0 <= index < size:
        raise VerifyError(f"the log has {size} entries and none at {index}", code="entry_missing")
    node = node_source(StoredTiles(connection), size)
    return Proof(index, tuple(inclusion_proof(node, index, size)), note, node(0, index))


def check(proof: Proof, entry: bytes | None, keys: Sequence[VerifierKey]) -> Checkpoint:
    """Checks that `entry` stands where the proof says, or, for None, an entry with the hash that the proof says;
    returns the checkpoint. Raises VerifyError."""
    checkpoint = open_checkpoint(proof.checkpoint, keys)
    leaf = proof.leaf if entry is None else leaf_hash(entry)
    if not leaf:
        raise VerifyError("the proof does not say the hash of its entry; give the entry", code="proof_without_leaf")
    if not verify_inclusion(leaf, proof.index, checkpoint.size, proof.hashes, checkpoint.root):
        raise VerifyError("the proof does not lead from this entry to the signed root", code="proof_wrong")
    return checkpoint
