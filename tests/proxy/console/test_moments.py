"""Times as people write them."""

from datetime import UTC, datetime

import pytest

from proxy.console.moments import DAY_MS, day_span, moment, today_start

NOW = datetime(2026, 11, 25, 12, 30, tzinfo=UTC)
AT = int(NOW.timestamp() * 1000)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("7d", AT - 7 * DAY_MS),
        ("12h", AT - DAY_MS // 2),
        ("30m", AT - 1_800_000),
        ("2026-11-25", AT - DAY_MS // 2 - 1_800_000),
        ("2026-11-25T12:30", AT),
        ("2026-11-25T13:30:00+01:00", AT),
        ("2026-11-25T12:30:00Z", AT),
    ],
)
def test_a_moment(text: str, at: int) -> None:
    assert moment(text, NOW) == at


@pytest.mark.parametrize("text", ["", "yesterday", "7", "99999d", "2026-02-30", "-1d", "２d", "0000-01-01", "7d\n"])
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(ValueError, match="write"):
        moment(text, NOW)


def test_a_day_and_today() -> None:
    start, end = day_span("2026-11-25")
    assert (end - start, today_start(NOW)) == (DAY_MS, start)
    with pytest.raises(ValueError, match="write a day"):
        day_span("2026-11-31")
