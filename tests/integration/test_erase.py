"""A person is erased: found before and not afterwards, in the log, in the vault, on the disk, after a restored backup."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from audit.log import Ledger
from redaction.vault import open_vault
from tests.integration.erasing import (
    ANNA,
    BEN,
    IBAN,
    MAIL,
    OF_ANNA,
    REFERENCE_KEYS,
    SEALED_OF_ANNA,
    about,
    bind,
    configure,
    dragoman,
    erase,
    files,
    found,
    secrets,
    spellings,
    vault_rows,
)


async def test_the_vault_knows_whom_a_conversation_concerns_before_it_leaves(each_door: Any, chat: Any) -> None:
    system = {"role": "system", "content": f"The customer is {MAIL}."}
    user = {"role": "user", "content": "hello"}
    async with each_door() as it, it.client("openai") as client:
        request = {"model": "fake-echo", "messages": [system, user]}
        for _ in range(2):
            assert (await client.post("/v1/chat/completions", json=request, headers=about(ANNA))).status_code == 200
        plain = chat(f"I am {MAIL}")
        await client.post("/v1/chat/completions", json=plain)
        await it.settled()
        refs = {subject["ref"] for entry in it.records("transfer") for subject in entry.get("subjects", ())}
        rows = vault_rows(
            it, "SELECT s.kind, p.ref FROM vault_person p JOIN vault_scope s ON p.scope = s.id ORDER BY s.kind"
        )
        kept = vault_rows(it, "SELECT count(*) FROM vault_scope")[0][0]
    assert len(refs) == 1
    # The conversation, although nothing was replaced in it, and the system prompt's scope, which names the customer.
    assert rows == [("application", *refs), ("session", *refs)]
    assert kept == 3, "what concerns nobody is linked to nobody"


async def test_placeholders_that_went_with_their_scope_are_counted(stand: Any) -> None:
    body = {"contents": [{"role": "user", "parts": [{"text": "Go on"}]}], "cachedContent": "cachedContents/abc"}
    async with stand(gemini={}) as it, it.client("gemini") as client:
        vault = open_vault(it.home)
        scope = vault.open_scope("before", destination="gemini")
        vault.issue(scope, [("EMAIL_ADDRESS", MAIL), ("IBAN_CODE", IBAN)])
        vault.bind("gemini", "cachedContents/abc", [scope], "")
        wide = vault.open_scope("the app's", kind="application", destination="gemini")
        vault.bind("gemini", "cachedContents/abc", [scope, wide], "")
        for lost in (0, 2):
            answer = await client.post("/v1beta/models/fake-echo:generateContent", json=body)
            assert answer.status_code == 200
            await it.settled()
            assert it.records("outcome")[-1]["expired"] == lost
            vault.shred(scope.id)
        body["contents"][0]["parts"][0]["text"] = f"I am {MAIL}"
        assert (await client.post("/v1beta/models/fake-echo:generateContent", json=body)).status_code == 200
        vault.close()
        kinds = "SELECT s.kind FROM vault_mapping m JOIN vault_scope s ON s.id = m.scope"
        assert vault_rows(it, kinds) == [("session",)], "the app's scope is no place for a conversation's placeholders"


async def test_a_person_is_erased_everywhere_and_the_log_still_verifies(
    stand: Any, chat: Any, monkeypatch: Any
) -> None:
    monkeypatch.setenv("FAKE_KEY", "sk-fake")
    async with stand() as it, it.client("openai") as client:
        configure(it)
        stored = await client.post(
            "/v1/responses", json={"model": "fake-echo", "input": f"I am {MAIL}"}, headers=about(ANNA)
        )
        vectors = {"model": "m", "input": [f"Pay {IBAN}"]}
        await client.post("/v1/embeddings", json=vectors, headers=about(ANNA, session="s2"))
        await client.post("/v1/chat/completions", json=chat(f"I am {MAIL}"), headers=about(BEN, session="s3"))
        await it.settled()
        bind(it, stored.json()["id"], "chatcmpl-unknown", "batch_1")
        assert (len(found(it.home, ANNA)), len(found(it.home, BEN))) == (2, 1)
        keys = secrets(it.home / "vault.db", OF_ANNA.format("keys"), SEALED_OF_ANNA)
        references = secrets(it.home / "audit.db", REFERENCE_KEYS)
        assert len(keys) == 4
        assert all(key in files(it.home, "vault.db*") for key in keys)
        assert len(references) == 5

        before = it.records()
        dry = await erase(it, "--dry-run")
        assert dry.exit_code == 0, dry.output
        assert [record["kind"] for record in it.records()[len(before) :]] == ["query"]
        done = await erase(it, "--yes")
        assert done.exit_code == 1, "the batch is still with the provider"

        assert found(it.home, ANNA) == []
        assert len(found(it.home, BEN)) == 1
        assert "No transfer names this identifier" in dragoman(it.home, "audit", "who", "--subject", ANNA).stdout
        assert it.verified().checkpoint.size == len(it.records())
        assert [one.method for one in it.received() if one.method == "DELETE"] == ["DELETE", "DELETE"]
        assert {one.headers.get("authorization") for one in it.received() if one.method == "DELETE"} == {
            "Bearer sk-fake"
        }
        entries = it.records("erasure")
        shred = it.records("shred")
        on_disk = files(it.home)
    assert [(one["phase"], one.get("deleted", 0), one.get("kept", 0)) for one in entries] == [
        ("begun", 0, 0),
        ("done", 1, 1),
    ]
    assert entries[0]["recipients"] == ["openai"]
    assert entries[0]["transfers"] == 2
    assert entries[1]["mappings"] == shred[0]["mappings"] == 2
    assert len(shred[0]["scopes"]) == 2
    assert {one["actor"] for one in (*entries, *shred)} == {entries[0]["actor"]} != {"system"}
    saved = next((it.home / "erasures").glob("*.json"))
    assert saved.stat().st_mode & 0o777 == 0o600
    notice = json.loads(saved.read_text())
    assert notice["recipients"][0]["destination"]["name"] == "openai"
    assert [(one["verdict"], one["id"]) for one in notice["objects"]] == [
        ("deleted", None),
        ("absent", None),
        ("kept", "batch_1"),
    ]
    for said in (dry.output, done.output):
        assert "1 recipient has received data, and has to be told (GDPR Art. 19); erasing saves that list first" in said
        assert "2 transfers concern this person" in said
    for planted in (ANNA, BEN, MAIL, IBAN):
        assert not [one for one in spellings(planted) if one in on_disk], "in a file"
        assert planted not in dry.output + done.output
    assert not [key for key in keys if key in on_disk], "a shredded key or what it sealed is still on the disk"
    assert sum(one in on_disk for one in references) == 2, "only what belongs to the other person is left"


async def test_nobody_can_restore_what_was_erased(stand: Any, chat: Any) -> None:
    placeholders = []
    async with stand() as it, it.client("openai") as client:
        await client.post("/v1/chat/completions", json=chat(f"I am {MAIL}"), headers=about(ANNA))
        placeholders.append(json.loads(it.received()[0].body)["messages"][0]["content"].removeprefix("I am "))
        await it.settled()
        assert "Erased: " in (await erase(it, "--yes")).output
        home = it.home
    async with stand(home=home) as it, it.client("openai") as client:
        again = await client.post("/v1/chat/completions", json=chat(f"{placeholders[0]} {MAIL}"), headers=about(ANNA))
        placeholders.append(json.loads(it.received()[0].body)["messages"][0]["content"].split(" ")[1])
        answer = again.json()["choices"][0]["message"]["content"]
    assert placeholders[0] in answer, "what was erased stays a placeholder"
    assert MAIL in answer
    assert placeholders[0] != placeholders[1]


async def test_a_provider_that_still_speaks_of_the_person_says_only_placeholders(stand: Any) -> None:
    def request(text: str, **more: Any) -> dict[str, Any]:
        return {"model": "fake-echo", "input": text, **more}

    async with stand() as it, it.client("openai") as client:
        first = await client.post("/v1/responses", json=request(f"I am {MAIL}"), headers=about(ANNA))
        ident = first.json()["id"]
        await it.settled()
        assert f"DELETE https://api.openai.com/v1/responses/{ident}" in (await erase(it, "--yes")).output
        later = request("Who am I?", previous_response_id=ident)
        answer = await client.post("/v1/responses", json=later, headers=about(ANNA))
        assert answer.status_code == 200
        assert MAIL not in answer.text
        await it.settled()
        assert it.records("outcome")[-1]["expired"] == 1


async def test_a_running_dragoman_goes_on_when_a_scope_is_shredded_under_it(stand: Any, chat: Any) -> None:
    system = {"role": "system", "content": f"Our desk is {MAIL}."}

    def request(text: str) -> dict[str, Any]:
        return {"model": "fake-echo", "messages": [system, {"role": "user", "content": text}]}

    async with stand() as it, it.client("openai") as client:
        for person, session in ((ANNA, "s1"), (BEN, "s2")):
            await client.post("/v1/chat/completions", json=request("hi"), headers=about(person, session=session))
        await it.settled()
        assert "1 of them also concerns others" in (await erase(it, "--yes")).output
        answer = await client.post("/v1/chat/completions", json=request(IBAN), headers=about(ANNA, session="s1"))
        assert answer.status_code == 200, answer.text
        assert IBAN in answer.text
        await it.settled()
        live = "SELECT count(*) FROM vault_person p JOIN vault_scope s ON s.id = p.scope WHERE s.kind = 'session'"
        assert vault_rows(it, live) == [(2,)], "Ben's, and a new one of Anna, who came back"


async def test_a_running_dragoman_forgets_long_before_its_memory_would_run_out(
    stand: Any, chat: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("redaction.vault.seen.TRUSTED_S", 3_600.0)
    async with stand() as it, it.client("openai") as client:
        for _ in range(2):
            await client.post("/v1/chat/completions", json=chat(f"I am {MAIL}"), headers=about(ANNA))
        await it.settled()
        assert "Erased: " in (await erase(it, "--yes")).output
        async with asyncio.timeout(100):
            while True:
                await client.post("/v1/chat/completions", json=chat(f"I am {MAIL}"), headers=about(ANNA))
                if it.received()[-1].body != it.received()[0].body:
                    break
    assert it.received()[1].body == it.received()[0].body


async def test_a_restored_backup_of_the_vault_is_erased_again_before_anything_is_served(stand: Any, chat: Any) -> None:
    async with stand() as it, it.client("openai") as client:
        await client.post("/v1/chat/completions", json=chat(f"I am {MAIL}"), headers=about(ANNA))
        await client.post("/v1/chat/completions", json=chat(f"I am {MAIL}"), headers=about(BEN, session="s2"))
        await it.settled()
        home = it.home
    backup = home.parent / "backup.db"
    shutil.copy(home / "vault.db", backup)
    assert "Erased: " in dragoman(home, "erase", "--subject", ANNA, "--yes").output
    for path in home.glob("vault.db*"):
        path.unlink()
    shutil.copy(backup, home / "vault.db")
    kept = secrets(home / "vault.db", OF_ANNA.format("keys"))
    async with stand(home=home) as it:
        assert vault_rows(it, "SELECT count(*), count(keys), count(shredded) FROM vault_scope") == [(2, 1, 1)]
        assert vault_rows(it, "SELECT count(*) FROM vault_person") == [(1,)]
        (again,) = [one for one in it.records("shred") if one["cause"] == "reapplied"]
        assert again["actor"] == "system"
        assert again["scopes"] == it.records("shred")[0]["scopes"]
        assert it.verified().checkpoint.size == len(it.records())
        assert not [key for key in kept[:1] if key in files(home, "vault.db*")]
    async with stand(home=home) as it:
        assert len(it.records("shred")) == 2, "done again only where there is something to do"


async def test_a_legal_hold_stops_it_until_it_is_released(stand: Any, chat: Any) -> None:
    async with stand() as it, it.client("openai") as client:
        await client.post("/v1/chat/completions", json=chat(f"I am {MAIL}"), headers=about(ANNA))
        await it.settled()
        home = it.home
    assert dragoman(home, "erase", "hold", "--subject", "-", given=f"{ANNA}\n").exit_code == 0
    refused = dragoman(home, "erase", "--subject", ANNA, "--yes")
    assert "a legal hold stands" in str(refused.exception)
    assert len(found(home, ANNA)) == 1
    assert not (home / "erasures").exists()
    assert dragoman(home, "erase", "release", "--subject", ANNA).exit_code == 0
    assert "Erased: " in dragoman(home, "erase", "--subject", ANNA, "--yes").output
    assert found(home, ANNA) == []
    async with stand(home=home) as it:
        assert [one["phase"] for one in it.records("erasure")] == ["held", "refused", "released", "begun", "done"]


async def test_what_could_not_be_deleted_is_asked_for_again(stand: Any, chat: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("FAKE_KEY", "sk-fake")
    async with stand() as it, it.client("openai") as client:
        stored = await client.post(
            "/v1/responses", json={"model": "fake-echo", "input": f"I am {MAIL}"}, headers=about(ANNA)
        )
        await it.settled()
        bind(it, stored.json()["id"])
        elsewhere = it.home.parent / "notice.json"
        done = await erase(it, "--yes", "--recipients", str(elsewhere))
        assert done.exit_code == 1
        assert "no key is configured" in done.output
        assert [one.method for one in it.received()] == ["POST"]
        configure(it)
        again = await asyncio.to_thread(dragoman, it.home, "erase", "retry", str(elsewhere), "--json")
        assert (again.exit_code, json.loads(again.stdout)["left"]) == (0, 0), again.output
        assert [one.method for one in it.received()] == ["POST", "DELETE"]
        assert (await asyncio.to_thread(dragoman, it.home, "erase", "retry", "01KB8Q0W3Z8V6T4R2N1M0K9J8H")).exception
    assert [(one["verdict"], one["id"]) for one in json.loads(elsewhere.read_text())["objects"]] == [("deleted", None)]


def test_somebody_of_whom_nothing_was_sent(tmp_path: Path) -> None:
    Ledger.open(tmp_path, node="test").close()
    done = dragoman(tmp_path, "erase", "--subject", ANNA, "--yes")
    assert done.exit_code == 0
    assert "nothing about this identifier, written like this" in done.output
    assert dragoman(tmp_path, "erase", "hold", "--subject", ANNA).exit_code == 0
    assert "a legal hold stands" in str(dragoman(tmp_path, "erase", "--subject", ANNA, "--yes").exception)


def test_it_is_never_done_by_accident(tmp_path: Path) -> None:
    Ledger.open(tmp_path, node="test").close()
    assert "name a person" in str(dragoman(tmp_path, "erase").exception)
    assert "name a person" in str(dragoman(tmp_path, "erase", "--subject", "-", given="\n").exception)
    assert dragoman(tmp_path, "erase", "hold", "--subject", ANNA).exit_code == 0
    dragoman(tmp_path, "erase", "release", "--subject", ANNA)
    unasked = dragoman(tmp_path, "erase", "--subject", ANNA)
    assert "say --yes to erase" in str(unasked.exception)
