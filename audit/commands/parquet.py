"""Rows as Apache Parquet, for whoever counts with other tools: typed columns, written in groups of rows, so that a long
answer needs no more memory than a short one. Needs the extra `parquet` (pyarrow).
"""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from importlib.util import find_spec
from itertools import batched
from pathlib import Path
from typing import IO, Any

import orjson
import sqlalchemy as sa

from audit.errors import AuditError, unwritable
from audit.merkle import leaf_hash
from audit.tables import SHOWN, transfer

ROWS = 10_000
"""Of a group: a few MB, the size that readers work on at a time."""


class ParquetError(AuditError):
    """It cannot be written as Parquet here."""

    code = "parquet"


class Kind(StrEnum):
    """What a column holds. TIME: milliseconds since 1970, UTC."""

    TEXT = "text"
    NUMBER = "number"
    FLAG = "flag"
    TIME = "time"
    BYTES = "bytes"


_TIMES = frozenset({"at", "ended"})
_COUNTED = dict.fromkeys(("transfers", "findings", "bytes_in", "bytes_out"), Kind.NUMBER)
ENTRIES: Mapping[str, Kind] = {
    "index": Kind.NUMBER, "kind": Kind.TEXT, "at": Kind.TIME, "leaf": Kind.BYTES, "entry": Kind.BYTES,
}  # fmt: skip
"""Columns of an export: the entry byte for byte as it was signed, and its leaf hash."""


def entry_row(found: tuple[int, bytes]) -> dict[str, Any]:
    """The row of an entry in an export."""
    index, body = found
    facts = orjson.loads(body)
    return {"index": index, "kind": facts["kind"], "at": facts["at"], "leaf": leaf_hash(body), "entry": body}


def transfer_columns() -> dict[str, Kind]:
    """The columns of transfers and refusals."""
    return {str(column.name): _kind(column) for column in SHOWN if column.name != "day"}


def group_columns(by: Iterable[str], *, findings_only: bool) -> dict[str, Kind]:
    """The columns of counts. findings_only: grouped by a column of findings, so that these alone are counted."""
    columns = {name: _kind(transfer.c[name]) if name in transfer.c and name != "day" else Kind.TEXT for name in by}
    return columns | ({"findings": Kind.NUMBER} if findings_only else _COUNTED)


def available() -> bool:
    """Whether the extra is installed."""
    return find_spec("pyarrow") is not None


class Writer:
    """Rows into something with `write`, a group for each call. Raises ParquetError where pyarrow is missing."""

    def __init__(self, columns: Mapping[str, Kind], out: Any) -> None:
        try:
            import pyarrow as pa  # type: ignore[import-untyped]
            import pyarrow.parquet as pq  # type: ignore[import-untyped]
        except ImportError:
            raise ParquetError("Parquet needs pyarrow; install dragoman[parquet]") from None
        types = {
            Kind.TEXT: pa.string(),
            Kind.NUMBER: pa.int64(),
            Kind.FLAG: pa.bool_(),
            Kind.TIME: pa.timestamp("ms", tz="UTC"),
            Kind.BYTES: pa.binary(),
        }
        self._schema = pa.schema([(name, types[kind]) for name, kind in columns.items()])
        self._table, self._names = pa.Table, tuple(columns)
        self._writer = pq.ParquetWriter(out, self._schema, compression="zstd")

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """One group of rows."""
        taken = [{name: row.get(name) for name in self._names} for row in rows]
        self._writer.write_table(self._table.from_pylist(taken, self._schema))


def write(rows: Iterable[Mapping[str, Any]], columns: Mapping[str, Kind], out: Any) -> int:
    """Writes all rows; returns how many. Raises ParquetError."""
    n = 0
    with Writer(columns, out) as writer:
        for some in batched(rows, ROWS):
            writer.write(some)
            n += len(some)
    return n


@contextmanager
def opened(out: Path | None) -> Iterator[IO[bytes]]:
    """A new file, or standard output where nobody sits at it. Raises ParquetError."""
    if out is None:
        if sys.stdout.isatty():
            raise ParquetError("Parquet is not for a terminal; give --out FILE")
        yield sys.stdout.buffer
        return
    try:
        stream = out.open("xb")
    except OSError as error:
        raise ParquetError(unwritable(out, error)) from None
    with stream:
        yield stream


def _kind(column: "sa.Column[Any]") -> Kind:
    if column.name in _TIMES:
        return Kind.TIME
    return {int: Kind.NUMBER, bool: Kind.FLAG}.get(column.type.python_type, Kind.TEXT)
