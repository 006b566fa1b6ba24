"""Erasing a person over the API: consequences first, the same person twice, holds, the course, and who may."""

import re
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from audit.values import ErasureReason
from proxy.control.tokens import Role
from proxy.erasure.carrying_out import Erasing
from tests.integration.erasing import dragoman
from tests.proxy.console.conftest import Answering, Console, Start, browser
from tests.proxy.console.test_erasing_page import SURE, people, plan, send
from tests.proxy.erasure.conftest import ANNA, BEN

ERASURES = "/api/v1/erasures"
NOBODY = "nobody@example.com"


def preview(client: httpx.Client, subject: str = ANNA) -> dict[str, Any]:
    answer = client.post(f"{ERASURES}/preview", json={"subject": subject})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def erase(client: httpx.Client, seal: str, subject: str = ANNA) -> httpx.Response:
    return client.post(ERASURES, json={"subject": subject, "seal": seal, "reason": "consent_withdrawn"})


def ended(client: httpx.Client, erasure: str) -> dict[str, Any]:
    """The course of an erasure, once it has ended."""
    while True:
        found: dict[str, Any] = client.get(f"{ERASURES}/{erasure}").json()
        if found["state"] != "running":
            return found


def test_consequences_are_told_and_nothing_happens(console: Console) -> None:
    site = people(console)
    with console.client() as client:
        found = preview(client)
    assert (found["transfers"], found["scopes"], found["scopes_shared"], found["placeholders"]) == (2, 2, 1, 3)
    assert [one["destination"]["name"] for one in found["recipients"]] == ["openai"]
    assert [one["obstacle"] for one in found["objects"]] == ["no_key"]
    assert site.plan(ANNA).transfers == 2
    assert console.entries("erasure", "shred") == []
    (asked,) = console.entries("query")
    assert (asked["question"], len(asked["refs"])) == ("who", 1)


def test_a_person_is_erased_once_the_consequences_were_seen(console: Console) -> None:
    site = people(console)
    with console.client() as client:
        answer = erase(client, preview(client)["seal"])
        assert answer.status_code == 202
        erasure = answer.json()["id"]
        found = ended(client, erasure)
        assert (found["state"], found["failed"], found["recipients"]) == ("done", "", ["openai"])
        assert (found["done"]["scopes_shredded"], found["done"]["placeholders_gone"]) == (2, 3)
        saved = client.get(f"{ERASURES}/{erasure}/recipients").json()
        assert saved["erasure"] == erasure
        assert saved["references_destroyed"] == found["done"]["references_destroyed"] > 0
        again = erase(client, preview(client)["seal"])
        assert (again.status_code, again.json()["code"]) == (409, "nobody")
    begun, done = console.entries("erasure")
    assert (begun["phase"], done["phase"], done["reason"]) == ("begun", "done", "consent_withdrawn")
    assert site.plan(ANNA).refs == ()
    assert len(site.plan(BEN).refs) == 1
    assert [path for path in console.home.rglob("*") if path.is_file() and ANNA.encode() in path.read_bytes()] == []


@pytest.mark.parametrize(
    ("seal", "subject", "status", "code"),
    [
        (lambda seal: seal, BEN, 409, "other_person"),
        (lambda seal: seal, NOBODY, 409, "other_person"),
        (lambda seal: "0" * 64, ANNA, 409, "other_person"),
        (lambda seal: "", ANNA, 400, "input"),
        (lambda seal: seal, "", 400, "input"),
    ],
)
def test_another_person_than_the_one_that_was_shown_stays(
    console: Console, seal: Callable[[str], str], subject: str, status: int, code: str
) -> None:
    people(console)
    with console.client() as client:
        answer = erase(client, seal(preview(client)["seal"]), subject)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not subject or subject not in answer.text
    assert console.entries("erasure", "shred") == []


