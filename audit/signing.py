"""Signed notes (C2SP signed-note) and the keys that sign them.

A `Signer` is a Protocol, so that a key may live in an HSM or a KMS; `KeyFile` is the one that lives in a file with
mode 0600. Private bytes never leave this room, and no error text holds any.
"""

import base64
import binascii
import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from audit.errors import SigningKeyError, VerifyError

ED25519 = 0x01
COSIGNATURE = 0x04
MAX_SIGNATURES = 64
MAX_NOTE_BYTES = 65_536
_DASH = "\u2014 "


def key_id(name: str, kind: int, public: bytes) -> bytes:
    """First 4 bytes of SHA-256(name, LF, type, public key)."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with its name: what an auditor holds. kind: ED25519 or COSIGNATURE; public: 32 bytes."""

    name: str
    public: bytes
    kind: int = ED25519

    @property
    def id(self) -> bytes:
        """Key id, 4 bytes."""
        return key_id(self.name, self.kind, self.public)

    def __str__(self) -> str:
        encoded = base64.b64encode(bytes([self.kind]) + self.public).decode()
        return f"{self.name}+{self.id.hex()}+{encoded}"

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """A vkey, `name+id+base64(type, key)`. Raises SigningKeyError."""
        name, _, rest = text.strip().partition("+")
        given_id, _, encoded = rest.partition("+")
        try:
            data = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            data = b""
        if not valid_name(name) or len(data) != 33 or data[0] not in {ED25519, COSIGNATURE}:
            raise SigningKeyError("a verifier key reads name+8 hexadecimal digits+base64 of an Ed25519 key")
        key = cls(name, data[1:], data[0])
        if key.id.hex() != given_id:
            raise SigningKeyError("the id in the verifier key does not belong to its name and key")
        return key

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether an Ed25519 signature of 64 bytes is by this key."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


def valid_name(name: str) -> bool:
    """Whether a key name is not empty and has no space, plus or control character."""
    return bool(name) and not any(mark == "+" or mark.isspace() or mark < " " for mark in name)


class Signer(Protocol):
    """What signs checkpoints."""

    @property
    def verifier(self) -> VerifierKey:
        """The public half."""
        ...

    def sign(self, message: bytes) -> bytes:
        """An Ed25519 signature of 64 bytes."""
        ...


class KeyFile:
    """An Ed25519 key in a PEM file (PKCS 8, mode 0600)."""

    def __init__(self, name: str, private: Ed25519PrivateKey) -> None:
        self._private = private
        public = private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self.verifier = VerifierKey(name, public)

    def sign(self, message: bytes) -> bytes:
        return self._private.sign(message)

    @classmethod
    def from_seed(cls, name: str, seed: bytes) -> "KeyFile":
        """A key from its 32 bytes of seed (tests, escrow)."""
        return cls(name, Ed25519PrivateKey.from_private_bytes(seed))

    @classmethod
    def create(cls, path: Path, name: str) -> "KeyFile":
        """A new key in a new file. Raises SigningKeyError where the file exists."""
        private = Ed25519PrivateKey.generate()
        pem = private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        write_secret(path, pem)
        return cls(name, private)

    @classmethod
    def load(cls, path: Path, name: str) -> "KeyFile":
        """A key from its file. Raises SigningKeyError where it is missing, open to others or of another kind."""
        try:
            private = serialization.load_pem_private_key(read_secret(path), password=None)
        except ValueError:
            raise SigningKeyError(f"{path} is not a private key in PEM form") from None
        if not isinstance(private, Ed25519PrivateKey):
            raise SigningKeyError(f"{path} is not an Ed25519 key")
        return cls(name, private)


def write_secret(path: Path, data: bytes) -> None:
    """Writes a new file that only its owner may read, durably and whole. Raises SigningKeyError where it exists."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Under another name first: a full disk would leave an empty file, which no start takes for a key.
    draft = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(draft)  # unlike a rename, it fails where the name is taken
    except FileExistsError:
        raise SigningKeyError(f"{path} exists and is not overwritten", code="key_exists") from None
    finally:
        draft.unlink()
    fsync_directory(path.parent)


def read_secret(path: Path) -> bytes:
    """Reads such a file. Raises SigningKeyError where it is missing or others may read or write it."""
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & 0o077:
                raise SigningKeyError(f"{path} is open to other users; run: chmod 600 {path}", code="key_mode")
            return file.read(65_536)
    except FileNotFoundError:
        raise SigningKeyError(f"{path} is missing", code="key_missing") from None


def fsync_directory(path: Path) -> None:
    """Makes names in a directory durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line: name, key id of 4 bytes, signature bytes after the id."""

    name: str
    id: bytes
    signature: bytes

    def line(self) -> str:
        """The line with its LF."""
        return f"{_DASH}{self.name} {base64.b64encode(self.id + self.signature).decode()}\n"


def sign_note(text: str, signers: Iterable[Signer]) -> bytes:
    """A signed note. text: ends in LF."""
    message = text.encode()
    lines = [NoteSignature(signer.verifier.name, signer.verifier.id, signer.sign(message)).line() for signer in signers]
    return message + b"\n" + "".join(lines).encode()


def parse_note(note: bytes) -> tuple[str, tuple[NoteSignature, ...]]:
    """Text and signature lines of a note; checks the form only. Raises VerifyError."""
    if len(note) > MAX_NOTE_BYTES:
        raise VerifyError("the note is too long", code="note_malformed")
    try:
        whole = note.decode("utf-8")
    except UnicodeDecodeError:
        raise VerifyError("the note is not UTF-8", code="note_malformed") from None
    text, blank, rest = whole.rpartition("\n\n")
    if not blank or not rest.endswith("\n") or any(mark < " " and mark != "\n" for mark in whole):
        raise VerifyError("the note has no signature block", code="note_malformed")
    lines = rest[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise VerifyError("the note has too many signatures", code="note_malformed")
    return text + "\n", tuple(_signature(line) for line in lines)


def signing_id(note: bytes) -> bytes:
    """Key id of the first signature: the key that a log has now; those after it are witnesses or the key before."""
    return parse_note(note)[1][0].id


def _signature(line: str) -> NoteSignature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    # One spelling only: bits that base64 ignores could be changed without any signature noticing.
    strict = base64.b64encode(data).decode() == encoded
    if not line.startswith(_DASH) or not space or not valid_name(name) or len(data) < 5 or not strict:
        raise VerifyError("a signature line of the note is malformed", code="note_malformed")
    return NoteSignature(name, data[:4], data[4:])


def open_note(note: bytes, known: Sequence[VerifierKey]) -> tuple[str, tuple[VerifierKey, ...]]:
    """The text, and which of the known keys signed it. Cosignatures are not looked at here.

    Raises VerifyError where no known key signed, or where a known key's signature is wrong.
    """
    text, signatures = parse_note(note)
    keys = {(key.name, key.id): key for key in known if key.kind == ED25519}
    good = []
    for signature in signatures:
        key = keys.get((signature.name, signature.id))
        if key is None:
            continue
        if not key.verifies(signature.signature, text.encode()):
            raise VerifyError("the signature of a known key is wrong", code="signature_wrong")
        if key not in good:
            good.append(key)
    if not good:
        raise VerifyError("no known key signed this", code="signature_missing")
    return text, tuple(good)
