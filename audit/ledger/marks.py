"""Which transfers were handed to the transport: the one fact that tells `not_sent` from `interrupted` after a crash.

A mark is one small write; it outlives the process (kill -9) because the page cache does, and is not believed after the
machine itself went down. The file is not mapped: on a full disk, a write into a map ends the process. Slots are a ring:
a slot that a later transfer has taken over proves nothing, and whatever is not proven is closed as `interrupted`.
"""

import os
import struct
from pathlib import Path

SLOTS = 1 << 16
"""More than a process ever has in flight between two starts of the same slot; 512 KiB."""
_HEADER = 64
_SLOT = struct.Struct("<Q")
_MAGIC = b"dragoman-marks1\n"
_KERNEL_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Marks:
    """The marks of one serving process."""

    def __init__(self, path: Path, *, create: bool) -> None:
        if create:
            # A new file, not the old one cut short: another process may have that one open.
            path.unlink(missing_ok=True)
        flags = os.O_RDWR | (os.O_CREAT | os.O_EXCL if create else 0)
        handle = os.open(path, flags, 0o600)
        try:
            if create:
                os.ftruncate(handle, _HEADER + _SLOT.size * SLOTS)
                os.pwrite(handle, _MAGIC + kernel_boot_id().encode()[:36], 0)
        except BaseException:
            os.close(handle)
            raise
        self._handle = handle

    def set(self, index: int) -> None:
        """Says that bytes of the transfer recorded at that index may leave from now on."""
        os.pwrite(self._handle, _SLOT.pack(index + 1), _HEADER + _SLOT.size * (index % SLOTS))

    def proves_unsent(self, index: int) -> bool:
        """Whether the transfer at that index was certainly never handed to the transport."""
        (value,) = _SLOT.unpack(os.pread(self._handle, _SLOT.size, _HEADER + _SLOT.size * (index % SLOTS)))
        return bool(value < index + 1)

    def close(self) -> None:
        """Closes the file; it stays. May be called twice."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def previous(path: Path) -> Marks | None:
    """The marks of the process before, None where there are none or the machine has been down since."""
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER)
            whole = os.fstat(file.fileno()).st_size == _HEADER + _SLOT.size * SLOTS
    except FileNotFoundError:
        return None
    boot = kernel_boot_id().encode()[:36]
    if not whole or not boot or header[: len(_MAGIC) + len(boot)] != _MAGIC + boot:
        return None
    return Marks(path, create=False)


def kernel_boot_id() -> str:
    """The kernel's id of this start of the machine, or "" where it tells none."""
    try:
        return _KERNEL_BOOT_ID.read_text().strip()
    except OSError:
        return ""
