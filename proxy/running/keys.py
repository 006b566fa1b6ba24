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
    if path.exists():
        return read_key(path)
    key = secrets.token_bytes(KEY_BYTES)
    # Under another name until it is whole: a full disk would leave an empty file, which no start takes for a key.
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(key)
            stream.flush()
            os.fsync(stream.fileno())
        path.hardlink_to(draft)
    except FileExistsError:
        return read_key(path)  # another process was faster: its key counts
    finally:
        draft.unlink()
    return key


def read_key(path: Path) -> bytes:
    """The key of a file. Raises ConfigError."""
    if path.stat().st_mode & 0o077:
        raise ConfigError(f"{path}: others may read this key; run `chmod 600 {path}`")
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise ConfigError(f"{path}: this is not a key of {KEY_BYTES} bytes")
    return key
