"""How well detection was measured: what `dragoman evaluate --json` wrote, for the page that every report ends with.

A measurement is a fact of its own with a date; it is never computed from the log. The one that comes with this version
is used where the home has none.
"""

from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson

from audit.errors import AuditError

MAX_BYTES = 8 * 1024 * 1024
MAX_SETS = 200


class RecallError(AuditError):
    """The file is not what `dragoman evaluate --json` writes."""

    code = "recall"


@dataclass(frozen=True, slots=True)
class Measured:
    """One set of marked texts. gold: marked places. recall, precision: 0 to 1, None where nothing was marked."""

    name: str
    language: str
    gold: int
    recall: float | None
    precision: float | None


@dataclass(frozen=True, slots=True)
class Recall:
    """A measurement. measured: its day, the oldest where there are several."""

    measured: date
    sets: tuple[Measured, ...]

    def facts(self) -> dict[str, Any]:
        """As a report holds it."""
        names = ("name", "language", "gold", "recall", "precision")
        rows = [{name: getattr(one, name) for name in names} for one in self.sets]
        return {"measured": self.measured.isoformat(), "sets": rows}


def read(path: Path) -> Recall:
    """A measurement from a file. Raises RecallError."""
    try:
        with path.open("rb") as file:
            return parse(file.read(MAX_BYTES + 1), str(path))
    except OSError as error:
        raise RecallError(f"{path} cannot be read ({error.strerror})") from None


def bundled() -> Recall:
    """The measurement of this version."""
    return parse(files("audit.reports").joinpath("recall.json").read_bytes(), "recall.json")


def parse(data: bytes, where: str) -> Recall:
    """What `dragoman evaluate --json` wrote; rows of other systems are left out. Raises RecallError."""
    try:
        rows: list[dict[str, Any]] = orjson.loads(data) if len(data) <= MAX_BYTES else []
        found = [(date.fromisoformat(row["measured"]), _set(row)) for row in rows if row["system"] == "dragoman"]
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        raise RecallError(f"{where} is not what `dragoman evaluate --json` writes") from None
    if not 0 < len(found) <= MAX_SETS:
        raise RecallError(f"{where} measures nothing of dragoman")
    return Recall(min(day for day, _ in found), tuple(one for _, one in found))


def _set(row: dict[str, Any]) -> Measured:
    total = row["total"]
    rates = [None if total[name] is None else float(total[name]) for name in ("recall", "precision")]
    return Measured(str(row["set"])[:96], str(row["language"])[:16], int(total["gold"]), *rates)
