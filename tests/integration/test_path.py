"""The whole path through the gateway: what leaves, what comes back, what the log says."""

from collections.abc import Callable
from typing import Any

import httpx
import orjson
import pytest

from proxy.fakes.leaks import assert_no_leak

MAIL = "anna.schmidt@example.com"
IBAN = "DE89 3704 0044 0532 0130 00"


async def test_a_value_is_replaced_on_the_way_out_and_restored_on_the_way_back(stand: Any, chat: Any) -> None:
    text = f"Write to {MAIL} and pay to {IBAN}."
    async with stand() as it, it.client("openai") as client:
        answer = await client.post("/v1/chat/completions", json=chat(text), headers={"authorization": "Bearer sk-x"})
        assert answer.status_code == 200
        assert text in answer.json()["choices"][0]["message"]["content"]
        assert_no_leak(it.received(), [MAIL, IBAN, IBAN.replace(" ", "")])
        assert b"[EMAIL_ADDRESS_" in it.received()[0].body
        await it.settled()
        (transfer,), (outcome,) = it.records("transfer"), it.records("outcome")
    assert transfer["action"] == "transform"
    assert transfer["destination"]["name"] == "openai"
    assert {row["entity_type"] for row in transfer["findings"]} == {"EMAIL_ADDRESS", "IBAN_CODE"}
    assert outcome["id"] == transfer["id"] == answer.headers["dragoman-transfer"]
    assert outcome["state"] == "complete"
    assert outcome["restored"] == 2


