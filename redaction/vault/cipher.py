"""Encryption of what the vault keeps: originals under a scope's data key, scope keys under the key-encryption key.

AES-256-GCM with random 96-bit nonces (NIST SP 800-38D) throughout; the associated data bind a ciphertext to its row,
so that no row can be passed off as another. Keys and originals enter; neither ever enters an error.
"""

import secrets
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from redaction.errors import VaultError

KEY_BYTES = 32
_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True, repr=False)
class ScopeKeys:
    """The random keys of one scope, 32 bytes each; whoever destroys them has shredded everything in it.

    token: makes placeholders. commit: salts of commitments. data: encrypts originals.
    """

    token: bytes
    commit: bytes
    data: bytes

    @classmethod
    def random(cls) -> "ScopeKeys":
        """New keys; never derived from a master, which would survive shredding."""
        return cls(*(secrets.token_bytes(KEY_BYTES) for _ in range(3)))


class KeyEncryptionKey(Protocol):
    """Wraps scope keys: a file, the environment, or a KMS. The name of the key stands beside what it wrapped."""

    @property
    def current(self) -> str:
        """The id of the key that `wrap` uses."""
        ...

    def wrap(self, plain: bytes, associated: bytes) -> tuple[str, bytes]:
        """(id of the key used, wrapped bytes)."""
        ...

    def unwrap(self, key_id: str, wrapped: bytes, associated: bytes) -> bytes:
        """The inverse. Raises VaultError `key` for a key that is not there, `damaged` where the bytes do not fit."""
        ...


def encrypt(key: bytes, plain: bytes, associated: bytes) -> bytes:
    """Nonce and ciphertext with its 16-byte tag."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, associated)


def decrypt(key: bytes, sealed: bytes, associated: bytes) -> bytes:
    """The inverse of `encrypt`. Raises VaultError `damaged` where key, bytes or associated data do not fit."""
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], associated)
    except (InvalidTag, ValueError):
        raise VaultError(
            "a value in the vault does not decrypt: it was changed, or it belongs to another row or key",
            code="damaged",
        ) from None


def wrap_scope(keys: ScopeKeys, scope: str, kek: KeyEncryptionKey) -> tuple[str, bytes]:
    """(id of the key-encryption key, the scope's keys wrapped)."""
    return kek.wrap(keys.token + keys.commit + keys.data, _scope_data(scope))


def unwrap_scope(key_id: str, wrapped: bytes, scope: str, kek: KeyEncryptionKey) -> ScopeKeys:
    """The scope's keys. Raises VaultError."""
    plain = kek.unwrap(key_id, wrapped, _scope_data(scope))
    return ScopeKeys(*(plain[start : start + KEY_BYTES] for start in range(0, 3 * KEY_BYTES, KEY_BYTES)))


def seal(keys: ScopeKeys, scope: str, token: str, entity_type: str, surface: str) -> bytes:
    """An original for its row."""
    return encrypt(keys.data, surface.encode("utf-8", "surrogatepass"), _row_data(scope, token, entity_type))


def unseal(keys: ScopeKeys, scope: str, token: str, entity_type: str, sealed: bytes) -> str:
    """The original of a row. Raises VaultError `damaged`."""
    return decrypt(keys.data, sealed, _row_data(scope, token, entity_type)).decode("utf-8", "surrogatepass")


def _scope_data(scope: str) -> bytes:
    return b"dragoman scope 1\0" + scope.encode()


def _row_data(scope: str, token: str, entity_type: str) -> bytes:
    return b"dragoman row 1\0" + "\0".join((scope, token, entity_type)).encode("utf-8", "surrogatepass")
