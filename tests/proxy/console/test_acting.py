"""The pages on which somebody acts, over a real socket: who may, what becomes of it, and the record of it."""

import re
from typing import Any

import httpx
import pytest

from audit.ids import new_id, now_ms
from proxy.control.approvals import HeldRequest
from proxy.control.reveals import RevealKind, Wanted
from proxy.control.tokens import Role, digest
from tests.proxy.console.conftest import ANNA, SAME, Console, browser, fill, form_of


def send(client: httpx.Client, page: str, to: str = "", **data: Any) -> httpx.Response:
    """Sends a form of a page."""
    return client.post(to or page, data={"form": form_of(client, page), **data}, headers=SAME)


def held(console: Console) -> HeldRequest:
    """A request that waits."""
    made = HeldRequest(new_id(), now_ms(), "messenger", "openai", ("contracts-wait",), b"f" * 32)
    assert console.control.approvals.ask(made)
    return made


def test_a_held_request_is_approved_for_some_hours_and_the_approval_ended(filled: Console) -> None:
    waiting = held(filled)
    with browser(filled) as client:
        assert "contracts-wait" in client.get("/approvals").text
        why = {"reason": "contract", "because": "Frau Vogt <b>prüfte</b> den Vertrag \u202e"}
        answer = send(client, "/approvals", reference=waiting.reference, hours="4", do="grant", **why)
        assert answer.status_code == 400, "a character that turns the text round is no word"
        why["because"] = why["because"].rstrip("\u202e ")
        answer = send(client, "/approvals", reference=waiting.reference, hours="4", do="grant", **why)
        assert "Approved." in answer.text
        assert "contract<br>" in answer.text
        assert "&lt;b&gt;prüfte&lt;/b&gt;" in answer.text
        assert filled.control.approvals.granted() == {waiting.fingerprint: frozenset({"contracts-wait"})}
        answer = send(client, "/approvals", reference=waiting.reference, do="deny")
    assert "denied" in answer.text
    assert filled.control.approvals.granted() == {}
    granted, denied = filled.entries("policy")[-2:]
    assert (granted["event"], denied["event"]) == ("approved", "denied")
    assert granted["request"] == waiting.reference
    assert granted["reason"] == "contract"
    assert "Vogt" not in str(filled.entries("policy")), "an officer's words stay outside the log"
    assert granted["until"] - granted["at"] == pytest.approx(4 * 3_600_000, abs=60_000)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ({"hours": "0"}, 400),
        ({"hours": "9999"}, 400),
        ({"hours": "²"}, 400),
        ({"reason": ""}, 400),
        ({"reason": "because"}, 400),
        ({"because": "x" * 501}, 400),
        ({"reference": "nothing"}, 404),
    ],
)
def test_an_approval_that_cannot_be_lets_nothing_pass(filled: Console, data: dict[str, str], status: int) -> None:
    waiting = held(filled)
    with browser(filled) as client:
        given = {"reference": waiting.reference, "hours": "4", "reason": "checked", "do": "grant", **data}
        assert send(client, "/approvals", **given).status_code == status
    assert filled.control.approvals.granted() == {}


@pytest.mark.parametrize("role", [Role.TEAM, Role.AUDITOR, Role.OPERATOR])
def test_other_roles_are_not_offered_what_officers_do(filled: Console, role: Role) -> None:
    with browser(filled, role, *(("feed",) if role is Role.TEAM else ())) as client:
        assert client.get("/approvals").status_code == client.get("/reveals").status_code == 403
        assert 'href="/approvals"' not in client.get("/").text
        assert client.get("/tokens").status_code == (200 if role is Role.OPERATOR else 403)


def test_seeing_an_actor_takes_two_people_and_is_shown_once(filled: Console) -> None:
    first = filled.control.tokens.create(Role.OFFICER, "Ms First", (), 1)
    second = filled.control.tokens.create(Role.OFFICER, "Mr Second", (), 1)
    filled.tokens[Role.OFFICER] = second[0]
    with browser(filled) as client:
        client.get("/transfers")
    ref = filled.entries("query")[-1]["actor"]
    filled.tokens[Role.OFFICER] = first[0]
    with browser(filled) as client:
        assert "Asked." in send(client, "/reveals", do="ask", kind="actor", what=ref, reason="incident").text
        asked = filled.control.reveals.all()[0]
        own = send(client, "/reveals", do="agree", id=asked.id)
        assert own.status_code == 403
    filled.tokens[Role.OFFICER] = second[0]
    with browser(filled) as client:
        assert "Agreed." in send(client, "/reveals", do="agree", id=asked.id).text
        assert send(client, "/reveals", do="look", id=asked.id).status_code == 404
    filled.tokens[Role.OFFICER] = first[0]
    with browser(filled) as client:
        answer = send(client, "/reveals", do="look", id=asked.id)
        assert "Mr Second" in answer.text
        assert send(client, "/reveals", do="look", id=asked.id).status_code == 404
    assert filled.entries("reveal")[-1]["named"] == ref