async def test_a_body_without_findings_leaves_byte_for_byte(stand: Any) -> None:
    body = (
        b'{ "model":"fake-echo",\n "messages" : [{"content":"Hello \\u00fc 1.0e1","role":"user"}], "temperature":1.50 }'
    )
    async with stand() as it, it.client("openai") as client:
        answer = await client.post("/v1/chat/completions", content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 200
        assert it.received()[0].body == body


async def test_the_same_value_has_the_same_placeholder_on_every_turn(stand: Any, chat: Any) -> None:
    first = chat(f"I am {MAIL}")
    second = {
        **first,
        "messages": [*first["messages"], {"role": "assistant", "content": "hi"}, {"role": "user", "content": MAIL}],
    }
    async with stand() as it, it.client("openai") as client:
        for request in (first, second):
            await client.post("/v1/chat/completions", json=request)
        bodies = [orjson.loads(item.body) for item in it.received()]
    token = bodies[0]["messages"][0]["content"].removeprefix("I am ")
    assert bodies[1]["messages"][0]["content"] == f"I am {token}"
    assert bodies[1]["messages"][2]["content"] == token


async def test_two_destinations_never_see_the_same_placeholder(stand: Any, chat: Any) -> None:
    async with stand(openai={}, groq={"api": "openai"}) as it, it.client() as client:
        await client.post("/openai/v1/chat/completions", json=chat(MAIL))
        await client.post("/groq/openai/v1/chat/completions", json=chat(MAIL))
        tokens = {orjson.loads(it.received(name)[0].body)["messages"][0]["content"] for name in ("openai", "groq")}
    assert len(tokens) == 2


async def test_a_stream_is_restored_for_any_chunk_of_the_placeholder(stand: Any, chat: Any) -> None:
    text = f"Mail {MAIL}, then {IBAN}, then {MAIL}"
    for size in (1, 2, 3, 7):
        async with stand(openai={"chunk": size}, settings={}) as it, it.client("openai") as client:
            got = ""
            async with client.stream("POST", "/v1/chat/completions", json=chat(text, stream=True)) as answer:
                async for line in answer.aiter_lines():
                    if line.startswith("data: {"):
                        for choice in orjson.loads(line[6:])["choices"]:
                            got += choice["delta"].get("content") or ""
            assert text in got
            assert_no_leak(it.received(), [MAIL, IBAN])


async def test_gemini_streams_in_both_shapes(stand: Any) -> None:
    body = {"contents": [{"role": "user", "parts": [{"text": f"Mail {MAIL}"}]}]}
    async with stand(gemini={"chunk": 3}) as it, it.client("gemini") as client:
        plain = await client.post("/v1beta/models/fake-echo:generateContent", json=body)
        array = await client.post("/v1beta/models/fake-echo:streamGenerateContent", json=body)
        sse = await client.post("/v1beta/models/fake-echo:streamGenerateContent?alt=sse", json=body)
        assert_no_leak(it.received("gemini"), [MAIL])
    assert MAIL in "".join(part["text"] for part in plain.json()["candidates"][0]["content"]["parts"])
    whole = array.json()
    assert MAIL in "".join(
        item["candidates"][0]["content"]["parts"][0]["text"] for item in whole if item.get("candidates")
    )
    events = [orjson.loads(line[6:]) for line in sse.text.splitlines() if line.startswith("data: {")]
    assert MAIL in "".join(
        event["candidates"][0]["content"]["parts"][0]["text"] for event in events if event.get("candidates")
    )


async def test_path_query_and_headers_are_inspected_and_credentials_left_alone(stand: Any, chat: Any) -> None:
    async with stand() as it, it.client("openai") as client:
        answer = await client.post(
            "/v1/chat/completions?user=anna.schmidt%40example.com",
            json=chat("hi"),
            headers={"openai-safety-identifier": MAIL, "authorization": "Bearer sk-proj-abcdefghijklmnopqrstuvwx0123"},
        )
        assert answer.status_code == 200
        assert_no_leak(it.received(), [MAIL])
        headers = {name.lower(): value for name, value in it.received()[0].headers}
    assert headers[b"authorization"] == b"Bearer sk-proj-abcdefghijklmnopqrstuvwx0123"


async def test_an_unknown_field_is_inspected_and_an_unknown_endpoint_too(stand: Any, chat: Any) -> None:
    async with stand(openai={}, echo={}) as it, it.client() as client:
        await client.post("/openai/v1/chat/completions", json=chat("hi", x_new={"deep": [{"k": MAIL}], MAIL: 1}))
        await client.post("/openai/v1/embeddings", json={"model": "m", "input": [MAIL]})
        assert_no_leak(it.received(), [MAIL])


async def test_preview_shows_what_would_leave_and_sends_nothing(stand: Any, chat: Any) -> None:
    async with stand() as it, it.client() as client:
        answer = await client.post("/-/preview/openai/v1/chat/completions", json=chat(f"Mail {MAIL}"))
        assert answer.status_code == 200
        assert it.received() == []
        assert it.records("transfer") == []
    shown = answer.json()
    assert MAIL not in answer.text
    assert shown["findings"][0]["entity_type"] == "EMAIL_ADDRESS"
    assert shown["request"]["body"]["messages"][0]["content"].startswith("Mail [EMAIL_ADDRESS_")


async def test_health_asks_for_a_restart_where_nothing_else_helps(
    stand: Any, chat: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stand() as it, it.client() as client, httpx.AsyncClient(trust_env=False) as admin:
        where = "http://{}:{}".format(*it.addresses.admin)

        def lose(*_: object) -> None:
            raise OSError("the disk is gone")

        monkeypatch.setattr(it.app.ledger._writer, "commit", lose)
        answer = await client.post("/openai/v1/chat/completions", json=chat("Hello"))
        assert (answer.status_code, answer.headers["dragoman-reason"]) == (503, "ledger_failed")
        for asked, base in ((client, ""), (admin, where)):
            said = await asked.get(f"{base}/-/healthz")
            assert said.status_code == 503
            assert "start dragoman again" in said.text
            assert (await asked.get(f"{base}/-/readyz")).status_code == 503


async def test_health_and_strangers(stand: Any) -> None:
    async with stand() as it, it.client() as client:
        assert (await client.get("/-/healthz")).status_code == 200
        assert (await client.get("/-/readyz")).status_code == 200
        page = await client.get("/openai/v1/models", headers={"origin": "https://evil.example"})
        neighbour = await client.get("/openai/v1/models", headers={"host": "evil.example"})
        unknown = await client.post("/nowhere/v1/x", json={})
    assert (page.status_code, page.headers["dragoman-reason"]) == (403, "web_page_refused")
    assert (neighbour.status_code, neighbour.headers["dragoman-reason"]) == (421, "unknown_host")
    assert (unknown.status_code, unknown.headers["dragoman-reason"]) == (404, "destination_unknown")


@pytest.mark.parametrize("planted", [MAIL, "anna.schmidt"])
async def test_nothing_on_disk_but_the_vault_knows_a_value_and_the_vault_only_encrypted(
    stand: Any, chat: Any, planted: str
) -> None:
    async with stand() as it, it.client("openai") as client:
        await client.post("/v1/chat/completions", json=chat(f"I am {MAIL}"), headers={"dragoman-session": MAIL})
        await it.settled()
        home = it.home
    for path in home.rglob("*"):
        if path.is_file():
            assert planted.encode() not in path.read_bytes(), path.name
            assert planted not in path.name
