"""Secret files of the home folder: made once, for their owner alone, never overwritten."""

import os
import secrets
from pathlib import Path

from proxy.errors import ConfigError

KEY_BYTES = 32


def private_dir(path: Path) -> Path:
    """The folder, made with mode 0700 when it is not there."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def ensure_key(path: Path) -> bytes:
    """32 random bytes from a file that is made (0600) when it is not there.

    Raises ConfigError when others may read the file or it is not a key of ours.
    """
    private_dir(path.parent)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return read_key(path)
    key = secrets.token_bytes(KEY_BYTES)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(key)
        stream.flush()
        os.fsync(stream.fileno())
    return key


def read_key(path: Path) -> bytes:
    """The key of a file. Raises ConfigError."""
    if path.stat().st_mode & 0o077:
        raise ConfigError(f"{path}: others may read this key; run `chmod 600 {path}`")
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise ConfigError(f"{path}: this is not a key of {KEY_BYTES} bytes")
    return key
