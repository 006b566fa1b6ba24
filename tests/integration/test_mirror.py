"""`do: mirror`: a second recipient gets a copy with placeholders of its own; the app's answer knows nothing of it."""

import asyncio
import re
import socket
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from proxy.fakes.leaks import assert_no_leak
from proxy.fakes.server import FakeProvider
from proxy.running.mirrors import Mirrors
from proxy.transport import Transport
from redaction.vault import open_vault

MAIL, IBAN = "anna.schmidt@example.com", "DE89 3704 0044 0532 0130 00"
KEY = {"authorization": "Bearer sk-of-the-provider"}
TOKEN = re.compile(rb"\[[A-Z_]+_[0-9A-Z]{8,12}\]")
POLICY = """
version: 1
name: mirrors
environment: test
destinations:
  openai: {extends: bundled:openai@2026-11-23}
  gemini: {extends: bundled:gemini@2026-11-23}
  own-llama:
    extends: bundled:self-hosted@2026-11-23
    models: {fake-echo: own-70b}
unknown_applications: allow
rules:
  - id: compare
    when: {destination: [openai, gemini]}
    do: mirror
    to: own-llama
  - id: no-bank-data-at-home
    when: {entity: IBAN_CODE, destination: own-llama}
    do: block
  - id: people-become-placeholders
    when: {entity: any}
    do: tokenize
  - id: rest
    when: {entity: none}
    do: allow
media: {image: refuse, document: refuse, audio: refuse, video: refuse, sensor: refuse, other: refuse}
"""


@pytest.fixture
def mirroring(beside_own_model: Callable[..., Any]) -> Callable[..., Any]:
    """A stand with the policy above, or another; `own` is where `own-llama` is."""
    return lambda own, policy=POLICY, **more: beside_own_model(own, policy, **more)


async def settled(it: Any) -> None:
    await it.app.mirrors.idle()
    await it.settled()


@pytest.mark.parametrize("stream", [False, True])
async def test_both_get_the_request_with_tokens_of_their_own_and_the_app_gets_the_first_answer(
    mirroring: Callable[..., Any], own_model: Any, chat: Any, tmp_path: Path, stream: bool
) -> None:
    key = tmp_path / "own.key"
    key.write_text("sk-own")
    key.chmod(0o600)
    keys = {"provider_keys": {"own-llama": str(key)}}
    async with mirroring(own_model.url, settings=keys) as it, it.client("openai", headers=KEY) as client:
        answer = await client.post("/v1/chat/completions", json=chat(f"Write to {MAIL}", stream=stream))
        assert MAIL.encode() in answer.content
        await settled(it)
        assert it.records("blocked") == []
        (first,), (copy,) = it.received(), own_model.received
        assert_no_leak([first, copy], [MAIL])
        assert_no_leak([copy], ["sk-of-the-provider"])
        assert copy.headers.get("authorization") == "Bearer sk-own"
        assert copy.json()["model"] == "own-70b"
        tokens = [set(TOKEN.findall(one.body)) for one in (first, copy)]
        assert tokens[0]
        assert tokens[1]
        assert tokens[0].isdisjoint(tokens[1])
        sent = it.records("transfer")
        assert [(one["attempt"], one["action"], one["destination"]["name"]) for one in sent] == [
            (1, "transform", "openai"),
            (2, "mirror", "own-llama"),
        ]
        assert sent[0]["id"] == sent[1]["id"] == answer.headers["dragoman-transfer"]
        assert (sent[1]["rules"][0], sent[1]["provider"], sent[1]["model"]) == ("compare", "own-llama", "own-70b")
        ended = {one["attempt"]: one for one in it.records("outcome")}
        assert [ended[n]["state"] for n in (1, 2)] == ["complete", "complete"]
        assert ended[2]["upstream_status"] == 200
        assert "status" not in ended[2]  # nobody was given it
        assert ended[2]["restored"] == 1
        it.verified()


async def test_a_copy_counts_for_a_budget_and_what_is_over_it_goes_to_the_first_alone(
    mirroring: Callable[..., Any], own_model: Any, chat: Any
) -> None:
    budgets = "budgets:\n  - {id: copies, per: day, each: [destination], destination: own-llama, transfers: 2}\n"
    async with mirroring(own_model.url, policy=POLICY + budgets) as it, it.client("openai", headers=KEY) as client:
        for n in range(3):
            assert (await client.post("/v1/chat/completions", json=chat(f"{n} {MAIL}"))).status_code == 200
            await settled(it)
        assert [len(it.received()), len(own_model.received)] == [3, 2]
        (refused,) = it.records("blocked")
        assert (refused["attempt"], refused["reason"], refused["rules"]) == (
            2,
            "budget_exceeded",
            ["compare", "copies"],
        )


