"""Where the engine fails open: each way that was measured, played in a whole dragoman behind the HTTPS proxy.

The provider must get nothing that was not recorded and replaced, the app no answer that was not restored. The same is
shown for the door alone, step by step, in `proxy/network/test_fail_closed`; `docs/network.md` has the table.
"""

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

import httpx
import orjson
import pytest
from mitmproxy.exceptions import AddonHalt, OptionsError

from tests.integration.test_sessions import asked, deltas, session

MAIL = "anna.schmidt@example.com"
DEFECT = RuntimeError(f"a defect that quotes {MAIL}")
WAIT_S = 60.0


def engine_of(it: Any) -> Any:
    return it.app.ways_in.network._master


def raising(error: BaseException) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


def put_first(it: Any, **hooks: Callable[..., Any]) -> None:
    """An addon before ours, where the engine would let it speak first."""
    addons = engine_of(it).addons
    addons.chain.insert(
        0, addons.register(type("Before", (), {name: staticmethod(hook) for name, hook in hooks.items()})())
    )


def put_last(it: Any, **hooks: Callable[..., Any]) -> None:
    """An addon after ours, which has the last word."""
    engine_of(it).addons.add(type("After", (), {name: staticmethod(hook) for name, hook in hooks.items()})())


def said_in(answer: httpx.Response, *, stream: bool) -> str:
    """The assistant's text."""
    if not stream:
        return str(answer.json()["choices"][0]["message"]["content"])
    events = [line[6:] for line in answer.text.splitlines() if line.startswith("data: {")]
    return "".join(orjson.loads(event)["choices"][0]["delta"].get("content") or "" for event in events)


async def ask(it: Any, body: Any) -> httpx.Response:
    async with it.client("openai") as client:
        answer: httpx.Response = await client.post("/v1/chat/completions", json=body)
        return answer


async def refused(it: Any, body: Any) -> None:
    """Refused in words, and nothing left; what was recorded before is closed as not sent."""
    answer = await ask(it, body)
    assert (answer.status_code, answer.headers["dragoman-reason"]) == (503, "failed_closed")
    assert MAIL not in answer.text
    assert it.received() == []
    await it.settled()
    assert {outcome["state"] for outcome in it.records("outcome")} <= {"not_sent"}
    assert len(it.records("outcome")) == len(it.records("transfer"))
    it.verified()


@pytest.mark.parametrize("error", [DEFECT, AddonHalt()], ids=["raises", "halts"])
async def test_our_hook_fails(stand: Any, chat: Any, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    async with stand(door="network") as it:
        monkeypatch.setattr("proxy.doors.network.hooks.egress_of", raising(error))
        await refused(it, chat(MAIL))


@pytest.mark.parametrize("hook", ["requestheaders", "request"])
async def test_another_addon_raises_before_ours(stand: Any, chat: Any, hook: str) -> None:
    """The engine goes on to the next addon, which is ours: the request is inspected as ever."""
    async with stand(door="network") as it:
        put_first(it, **{hook: raising(DEFECT)})
        assert MAIL in (await ask(it, chat(MAIL))).text
        assert not any(MAIL.encode() in call.body for call in it.received())
        assert len(it.records("transfer")) == 1


async def test_a_halt_before_our_hook(stand: Any, chat: Any) -> None:
    async with stand(door="network") as it:
        put_first(it, request=raising(AddonHalt()))
        await refused(it, chat(MAIL))
        assert it.records("transfer") == []


async def test_a_request_that_is_put_back_after_the_gate(stand: Any, chat: Any) -> None:
    async with stand(door="network") as it:
        kept: list[bytes] = []
        put_first(it, request=lambda flow: kept.append(flow.request.content))
        put_last(it, request=lambda flow: setattr(flow.request, "content", kept[0]))
        await refused(it, chat(MAIL))
        assert MAIL.encode() in kept[0]


async def test_a_request_that_is_streamed_past_the_gate(stand: Any, chat: Any) -> None:
    async with stand(door="network") as it:
        put_first(it, requestheaders=lambda flow: setattr(flow.request, "stream", True))
        await refused(it, chat(MAIL))
        assert it.records("transfer") == []


@pytest.mark.parametrize(
    ("option", "value"), [("stream_large_bodies", "1"), ("rawtcp", True), ("websocket", True), ("tcp_hosts", ["api"])]
)
async def test_options_that_open_the_door(stand: Any, chat: Any, option: str, value: Any) -> None:
    """What is asked of the engine while it runs is refused, and the door is as before."""
    async with stand(door="network") as it:
        with pytest.raises(OptionsError):
            engine_of(it).options.update(**{option: value})
        assert MAIL in (await ask(it, chat(MAIL))).text
        assert not any(MAIL.encode() in call.body for call in it.received())


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "in TLS"])
async def test_what_is_not_http_in_a_tunnel(stand: Any, tls: bool) -> None:
    async with stand(door="network") as it:
        reader, writer = await asyncio.open_connection(*it.addresses.network[0])
        name = f"api.openai.com:{it.fakes['openai'].port}"
        writer.write(f"CONNECT {name} HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        if tls:
            await writer.start_tls(ssl.create_default_context(cafile=it.ca), server_hostname="api.openai.com")
        writer.write(b"\x00\x01" + MAIL.encode())
        assert await asyncio.wait_for(reader.read(), WAIT_S) == b""
        writer.close()
        assert [entry["reason"] for entry in it.records("blocked")] == ["not_http"]
        assert it.received() == it.records("transfer") == []


@pytest.mark.parametrize("hook", ["responseheaders", "response"])
@pytest.mark.parametrize("error", [DEFECT, AddonHalt()], ids=["raises", "halts"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_a_hook_on_the_answer_fails(stand: Any, chat: Any, hook: str, error: Exception, stream: bool) -> None:
    async with stand(door="network", openai={"chunk": 3}) as it:
        put_first(it, **{hook: raising(error)})
        answer = await ask(it, chat(MAIL, stream=stream))
        assert answer.status_code == 200
        assert said_in(answer, stream=stream) == MAIL
        assert not any(MAIL.encode() in call.body for call in it.received())
        await it.settled()
        assert [outcome["state"] for outcome in it.records("outcome")] == ["complete"]


async def test_another_addon_raises_on_a_message_of_a_session(stand: Any) -> None:
    """Sessions do not pass through the engine's own WebSocket layer, which sends a message unchanged if a hook raises."""
    async with stand(door="network", openai={}) as it:
        put_first(it, websocket_message=raising(DEFECT))
        async with session(it) as socket:
            assert deltas(await asked(socket, MAIL)) == MAIL
        await it.settled()
        assert not any(MAIL.encode() in call.body for call in it.received())
        assert it.records("transfer")
