"""The page of the policy: checks and differences of a draft, proposals by two people, going back, exceptions."""

import re
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from audit.events import PolicyRecord
from audit.ids import now_ms
from policies.load import read, read_text
from proxy.control.policies import ProposalState
from proxy.control.tokens import Role
from proxy.policy.history import Step, steps, told
from proxy.policy.source import files_of, read_files, stored
from tests.proxy.console.conftest import SAME, Console, browser, form_of

POLICY = """\
version: 1
name: messenger
destinations:
  openai: {extends: 'bundled:openai@2026-11-23'}
applications:
  messenger: {identify: {credential: messenger}}
rules:
  - {id: people, when: {entity: PERSON}, do: tokenize}
  - {id: mail, when: {entity: EMAIL_ADDRESS}, do: tokenize}
  - {id: rest, do: allow}
cases:
  - name: A mail address is replaced
    app: messenger
    to: openai
    text: "Write to anna.probe@example.com"
    expect: {EMAIL_ADDRESS: tokenize}
"""
STRICTER = POLICY.replace(
    "{id: mail, when: {entity: EMAIL_ADDRESS}, do: tokenize}",
    "{id: mail, when: {entity: EMAIL_ADDRESS}, do: block, because: No mail}",
).replace("expect: {EMAIL_ADDRESS: tokenize}", "expect: {EMAIL_ADDRESS: block}")


@pytest.fixture
def console(start) -> Console:
    """A console over a policy file, where two have to want another policy."""
    made = start(detectors=("patterns",), policy_people=2)
    (made.home / "policy.yaml").write_text(POLICY)
    return made


def post(client: httpx.Client, do: str, text: str = POLICY, **more: str) -> httpx.Response:
    data = {"form": form_of(client, "/policy"), "do": do, "text": text, **more}
    return client.post("/policy", data=data, headers=SAME)


def second(console: Console) -> httpx.Client:
    """Another officer, signed in."""
    token = console.control.tokens.create(Role.OFFICER, "another", (), 1)[0]
    client = httpx.Client(base_url=console.url, trust_env=False, timeout=60, headers={"accept-language": "en"})
    assert client.post("/sign-in", data={"token": token, "to": "/"}, headers=SAME).status_code == 303
    return client


def test_the_editor_holds_the_policy_s_own_file(console):
    with browser(console) as client:
        assert "name: messenger" in client.get("/policy").text


def test_a_check_runs_lint_and_cases(console):
    with browser(console) as client:
        assert "All cases hold: 1." in post(client, "check").text
        failing = post(client, "check", POLICY.replace("EMAIL_ADDRESS: tokenize}\n", "EMAIL_ADDRESS: block}\n")).text
        assert "1 of 1 case does not hold." in failing
        wrong = post(client, "check", POLICY.replace("do: tokenize}", "do: tokenise}", 1)).text
        assert "Errors: 1." in wrong
        assert "tokenize" in wrong


def test_the_editor_s_own_check_says_the_same_as_data(console):
    with browser(console) as client:
        data = {"form": form_of(client, "/policy"), "text": POLICY.replace("do: allow", "do: alow")}
        found = client.post("/policy/check.json", data=data, headers=SAME).json()
        assert found["items"][0]["line"] == 10
        assert "Errors: 1." in found["said"]
        assert client.get("/policy/schema.json").json()["properties"]["rules"]


def test_differences_are_told_in_words(console):
    with browser(console) as client:
        page = post(client, "diff", STRICTER).text
    assert "lets less through" in page
    assert "block" in page


def test_recorded_transfers_are_replayed_under_a_draft(console):
    with browser(console) as client:
        assert "transfers replayed" in post(client, "simulate", STRICTER).text
    assert console.entries("query")[-1]["filters"] == ["simulate"]


