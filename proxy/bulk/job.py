"""What a bulk run is asked to do, and what became of each partition, as they travel to Ray's actors and back."""

import json
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from proxy.errors import ProxyError

CHUNK = 1024 * 1024
"""Bytes that are read at once for a digest."""


class BulkError(ProxyError):
    """A partition, or the whole run, cannot be done. The text quotes nothing of a row."""

    code = "bulk"
    status = 400


@dataclass(frozen=True, slots=True)
class Job:
    """source, target: folders that every actor sees under this name. to: the destination that will get the output.

    scope: rows of one scope share placeholders, and are restored by its name. keep: columns that are not inspected.
    application, purpose: as the policy names them, or "". restore: put originals back instead.
    """

    source: Path
    target: Path
    home: Path
    to: str
    scope: str
    application: str = ""
    purpose: str = ""
    keep: frozenset[str] = frozenset()
    restore: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """One line of the manifest. name: of input and output, below source and target. error: why there is no output.

    records: transfers that the log has for it. policy: digest of the one that decided. own: the input came out of a
    redaction unchanged.
    """

    name: str
    input_sha256: str = ""
    output_sha256: str = ""
    rows: int = 0
    records: int = 0
    policy: str = ""
    error: str = ""

    def line(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def of_line(cls, line: str) -> "Done":
        """The inverse. Raises ValueError, TypeError where it is no such line."""
        facts: dict[str, Any] = json.loads(line)
        return cls(**facts)


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    found = sha256()
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            found.update(piece)
    return found.hexdigest()
