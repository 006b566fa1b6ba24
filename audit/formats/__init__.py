"""Export formats that are lines: one file for each, bytes only; sending them anywhere is not for this room.

Adding one is a new file with a `FORMAT`, its entry in `ALL` and its name (docs/guides/add-a-part.md).
"""

from audit.formats import (
    jsonl,
    ocsf,
)
from audit.formats.base import LineFormat

ALL: tuple[LineFormat, ...] = (
    jsonl.FORMAT,
    ocsf.FORMAT,
)

NAMES = {one.name: one for one in ALL}