def test_one_proposes_and_another_agrees(console):
    with browser(console) as client:
        page = post(client, "propose", STRICTER).text
        assert "waits for a second person" in page
        proposal = console.control.policies.all()[0]
        assert proposal.state is ProposalState.WAITING
        own = client.get("/policy").text
        assert "Waits for a second person" in own
        assert 'value="agree"' not in own
        refused = client.post(
            "/policy", data={"form": form_of(client, "/policy"), "do": "agree", "id": proposal.id}, headers=SAME
        )
        assert "second person" in refused.text or refused.status_code == 409
    with closing(second(console)) as other:
        page = other.get("/policy").text
        assert "lets less through" in page
        agreed = post(other, "agree", id=proposal.id)
        assert "Agreed." in agreed.text
    assert console.control.policies.all()[0].state is ProposalState.AGREED


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.OPERATOR])
def test_who_may_not_activate_proposes_nothing(console, role):
    with browser(console, role) as client:
        assert 'value="propose"' not in client.get("/policy").text
        assert post(client, "propose", STRICTER).status_code == 403
    assert not console.control.policies.all()


def test_a_policy_that_does_not_load_is_not_proposed(console):
    with browser(console) as client:
        assert "Errors: " in post(client, "propose", "version: 1\nname: [\n").text
    assert not console.control.policies.all()


def test_an_exception_for_a_value_is_written_into_the_draft_without_the_value(console):
    with browser(console) as client:
        story = client.get("/policy?type=EMAIL_ADDRESS&application=messenger").text
        assert '<option value="EMAIL_ADDRESS" selected>' in story
        page = post(
            client,
            "except",
            value="info@example.com",
            type="EMAIL_ADDRESS",
            application="messenger",
            days="30",
            because="The company's own",
            rule="",
        )
    assert "The draft has an exception from rule mail" in page.text
    draft = re.search(r"<textarea[^>]*>(.*?)</textarea>", page.text, re.S)
    assert draft is not None
    assert "exceptions:" in draft[1]
    assert "info@example.com" not in page.text


def test_markup_in_a_draft_is_text(console):
    with browser(console) as client:
        page = post(client, "check", "version: 1\nname: </textarea><script>alert(1)</script>\n").text
    assert "<script>alert" not in page


def test_line_ends_of_a_form_are_those_of_the_file(console):
    with browser(console) as client:
        assert "This means the same" in post(client, "diff", POLICY.replace("\n", "\r\n")).text


COMPANY = POLICY.replace("name: messenger\n", "name: company\n", 1)
TEAM = "version: 1\nname: team\ninclude: base/policy.yaml\nmedia: {image: refuse}\n"


@pytest.fixture
def layered(console: Console) -> Console:
    """The same, where the policy is a team's overlay over a company's base of the same file name."""
    (console.home / "base").mkdir()
    (console.home / "base" / "policy.yaml").write_text(COMPANY)
    (console.home / "policy.yaml").write_text(TEAM)
    return console


def test_the_editor_holds_every_file_of_a_policy_and_the_buttons_take_them_all(layered: Console) -> None:
    included = {"file:base/policy.yaml": STRICTER}
    with browser(layered) as client:
        page = client.get("/policy").text
        assert 'name="file:base/policy.yaml"' in page
        assert "include: base/policy.yaml" in page
        assert "name: company" in page
        assert "All cases hold: 1." in post(client, "check", TEAM, **included).text
        assert "lets less through" in post(client, "diff", TEAM, **included).text
        assert "transfers replayed" in post(client, "simulate", TEAM, **included).text
        alone = post(client, "check", TEAM).text
        assert "not among the files" in alone
        broken = {"file:base/policy.yaml": STRICTER.replace("do: block", "do: bloc")}
        assert "<code>base/policy.yaml</code>" in post(client, "check", TEAM, **broken).text
        added = post(client, "add", TEAM.replace("base/", "team/"), new_file="team/policy.yaml").text
        assert 'name="file:team/policy.yaml"' in added
        data = {"form": form_of(client, "/policy"), "text": TEAM}
        typed = client.post("/policy/check.json", data=data, headers=SAME).json()
        assert typed["items"] == [], "what is included counts as it was opened"


