"""The API over a real socket: answers, proofs, exports, stops, and the record of every reading."""

import base64
import io
import json
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from audit import query
from audit.checkpoint import open_checkpoint
from audit.prove import Proof, check
from audit.signing import VerifierKey
from audit.verify import verify_folder
from proxy.control.tokens import Role
from tests.audit.conftest import exchange_record
from tests.proxy.console.conftest import ANNA, Console, fill

API = "/api/v1"


def get(console: Console, path: str, role: Role = Role.OFFICER, **params: Any) -> Any:
    with console.client(role) as client:
        answer = client.get(API + path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_transfers_come_newest_first_and_continue_by_key(console: Console) -> None:
    ids = fill(console)
    first = get(console, "/transfers", limit=3)
    assert [row["id"] for row in first["items"]] == ids[:-4:-1]
    second = get(console, "/transfers", limit=100, before=first["next"])
    assert [row["id"] for row in second["items"]] == ids[-4::-1]
    assert second["next"] is None


@pytest.mark.parametrize(
    ("filters", "n"),
    [
        ({"application": "feed"}, 3),
        ({"destination": "openai", "kind": "transfer"}, 3),
        ({"entity_type": "LOCATION"}, 3),
        ({"country": "FI"}, 3),
        ({"state": "blocked"}, 1),
        ({"since": "90m"}, 2),
        ({"until": "2020-01-01"}, 0),
        ({"status": "200", "observe": "false"}, 6),
        ({"application": "feed", "role_of_subject": "requester"}, 0),
    ],
)
def test_every_field_filters(filled: Console, filters: dict[str, str], n: int) -> None:
    assert len(get(filled, "/transfers", **filters)["items"]) == n


def test_one_transfer_has_its_entries_and_a_story(console: Console) -> None:
    ids = fill(console)
    found = get(console, f"/transfers/{ids[0]}")
    assert [entry["facts"]["kind"] for entry in found["entries"]] == ["transfer", "outcome"]
    assert any("OpenAI Ireland Ltd" in line for line in found["story"])


def test_the_proof_holds_offline_with_the_key_alone(console: Console) -> None:
    ids = fill(console)
    found = get(console, f"/transfers/{ids[0]}/proof")
    vkey = VerifierKey.parse(found["vkey"])
    assert vkey == console.ledger.home.read_vkey()
    for one in found["entries"]:
        checkpoint = check(Proof.parse(one["proof"].encode()), one["entry"].encode(), [vkey])
        assert checkpoint.size > one["index"]
    assert json.loads(found["entries"][0]["entry"])["id"] == ids[0]


def test_groups_count_by_fields(filled: Console) -> None:
    found = get(filled, "/groups", by="application,kind")["items"]
    assert {(row["application"], row["kind"]): row["transfers"] for row in found} == {
        ("feed", "transfer"): 3, ("messenger", "transfer"): 3, ("messenger", "blocked"): 1,
    }  # fmt: skip


def test_who_names_each_recipient_with_its_facts(filled: Console) -> None:
    lines = get(filled, "/who", application="feed")["holdings"]
    assert [line["destination"]["contracting_entity"] for line in lines] == ["Google Ireland Ltd"]
    assert lines[0]["findings"] == [{"entity_type": "LOCATION", "operator": "keep", "n": 6}]
    assert get(filled, "/who", day="2020-02-29")["holdings"] == []
    assert get(filled, "/who", day="9999-12-31")["holdings"] == []


def test_a_person_is_asked_about_in_a_body_and_recorded_as_a_reference(filled: Console) -> None:
    with filled.client() as client:
        answer = client.post(f"{API}/who", json={"subject": ANNA})
        found = client.post(f"{API}/transfers/search", json={"subject": ANNA, "filters": {"application": "messenger"}})
    assert answer.json()["transfers"] == 6
    assert answer.json()["without_subject"] == 3
    assert answer.json()["partial"] is True
    assert len(found.json()["items"]) == 3
    record = filled.entries("query")[-1]
    assert record["refs"] == list(filled.ledger.references.known("subject", ANNA))  # type: ignore[arg-type]
    for path in filled.home.rglob("*"):
        assert not path.is_file() or ANNA.encode() not in path.read_bytes()


def test_a_session_is_asked_about_by_the_id_the_application_gave_it(filled: Console) -> None:
    ref = filled.ledger.references.session("talk-7")
    filled.ledger.append_blocking(exchange_record(session=ref))
    with filled.client() as client:
        found = client.post(f"{API}/transfers/search", json={"session": "talk-7"}).json()
        none = client.post(f"{API}/transfers/search", json={"session": "talk-8"}).json()
    assert [one["session"] for one in found["items"]] == [ref]
    assert none["items"] == []
    asked = filled.entries("query")[-2]
    assert (asked["filters"], asked["refs"]) == (["session"], [ref])


def test_what_only_entries_say_filters_and_a_page_goes_on_below_what_it_looked_at(
    filled: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    everywhere = {"findings.where": "/contents/*/text", "score_from": "0"}
    assert get(filled, "/transfers", **everywhere)["items"] == []  # these findings have no score
    del everywhere["score_from"]
    assert len(get(filled, "/transfers", **everywhere)["items"]) == 3
    monkeypatch.setattr(query, "LOOKED_AT", 4)
    found, before = [], None
    while True:
        page = get(filled, "/transfers", **everywhere, **({} if before is None else {"before": before}))
        found += page["items"]
        before = page["next"]
        if before is None:
            break
    assert len(found) == 3
    assert filled.entries("query")[-1]["filters"] == ["findings.where"]


def test_a_person_nobody_knows_has_nothing_and_gets_no_reference(filled: Console) -> None:
    with filled.client() as client:
        answer = client.post(f"{API}/who", json={"subject": "nobody@example.com"}).json()
    assert answer["holdings"] == []
    assert filled.ledger.references.known("subject", "nobody@example.com") == ()  # type: ignore[arg-type]


def test_the_overview_counts(filled: Console) -> None:
    found = get(filled, "/overview")
    assert (found["transfers"], found["blocked"], found["persons"], found["recipients"]) == (6, 1, 1, 2)
    assert (found["uninspected"], found["looked_into"]) == (3, 6)
    assert found["flows"][0] == {
        "application": "messenger", "entity_type": "PERSON", "destination": "openai",
        "replaced": 9, "kept": 0, "blocked": 3,
    }  # fmt: skip


def test_every_reading_of_the_log_is_a_record_with_who_asked(filled: Console) -> None:
    ids = [row["id"] for row in get(filled, "/transfers", application="feed")["items"]]
    get(filled, f"/transfers/{ids[0]}")
    get(filled, f"/transfers/{ids[0]}/proof")
    get(filled, "/who")
    get(filled, "/overview")
    get(filled, "/stats")
    get(filled, "/groups", by="day")
    records = filled.entries("query")
    assert [record["question"] for record in records] == ["query", "show", "prove", "who", "stats", "stats", "query"]
    token = filled.control.tokens.all()[0]
    assert {record["actor"] for record in records} == {filled.ledger.references.actor(f"token:{token.id}")}
    assert records[0]["filters"] == ["application"]
    assert records[0]["results"] == 3


def test_what_cannot_be_recorded_is_not_answered(filled: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    from audit.errors import LedgerError
    from proxy.console.log import AuditLog

    def refuse(*_: Any) -> None:
        raise LedgerError("the disk is full")

    monkeypatch.setattr(AuditLog, "append", refuse)
    with filled.client() as client:
        for path in ("/transfers", "/overview", "/who", "/stats", "/export"):
            answer = client.get(API + path)
            assert answer.status_code == 503
            assert "messenger" not in answer.text


def test_an_export_as_tiles_is_verified_by_the_key_alone(filled: Console, tmp_path: Path) -> None:
    with filled.client(Role.AUDITOR) as client:
        data = client.get(f"{API}/export", params={"format": "tiles"}).content
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        archive.extractall(tmp_path, filter="data")
    found = verify_folder(tmp_path / "log", [filled.ledger.home.read_vkey()])
    record = filled.entries("export")[-1]
    assert (record["format"], record["tree_size"], record["root"]) == (
        "tiles", found.checkpoint.size, found.checkpoint.root.hex(),
    )  # fmt: skip


def test_an_export_as_lines_has_every_entry(filled: Console) -> None:
    before = filled.entries()
    with filled.client(Role.AUDITOR) as client, client.stream("GET", f"{API}/export") as answer:
        lines = [json.loads(line) for line in answer.iter_lines()]
    assert lines == before
    assert answer.headers["content-type"].startswith("application/jsonl")
    assert filled.entries("export")[-1]["entries"] == len(before)


def test_an_export_that_is_taken_slowly_holds_no_transaction(filled: Console) -> None:
    n = len(filled.entries())
    with filled.client() as client, client.stream("GET", f"{API}/export") as answer:
        fill(filled)
        with closing(sqlite3.connect(filled.home / "audit.db")) as connection:
            busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        lines = list(answer.iter_lines())
    assert busy == 0
    assert len(lines) == n


def test_a_long_export_arrives_in_pieces(console: Console) -> None:
    for _ in range(3):
        fill(console, 60)
    with console.client() as client, client.stream("GET", f"{API}/export") as answer:
        assert len(list(answer.iter_raw())) > 1


def test_verification_runs_and_holds(filled: Console) -> None:
    assert get(filled, "/verification")["state"] == "never"
    with filled.client() as client:
        assert client.post(f"{API}/verification").status_code == 202
        while (found := client.get(f"{API}/verification").json())["state"] == "running":
            pass
    assert (found["state"], found["message"]) == ("holds", "")
    assert found["entries"] > 10
    assert len(found["root"]) == 64


def test_verification_names_the_first_bad_entry(filled: Console) -> None:
    with closing(sqlite3.connect(filled.home / "audit.db", isolation_level=None)) as connection:
        connection.execute("UPDATE entry SET body = CAST(replace(body, 'feed', 'food') AS BLOB) WHERE idx = 3")
    with filled.client() as client:
        client.post(f"{API}/verification")
        while (found := client.get(f"{API}/verification").json())["state"] == "running":
            pass
    assert (found["state"], found["index"]) == ("fails", 3)


def test_the_checkpoint_and_the_key_are_what_an_auditor_keeps(filled: Console) -> None:
    with filled.client(Role.TEAM, "feed") as client:
        note, key = client.get(f"{API}/checkpoint").content, client.get(f"{API}/vkey").text
    assert open_checkpoint(note, [VerifierKey.parse(key.strip())]).size == len(filled.entries())


def test_a_stop_is_set_and_lifted_and_both_are_records(filled: Console) -> None:
    with filled.client(Role.OPERATOR) as client:
        assert client.put(f"{API}/stops/destination/openai").json()["stopped"] is True
        assert filled.control.stops()["destination"] == {"openai"}
        listed = client.get(f"{API}/stops").json()["items"]
        assert [one["name"] for one in listed if one["stopped"]] == ["openai"]
        assert client.delete(f"{API}/stops/destination/openai").json()["stopped"] is False
        assert client.put(f"{API}/stops/destination/nowhere").status_code == 404
    assert filled.control.stops()["destination"] == frozenset()
    assert [(one["name"], one["state"]) for one in filled.entries("stop")] == [
        ("openai", "stopped"), ("openai", "resumed"),
    ]  # fmt: skip


def test_the_policy_is_shown_and_a_text_is_checked_and_not_kept(filled: Console) -> None:
    assert get(filled, "/policy", Role.AUDITOR)["name"] == "default"
    with filled.client() as client:
        found = client.post(f"{API}/policy/lint", json={"text": "version: 1\nname: mine\nrulez: []\n"}).json()
    assert found["holds"] is False
    assert (found["problems"][0]["line"], found["problems"][0]["code"]) in {(3, "unknown_key"), (1, "missing_key")}
    for path in filled.home.rglob("*"):
        assert not path.is_file() or b"rulez" not in path.read_bytes()


def test_the_log_is_opened_again_when_its_writer_failed(filled: Console) -> None:
    with filled.client() as client:
        assert client.get(f"{API}/stats").status_code == 200
        filled.ledger.close()
        again = type(filled.ledger).open(filled.home)
        assert client.get(f"{API}/stats").status_code == 200
        again.close()


def test_the_proofs_of_the_newest_entry_and_base64_are_well_formed(console: Console) -> None:
    ids = fill(console)
    found = get(console, f"/transfers/{ids[-1]}/proof")
    lines = found["entries"][0]["proof"].split("\n\n")[0].split("\n")[1:]
    hashes = [line for line in lines if not line.startswith(("extra ", "index "))]
    assert all(len(base64.b64decode(line, validate=True)) == 32 for line in hashes)


def test_an_original_needs_two_people_and_is_recorded_before_it_is_answered(filled: Console) -> None:
    from redaction.vault import open_vault

    vault = open_vault(filled.home)
    (placeholder,) = vault.issue(vault.open_scope("r", destination="openai"), [("PERSON", "Anna Schmidt")])
    vault.close()
    second = filled.control.tokens.create(Role.OFFICER, "second", (), 1)[0]
    bearer = {"authorization": f"Bearer {second}"}
    body = {"what": placeholder, "reason": "incident", "ticket": "INC-7"}
    with filled.client() as client:
        asked = client.post("/api/v1/reveals", json=body)
        assert asked.status_code == 201
        path = f"/api/v1/reveals/{asked.json()['id']}"
        assert client.put(f"{path}/agreement").json()["code"] == "needs_two_people"
        assert client.post(f"{path}/look").status_code == 404
        assert client.put(f"{path}/agreement", headers=bearer).json()["state"] == "approved"
        shown = client.post(f"{path}/look")
        assert (shown.json()["text"], shown.headers["cache-control"]) == ("Anna Schmidt", "no-store")
        assert client.post(f"{path}/look").status_code == 404
        assert client.get("/api/v1/reveals").json()["items"][0]["state"] == "shown"
        wrong = client.post("/api/v1/reveals", json={**body, "what": "Anna Schmidt"})
        assert (wrong.status_code, "Anna" in wrong.text) == (400, False)
    (record,) = filled.entries("reveal")
    assert (record["reason"], record["ticket"], record["n"]) == ("incident", "INC-7", 1)
    for role in (Role.AUDITOR, Role.OPERATOR):
        with filled.client(role) as client:
            assert client.post("/api/v1/reveals", json=body).status_code == 403


def test_reports_come_as_page_pdf_and_data_and_each_is_a_record(filled: Console) -> None:
    with filled.client() as client:
        names = client.get("/api/v1/reports").json()["items"]
        assert "who" in names
        page = client.get("/api/v1/reports/who", params={"lang": "vi", "application": "feed"})
        assert (page.status_code, '<html lang="vi">' in page.text) == (200, True)
        assert page.headers["content-disposition"] == 'attachment; filename="who.html"'
        assert client.get("/api/v1/reports/dpia", params={"form": "pdf"}).content.startswith(b"%PDF-")
        about = {"subject": ANNA, "form": "json"}
        facts = client.post("/api/v1/reports/art15", json=about).json()
        assert (facts["partial"], [one["entity"] for one in facts["holdings"]]) == (True, ["OpenAI Ireland Ltd"])
        assert ANNA not in json.dumps(facts)
        assert client.get("/api/v1/reports/art15").status_code == 400
        assert client.get("/api/v1/reports/answer", params={"id": "0" * 26}).status_code == 404
        assert client.get("/api/v1/reports/gossip").status_code == 404
    with filled.client(Role.TEAM, "feed") as client:
        facts = client.get("/api/v1/reports/who", params={"form": "json"}).json()
        assert {one["application"] for one in facts["holdings"]} == {"feed"}
        assert client.post("/api/v1/reports/art15", json=about).status_code == 403
    assert [one["question"] for one in filled.entries("query")] == ["report"] * 4


def test_the_log_streams_as_parquet(filled: Console) -> None:
    import pyarrow.parquet as pq

    with filled.client() as client:
        answer = client.get("/api/v1/export", params={"format": "parquet"})
    assert answer.headers["content-type"] == "application/vnd.apache.parquet"
    rows = pq.read_table(io.BytesIO(answer.content)).to_pylist()
    assert [json.loads(row["entry"]) for row in rows] == filled.entries()[: len(rows)]
    assert len(rows) == len(filled.entries()) - 1, "all but the record of this very export"


def test_why_things_were_replaced_is_told_and_recorded(filled: Console) -> None:
    with filled.client() as client:
        first = client.get("/api/v1/transfers", params={"application": "messenger"}).json()["items"][-1]["id"]
        told = client.get(f"/api/v1/transfers/{first}/reasons").json()["reasons"]
        assert any("3 x PERSON in /messages/*/content" in line for line in told)
    with filled.client(Role.TEAM, "feed") as client:
        assert client.get(f"/api/v1/transfers/{first}/reasons").status_code == 404
    assert filled.entries("query")[-1]["question"] == "explain"
