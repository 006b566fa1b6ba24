"""Applications are kept apart in what a provider keeps: who names another's object gets its placeholders, as they are."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from aiohttp import web

from proxy.config import parse_origin

MAIL, OTHER = "anna.schmidt@example.com", "bert@example.org"
WHERE = "/v1/responses"
POLICY = """\
version: 1
name: owners
unknown_applications: allow
trust: {dragoman-session: [credential]}
destinations: {openai: {extends: bundled:openai@2026-11-23}}
applications:
  feed: {identify: {credential: feed}SHARES}
  chat: {identify: {credential: chat}}
rules:
  - {id: all, when: {entity: any}, do: tokenize}
  - {id: rest, when: {entity: none}, do: allow}
media: {image: refuse, document: inspect, audio: refuse, video: refuse, sensor: refuse, other: refuse}
"""
ALONE, SHARED = "", ", shares_objects_with: chat"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def settings(tmp_path: Path) -> Callable[[str], dict[str, Any]]:
    """What a stand is started with: a policy, and one key of the provider for every application."""

    def make(shares: str = ALONE) -> dict[str, Any]:
        policy, key = tmp_path / "owners.yaml", tmp_path / "openai.key"
        policy.write_text(POLICY.replace("SHARES", shares))
        key.write_text("sk-shared-0123456789abcdef")
        key.chmod(0o600)
        return {"policy": policy, "provider_keys": MappingProxyType({"openai": str(key)})}

    return make


async def credentials(it: Any, *names: str) -> list[dict[str, str]]:
    """A header for each application; for "" none, so that nobody knows who it is."""
    made = [{"dragoman-credential": it.app.control.add_credential(name)} if name else {} for name in names]
    await it.app.refresh()
    return made


def said(answer: Any) -> str:
    assert answer.status_code == 200, answer.text
    words: str = answer.json()["output"][0]["content"][0]["text"]
    return words


def ask(words: str, **more: Any) -> dict[str, Any]:
    return {"model": "fake-echo-all", "input": words, **more}


@pytest.mark.parametrize("names", [("feed", "chat"), ("chat", "feed"), ("feed", ""), ("", "feed"), ("x", "y")])
async def test_a_stored_response_is_restored_to_the_application_that_made_it(
    each_door: Any, settings: Callable[..., dict[str, Any]], names: tuple[str, str]
) -> None:
    async with each_door(openai={}, settings=settings()) as it, it.client("openai") as client:
        mine, others = await credentials(it, *names)
        first = await client.post(WHERE, json=ask(f"I am {MAIL}"), headers=mine)
        named = first.json()["id"]
        token = it.received()[0].json()["input"].removeprefix("I am ")
        assert said(first) == f"I am {MAIL}"
        for _ in range(2):  # what looking leaves behind opens nothing
            assert said(await client.get(f"{WHERE}/{named}", headers=others)) == f"I am {token}"
            follow = await client.post(WHERE, json=ask("so?", previous_response_id=named), headers=others)
            assert token in said(follow)
            assert MAIL not in follow.text
        again = await client.get(f"{WHERE}/{follow.json()['id']}", headers=others)
        assert (token in said(again), MAIL in again.text) == (True, False)
        assert said(await client.get(f"{WHERE}/{named}", headers=mine)) == f"I am {MAIL}"
        assert MAIL in said(await client.post(WHERE, json=ask("so?", previous_response_id=named), headers=mine))
        await it.settled()
        assert {one["expired"] for one in it.records("outcome") if "expired" in one} <= {0}


async def test_an_object_of_ones_own_opens_no_foreign_one_beside_it(
    stand: Any, settings: Callable[..., dict[str, Any]]
) -> None:
    async with stand(openai={}, settings=settings()) as it, it.client("openai") as client:
        # The same session name, which the policy believes, and the same first words.
        mine, others = [{**one, "dragoman-session": "s-1"} for one in await credentials(it, "feed", "chat")]
        first = await client.post(WHERE, json=ask(f"I am {MAIL}"), headers=mine)
        own = await client.post(WHERE, json=ask(f"I am {MAIL}"), headers=others)
        token = it.received()[0].json()["input"].removeprefix("I am ")
        named = {"previous_response_id": first.json()["id"], "conversation": own.json()["id"]}
        words = said(await client.post(WHERE, json=ask("so?", **named), headers=others))
        assert (f"I am {token}" in words, MAIL in words) == (True, False)
        assert MAIL in said(await client.post(WHERE, json=ask("so?", **named), headers=mine))


async def test_what_the_policy_shares_is_restored_one_way(
    each_door: Any, settings: Callable[..., dict[str, Any]]
) -> None:
    async with each_door(openai={}, settings=settings(SHARED)) as it, it.client("openai") as client:
        feed, chat = await credentials(it, "feed", "chat")
        first = await client.post(WHERE, json=ask(f"I am {MAIL}"), headers=feed)
        assert said(await client.get(f"{WHERE}/{first.json()['id']}", headers=chat)) == f"I am {MAIL}"
        follow = ask(f"and {OTHER}", previous_response_id=first.json()["id"])
        second = await client.post(WHERE, json=follow, headers=chat)
        assert MAIL in said(second)
        assert OTHER in said(second)
        back = await client.get(f"{WHERE}/{second.json()['id']}", headers=feed)
        assert MAIL not in said(back)
        assert OTHER not in said(back)


async def test_what_is_shared_no_more_is_restored_no_more(
    stand: Any, settings: Callable[..., dict[str, Any]], home: Path
) -> None:
    async with stand(openai={}, settings=settings(SHARED), home=home) as it, it.client("openai") as client:
        feed, chat = await credentials(it, "feed", "chat")
        first = await client.post(WHERE, json=ask(f"I am {MAIL}"), headers=feed)
        path = f"{WHERE}/{first.json()['id']}"
        assert said(await client.get(path, headers=chat)) == f"I am {MAIL}"
        settings(ALONE)
        await it.app.refresh()
        assert MAIL not in said(await client.get(path, headers=chat))
        assert said(await client.get(path, headers=feed)) == f"I am {MAIL}"


class Keeper:
    """A provider that keeps files and runs batches, whose result is the file that went in."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    async def upload(self, request: web.Request) -> web.Response:
        name = f"file-{len(self.kept) + 1}"
        self.kept[name] = (await request.post())["file"].file.read().decode()
        return web.json_response({"id": name, "object": "file"})

    async def content(self, request: web.Request) -> web.Response:
        words = self.kept[request.match_info["file"]]
        return web.Response(body=words.encode(), content_type="application/octet-stream")

    async def begin(self, request: web.Request) -> web.Response:
        name = f"batch_{len(self.kept) + 1}"
        self.kept[name] = str((await request.json())["input_file_id"])
        return web.json_response({"id": name, "object": "batch", "output_file_id": None})

    async def batch(self, request: web.Request) -> web.Response:
        name = request.match_info["batch"]
        result = f"file-of-{name}"
        self.kept[result] = self.kept[self.kept[name]]
        return web.json_response({"id": name, "object": "batch", "output_file_id": result})


