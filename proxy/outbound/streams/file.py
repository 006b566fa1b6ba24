"""Lines into a file that is rotated: every entry as it was signed, or as an OCSF event.

A batch is on disk before the cursor moves (fsync of the file, and of the folder after a rotation). A line that a crash
cut off is removed before the next one is written; its batch comes again whole. A file that somebody moved or deleted is
noticed by its inode and made anew.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from audit.questions.following import Followed
from proxy.outbound.streams.base import LINES, Exporter, Option, SendError, StreamSettings, line_form, line_format

CHUNK = 64 * 1024


class FileSink:
    """max_bytes: of a file before it is rotated, if one line does not fit it is written all the same. keep: rotated
    files that stay, `NAME.1` the newest."""

    def __init__(self, settings: StreamSettings) -> None:
        options = settings.options
        self._path, self._max_bytes, self._keep = Path(options["path"]), options["max_bytes"], options["keep"]
        self._line = line_format(settings).line
        self._handle: int | None = None

    def send(self, batch: Sequence[Followed]) -> None:
        """See Sink."""
        lines = [line + b"\n" for one in batch if (line := self._line(one.body, one.place)) is not None]
        try:
            for line in self._files(lines):
                self._write(line)
            if self._handle is not None:
                os.fsync(self._handle)
        except OSError as error:
            # What a full disk took in part is cut off when the file is opened again.
            self.close()
            raise SendError(f"the file cannot be written ({error.strerror})") from None

    def close(self) -> None:
        """Closes the file."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _files(self, lines: Sequence[bytes]) -> "list[bytes]":
        """The lines in pieces, each of which fits into the file that is open when it is written."""
        if not lines:
            return []
        self._open()
        assert self._handle is not None
        room = self._max_bytes - os.fstat(self._handle).st_size
        pieces: list[bytes] = []
        waiting = bytearray()
        for line in lines:
            if waiting and len(waiting) + len(line) > room:
                pieces.append(bytes(waiting))
                waiting.clear()
                room = self._max_bytes
            waiting += line
        return [*pieces, bytes(waiting)]

    def _write(self, piece: bytes) -> None:
        assert self._handle is not None
        size = os.fstat(self._handle).st_size
        if size and size + len(piece) > self._max_bytes:
            self._rotate()
        view = memoryview(piece)
        while view:
            view = view[os.write(self._handle, view) :]

    def _open(self) -> None:
        if self._handle is not None and not self._same():
            self.close()
        if self._handle is None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
            _cut_torn_line(self._handle)
            _sync_folder(self._path.parent)

    def _same(self) -> bool:
        """Whether the name still means the open file."""
        assert self._handle is not None
        try:
            named = self._path.stat(follow_symlinks=False)
        except FileNotFoundError:
            return False
        mine = os.fstat(self._handle)
        return (named.st_dev, named.st_ino) == (mine.st_dev, mine.st_ino)

    def _rotate(self) -> None:
        assert self._handle is not None
        os.fsync(self._handle)
        self.close()
        self._numbered(self._keep).unlink(missing_ok=True)
        for number in range(self._keep - 1, 0, -1):
            if self._numbered(number).exists():
                self._numbered(number).replace(self._numbered(number + 1))
        self._path.replace(self._numbered(1))
        self._open()

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


def _cut_torn_line(handle: int) -> None:
    """Cuts off what follows the last end of a line."""
    end = size = os.fstat(handle).st_size
    while end > 0:
        start = max(0, end - CHUNK)
        found = os.pread(handle, end - start, start).rfind(b"\n")
        if found >= 0:
            end = start + found + 1
            break
        end = start
    if end < size:
        os.ftruncate(handle, end)


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


EXPORTER = Exporter(
    "file",
    {
        "path": Option(str, required=True, file=True),
        "format": LINES,
        "max_bytes": Option(int, 64 * 1024 * 1024, least=4096),
        "keep": Option(int, 10, most=10_000),
    },
    FileSink,
    line_form,
)
