"""The API's stream of the log, an officer's word on held requests, and tokens: over a real socket, with their records."""

from typing import Any

import httpx
import orjson
import pytest

from audit.ids import new_id, now_ms
from proxy.console import tail
from proxy.control.approvals import HeldRequest
from proxy.control.tokens import Role
from tests.audit.conftest import exchange_record
from tests.proxy.console.conftest import Console, fill

API = "/api/v1"


def events(client: httpx.Client, **params: Any) -> list[tuple[str, int, dict[str, Any]]]:
    """A stream to its end: name, id and data of each event."""
    answer = client.get(f"{API}/tail", params={"seconds": 0, **params})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    found = []
    for block in answer.text.split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        found.append((fields["event"], int(fields["id"]), orjson.loads(fields["data"])))
    return found


def test_the_stream_says_what_the_log_says_and_where_to_go_on(filled: Console) -> None:
    with filled.client() as client:
        *entries, end = events(client, since=0)
        assert [facts["kind"] for _, _, facts in entries[:3]] == ["key", "transfer", "outcome"]
        assert [index for _, index, _ in entries] == list(range(1, len(entries) + 1))
        asked = filled.entries("query")[-1]
        assert (asked["question"], asked["results"]) == ("tail", len(entries) - 1), "recorded before it leaves"
        assert end == ("end", len(entries), {})
        filled.ledger.append_blocking(exchange_record())
        *more, end = events(client, since=end[1], kinds="transfer,blocked")
    assert [facts["kind"] for _, _, facts in more] == ["transfer"]
    assert end[1] == more[0][1] + 1, "a page that holds nothing of these kinds is passed over"


def test_a_stream_of_what_comes_begins_at_the_end(filled: Console) -> None:
    with filled.client() as client:
        (name, at, _), *_ = reversed(events(client))
    assert name == "end"
    with filled.client() as client, client.stream("GET", f"{API}/tail", params={"since": at, "limit": 1}) as answer:
        made = exchange_record()
        filled.ledger.append_blocking(made)
        lines = [line for line in answer.iter_lines() if line.startswith("data: ")]
    assert orjson.loads(lines[0][6:])["kind"] == "query", "its own record is the first that comes"


def test_a_limit_ends_the_stream_where_it_goes_on_without_loss(filled: Console) -> None:
    seen, at = [], 0
    with filled.client() as client:
        while True:
            *entries, end = events(client, since=at, limit=3, kinds="transfer,outcome,blocked")
            seen += [facts["id"] + facts["kind"] for _, _, facts in entries]
            if not entries:
                break
            at = end[1]
    assert len(seen) == len(set(seen)) == 13


def test_a_team_follows_its_own_applications_and_nothing_of_the_log_itself(console: Console) -> None:
    fill(console)
    with console.client(Role.TEAM, "feed") as client:
        *entries, end = events(client, since=0)
    assert {facts.get("application", "feed") for _, _, facts in entries} == {"feed"}
    assert {facts["kind"] for _, _, facts in entries} == {"transfer", "outcome"}
    assert len(entries) == 6
    assert end[1] >= 13


def test_streams_are_few_and_end_with_their_token(filled: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "MOST_OF_ONE", 0)
    with filled.client() as client:
        assert client.get(f"{API}/tail").status_code == 429
    monkeypatch.undo()
    with filled.client(Role.AUDITOR) as client, client.stream("GET", f"{API}/tail", params={"seconds": 60}) as answer:
        token = next(one for one in filled.control.tokens.all() if one.role is Role.AUDITOR)
        filled.control.tokens.revoke(token.id)
        assert "event: end" in "".join(answer.iter_text())


def test_kinds_that_do_not_exist_are_refused(filled: Console) -> None:
    with filled.client() as client:
        assert client.get(f"{API}/tail", params={"kinds": "transfer,secrets"}).status_code == 400
        assert client.get(f"{API}/tail", params={"seconds": tail.LONGEST_S + 1}).status_code == 400


def test_a_held_request_is_approved_and_refused_by_the_api(filled: Console) -> None:
    held = HeldRequest(new_id(), now_ms(), "messenger", "openai", ("contracts-wait",), b"f" * 32)
    assert filled.control.approvals.ask(held)
    with filled.client() as client:
        waiting = client.get(f"{API}/approvals").json()["items"]
        body = {"hours": 4, "reason": "contract", "because": "checked with Ms Vogt"}
        approved = client.put(f"{API}/approvals/{held.reference}", json=body).json()
        assert filled.control.approvals.granted() == {b"f" * 32: frozenset({"contracts-wait"})}
        denied = client.delete(f"{API}/approvals/{held.reference}").json()
        assert client.put(f"{API}/approvals/{'0' * 26}", json=body).status_code == 404
        assert client.put(f"{API}/approvals/{held.reference}", json={**body, "hours": 9999}).status_code == 400
        assert client.put(f"{API}/approvals/{held.reference}", json={"hours": 4}).status_code == 400
    assert [(one["id"], one["state"], one["rules"]) for one in waiting] == [
        (held.reference, "waiting", ["contracts-wait"])
    ]
    assert (approved["state"], approved["reason"], approved["because"]) == ("approved", "contract", body["because"])
    assert denied["state"] == "denied"
    assert filled.control.approvals.granted() == {}
    first, second = filled.entries("policy")[-2:]
    assert (first["event"], first["reason"], second["event"]) == ("approved", "contract", "denied")
    assert "Vogt" not in str(filled.entries("policy"))


def test_tokens_are_made_listed_and_revoked_by_the_api(filled: Console) -> None:
    with filled.client(Role.OPERATOR) as client:
        body = {"role": "team", "name": "Messenger", "applications": ["messenger"], "days": 7}
        answer = client.post(f"{API}/tokens", json=body)
        assert answer.status_code == 201
        made = answer.json()
        assert made["token"].startswith("dgt_")
        listed = client.get(f"{API}/tokens").json()["items"]
        assert made["token"] not in str(listed)
        assert listed[0]["id"] == made["id"]
        with httpx.Client(headers={"authorization": f"Bearer {made['token']}"}, trust_env=False, timeout=60) as theirs:
            me = f"{filled.url}{API}/me"
            assert theirs.get(me).json()["applications"] == ["messenger"]
            assert client.delete(f"{API}/tokens/{made['id']}").json()["revoked"]
            assert theirs.get(me).status_code == 401
        assert client.delete(f"{API}/tokens/{made['id']}").status_code == 404
        for more in ("officer", "operator", "auditor"):
            assert client.post(f"{API}/tokens", json={"role": more, "name": "Me"}).status_code == 403
        assert client.post(f"{API}/tokens", json={"role": "team", "name": "None"}).status_code == 400
    assert [(one["event"], one["token"]) for one in filled.entries("token")] == [
        ("created", made["id"]),
        ("revoked", made["id"]),
    ]