@pytest.fixture
async def keeper() -> AsyncIterator[str]:
    """Its URL."""
    one = Keeper()
    app = web.Application()
    app.router.add_post("/v1/files", one.upload)
    app.router.add_get("/v1/files/{file}/content", one.content)
    app.router.add_post("/v1/batches", one.begin)
    app.router.add_get("/v1/batches/{batch}", one.batch)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    yield f"http://{host}:{port}"
    await runner.cleanup()


LINE = (
    '{"custom_id": "r-1", "method": "POST", "url": "/v1/chat/completions", "response": {"status_code": 200, '
    '"body": {"choices": [{"message": {"role": "assistant", "content": "I am %s"}}]}}}\n'
)


@pytest.mark.parametrize("names", [("feed", "chat"), ("chat", "feed")])
async def test_files_and_batches_are_restored_to_the_application_that_made_them(
    stand: Any, settings: Callable[..., dict[str, Any]], keeper: str, names: tuple[str, str]
) -> None:
    upstreams = {"openai": parse_origin(keeper, what="openai")}
    async with stand(settings=settings(), upstreams=upstreams) as it, it.client("openai") as client:
        mine, others = await credentials(it, *names)
        file = {"file": ("batch.jsonl", (LINE % MAIL).encode(), "application/jsonl")}
        kept = (await client.post("/v1/files", data={"purpose": "batch"}, files=file, headers=mine)).json()["id"]
        begin = {"input_file_id": kept, "endpoint": "/v1/chat/completions", "completion_window": "24h"}

        async def contents(headers: dict[str, str], batch: str) -> list[str]:
            """Of the file, and of the result of a batch."""
            result = (await client.get(f"/v1/batches/{batch}", headers=headers)).json()["output_file_id"]
            paths = [f"/v1/files/{one}/content" for one in (kept, result)]
            return [(await client.get(path, headers=headers)).text for path in paths]

        batch = (await client.post("/v1/batches", json=begin, headers=mine)).json()["id"]
        # First the other one, which learns the result's name before its owner does.
        for words in [*await contents(others, batch), *await contents(others, batch)]:
            assert "I am [EMAIL_ADDRESS_" in words
            assert MAIL not in words
        theirs = (await client.post("/v1/batches", json=begin, headers=others)).json()["id"]
        assert MAIL not in "".join(await contents(others, theirs))
        for words in [*await contents(mine, batch), *await contents(mine, batch)]:
            assert MAIL in words