def test_a_proposal_carries_every_file_and_comes_into_force_with_them(layered: Console) -> None:
    with browser(layered) as client:
        assert "waits" in post(client, "propose", TEAM, **{"file:base/policy.yaml": STRICTER}).text
    proposal = layered.control.policies.all()[0]
    files = layered.control.policies.files(proposal.digest)
    assert list(files.items())[1:] == [("base/policy.yaml", STRICTER)]
    assert next(iter(files.values())) == TEAM
    kept = stored(layered.control, proposal.digest)
    assert kept.policy.digest == proposal.digest
    assert kept.policy.name == "team"
    with closing(second(layered)) as other:
        page = other.get(f"/policy?open={proposal.digest}").text
        assert "No mail" in page, "a version that is opened shows what it includes"
        assert "lets less through" in page
        tried = {
            "policy": "draft",
            "draft": TEAM,
            "file:base/policy.yaml": STRICTER,
            "text": "Write to a.b@example.com",
        }
        tried |= {"form": form_of(other, "/policy"), "application": "messenger", "destination": "openai"}
        shown = other.post("/try", data=tried, headers=SAME).text
        assert "not among the files" not in shown
        assert 'name="file:base/policy.yaml"' in shown
        post(other, "agree", id=proposal.id)
    assert layered.control.policies.all()[0].state is ProposalState.AGREED


def test_the_api_takes_what_a_policy_includes(layered: Console) -> None:
    with layered.client() as client:
        alone = client.post("/api/v1/policy/lint", json={"text": TEAM}).json()
        whole = {"text": TEAM, "files": {"base/policy.yaml": STRICTER}}
        assert client.post("/api/v1/policy/lint", json=whole).json()["holds"]
        asked = client.post("/api/v1/policy/proposals", json=whole)
        assert (asked.status_code, asked.json()["name"]) == (202, "team")
        many = {"text": TEAM, "files": {f"{n}.yaml": "" for n in range(40)}}
        assert client.post("/api/v1/policy/lint", json=many).status_code == 400
    assert not alone["holds"]
    assert set(files_of(stored(layered.control, asked.json()["digest"]))) == {"policy.yaml", "base/policy.yaml"}


def test_a_policy_whose_base_has_its_own_name_is_stored_under_another(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(COMPANY)
    (tmp_path / "team.yaml").write_text(TEAM.replace("base/", ""))
    loaded = read(tmp_path / "team.yaml")
    files = files_of(loaded)
    assert list(files) == ["overlay-0.yaml", "policy.yaml"]
    assert read_files(files).policy.digest == loaded.policy.digest


def test_the_history_says_what_a_change_meant_and_whether_the_log_counts_the_same(console: Console) -> None:
    versions = [read_text(one) for one in (POLICY, STRICTER)]
    digests = [one.policy.digest for one in versions]
    for one in versions:
        console.control.policies.keep(one.policy.digest, one.policy.name, files_of(one))
        console.control.activated(one.policy.name, one.policy.digest)
    plain = [one.removeprefix("sha256:") for one in digests]
    change = {"event": "activated", "name": "messenger", "new_digest": plain[1], "old_digest": plain[0]}
    console.ledger.append_blocking(PolicyRecord(at=now_ms(), **change, stricter=7))  # type: ignore[arg-type]
    with browser(console) as client:
        assert f"changed={quote(digests[1])}" in client.get("/policy").text
        page = client.get("/policy", params={"changed": digests[1]}).text
        assert "lets less through" in page
        assert "counts otherwise" in page
        assert client.get("/policy", params={"changed": digests[0]}).status_code == 404
        counted = told(console.control, steps_of(console)[0])
        assert counted.difference is not None
        stricter = sum(one.stricter for one in counted.difference.changes)
        console.ledger.append_blocking(PolicyRecord(at=now_ms(), **change, stricter=stricter))  # type: ignore[arg-type]
        assert "The log counts the same." in client.get("/policy", params={"changed": digests[1]}).text
    assert console.entries("query")[-1]["filters"] == ["policy_history"]


def steps_of(console: Console) -> list[Step]:
    with console.ledger.store.read() as connection:
        return steps(connection)
