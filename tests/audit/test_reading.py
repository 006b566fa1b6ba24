"""Times as people type them are UTC, whatever the machine's time zone."""

import time
from collections.abc import Iterator

import pytest
import typer

from audit.commands.reading import day_span, moment

DAY_MS = 86_400_000


@pytest.fixture(params=["UTC", "Asia/Ho_Chi_Minh", "America/Los_Angeles"])
def zone(request: pytest.FixtureRequest) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("zone")
def test_a_day_begins_at_midnight_utc_unless_a_time_names_its_zone() -> None:
    assert moment("2026-11-24") == moment("2026-11-24T00:00") == moment("2026-11-24T07:00+07:00") == 1795478400000
    assert day_span("2026-11-24") == (1795478400000, 1795478400000 + DAY_MS)
    before = int(time.time() * 1000)
    assert before - DAY_MS <= (moment("1d") or 0) <= int(time.time() * 1000) - DAY_MS


@pytest.mark.parametrize("text", ["", "d", "7", "²d", "99999999999d", "24.11.2026", "2026-02-29"])
def test_what_is_no_time_is_answered_with_what_to_write(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="write 2026-11-24, 2026-11-24T10:00, 7d, 12h or 30m"):
        moment(text)