async def test_a_budget_of_the_application_counts_request_and_copy(
    mirroring: Callable[..., Any], own_model: Any, chat: Any
) -> None:
    budgets = "budgets:\n  - {id: all, per: day, transfers: 3}\n"
    async with mirroring(own_model.url, policy=POLICY + budgets) as it, it.client("openai", headers=KEY) as client:
        answers = []
        for n in range(3):
            answers.append((await client.post("/v1/chat/completions", json=chat(f"{n} {MAIL}"))).status_code)
            await settled(it)
        assert answers == [200, 200, 429]
        assert [(one["attempt"], one["action"]) for one in it.records("transfer")] == [
            (1, "transform"), (2, "mirror"), (1, "transform"),
        ]  # fmt: skip
        assert [one["attempt"] for one in it.records("blocked")] == [2, 1]


async def test_a_mirror_that_is_down_is_an_outcome_and_nothing_else(mirroring: Callable[..., Any], chat: Any) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        async with mirroring(f"http://127.0.0.1:{port}") as it, it.client("openai", headers=KEY) as client:
            answer = await client.post("/v1/chat/completions", json=chat(MAIL))
            assert answer.json()["choices"][0]["message"]["content"] == MAIL
            await settled(it)
            ended = {one["attempt"]: one for one in it.records("outcome")}
            assert (ended[1]["state"], ended[2]["state"]) == ("complete", "not_sent")
            assert ended[2]["error"] == "upstream_unreachable"


