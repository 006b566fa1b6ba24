"""Checkpoints (C2SP tlog-checkpoint) and the cosignatures of witnesses (C2SP tlog-cosignature).

A checkpoint is three lines in a signed note: origin, size, root. Whoever holds one can tell later whether a log
still contains everything that it contained then.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass

from audit.errors import VerifyError
from audit.signing import COSIGNATURE, NoteSignature, Signer, VerifierKey, open_note, parse_note, sign_note

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII).fullmatch


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree at one moment. origin: name of the log; size: entries; root: 32 bytes."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    def signed(self, *signers: Signer) -> bytes:
        """The checkpoint as a signed note."""
        return sign_note(self.text(), signers)

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """A checkpoint from the text of a note; extension lines are skipped. Raises VerifyError."""
        lines = text.split("\n")
        if len(lines) < 4 or lines[-1] or not lines[0] or _SIZE(lines[1]) is None or "" in lines[:-1]:
            raise VerifyError("the checkpoint does not read origin, size, root", code="checkpoint_malformed")
        try:
            root = base64.b64decode(lines[2], validate=True)
        except binascii.Error:
            root = b""
        if len(root) != 32:
            raise VerifyError("the checkpoint's root is not a SHA-256 hash", code="checkpoint_malformed")
        return cls(lines[0], int(lines[1]), root)


def open_checkpoint(note: bytes, keys: Sequence[VerifierKey]) -> Checkpoint:
    """A checkpoint that one of the keys signed, of the log that the key names. Raises VerifyError."""
    text, signers = open_note(note, keys)
    checkpoint = Checkpoint.parse(text)
    if all(key.name != checkpoint.origin for key in signers):
        raise VerifyError("the checkpoint is of another log than its key", code="checkpoint_origin")
    return checkpoint


def unverified(note: bytes) -> Checkpoint:
    """The checkpoint in a note whose signatures are not checked. Raises VerifyError."""
    return Checkpoint.parse(parse_note(note)[0])


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A witness has seen this checkpoint, consistent with all it saw before, at `time` (seconds since 1970)."""

    witness: VerifierKey
    time: int


def cosigned_message(text: str, time: int) -> bytes:
    """What a witness signs (cosignature/v1)."""
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def cosign(text: str, signer: Signer, time: int) -> str:
    """A witness's signature line for a checkpoint's text."""
    key = VerifierKey(signer.verifier.name, signer.verifier.public, COSIGNATURE)
    signature = time.to_bytes(8, "big") + signer.sign(cosigned_message(text, time))
    return NoteSignature(key.name, key.id, signature).line()


def cosignatures(note: bytes, witnesses: Sequence[VerifierKey]) -> tuple[Cosignature, ...]:
    """Which of the witnesses cosigned. Raises VerifyError where a known witness's line is wrong."""
    text, signatures = parse_note(note)
    keys = {(key.name, key.id): key for key in witnesses if key.kind == COSIGNATURE}
    found = []
    for line in signatures:
        key = keys.get((line.name, line.id))
        if key is None:
            continue
        time = int.from_bytes(line.signature[:8], "big")
        if len(line.signature) != 72 or not key.verifies(line.signature[8:], cosigned_message(text, time)):
            raise VerifyError("the cosignature of a known witness is wrong", code="signature_wrong")
        found.append(Cosignature(key, time))
    return tuple(found)


def rotation_text(old: VerifierKey, new: VerifierKey) -> bytes:
    """What both keys sign when the log's key changes; the signatures stand in a `key` record."""
    return f"dragoman/key-rotation/v1\n{old}\n{new}\n".encode()
