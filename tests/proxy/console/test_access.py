"""Who may ask the API what, how often, and with which input: roles, tokens, limits, refusals that repeat nothing."""

from typing import Any

import httpx
import pytest

from proxy.console.access import RIGHTS, Right
from proxy.console.operations import ALL
from proxy.control.tokens import Role
from tests.proxy.console.conftest import ANNA, Console, Start, fill

API = "/api/v1"


def test_a_team_sees_its_own_applications_only(console: Console) -> None:
    ids = fill(console)
    with console.client(Role.TEAM, "feed") as client:
        rows = client.get(f"{API}/transfers").json()["items"]
        assert {row["application"] for row in rows} == {"feed"}
        assert client.get(f"{API}/transfers", params={"application": "messenger"}).json()["items"] == []
        assert client.get(f"{API}/transfers/{ids[0]}").status_code == 404
        assert client.get(f"{API}/transfers/{ids[0]}/proof").status_code == 404
        assert client.get(f"{API}/transfers/{ids[1]}").status_code == 200
        assert client.get(f"{API}/overview").json()["transfers"] == 3
        assert {
            one["name"] for one in client.get(f"{API}/stops").json()["items"] if one["target"] == "application"
        } == (set())


@pytest.mark.parametrize("role", list(Role))
def test_a_role_gets_what_the_table_says_and_nothing_else(filled: Console, role: Role) -> None:
    bodies: dict[str, dict[str, Any]] = {
        "/policy/lint": {"text": ""},
        "/who": {"subject": ANNA},
        "/transfers/search": {"subject": ANNA},
    }
    bodies["/reports/who"] = {"subject": ANNA}
    bodies["/reveals"] = {"what": "A" * 22, "kind": "actor", "reason": "incident"}
    bodies |= {"/policy/proposals": {"text": ""}, "/policy/rollback": {}}
    bodies |= {
        f"/approvals/{'0' * 26}": {"reason": "checked"},
        "/tokens": {"role": "team", "name": "Feed", "applications": ["feed"]},
    }
    sealed = {"subject": ANNA, "seal": "0" * 64}
    bodies |= {"/erasures/preview": {"subject": ANNA}, "/erasures": {**sealed, "reason": "request"}}
    bodies |= {"/erasures/hold": {**sealed, "held": True}, f"/comparisons/{'0' * 26}/2/rating": {"better": "tie"}}
    bodies |= {f"/policy/{name}": {"text": ""} for name in ("cases", "diff", "simulation")}
    bodies["/policy/exception"] = {"text": "", "entity_type": "PERSON", "value": "Anna", "because": "a river"}
    bodies |= {"/rehearsals": {"text": "x", "draft": {"text": ""}}, "/searches": {"name": "mine", "filters": {}}}
    with filled.client(role, *(("feed",) if role is Role.TEAM else ())) as client:
        for operation in ALL:
            path = operation.path.format(
                id="0" * (8 if "/tokens/" in operation.path else 26),
                exchange="0" * 26,
                attempt="2",
                digest="0" * 64,
                target="destination",
                name="who" if "/reports/" in operation.path else "openai",
            )
            params = {"/groups": {"by": "day"}, "/tail": {"seconds": "0"}}.get(path, {})
            body = bodies[path] if operation.body is not None else None
            status = client.request(operation.method, API + path, params=params, json=body).status_code
            allowed = operation.right is None or role in RIGHTS[operation.right]
            assert status in ({200, 201, 202, 404, 409} if allowed else {403}), operation.id


