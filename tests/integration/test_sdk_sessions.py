"""The official SDKs' own clients for sessions, through both doors: what an app gets is what it would have got without us."""

import copy
import re
from typing import Any

import pytest

from proxy.fakes.leaks import assert_no_leak
from proxy.fakes.server import FakeProvider

pytestmark = pytest.mark.outside

MAIL, IBAN = "anna.schmidt@example.com", "DE89 3704 0044 0532 0130 00"
TEXT = f'Grüße an {MAIL} 👋, IBAN {IBAN}\n\t"x" \\ ắ.'
PLANTED = [MAIL, IBAN, "anna.schmidt"]
MESSAGE = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": TEXT}]}
TOOL = {"type": "function", "name": "send_mail", "description": f"as {MAIL} does", "parameters": {"type": "object"}}
SESSION = {"type": "realtime", "instructions": f"You help {MAIL}.", "output_modalities": ["text"]}


def openai(*tools: dict[str, Any]) -> dict[str, Any]:
    return {
        "connect": {"model": "fake-echo"},
        "send": [
            {"type": "session.update", "session": SESSION | ({"tools": list(tools)} if tools else {})},
            {"type": "conversation.item.create", "item": MESSAGE},
            {"type": "response.create"},
        ],
        "until": "response.done",
    }


def joined(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events with the pieces of each text put together in the first: a placeholder comes back in one piece."""
    out: list[dict[str, Any]] = []
    for event in copy.deepcopy(events):
        if out and "delta" in event and event["type"] == out[-1]["type"]:
            out[-1]["delta"] += event["delta"]
        else:
            out.append(event)
    return [{key: value for key, value in event.items() if key != "event_id"} for event in out]


@pytest.mark.parametrize("tools", [(), (TOOL,)], ids=["text", "call"])
async def test_openai_realtime_gets_the_events_that_it_would_have_got(each_door: Any, sdk: Any, tools: Any) -> None:
    async with each_door(openai={"chunk": 3}) as it, FakeProvider("openai", chunk=3) as direct:
        options = {"mode": "session", **openai(*tools)}
        running = sdk.start("openai", "realtime.connect", **it.route("openai", "/v1"), **options)
        assert await running.end() is None
        wanted = sdk.start("openai", "realtime.connect", base_url=f"{direct.url}/v1", **options)
        assert await wanted.end() is None
        assert_no_leak(it.received(), PLANTED)
    assert joined(running.chunks) == joined(wanted.chunks)
    assert MAIL in str(running.chunks[-1])


def live() -> dict[str, Any]:
    turns = [{"role": "user", "parts": [{"text": TEXT}]}]
    config = {"response_modalities": ["TEXT"], "system_instruction": f"You help {MAIL}."}
    return {
        "connect": {"model": "fake-echo", "config": config},
        "send": [["send_client_content", {"turns": turns, "turn_complete": True}]],
    }


def whole(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The messages with the text of each turn in one part."""
    text, rest = "", []
    for message in copy.deepcopy(messages):
        turn = (message.get("server_content") or {}).pop("model_turn", None)
        text += "".join(part["text"] for part in turn["parts"]) if turn else ""
        if turn is None:
            rest.append(message)
    return [{"text": text}, *rest]


async def test_gemini_live_gets_the_messages_that_it_would_have_got(
    stand: Any, each_door: Any, sdk: Any, throwaway_ca: Any
) -> None:
    # Google's SDK insists on TLS, so the gateway speaks it here.
    certificate, key = throwaway_ca.issue("127.0.0.1")
    tls = {"tls_certificate": certificate, "tls_key": key}
    options = {"mode": "session", **live()}
    async with (
        each_door(settings=tls, gemini={"chunk": 3}) as it,
        FakeProvider("gemini", chunk=3, tls=throwaway_ca.server("127.0.0.1")) as direct,
    ):
        route = it.route("gemini")
        if it.door == "gateway":
            route = {"base_url": re.sub("^http:", "https:", route["base_url"]), "proxy": None, "ca": throwaway_ca.path}
        running = sdk.start("google-genai", "live.connect", **route, **options)
        assert await running.end() is None
        wanted = sdk.start("google-genai", "live.connect", base_url=direct.url, ca=throwaway_ca.path, **options)
        assert await wanted.end() is None
        assert_no_leak(it.received("gemini"), PLANTED)
    assert whole(running.chunks) == whole(wanted.chunks)
    assert whole(running.chunks)[0]["text"] == TEXT
