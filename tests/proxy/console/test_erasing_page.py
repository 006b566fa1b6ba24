"""Erasing a person from the browser: consequences first, the identifier twice, holds, providers, and who may."""

import re
import threading
from typing import Any

import httpx
import pytest

from proxy.console.erasing import ErasureDesk
from proxy.control.tokens import Role
from redaction.vault import open_vault
from tests.proxy.console.conftest import SAME, Answering, Console, Start, browser, form_of
from tests.proxy.erasure.conftest import ANNA, BEN, MAIL, Site

PAGE = "/person/erase"
HOSTILE = '"><script>alert(1)</script>\u202e'


def people(console: Console) -> Site:
    """Anna in two conversations, one of them with Ben; somebody who is not named."""
    site = Site(console.home, console.ledger, open_vault(console.home))
    site.sent(ANNA, "one", MAIL, objects=["resp_1"])
    shared = site.sent(ANNA, "two", MAIL)
    site.vault.issue(shared, [("PERSON", "Ben")], [console.ledger.references.subject(BEN)])
    site.sent(BEN, "three")
    return site


def send(client: httpx.Client, page: str, do: str, subject: str, **data: str) -> httpx.Response:
    """The form of a page that was shown, as a browser sends it."""
    form, seal = re.search(r'name="form" value="([^"]+)"', page), re.search(r'name="seal" value="([^"]+)"', page)
    assert form is not None
    given = {"form": form[1], "seal": seal[1] if seal else "", "do": do, "subject": subject, **data}
    return client.post(PAGE, data=given, headers=SAME)


def plan(client: httpx.Client, subject: str) -> str:
    return send(client, client.get(PAGE).text, "plan", subject).text


SURE = {"reason": "consent_withdrawn", "sure": "yes"}


def test_consequences_are_shown_and_nothing_happens(console: Console) -> None:
    site = people(console)
    with browser(console) as client:
        page = plan(client, ANNA)
    assert "Transfers that concern this person: 2." in page
    assert "OpenAI Ireland Ltd" in page
    assert "destroyed: 2. Placeholders that can never be put back again: 3." in page
    assert "1 of them also concerns others, who lose it too." in page
    assert "no, no key is configured" in page
    assert ANNA not in page
    assert site.plan(ANNA).transfers == 2
    assert console.entries("erasure", "shred") == []
    assert console.entries("query")[-1]["refs"]


