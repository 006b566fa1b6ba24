"""JSON lines: every entry as it was signed, byte for byte."""

from audit.formats.base import LineFormat, Place
from audit.values import ExportFormat


def _line(entry: bytes, place: Place) -> bytes:
    return entry


FORMAT = LineFormat(ExportFormat.JSONL, _line)
