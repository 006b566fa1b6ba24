"""Where the key-encryption key comes from: files of the home folder, or the environment.

A ring knows the current key and older ones, so that a rotation needs no standstill; files are made for their owner
alone and never overwritten. Key bytes never enter an error, an id is a hash of them.
"""

import base64
import binascii
import os
import secrets
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType

from redaction.errors import VaultError
from redaction.vault.cipher import KEY_BYTES, decrypt, encrypt

CURRENT = "vault.key"
_OLD = "vault.key.old-"
_NEW = "vault.key.new"
VARIABLE = "DRAGOMAN_VAULT_KEY"
"""Base64 of 32 bytes; DRAGOMAN_VAULT_KEY_OLD holds older ones, separated by commas."""


def key_id(key: bytes) -> str:
    """16 hex digits that name a key without telling it."""
    return sha256(b"dragoman key id 1\0" + key).hexdigest()[:16]


class StaticRing:
    """Keys that are known from the start: the environment, tests. current: 32 bytes; older: further ones."""

    def __init__(self, current: bytes, *older: bytes) -> None:
        if any(len(key) != KEY_BYTES for key in (current, *older)):
            raise VaultError(f"a key-encryption key has {KEY_BYTES} bytes", code="key")
        self._keys: Mapping[str, bytes] = MappingProxyType({key_id(key): key for key in (*older, current)})
        self._current = key_id(current)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "StaticRing | None":
        """The ring of DRAGOMAN_VAULT_KEY, None where it is not set. Raises VaultError `key`."""
        value = environment.get(VARIABLE, "")
        if not value:
            return None
        older = [part for part in environment.get(f"{VARIABLE}_OLD", "").split(",") if part.strip()]
        try:
            return cls(*(base64.b64decode(part.strip(), validate=True) for part in (value, *older)))
        except binascii.Error:
            raise VaultError(f"{VARIABLE} is not base64", code="key") from None

    @property
    def current(self) -> str:
        return self._current

    def wrap(self, plain: bytes, associated: bytes) -> tuple[str, bytes]:
        return self._current, encrypt(self._keys[self._current], plain, associated)

    def unwrap(self, key_id: str, wrapped: bytes, associated: bytes) -> bytes:
        key = self._keys.get(key_id)
        if key is None:
            raise VaultError(f"the key-encryption key {key_id} is not there; bring it back as an older key", code="key")
        return decrypt(key, wrapped, associated)


class FileRing:
    """Keys in a folder: `vault.key` is current, `vault.key.old-<id>` older. Made at first use, mode 0600.

    A running process follows a rotation that another one made: it reads the folder again when the current file
    changed or a key is asked for that it does not know.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stamp: tuple[int, int] = (0, 0)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _create(folder / CURRENT)
        self._ring = self._load()

    @property
    def current(self) -> str:
        return self._fresh().current

    def wrap(self, plain: bytes, associated: bytes) -> tuple[str, bytes]:
        return self._fresh().wrap(plain, associated)

    def unwrap(self, key_id: str, wrapped: bytes, associated: bytes) -> bytes:
        try:
            return self._ring.unwrap(key_id, wrapped, associated)
        except VaultError as error:
            if error.code != "key":
                raise
        self._ring = self._load()
        return self._ring.unwrap(key_id, wrapped, associated)

    def begin_rotation(self) -> None:
        """A new current key; the one before stays as an older one. Safe to repeat after a crash."""
        new, current = self._folder / _NEW, self._folder / CURRENT
        _create(new)
        old = self._folder / f"{_OLD}{key_id(_read(current))}"
        if not old.exists():
            os.link(current, old)  # the old key is never without a name
        new.replace(current)
        _sync(self._folder)
        self._ring = self._load()

    def retire(self, key_ids: frozenset[str]) -> tuple[str, ...]:
        """Delete the files of older keys, except those still in use. Returns the ids that are gone."""
        gone = []
        for path in sorted(self._folder.glob(f"{_OLD}*")):
            name = path.name.removeprefix(_OLD)
            if name not in key_ids and name != self._ring.current:
                path.unlink()
                gone.append(name)
        _sync(self._folder)
        self._ring = self._load()
        return tuple(gone)

    def _fresh(self) -> StaticRing:
        if self._seen() != self._stamp:
            self._ring = self._load()
        return self._ring

    def _seen(self) -> tuple[int, int]:
        try:
            found = (self._folder / CURRENT).stat()
        except FileNotFoundError:
            raise VaultError(f"{self._folder / CURRENT} is gone; bring it back from escrow", code="key") from None
        return found.st_mtime_ns, found.st_ino

    def _load(self) -> StaticRing:
        self._stamp = self._seen()
        older = [*self._folder.glob(f"{_OLD}*"), *self._folder.glob(_NEW)]
        return StaticRing(_read(self._folder / CURRENT), *(_read(path) for path in older))


def _create(path: Path) -> None:
    """A new random key, durable and complete before it has its name; nothing where the file is already there."""
    if path.exists():
        return
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(secrets.token_bytes(KEY_BYTES))
            stream.flush()
            os.fsync(stream.fileno())
        try:
            os.link(draft, path)  # fails where another process was faster: then its key counts
        except FileExistsError:
            return
    finally:
        draft.unlink()
    _sync(path.parent)


def _read(path: Path) -> bytes:
    if path.stat().st_mode & 0o077:
        raise VaultError(f"{path}: others may read this key; run `chmod 600 {path}`", code="key")
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise VaultError(f"{path}: this is not a key of {KEY_BYTES} bytes", code="key")
    return key


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
