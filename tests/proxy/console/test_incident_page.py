"""The page of an incident over a real socket: what a window concerns, its report, and a stop from it."""

import re
from datetime import UTC, datetime

import pytest

from audit.ids import now_ms
from proxy.control.tokens import Role
from tests.proxy.console.conftest import HOUR, SAME, Console, browser, fill, form_of
from tests.proxy.console.test_acting import send

HOSTILE = '"><script>alert(1)</script>\u202e'


def test_a_window_says_what_it_concerns(filled: Console) -> None:
    since = datetime.fromtimestamp((now_ms() - 3 * HOUR - HOUR // 2) / 1000, UTC).strftime("%Y-%m-%dT%H:%M")
    with browser(filled) as client:
        empty = client.get("/incident").text
        page = client.get("/incident", params={"since": since, "until": ""}).text
        whole = client.get("/incident?since=24h").text
    assert "referred to" not in empty
    assert "3 transfers, 1 person referred to, 2 recipients; 1 was refused before sending." in page
    assert f'value="{since}"' in page
    assert "6 transfers" in whole
    assert "Partial: 3 of these transfers carry no reference" in whole
    assert "Google Ireland Ltd" in whole
    assert re.search(r'<li class="kept"><b>6</b> Place', whole)
    assert filled.entries("query")[-2]["question"] == "report"


def test_its_report_has_the_same_window_and_figures(filled: Console) -> None:
    with browser(filled) as client:
        page = client.get("/incident", params={"since": "24h", "application": "feed"}).text
        given = dict(re.findall(r'type="hidden" name="(since|application|report)" value="([^"]*)"', page))
        assert given == {"since": "24h", "application": "feed", "report": "incident"}
        made = send(client, "/incident", "/reports/file", form_of="json", lang="en", **given).json()
    assert made["covered"]["transfers"] == 3
    assert "3 transfers" in page


def test_what_took_part_is_stopped_from_there(filled: Console) -> None:
    with browser(filled) as client:
        data = {"form": form_of(client, "/incident"), "target": "destination", "name": "openai", "do": "stop"}
        page = client.post("/incident?since=24h", data=data, headers=SAME).text
        assert "openai is stopped." in page
        assert "6 transfers" in page, "the window stays"
        assert filled.control.stops()["destination"] == {"openai"}
        bad = client.post("/incident?since=24h", data={**data, "target": "x"}, headers=SAME)
        assert bad.status_code == 404
    assert filled.entries("stop")[-1]["name"] == "openai"


def test_a_team_sees_its_own_part_and_stops_nothing(console: Console) -> None:
    fill(console)
    with browser(console, Role.TEAM, "feed") as client:
        page = client.get("/incident?since=24h").text
        assert "3 transfers" in page
        assert "messenger" not in page
        assert 'class="danger"' not in page
        data = {"form": form_of(client, "/incident"), "target": "application", "name": "feed", "do": "stop"}
        assert client.post("/incident", data=data, headers=SAME).status_code == 403
    assert console.entries("stop") == []


@pytest.mark.parametrize("given", [{"since": HOSTILE}, {"application": HOSTILE * 20}, {"until": "9" * 300}])
def test_a_window_that_cannot_be_is_said_to_be_none(filled: Console, given: dict[str, str]) -> None:
    with browser(filled) as client:
        answer = client.get("/incident", params=given)
    assert answer.status_code == 400
    assert "<script>alert" not in answer.text


def test_an_empty_window_teaches(filled: Console) -> None:
    with browser(filled) as client:
        answer = client.get("/incident", params={"application": HOSTILE})
    assert answer.status_code == 200
    assert "No transfer lies in this window." in answer.text
    assert "<script>alert" not in answer.text