def test_a_seal_is_for_one_token(console: Console) -> None:
    people(console)
    second = console.control.tokens.create(Role.OFFICER, "second", (), 1)[0]
    with console.client() as client:
        seal = preview(client)["seal"]
        client.headers["authorization"] = f"Bearer {second}"
        assert erase(client, seal).json()["code"] == "other_person"
    assert console.entries("erasure") == []


def test_a_hold_stands_until_it_is_ended_and_is_the_same_on_every_way(console: Console) -> None:
    people(console)
    with console.client() as client:

        def hold(held: bool, subject: str = ANNA) -> httpx.Response:
            seal = preview(client, subject)["seal"]
            return client.put(f"{ERASURES}/hold", json={"subject": subject, "seal": seal, "held": held})

        assert hold(True).json() == {"held": True}
        found = preview(client)
        assert found["held"] is True
        refused = erase(client, found["seal"])
        assert (refused.status_code, refused.json()["code"]) == (409, "legal_hold")
        assert hold(False).json() == {"held": False}
        assert preview(client)["held"] is False
        assert hold(True, NOBODY).status_code == 200, "somebody of whom nothing was sent yet can be held"
        assert preview(client, NOBODY)["held"] is True
    assert [one["phase"] for one in console.entries("erasure")] == ["held", "refused", "released", "held"]


def test_one_strangers_seal_is_not_anothers(console: Console) -> None:
    people(console)
    with console.client() as client:
        body = {"subject": "stranger@example.com", "seal": preview(client, NOBODY)["seal"], "held": True}
        assert client.put(f"{ERASURES}/hold", json=body).json()["code"] == "other_person"
    assert console.entries("erasure") == []


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.OPERATOR, Role.TEAM])
def test_only_officers_may(console: Console, role: Role) -> None:
    people(console)
    body = {"subject": ANNA, "seal": "0" * 64}
    with console.client(role, *(("messenger",) if role is Role.TEAM else ())) as client:
        answers = [
            client.post(f"{ERASURES}/preview", json={"subject": ANNA}),
            client.post(ERASURES, json={**body, "reason": str(ErasureReason.REQUEST)}),
            client.put(f"{ERASURES}/hold", json={**body, "held": True}),
            client.get(f"{ERASURES}/01M8A5DX03Q19X5TJNFHR07A0Q"),
            client.get(f"{ERASURES}/01M8A5DX03Q19X5TJNFHR07A0Q/recipients"),
            client.get(f"{ERASURES}/left"),
            client.post(f"{ERASURES}/01M8A5DX03Q19X5TJNFHR07A0Q/retry"),
            client.get(f"{ERASURES}/01M8A5DX03Q19X5TJNFHR07A0Q/retry"),
        ]
    assert {answer.status_code for answer in answers} == {403}
    assert console.entries("erasure", "query") == []


def test_an_erasure_that_is_not_known_is_not_found(filled: Console) -> None:
    with filled.client() as client:
        for path in ("", "/recipients", "/retry"):
            assert client.get(f"{ERASURES}/01M8A5DX03Q19X5TJNFHR07A0Q{path}").status_code == 404
        assert client.post(f"{ERASURES}/01M8A5DX03Q19X5TJNFHR07A0Q/retry").status_code == 404
        assert client.get(f"{ERASURES}/left").json() == {"items": []}