@pytest.mark.parametrize("begins", [False, True], ids=["silent", "cut"])
async def test_a_mirror_that_hangs_or_breaks_off_does_not_touch_the_answer(
    mirroring: Callable[..., Any], chat: Any, begins: bool
) -> None:
    asked = asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        if begins:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{")
            writer.close()
        else:
            await reader.read(-1)  # until the other side goes
            writer.close()

    server = await asyncio.start_server(slow, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        async with mirroring(f"http://127.0.0.1:{port}") as it:
            async with it.client("openai", headers=KEY) as client:
                answer = await client.post("/v1/chat/completions", json=chat(MAIL))
            assert answer.json()["choices"][0]["message"]["content"] == MAIL
            await asyncio.wait_for(asked.wait(), 60)
            if begins:
                await it.app.mirrors.idle()
            await it.app.mirrors.close()
            await it.settled()
            ended = {one["attempt"]: one for one in it.records("outcome")}
            assert ended[1]["state"] == "complete"
            assert ended[2]["state"] == ("upstream_error" if begins else "cut")


async def test_what_the_second_recipient_may_not_have_goes_to_the_first_alone(
    mirroring: Callable[..., Any], own_model: Any, chat: Any
) -> None:
    async with mirroring(own_model.url) as it, it.client("openai", headers=KEY) as client:
        assert (await client.post("/v1/chat/completions", json=chat(IBAN))).status_code == 200
        await settled(it)
        assert own_model.received == []
        (refused,) = it.records("blocked")
        assert (refused["attempt"], refused["destination"]["name"], refused["rules"][:2]) == (
            2,
            "own-llama",
            ["compare", "no-bank-data-at-home"],
        )


async def test_a_stopped_mirror_and_one_that_speaks_otherwise_get_nothing(
    mirroring: Callable[..., Any], own_model: Any, chat: Any
) -> None:
    async with mirroring(own_model.url, openai={}, gemini={}) as it:
        async with it.client("gemini") as client:
            body = {"contents": [{"role": "user", "parts": [{"text": MAIL}]}]}
            assert (await client.post("/v1beta/models/fake-echo:generateContent", json=body)).status_code == 200
        await settled(it)  # the copy is decided about beside the answer; from now on the stop decides
        it.app.control.set_stop("destination", "own-llama", stopped=True)
        await it.app.refresh()
        async with it.client("openai", headers=KEY) as client:
            assert (await client.post("/v1/chat/completions", json=chat(MAIL))).status_code == 200
        await settled(it)
        assert own_model.received == []
        assert [one["reason"] for one in it.records("blocked")] == ["route_incompatible", "destination_stopped"]
        assert [one["destination"]["name"] for one in it.records("blocked")] == ["own-llama", "own-llama"]


async def test_the_second_recipient_is_told_to_keep_nothing(mirroring: Callable[..., Any], own_model: Any) -> None:
    async with mirroring(own_model.url) as it, it.client("openai", headers=KEY) as client:
        body = {"model": "fake-echo", "input": f"About {MAIL}"}
        assert (await client.post("/v1/responses", json=body)).status_code == 200
        await settled(it)
        assert own_model.received[0].json()["store"] is False
        assert it.received()[0].json().get("store") is not False


KEPT = POLICY.replace("    to: own-llama\n", "    to: own-llama\n    keep: {days: 3}\n")


def read(pair: Any) -> list[dict[str, Any]]:
    return [orjson.loads(text) for text in (pair.first, pair.second)]


@pytest.mark.parametrize("stream", [False, True])
async def test_question_and_answers_are_kept_with_placeholders_where_the_policy_says_so(
    mirroring: Callable[..., Any], own_model: Any, chat: Any, tmp_path: Path, stream: bool
) -> None:
    async with mirroring(own_model.url, policy=KEPT) as it, it.client("openai", headers=KEY) as client:
        answer = await client.post("/v1/chat/completions", json=chat(f"Write to {MAIL}", stream=stream))
        assert MAIL.encode() in answer.content
        await settled(it)
        exchange = answer.headers["dragoman-transfer"]
        with closing(open_vault(it.home)) as vault:
            assert vault.answers.names(10) == ((exchange, 2),)
            pair = vault.answers.pair(exchange, 2)
            first, second = read(pair)
            (token,) = TOKEN.findall(second["asked"][-1][1].encode())
            (scope,) = vault.scopes_with(token.decode())
            assert vault.shred(scope)
            assert vault.answers.names(10) == ()
        sent = [one.json()["messages"] for one in (it.received()[0], own_model.received[0])]
        for kept, messages in zip((first, second), sent, strict=True):
            assert kept["asked"][-1] == ["user", messages[-1]["content"]]
            assert MAIL not in str(kept)
            assert TOKEN.search("".join(kept["said"]).encode()), "the fake model echoes its placeholder"
        assert (first["destination"], second["destination"], second["model"]) == ("openai", "own-llama", "own-70b")
        assert pair.expires - pair.created <= 3 * 86_400_000
        for record in it.records("outcome"):
            spent = {one["stage"]: one["us"] for one in record["stages"]}
            assert 0 <= spent["wait"] <= spent["total"]


async def test_what_nobody_sent_is_taken_out_of_an_answer_before_it_is_kept(
    mirroring: Callable[..., Any], chat: Any
) -> None:
    own = FakeProvider("openai", opening="Ask ben.meier@example.com, not ")
    async with own, mirroring(own.url, policy=KEPT) as it, it.client("openai", headers=KEY) as client:
        answer = await client.post("/v1/chat/completions", json=chat(MAIL))
        await settled(it)
        with closing(open_vault(it.home)) as vault:
            (said,) = read(vault.answers.pair(answer.headers["dragoman-transfer"], 2))[1]["said"]
        assert re.fullmatch(r"Ask \[EMAIL_ADDRESS\], not \[EMAIL_ADDRESS_[0-9A-Z]{8}\]", said)


@pytest.mark.parametrize("behaviour", ["fake-error-500", "fake-cut"])
async def test_an_answer_that_failed_makes_no_pair(
    mirroring: Callable[..., Any], own_model: Any, chat: Any, behaviour: str
) -> None:
    failing = KEPT.replace("fake-echo: own-70b", f"fake-echo: {behaviour}")
    async with mirroring(own_model.url, policy=failing) as it, it.client("openai", headers=KEY) as client:
        assert (await client.post("/v1/chat/completions", json=chat(MAIL, stream=True))).status_code == 200
        await settled(it)
        assert len(own_model.received) == 1
        with closing(open_vault(it.home)) as vault:
            assert vault.answers.names(10) == ()


async def test_without_the_word_nothing_of_an_answer_is_kept(
    mirroring: Callable[..., Any], own_model: Any, chat: Any
) -> None:
    async with mirroring(own_model.url) as it, it.client("openai", headers=KEY) as client:
        answer = await client.post("/v1/chat/completions", json=chat(MAIL))
        await settled(it)
        with closing(open_vault(it.home)) as vault:
            assert vault.answers.pair(answer.headers["dragoman-transfer"], 2) is None
            assert vault.answers.names(10) == ()


async def test_records_count_what_both_received(mirroring: Callable[..., Any], own_model: Any, chat: Any) -> None:
    async with mirroring(own_model.url) as it, it.client("openai", headers=KEY) as client:
        asked = (client.post("/v1/chat/completions", json=chat(f"{n} {MAIL}")) for n in range(12))
        assert {one.status_code for one in await asyncio.gather(*asked)} == {200}
        await settled(it)
        sent = it.records("transfer")
        assert [len(it.received()), len(own_model.received)] == [
            sum(one["attempt"] == attempt for one in sent) for attempt in (1, 2)
        ]
        assert len(own_model.received) == 12


async def test_what_does_not_fit_is_left_out_and_counted(
    mirroring: Callable[..., Any], own_model: Any, chat: Any
) -> None:
    async with mirroring(own_model.url) as it, it.client("openai", headers=KEY) as client:
        counted: list[tuple[str, str]] = []
        transport = Transport(connect_s=5, idle_s=5)
        full = Mirrors(transport, lambda *event: counted.append(event), waiting=0)
        full.start(it.app.gate.admit_copy)
        it.app.gate._services = replace(it.app.gate._services, mirror=full.offer)
        assert (await client.post("/v1/chat/completions", json=chat(MAIL))).status_code == 200
        await it.settled()
        await transport.close()
        assert counted == [("mirror_left_out", "own-llama")]
        assert own_model.received == []
        assert [one["attempt"] for one in it.records("transfer")] == [1]
