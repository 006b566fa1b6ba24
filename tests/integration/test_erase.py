"""A person is erased: found before and not afterwards, in the log, in the vault, on the disk, after a restored backup."""

import sqlite3
from typing import Any

MAIL = "anna.schmidt@example.com"
IBAN = "DE89 3704 0044 0532 0130 00"
ANNA, BEN = "anna-4711@messenger.example", "ben-0815@messenger.example"


def about(*subjects: str, session: str = "s1") -> dict[str, str]:
    """The headers with which an app says whom a transfer concerns."""
    return {"dragoman-subject": subjects[0], "dragoman-session": session}


def vault_rows(it: Any, statement: str) -> list[Any]:
    with sqlite3.connect(f"file:{it.home / 'vault.db'}?mode=ro", uri=True) as connection:
        return connection.execute(statement).fetchall()


async def test_the_vault_knows_whom_a_conversation_concerns_before_it_leaves(stand: Any, chat: Any) -> None:
    system = {"role": "system", "content": f"The customer is {MAIL}."}
    user = {"role": "user", "content": "hello"}
    async with stand() as it, it.client("openai") as client:
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
    from redaction.vault import open_vault

    body = {"contents": [{"role": "user", "parts": [{"text": "Go on"}]}], "cachedContent": "cachedContents/abc"}
    async with stand(gemini={}) as it, it.client("gemini") as client:
        vault = open_vault(it.home)
        scope = vault.open_scope("before", destination="gemini")
        vault.issue(scope, [("EMAIL_ADDRESS", MAIL), ("IBAN_CODE", IBAN)])
        vault.bind("gemini", "cachedContents/abc", [scope])
        for lost in (0, 2):
            answer = await client.post("/v1beta/models/fake-echo:generateContent", json=body)
            assert answer.status_code == 200
            await it.settled()
            assert it.records("outcome")[-1]["expired"] == lost
            vault.shred(scope.id)
        vault.close()