def test_what_a_provider_refused_is_asked_for_again(
    start: Start, provider: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY_OF_OPENAI", "sk-test")
    console = start(provider_keys={"openai": "env:KEY_OF_OPENAI"}, upstreams={"openai": provider.origin})
    people(console)
    provider.statuses[:] = [503, 503, 200]
    with console.client() as client:
        erasure = ended(client, erase(client, preview(client)["seal"]).json()["id"])["id"]
        assert client.get(f"{ERASURES}/left").json()["items"] == [
            {"id": erasure, "objects": 1, "destinations": ["openai"]}
        ]
        refused = client.post(f"{ERASURES}/{erasure}/retry")
        assert (refused.status_code, refused.json()["state"], refused.json()["left"]) == (202, "done", 1)
        assert [one["verdict"] for one in refused.json()["objects"]] == ["refused"]
        done = client.post(f"{ERASURES}/{erasure}/retry").json()
        assert (done["left"], [one["verdict"] for one in done["objects"]]) == (0, ["deleted"])
        assert client.get(f"{ERASURES}/{erasure}/retry").json() == done
        assert client.get(f"{ERASURES}/left").json() == {"items": []}
        nothing = client.post(f"{ERASURES}/{erasure}/retry").json()
        assert (nothing["state"], nothing["left"], nothing["objects"]) == ("done", 0, [])
    assert provider.asked == ["/v1/responses/resp_1 Bearer sk-test"] * 3
    last = console.entries("erasure")[-1]
    assert (last["id"], last["phase"], last["deleted"]) == (erasure, "done", 1)
    assert last["actor"] == console.entries("query")[0]["actor"]


def test_asking_again_waits_for_an_erasure_that_is_being_carried_out(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    people(console)
    goes = threading.Event()
    real = Erasing.carry_out

    def slow(self: Erasing, *given: Any) -> Any:
        assert goes.wait(60)
        return real(self, *given)

    monkeypatch.setattr("proxy.console.erasing.PATIENCE_S", 0.0)
    with console.client() as client:
        first = erase(client, preview(client)["seal"]).json()["id"]
        assert ended(client, first)["state"] == "done"
        monkeypatch.setattr(Erasing, "carry_out", slow)
        second = erase(client, preview(client, BEN)["seal"], BEN).json()["id"]
        busy = client.post(f"{ERASURES}/{first}/retry")
        goes.set()
        assert (busy.status_code, busy.json()["code"]) == (409, "busy")
        assert ended(client, second)["state"] == "done"
        client.post(f"{ERASURES}/{first}/retry")
        while client.get(f"{ERASURES}/{first}/retry").json()["state"] == "running":
            pass
        assert client.get(f"{ERASURES}/{first}/retry").json()["left"] == 1, "nobody has a key for it"


def test_what_breaks_off_while_asking_again_is_said_by_its_kind(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    people(console)

    def broken(*_: object) -> None:
        raise RuntimeError(ANNA)

    with console.client() as client:
        erasure = ended(client, erase(client, preview(client)["seal"]).json()["id"])["id"]
        monkeypatch.setattr("proxy.console.erasing.retry_objects", broken)
        found = client.post(f"{ERASURES}/{erasure}/retry")
    assert (found.json()["state"], found.json()["failed"]) == ("failed", "RuntimeError")
    assert ANNA not in found.text


def test_the_page_lists_what_providers_keep_and_asks_again(
    start: Start, provider: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY_OF_OPENAI", "sk-test")
    console = start(provider_keys={"openai": "env:KEY_OF_OPENAI"}, upstreams={"openai": provider.origin})
    people(console)
    provider.statuses[:] = [503, 200]
    with browser(console) as page:
        assert "Erased." in send(page, plan(page, ANNA), "erase", ANNA, **SURE).text
        shown = page.get("/person/erase").text
        assert "Still with providers" in shown
        found = re.search(r'name="id" value="(\w{26})"', shown)
        assert found is not None
        again = send(page, shown, "retry", "", id=found[1]).text
        assert "Asked about 1 object; 0 are still with their providers." in again
        assert "Still with providers" not in again
        assert "Asked about 1 object" in page.get("/person/erase", params={"again": found[1]}).text


@pytest.fixture
def two(start: Start) -> Console:
    """A console where two people have to want an erasure, over the log of `people`."""
    made = start(erasure_people=2)
    people(made)
    return made


def as_another(console: Console, client: httpx.Client, name: str) -> None:
    token = console.control.tokens.create(Role.OFFICER, name, (), 1)[0]
    client.headers["authorization"] = f"Bearer {token}"


def test_where_two_have_to_want_it_the_first_word_erases_nobody(two: Console) -> None:
    with two.client() as client:
        for _ in range(2):
            asked = erase(client, preview(client)["seal"]).json()
            assert (asked["state"], asked["done"]) == ("waiting", None)
        as_another(two, client, "test")
        assert erase(client, preview(client)["seal"]).json()["state"] == "waiting", "the same name is the same person"
        as_another(two, client, "TEST ")
        assert erase(client, preview(client)["seal"]).json()["state"] == "waiting", "however it is written"
        as_another(two, client, "Ms Second")
        assert erase(client, preview(client, BEN)["seal"], BEN).json()["state"] == "waiting", "of somebody else"
        (waiting, first) = client.get(ERASURES).json()["items"]
        assert (waiting["asked_by"], first["asked_by"], first["reason"]) == ("Ms Second", "test", "consent_withdrawn")
        assert ANNA not in str(first)
    assert {one["phase"] for one in two.entries("erasure")} == {"asked"}
    assert two.entries("shred") == []


def test_a_second_officer_who_names_the_same_person_carries_it_out(two: Console) -> None:
    with two.client() as client:
        erase(client, preview(client)["seal"])
        as_another(two, client, "Ms Second")
        body = {"subject": ANNA, "seal": preview(client)["seal"], "reason": "objection"}
        done = ended(client, client.post(ERASURES, json=body).json()["id"])
        assert (done["state"], done["done"]["scopes_shredded"]) == ("done", 2)
        assert client.get(ERASURES).json()["items"] == []
    asked, begun, last = two.entries("erasure")
    assert [one["phase"] for one in (asked, begun, last)] == ["asked", "begun", "done"]
    assert begun["reason"] == last["reason"] == "consent_withdrawn", "as it was asked"
    assert begun["actor"] == last["actor"] == asked["actor"]
    assert begun["second_actor"] == last["second_actor"] != begun["actor"]
    kept = [path for path in two.home.rglob("*") if path.is_file() and ANNA.encode() in path.read_bytes()]
    assert kept == []


def test_the_page_says_what_waits_and_lets_another_officer_agree(two: Console) -> None:
    with browser(two) as page:
        assert "Another officer has to want the same" in send(page, plan(page, ANNA), "erase", ANNA, **SURE).text
    two.tokens[Role.OFFICER] = two.control.tokens.create(Role.OFFICER, "Ms Second", (), 1)[0]
    with browser(two) as page:
        assert "Wait for a second person" in page.get("/person/erase").text
        assert "Erased." in send(page, plan(page, ANNA), "erase", ANNA, **SURE).text
        assert "Wait for a second person" not in page.get("/person/erase").text


def test_a_request_is_forgotten_after_a_week(two: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    from proxy.control import erasures

    with two.client() as client:
        erase(client, preview(client)["seal"])
        real = erasures.now_ms
        monkeypatch.setattr(erasures, "now_ms", lambda: real() + erasures.WAITS_MS)
        assert client.get(ERASURES).json()["items"] == []
        as_another(two, client, "Ms Second")
        assert erase(client, preview(client)["seal"]).json()["state"] == "waiting"


def test_the_command_asks_and_an_officer_over_the_api_agrees(two: Console) -> None:
    (two.home / "config.toml").write_text("erasure_people = 2\n")
    for _ in range(2):
        asked = dragoman(two.home, "erase", "--subject", "-", "--yes", given=f"{ANNA}\n")
        assert (asked.exit_code, "another person has to" in asked.output) == (0, True), asked.output
    with two.client() as client:
        done = ended(client, erase(client, preview(client)["seal"]).json()["id"])
    assert done["state"] == "done"
    assert {one["phase"] for one in two.entries("erasure")} == {"asked", "begun", "done"}