def test_rights_are_what_is_documented() -> None:
    assert RIGHTS[Right.PERSONS] == RIGHTS[Right.EXPORT] == {Role.AUDITOR, Role.OFFICER}
    assert RIGHTS[Right.STOP] == {Role.OFFICER, Role.OPERATOR}
    assert RIGHTS[Right.REVEAL] == {Role.OFFICER}
    assert Role.TEAM not in RIGHTS[Right.LOG]


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer wrong", f"Bearer dgt_{'A' * 43}", "Basic dGVhbTp0ZWFt", "Bearer " + "x" * 5000],
)
def test_without_a_valid_token_there_is_nothing(filled: Console, header: str) -> None:
    with httpx.Client(base_url=filled.url, trust_env=False, timeout=60) as client:
        answer = client.get(f"{API}/transfers", headers={"authorization": header})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "sign_in"


def test_a_revoked_token_opens_nothing_from_then_on(filled: Console) -> None:
    with filled.client() as client:
        assert client.get(f"{API}/me").status_code == 200
        filled.control.tokens.revoke(filled.control.tokens.all()[0].id)
        assert client.get(f"{API}/me").status_code == 401


def test_requests_and_wrong_tokens_are_limited(start: Start, no_time_passes: None) -> None:
    console = start(per_minute=3, sign_ins_per_minute=2)
    with console.client() as client:
        assert [client.get(f"{API}/me").status_code for _ in range(4)] == [200, 200, 200, 429]
        answer = client.get(f"{API}/me")
        assert int(answer.headers["retry-after"]) >= 1
        wrong = {"authorization": "Bearer wrong"}
        assert [client.get(f"{API}/me", headers=wrong).status_code for _ in range(3)] == [401, 401, 429]


SECRET = "anna.schmidt%40example.com"


@pytest.mark.parametrize(
    "path",
    [
        f"/transfers?{SECRET}=1",
        f"/transfers?status={SECRET}",
        f"/transfers?since={SECRET}",
        "/transfers?limit=0",
        "/transfers?limit=1&limit=2",
        f"/groups?by={SECRET}",
        "/groups",
        f"/who?day={SECRET}",
        f"/export?format={SECRET}",
        "/transfers?application=%00",
        "/transfers?status=99999999999999999999999",
    ],
)
def test_wrong_input_is_named_and_not_repeated(filled: Console, path: str) -> None:
    with filled.client() as client:
        answer = client.get(API + path)
    assert answer.status_code == 400
    assert "anna.schmidt" not in answer.text


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"subject": ""}', "application/json", 400),
        (b'{"subject": "a", "anna.schmidt@example.com": 1}', "application/json", 400),
        (b'{"subject": "a", "filters": {"anna.schmidt@example.com": 1}}', "application/json", 400),
        (b"subject=a", "application/x-www-form-urlencoded", 415),
        (b'{"subject": "' + b"a" * 4_000_000 + b'"}', "application/json", 413),
    ],
)
def test_wrong_bodies_are_refused_and_not_repeated(filled: Console, body: bytes, kind: str, status: int) -> None:
    with filled.client() as client:
        answer = client.post(f"{API}/who", content=body, headers={"content-type": kind})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert "anna.schmidt" not in answer.text


def test_every_answer_forbids_what_pages_do_not_need(filled: Console) -> None:
    with filled.client() as client:
        for path in (f"{API}/me", "/api/openapi.json", "/nowhere"):
            headers = client.get(path).headers
            assert "default-src 'none'" in headers["content-security-policy"]
            assert headers["cache-control"] == "no-store"
            assert headers["x-content-type-options"] == "nosniff"
            assert "server" not in headers


def test_another_hosts_name_is_refused(filled: Console) -> None:
    with filled.client() as client:
        assert client.get(f"{API}/me", headers={"host": "evil.example"}).status_code == 421
        assert client.get(f"{API}/me", headers={"host": "localhost:8790"}).status_code == 200


def test_a_defect_is_named_by_its_kind_alone(filled: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    from proxy.console.questions import Questions

    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("anna.schmidt@example.com")

    monkeypatch.setattr(Questions, "statistics", fail)
    with filled.client() as client:
        answer = client.get(f"{API}/stats")
    assert answer.status_code == 500
    assert "anna" not in answer.text
    assert "ZeroDivisionError" in answer.json()["detail"]
