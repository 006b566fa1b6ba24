"""The log as a stream: JSON lines, or a tar archive of C2SP tlog-tiles; memory stays flat however long it is.

One read transaction spans an export, so that entries, tiles and checkpoint are of one state. The record that it was
made is durable before the first byte.
"""

import io
import tarfile
from collections.abc import Iterator

import sqlalchemy as sa

from audit import query
from audit.checkpoint import unverified
from audit.signing import VerifierKey
from audit.store import StoredTiles, newest_checkpoint, tiles_left
from audit.tiles import ENTRIES, TileId, encode_bundle
from audit.values import ExportFormat
from proxy.console.access import Right, Visitor
from proxy.console.log import AuditLog

CHUNK = 64 * 1024


def export(log: AuditLog, visitor: Visitor, form: ExportFormat) -> Iterator[bytes]:
    """Checks and records at once, then gives the bytes. form: jsonl or tiles. Raises RefusedError, AuditError."""
    visitor.require(Right.EXPORT)
    stream = _recorded(log, visitor, form)
    next(stream)
    return stream


def _recorded(log: AuditLog, visitor: Visitor, form: ExportFormat) -> Iterator[bytes]:
    """Gives b"" when the record is durable, then the bytes of the state that the record names."""
    with log.read() as connection:
        note = newest_checkpoint(connection) or b""
        signed = unverified(note)
        log.exported(visitor, form, signed.size, signed.root)
        yield b""
        if form is ExportFormat.JSONL:
            yield from _joined(body + b"\n" for _, body in query.entries(connection))
        else:
            yield from _joined(_tar(connection, note, signed.size, log.vkey))


class _Sink(io.RawIOBase):
    """Takes what tarfile writes and gives it away."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: "bytes") -> int:  # type: ignore[override]
        self._parts.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        data = b"".join(self._parts)
        self._parts.clear()
        return data


def _tar(connection: sa.Connection, note: bytes, size: int, vkey: VerifierKey) -> Iterator[bytes]:
    sink = _Sink()
    source = StoredTiles(connection)
    with tarfile.open(fileobj=sink, mode="w|", format=tarfile.USTAR_FORMAT) as archive:
        for tile in tiles_left(connection, size):
            _add(archive, tile.path, _content(source, tile))
            yield sink.taken()
        _add(archive, "checkpoint", note)
        _add(archive, "vkey", f"{vkey}\n".encode())
    yield sink.taken()


def _content(source: StoredTiles, tile: TileId) -> bytes:
    return encode_bundle(source.bundle(tile)) if tile.level == ENTRIES else source.hashes(tile)


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(f"log/{name}")
    member.size, member.mode = len(data), 0o644
    archive.addfile(member, io.BytesIO(data))


def _joined(parts: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes in fewer pieces: each costs a step through a thread."""
    waiting: list[bytes] = []
    size = 0
    for part in parts:
        waiting.append(part)
        size += len(part)
        if size >= CHUNK:
            yield b"".join(waiting)
            waiting.clear()
            size = 0
    if waiting:
        yield b"".join(waiting)
