"""The log as a stream: JSON lines, a tar archive of C2SP tlog-tiles, or Parquet; or the transfers of a search as CSV,
JSON lines or Parquet. Memory stays flat however long it is.

Entries never change, so an export reads what its checkpoint covers in many short transactions: somebody who takes the
stream slowly, or not at all, keeps nothing in the database from being tidied up. Where entries are sealed away while it
runs, the stream breaks off, which a client sees as an error.
"""

import io
import tarfile
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from audit import query
from audit.checkpoint import unverified
from audit.commands import parquet, render, taking
from audit.stored import StoredTiles, newest_checkpoint, tiles_left
from audit.tables import transfer
from audit.tiles import ENTRIES, TileId, encode_bundle
from audit.values import ExportFormat
from proxy.console.access import Right, Visitor
from proxy.console.log import AuditLog
from proxy.console.questions import Filters, Questions
from proxy.errors import FormatError

CHUNK = 64 * 1024


def export(log: AuditLog, visitor: Visitor, form: ExportFormat) -> Iterator[bytes]:
    """Checks and records at once, then gives bytes. form: jsonl, tiles or parquet. Raises ProxyError, AuditError."""
    _may(visitor, form)
    with log.read() as connection:
        note = newest_checkpoint(connection) or b""
    signed = unverified(note)
    log.exported(visitor, form, signed.size, signed.root)
    if form is ExportFormat.PARQUET:
        return _joined(_parquet(log, signed.size))
    return _joined(_lines(log, signed.size) if form is ExportFormat.JSONL else _tar(log, note, signed.size))


def export_found(questions: Questions, visitor: Visitor, form: ExportFormat, filters: Filters) -> Iterator[bytes]:
    """The transfers and refusals of a search, newest first. form: csv, jsonl or parquet. Raises as `export` does."""
    _may(visitor, form)
    log, question = questions.log, questions.of(visitor, filters)
    with log.read() as connection:
        signed = unverified(newest_checkpoint(connection) or b"")
        n = taking.count(connection, question, signed.size)
    log.exported(visitor, form, signed.size, signed.root, n, filters.names)
    pages = taking.pages(log.read, question, signed.size)
    if form is ExportFormat.PARQUET:
        return _joined(_table(pages, parquet.transfer_columns()))
    rows = (row for page in pages for row in page)
    columns = [str(column.name) for column in transfer.columns]
    return _joined(line.encode() for line in render.lines(rows, render.Format(form), columns))


def _may(visitor: Visitor, form: ExportFormat) -> None:
    visitor.require(Right.EXPORT)
    if form is ExportFormat.PARQUET and not parquet.available():
        raise FormatError("Parquet needs pyarrow; install dragoman[parquet]", code="parquet", status=409)


def _pages(log: AuditLog, size: int) -> Iterator[list[tuple[int, bytes]]]:
    at = 0
    while at < size:
        with log.read() as connection:
            page = [one for one in islice(query.entries(connection, since=at), query.PAGE) if one[0] < size]
        if not page:
            return
        yield page
        at = page[-1][0] + 1


def _lines(log: AuditLog, size: int) -> Iterator[bytes]:
    yield from (body + b"\n" for page in _pages(log, size) for _, body in page)


def _parquet(log: AuditLog, size: int) -> Iterator[bytes]:
    yield from _table(([parquet.entry_row(one) for one in page] for page in _pages(log, size)), parquet.ENTRIES)


def _table(pages: Iterator[list[dict[str, Any]]], columns: Mapping[str, parquet.Kind]) -> Iterator[bytes]:
    sink = _Sink()
    with parquet.Writer(columns, sink) as writer:
        for page in pages:
            writer.write(page)
            yield sink.taken()
    yield sink.taken()


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


def _tar(log: AuditLog, note: bytes, size: int) -> Iterator[bytes]:
    sink = _Sink()
    with tarfile.open(fileobj=sink, mode="w|", format=tarfile.USTAR_FORMAT) as archive:
        with log.read() as connection:
            tiles = tiles_left(connection, size)
        for tile in tiles:
            with log.read() as connection:
                content = _content(StoredTiles(connection), tile)
            _add(archive, tile.path, content)
            yield sink.taken()
        _add(archive, "checkpoint", note)
        _add(archive, "vkey", f"{log.vkey}\n".encode())
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
