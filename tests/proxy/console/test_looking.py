"""What is new, and whether everything works, over a real socket."""

from datetime import timedelta

from aiohttp import web

from audit.events import StopRecord
from audit.ids import now_ms
from audit.values import StopState, StopTarget
from proxy.control.tokens import Role
from proxy.running.admin import admin_handler
from proxy.running.metrics import Metrics
from tests.audit.conftest import blocked_record
from tests.proxy.console.conftest import Console, Start, browser, fill

DAY_MS = int(timedelta(days=1).total_seconds() * 1000)


def test_a_recipient_that_is_new_this_week_is_said_to_be(console: Console) -> None:
    fill(console)
    console.ledger.append_blocking(
        StopRecord(at=now_ms(), target=StopTarget.DESTINATION, name="kimi", state=StopState.STOPPED)
    )
    with browser(console) as client:
        text = client.get("/changes?days=7").text
    assert "gemini" in text
    assert ">new<" in text
    assert "kimi" in text
    assert console.entries("query")[-1]["question"] == "stats"


def test_what_was_before_and_is_no_more_is_said(console: Console) -> None:
    console.ledger.append_blocking(blocked_record(at=now_ms() - 9 * DAY_MS, application="oldtimer"))
    with browser(console) as client:
        text = client.get("/changes?days=7").text
    assert "oldtimer" in text
    assert ">gone<" in text


def test_a_team_sees_its_own_changes_and_no_acts(console: Console) -> None:
    fill(console)
    console.ledger.append_blocking(
        StopRecord(at=now_ms(), target=StopTarget.DESTINATION, name="kimi", state=StopState.STOPPED)
    )
    with browser(console, Role.TEAM, "feed") as client:
        text = client.get("/changes").text
        assert "feed" in text
        assert "messenger" not in text
        assert "kimi" not in text
        assert client.get("/health").status_code == 403
        assert "witness" not in client.get("/").text


def test_the_overview_warns_of_what_should_be_seen_to(console: Console) -> None:
    fill(console)
    console.ledger.append_blocking(blocked_record(at=now_ms(), reason="shadow_ai"))
    console.control.tokens.create(Role.AUDITOR, "ends soon", (), 1)
    with browser(console) as client:
        text = client.get("/").text
        assert "6 transfers, 1 person, 2 recipients, 3 with parts nobody looked into." in text
        assert "Partial: 3 of 6 transfers refer to no person" in text
        assert "Requests to model services that nobody registered: 1" in text
        assert "No independent witness confirms the log" in text
        assert "that end soon: " in text
        assert 'href="/transfers/' in text


def test_doors_that_do_not_answer_are_said(start: Start) -> None:
    console = start()
    console.control.tokens.create(Role.TEAM, "Đội một", ("feed",), 3)
    with browser(console) as client:
        text = client.get("/health").text
    with browser(console, Role.AUDITOR) as client:
        theirs = client.get("/health").text
    assert "dragoman does not answer on the operators" in text
    assert "Found, %" in text
    assert "Đội một" in text, "whose token ends"
    assert "Đội" not in theirs, "whose tokens there are is not for all to see"


async def test_doors_tell_what_they_take_and_what_went_wrong(start: Start) -> None:
    import asyncio

    metrics = Metrics()
    metrics.observe("held_without_asking", "full")
    runner = web.ServerRunner(web.Server(admin_handler(metrics, lambda: 3, lambda: True, lambda: False)))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0]
    console = await asyncio.to_thread(start, admin=f"{host}:{port}")

    def ask() -> str:
        with browser(console) as client:
            return client.get("/health").text

    text = await asyncio.to_thread(ask)
    await runner.cleanup()
    assert "They are accepted: detection is loaded" in text
    assert "Transfers in flight: 3" in text
    assert "Held, and nobody was asked" in text
