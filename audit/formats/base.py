"""What a format of lines is: an entry in, a line out, or nothing where the format has no place for that kind."""

from collections.abc import Callable
from dataclasses import dataclass

from audit.values import ExportFormat


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entry stands. log: name of the log; index: of the entry; leaf: its leaf hash in hexadecimal digits."""

    log: str
    index: int
    leaf: str


@dataclass(frozen=True, slots=True)
class LineFormat:
    """line(entry, place): a line without its end, None where the kind has no place in the format."""

    name: ExportFormat
    line: Callable[[bytes, Place], bytes | None]
