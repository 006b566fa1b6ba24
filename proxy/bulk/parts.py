"""A partition's rows as JSON lines, and back into a file of the same kind. Nothing is decided or inspected here.

JSON lines keep every byte that is not replaced. Of a Parquet file a column keeps its array, type and order where none
of its values changed; the others are built again with their own type, which has to be able to hold a placeholder.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Protocol

import orjson

from proxy.bulk.job import BulkError

ROWS = 500
"""Of a batch, which is one record of the log: enough that a commit costs little, few enough for a body's limits."""
BATCH_BYTES = 4 * 1024 * 1024
SUFFIXES = (".jsonl", ".ndjson", ".parquet")


NAMED = "the name of a column reads like personal data; name the column under --keep, or rename it"


class Part(Protocol):
    """Batches come out in order, and each is put back before the next one is asked for."""

    @property
    def rows(self) -> int: ...

    def batches(self) -> Iterator[bytes]:
        """JSON lines."""
        ...

    def put(self, lines: bytes) -> None:
        """The batch that came out last, with other texts. Raises BulkError where it does not fit."""
        ...

    def close(self) -> None:
        """Writes what is left to write."""
        ...


def opened(source: Path, target: IO[bytes], keep: frozenset[str]) -> Part:
    """The partition of a file, to be written to another. Raises BulkError."""
    if source.suffix != ".parquet":
        if keep:
            raise BulkError("--keep names columns of Parquet files; of JSON lines everything is inspected")
        return _Lines(source, target)
    return _Table(source, target, keep)


class _Lines:
    def __init__(self, source: Path, target: IO[bytes]) -> None:
        self._source, self._target = source, target
        self._ends = 0
        self.rows = 0

    def batches(self) -> Iterator[bytes]:
        with self._source.open("rb") as file:
            batch: list[bytes] = []
            size = 0
            for line in file:
                batch.append(line)
                size += len(line)
                if len(batch) >= ROWS or size >= BATCH_BYTES:
                    yield self._joined(batch)
                    batch, size = [], 0
            if batch:
                yield self._joined(batch)

    def _joined(self, batch: Sequence[bytes]) -> bytes:
        self.rows += sum(1 for line in batch if line.strip())
        lines = b"".join(batch)
        self._ends = lines.count(b"\n")
        return lines

    def put(self, lines: bytes) -> None:
        if lines.count(b"\n") != self._ends:
            raise BulkError("a batch came back with another number of rows")
        self._target.write(lines)

    def close(self) -> None: ...


class _Table:
    def __init__(self, source: Path, target: IO[bytes], keep: frozenset[str]) -> None:
        import pyarrow as pa  # type: ignore[import-untyped]
        import pyarrow.parquet as pq  # type: ignore[import-untyped]

        self._arrow = pa
        try:
            self._file = pq.ParquetFile(source)
        except (pa.ArrowInvalid, OSError):
            raise BulkError("this is no Parquet file that can be read") from None
        schema = self._file.schema_arrow
        if len(set(schema.names)) != len(schema.names):
            raise BulkError("two columns have the same name")
        if unknown := keep - set(schema.names):
            raise BulkError(f"--keep names no column of it: {', '.join(sorted(unknown))}")
        self._names = [name for name in schema.names if name not in keep]
        for name in self._names:
            kind = schema.field(name).type
            if _holds_bytes(pa, kind):
                raise BulkError(
                    f"column {name} holds bytes, which cannot be inspected: name it under --keep, or drop it"
                )
        self._writer = pq.ParquetWriter(target, schema)
        self._batch: Any = None
        self._values: dict[str, list[Any]] = {}
        self._before: list[dict[str, Any]] = []
        self.rows = 0

    def batches(self) -> Iterator[bytes]:
        for batch in self._file.iter_batches(batch_size=ROWS):
            self._batch = batch
            self.rows += batch.num_rows
            self._values = {name: batch.column(name).to_pylist() for name in self._names}
            lines = [
                orjson.dumps({name: self._values[name][row] for name in self._names}, default=str)
                for row in range(batch.num_rows)
            ]
            self._before = [orjson.loads(line) for line in lines]
            yield b"".join(line + b"\n" for line in lines)

    def put(self, lines: bytes) -> None:
        after = [orjson.loads(line) for line in lines.splitlines()]
        if len(after) != self._batch.num_rows:
            raise BulkError("a batch came back with another number of rows")
        arrays = [
            self._column(name, after) if name in self._values else self._batch.column(name)
            for name in self._batch.schema.names
        ]
        self._writer.write_batch(self._arrow.RecordBatch.from_arrays(arrays, schema=self._batch.schema))

    def _column(self, name: str, after: Sequence[Mapping[str, Any]]) -> Any:
        pa, column = self._arrow, self._batch.column(name)
        if any(name not in row for row in after):
            raise BulkError(NAMED)
        if all(row[name] == old[name] for row, old in zip(after, self._before, strict=True)):
            return column
        values = [
            _changed(value, old[name], row[name])
            for value, old, row in zip(self._values[name], self._before, after, strict=True)
        ]
        try:
            return pa.array(values, type=column.type)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
            raise BulkError(
                f"column {name} holds personal data, and its type ({column.type}) no placeholder: make it a string "
                "column, or name it under --keep"
            ) from None

    def close(self) -> None:
        self._writer.close()


def _holds_bytes(arrow: Any, kind: Any) -> bool:
    """Whether values of this type are bytes, or have some within."""
    if isinstance(kind, arrow.UuidType):
        return False  # read as text
    if isinstance(kind, arrow.BaseExtensionType):
        return _holds_bytes(arrow, kind.storage_type)
    if arrow.types.is_dictionary(kind):
        return _holds_bytes(arrow, kind.value_type)
    types = arrow.types
    if any(is_it(kind) for is_it in (types.is_binary, types.is_large_binary, types.is_fixed_size_binary)):
        return True
    return types.is_binary_view(kind) or any(_holds_bytes(arrow, kind.field(at).type) for at in range(kind.num_fields))


def _changed(value: Any, before: Any, after: Any) -> Any:
    """A value with what has changed in its JSON: what JSON cannot say (times, NaN, pairs of a map) stays as it was."""
    if before == after:
        return value
    if isinstance(value, dict):
        if value.keys() != after.keys():
            raise BulkError(NAMED)
        return {name: _changed(one, before[name], after[name]) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_changed(*three) for three in zip(value, before, after, strict=True))
    return after