def test_a_person_is_erased_at_providers_too_and_the_record_says_why(
    start: Start, provider: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, origin = provider.asked, provider.origin
    monkeypatch.setenv("KEY_OF_OPENAI", "sk-test")
    console = start(provider_keys={"openai": "env:KEY_OF_OPENAI"}, upstreams={"openai": origin})
    site = people(console)
    with browser(console) as client:
        page = plan(client, ANNA)
        done = send(client, page, "erase", ANNA, **SURE).text
        assert "Erased." in done
        assert "Deleted at providers" in done
        found = re.search(r"/person/erase/file\?id=(\w{26})", done)
        assert found is not None
        saved = client.get(f"{PAGE}/file?id={found[1]}")
        assert "Erased." in client.get(f"{PAGE}?id={found[1]}").text
        assert (
            "Transfers that refer to this person"
            not in client.post("/person", data={"form": form_of(client, "/person"), "subject": ANNA}, headers=SAME).text
        )
    assert asked == ["/v1/responses/resp_1 Bearer sk-test"]
    assert saved.json()["recipients"][0]["destination"]["name"] == "openai"
    begun, ended = console.entries("erasure")
    assert (begun["phase"], ended["phase"], ended["deleted"]) == ("begun", "done", 1)
    assert begun["reason"] == ended["reason"] == "consent_withdrawn"
    assert begun["actor"] == console.entries("query")[0]["actor"]
    assert site.plan(ANNA).refs == ()
    assert len(site.plan(BEN).refs) == 1
    kept = [path for path in console.home.rglob("*") if path.is_file() and ANNA.encode() in path.read_bytes()]
    assert kept == []


@pytest.mark.parametrize(
    ("subject", "data", "status"),
    [(BEN, SURE, 409), (ANNA, {"reason": "consent_withdrawn"}, 400), (ANNA, {"sure": "yes"}, 400),
     (ANNA, {"sure": "yes", "reason": "because"}, 400), ("", SURE, 400), ("x" * 501, SURE, 400), (HOSTILE, SURE, 409)],
)  # fmt: skip
def test_what_was_not_meant_erases_nobody(console: Console, subject: str, data: dict[str, str], status: int) -> None:
    people(console)
    with browser(console) as client:
        answer = send(client, plan(client, ANNA), "erase", subject, **data)
    assert answer.status_code == status
    assert not subject or subject not in answer.text
    assert console.entries("erasure", "shred") == []


def test_a_seal_is_one_persons_who_saw_it(console: Console) -> None:
    people(console)
    with browser(console) as client:
        page = plan(client, ANNA)
    console.tokens[Role.OFFICER] = console.control.tokens.create(Role.OFFICER, "Mr Second", (), 1)[0]
    with browser(console) as client:
        seal = re.search(r'name="seal" value="([^"]+)"', page)
        assert seal is not None
        data = {"form": form_of(client, PAGE), "do": "erase", "subject": ANNA, "seal": seal[1], **SURE}
        assert client.post(PAGE, data=data, headers=SAME).status_code == 409
    assert console.entries("erasure") == []


def test_a_legal_hold_forbids_it_until_it_ends(console: Console) -> None:
    people(console)
    with browser(console) as client:
        page = plan(client, ANNA)
        held = send(client, page, "hold", ANNA).text
        assert "A legal hold stands for this person." in held
        assert 'value="erase"' not in held
        assert send(client, page, "erase", ANNA, **SURE).status_code == 409
        assert 'value="erase"' in send(client, held, "release", ANNA).text
    assert [one["phase"] for one in console.entries("erasure")] == ["held", "refused", "released"]


def test_somebody_unknown_is_said_to_be(console: Console) -> None:
    people(console)
    with browser(console) as client:
        page = plan(client, HOSTILE)
    assert "holds nothing about this identifier, written like this" in page
    assert "<script>alert" not in page
    assert 'value="erase"' not in page


def test_what_breaks_off_is_said_and_recorded_as_begun(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    people(console)

    def broken(*_: object) -> None:
        raise RuntimeError(ANNA)

    monkeypatch.setattr("proxy.erasure.carrying_out.Erasing._late", broken)
    with browser(console) as client:
        answer = send(client, plan(client, ANNA), "erase", ANNA, **SURE)
    assert "It broke off (RuntimeError)." in answer.text
    assert ANNA not in answer.text
    assert [one["phase"] for one in console.entries("erasure")] == ["begun"]


def test_one_erasure_at_a_time_and_its_course_can_be_looked_at(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    people(console)
    goes, carry_out = threading.Event(), ErasureDesk.__module__
    from proxy.erasure.carrying_out import Erasing

    real = Erasing.carry_out

    def slow(self: Erasing, *given: Any) -> Any:
        assert goes.wait(30)
        return real(self, *given)

    monkeypatch.setattr(Erasing, "carry_out", slow)
    monkeypatch.setattr(f"{carry_out}.PATIENCE_S", 0.0)
    with browser(console) as client:
        first, second = plan(client, ANNA), plan(client, BEN)
        running = send(client, first, "erase", ANNA, **SURE).text
        assert "It is being carried out" in running
        busy = send(client, second, "erase", BEN, **SURE)
        assert (busy.status_code, "another erasure" in busy.text.lower()) == (409, True)
        found = re.search(r"/person/erase\?id=(\w{26})", running)
        assert found is not None
        goes.set()
        while "Erased." not in client.get(f"{PAGE}?id={found[1]}").text:
            pass
    assert [one["phase"] for one in console.entries("erasure")] == ["begun", "done"]


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.OPERATOR])
def test_only_officers_erase(console: Console, role: Role) -> None:
    people(console)
    with browser(console, role) as client:
        form = re.search(r'name="form" value="([^"]+)"', client.get("/").text)
        assert form is not None
        for do in ("plan", "erase", "hold", "release"):
            data = {"form": form[1], "do": do, "subject": ANNA, "seal": "", **SURE}
            assert client.post(PAGE, data=data, headers=SAME).status_code == 403
        assert client.get(PAGE).status_code == client.get(f"{PAGE}/file?id=X").status_code == 403
    assert console.entries("erasure") == []


@pytest.mark.parametrize("erasure", ["01M8A5DX03Q19X5TJNFHR07A0Q", "../../audit", "", "..%2F"])
def test_files_of_erasures_alone_are_given(filled: Console, erasure: str) -> None:
    with browser(filled) as client:
        assert client.get(f"{PAGE}/file", params={"id": erasure}).status_code == 404
        assert client.get(PAGE, params={"id": erasure}).status_code == 404
