"""Receipts that can be checked offline: C2SP tlog-proof, one record's way to a signed root.

The text holds index, hashes and checkpoint; with the entry and a public key it proves that the record stands in the
log. Checking needs neither the log nor us.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from audit.checkpoint import Checkpoint, open_checkpoint, unverified
from audit.errors import VerifyError
from audit.merkle import inclusion_proof, leaf_hash, verify_inclusion
from audit.signing import VerifierKey
from audit.store import StoredTiles, newest_checkpoint
from audit.tiles import node_source

HEADER = "c2sp.org/tlog-proof@v1"
MAX_PROOF = 63


@dataclass(frozen=True, slots=True)
class Proof:
    """The proof for the entry at `index`. hashes: from the leaf to the root; checkpoint: the signed note."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes

    def text(self) -> bytes:
        """The file's bytes."""
        lines = (HEADER, f"index {self.index}", *(base64.b64encode(one).decode() for one in self.hashes))
        return "\n".join(lines).encode() + b"\n\n" + self.checkpoint

    @classmethod
    def parse(cls, data: bytes) -> "Proof":
        """A proof from its bytes. Raises VerifyError."""
        head, blank, checkpoint = data.partition(b"\n\n")
        lines = head.decode("ascii", "replace").split("\n")
        if len(lines) > 1 and lines[1].startswith("extra "):
            del lines[1]
        index = re.fullmatch(r"index (0|[1-9][0-9]{0,18})", lines[1], re.ASCII) if len(lines) > 1 else None
        if not blank or lines[0] != HEADER or index is None or len(lines) - 2 > MAX_PROOF:
            raise VerifyError(f"this is not a proof in the form of {HEADER}", code="proof_malformed")
        try:
            hashes = tuple(base64.b64decode(line, validate=True) for line in lines[2:])
        except binascii.Error:
            raise VerifyError("a hash of the proof is not base64", code="proof_malformed") from None
        return cls(int(index[1]), hashes, checkpoint)


def prove(connection: sa.Connection, index: int) -> Proof:
    """The proof for one entry under the newest checkpoint. Raises VerifyError where there is no such entry."""
    note = newest_checkpoint(connection)
    size = 0 if note is None else unverified(note).size
    if note is None or not 0 <= index < size:
        raise VerifyError(f"the log has {size} entries and none at {index}", code="entry_missing")
    return Proof(index, tuple(inclusion_proof(node_source(StoredTiles(connection), size), index, size)), note)


def check(proof: Proof, entry: bytes, keys: Sequence[VerifierKey]) -> Checkpoint:
    """Checks that `entry` stands where the proof says; returns the checkpoint. Raises VerifyError."""
    checkpoint = open_checkpoint(proof.checkpoint, keys)
    if not verify_inclusion(leaf_hash(entry), proof.index, checkpoint.size, proof.hashes, checkpoint.root):
        raise VerifyError("the proof does not lead from this entry to the signed root", code="proof_wrong")
    return checkpoint
