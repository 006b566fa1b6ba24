"""Times as people and programs write them: a date, a date and time in UTC or with an offset, or so long ago."""

import re
from datetime import UTC, date, datetime, timedelta

from pydantic_core import PydanticCustomError

DAY_MS = 86_400_000
AGO = r"[0-9]{1,4}[dhm]"
_UNITS = {"d": "days", "h": "hours", "m": "minutes"}
HOW = "write 2026-11-24, 2026-11-24T10:00:00Z, 7d, 12h or 30m"


def moment(text: str, now: datetime | None = None) -> int:
    """Milliseconds since 1970. Raises ValueError with what to write."""
    if re.fullmatch(AGO, text, re.ASCII):
        since = (now or datetime.now(UTC)) - timedelta(**{_UNITS[text[-1]]: int(text[:-1])})
        return int(since.timestamp() * 1000)
    try:
        found = datetime.fromisoformat(text)
        at = int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise PydanticCustomError("moment", HOW) from None
    return at


def day_span(text: str) -> tuple[int, int]:
    """Begin and end of a day in UTC. Raises ValueError."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise PydanticCustomError("day", "write a day as 2026-11-24") from None
    start = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)
    return start, start + DAY_MS


def today_start(now: datetime | None = None) -> int:
    """Begin of the present UTC day."""
    at = int((now or datetime.now(UTC)).timestamp() * 1000)
    return at - at % DAY_MS
