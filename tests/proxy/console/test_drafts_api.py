"""A policy that is being written, over the API: cases, difference, last week, an exception, a rehearsal; and who may."""

from typing import Any

import httpx
import pytest

from policies.load import read_text
from proxy.control.tokens import Role
from tests.proxy.console.conftest import Console, Start, fill
from tests.proxy.console.test_policy_page import POLICY, STRICTER

API = "/api/v1"
MAIL = "berta.muster@example.com"


@pytest.fixture
def console(start: Start) -> Console:
    """A console over a policy file."""
    made = start(detectors=("patterns",))
    (made.home / "policy.yaml").write_text(POLICY)
    return made


def sent(client: httpx.Client, path: str, status: int = 200, **body: Any) -> Any:
    answer = client.post(f"{API}{path}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_lint_and_cases_of_a_text_are_run(console: Console) -> None:
    with console.client() as client:
        found = sent(client, "/policy/cases", text=POLICY)
        assert (found["holds"], found["cases"], found["failing"]) == (True, 1, [])
        failing = sent(client, "/policy/cases", text=POLICY.replace("{EMAIL_ADDRESS: tokenize}", "{PERSON: block}"))
        assert (failing["holds"], failing["failing"]) == (False, ["A mail address is replaced"])
        wrong = sent(client, "/policy/cases", text=POLICY.replace("do: tokenize}", "do: tokenise}", 1))
        assert (wrong["holds"], wrong["failing"], wrong["problems"][0]["line"]) == (False, None, 8)


def test_a_difference_says_what_is_stricter(console: Console) -> None:
    with console.client() as client:
        found = sent(client, "/policy/diff", text=STRICTER)
        assert {(one["entities"][0], one["before"], one["stricter"]) for one in found["changes"]} == {
            ("EMAIL_ADDRESS", "tokenize", True)
        }
        assert sent(client, "/policy/diff", text=POLICY) == {"changes": [], "settings": [], "complete": True}


def test_last_week_is_decided_again_and_a_team_gets_its_own_part(console: Console) -> None:
    fill(console)
    with console.client() as client, console.client(Role.TEAM, "feed") as team:
        of_all = sent(client, "/policy/simulation", text=STRICTER)
        of_feed = sent(team, "/policy/simulation", text=STRICTER)
    assert (of_all["transfers"], of_feed["transfers"]) == (6, 3)
    assert of_all["same"] + sum(one["transfers"] for one in of_all["changed"]) <= of_all["transfers"]
    assert {one["application"] for one in of_feed["changed"]} <= {"feed"}


def test_an_exception_holds_a_hash_of_the_value_and_nothing_else(console: Console) -> None:
    given = {"entity_type": "EMAIL_ADDRESS", "value": MAIL, "because": "a role's address", "days": 7}
    with console.client() as client:
        made = sent(client, "/policy/exception", text=POLICY, **given)
        assert (made["rule"], MAIL in made["text"]) == ("mail", False)
        assert "a role's address" in made["text"]
        assert read_text(made["text"], "made.yaml").policy.name == "messenger"
        assert sent(client, "/policy/cases", text=made["text"])["holds"]
        for other in ({"rule": "rest"}, {"rule": "none"}, {"application": "none"}):
            refused = sent(client, "/policy/exception", 400, text=POLICY, **{**given, **other})
            assert MAIL not in str(refused)
    assert console.entries("policy") == []


def test_a_text_is_tried_and_nothing_of_it_is_kept(console: Console) -> None:
    with console.client() as client:
        found = sent(client, "/rehearsals", text=f"Write to {MAIL}", application="messenger")
        assert [(one["start"], one["end"], one["rule"]) for one in found["findings"]] == [(9, 33, "mail")]
        assert (found["action"], found["refusal"], MAIL in found["leaves"]) == ("transform", None, False)
        assert MAIL in found["restored"]
        blocked = sent(client, "/rehearsals", text=MAIL, application="messenger", draft={"text": STRICTER})
        assert (blocked["refusal"]["code"], blocked["leaves"]) == ("policy_rule", None)
        assert sent(client, "/rehearsals", 400, text="x", destination="nobody")["code"] == "input"
    assert {one["question"] for one in console.entries("query")} == {"explain"}
    assert [path for path in console.home.rglob("*") if path.is_file() and MAIL.encode() in path.read_bytes()] == []


def test_a_team_tries_its_own_applications_alone(console: Console) -> None:
    with console.client(Role.TEAM, "feed") as client:
        assert sent(client, "/rehearsals", 403, text="x", application="messenger")["code"] == "role"


def test_files_and_schema_are_what_the_editor_opens(console: Console) -> None:
    with console.client(Role.AUDITOR) as client:
        assert client.get(f"{API}/policy/files").json() == {"text": POLICY, "files": {}}
        assert "rules" in client.get(f"{API}/policy/schema").json()["properties"]