def test_what_is_no_placeholder_is_not_asked_for_and_not_repeated(filled: Console) -> None:
    with browser(filled) as client:
        answer = send(client, "/reveals", do="ask", what=ANNA, reason="incident")
        assert answer.status_code == 400
        assert ANNA not in answer.text
    assert filled.control.reveals.all() == ()


def test_a_request_can_be_refused(filled: Console) -> None:
    token = filled.control.tokens.create(Role.OFFICER, "Ms First", (), 1)[1]
    asked = filled.control.reveals.ask(token, Wanted(RevealKind.ACTOR, "A" * 22, "incident"))
    with browser(filled) as client:
        assert "Refused." in send(client, "/reveals", do="deny", id=asked.id).text
    found = filled.control.reveals.find(asked.id)
    assert found is not None
    assert found.state == "denied"


def test_a_token_is_made_shown_once_used_and_revoked(filled: Console) -> None:
    with browser(filled) as client:
        answer = send(client, "/tokens", do="create", role="team", name="Feed", applications="feed, feed", days="7")
        value = re.search(r"dgt_[A-Za-z0-9_-]{43}", answer.text)
        assert value is not None
        found = filled.control.tokens.find(digest(value[0]))
        assert found is not None
        assert found.applications == ("feed",)
        assert value[0] not in client.get("/tokens").text
        assert "opens nothing" in send(client, "/tokens", do="revoke", id=found.id).text
    assert filled.control.tokens.find(digest(value[0])) is None
    assert [(one["event"], one["token"]) for one in filled.entries("token")] == [
        ("created", found.id),
        ("revoked", found.id),
    ]
    assert value[0].encode() not in (filled.home / "audit.db").read_bytes()


@pytest.mark.parametrize("role", ["officer", "operator"])
def test_nobody_makes_a_second_officer_of_themselves(filled: Console, role: str) -> None:
    with browser(filled) as client:
        assert send(client, "/tokens", do="create", role=role, name="Me too", days="7").status_code == 403
        assert send(client, "/tokens", do="create", role="team", name="Feed", days="7").status_code == 400
    assert filled.entries("token") == []


def test_nobody_makes_a_token_that_may_more_than_they_may(filled: Console) -> None:
    with browser(filled, Role.OPERATOR) as client:
        assert 'value="auditor"' not in (page := client.get("/tokens").text)
        assert 'value="team"' in page
        assert send(client, "/tokens", do="create", role="auditor", name="Me too", days="7").status_code == 403
    assert filled.entries("token") == []
    with browser(filled) as client:
        assert 'value="auditor"' in client.get("/tokens").text
        assert "dgt_" in send(client, "/tokens", do="create", role="auditor", name="Audit", days="7").text


def test_reports_come_as_files_in_three_languages(console: Console) -> None:
    ids = fill(console)
    with browser(console) as client:
        for lang, word in (("en", "Records of processing"), ("de", "Verzeichnis"), ("vi", "Hồ sơ")):
            answer = send(client, "/reports", "/reports/file", report="art30", form_of="html", lang=lang)
            assert word in answer.text
            assert 'filename="art30.html"' in answer.headers["content-disposition"]
        pdf = send(client, "/reports", "/reports/file", report="incident", form_of="pdf", lang="de", since="2026-01-01")
        assert pdf.content.startswith(b"%PDF-")
        of_person = send(client, "/reports", "/reports/file", report="art15", form_of="json", subject=ANNA)
        assert of_person.json()["covered"]["transfers"] == 3
        assert ANNA not in of_person.text
        one = send(client, "/reports", "/reports/file", report="transparency", form_of="json", id=ids[0])
        assert one.status_code == 200
        assert send(client, "/reports", "/reports/file", report="art15").status_code == 400
        assert send(client, "/reports", "/reports/file", report="nothing").status_code == 404
        assert send(client, "/reports", "/reports/file", report="who", form_of="docx").status_code == 400
    assert console.entries("query")[-1]["question"] == "report"


def test_a_team_makes_no_report_of_a_person_or_of_others(console: Console) -> None:
    fill(console)
    with browser(console, Role.TEAM, "feed") as client:
        assert 'name="subject"' not in client.get("/reports").text
        assert send(client, "/reports", "/reports/file", report="art15", subject=ANNA).status_code == 403
        mine = send(client, "/reports", "/reports/file", report="art30", form_of="json")
        assert "messenger" not in mine.text
