"""The official SDKs' own clients for sessions, through both doors: what an app gets is what it would have got without us."""

import copy
import json
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


def duplex() -> dict[str, Any]:
    """A Live session that says a text while it hears one, and then has a response with a tool made."""
    responses = {"model": "fake-echo", "instructions": f"You help {MAIL}.", "tools": [TOOL]}
    session = {"model": "gpt-live-1", "instructions": f"Speak as {MAIL} does.", "safety_identifier": MAIL,
               "delegation": {"type": "responses", "responses": responses}}  # fmt: skip
    return {
        "connect": {},
        "send": [
            {"type": "session.start", "session": session},
            {"type": "session.commentary.append", "content": TEXT, "delegation_id": None},
            {"type": "response.item.create", "item": MESSAGE},
            {"type": "response.create"},
            {"type": "session.close"},
        ],
        "until": "session.closed",
    }


def strands(events: list[dict[str, Any]]) -> list[Any]:
    """Every text that grew, put together, and what else was said, in its order."""
    grown: dict[tuple[str, ...], str] = {}
    rest: list[Any] = []
    # The fake makes ids from what it was sent, which are placeholders here and words there.
    for event in json.loads(re.sub("[0-9a-f]{24,32}", "id", json.dumps(events))):
        event.pop("event_id", None)
        inner = event.get("event", event)
        if "delta" in inner and inner["type"] != "session.output_audio.delta":
            at = (inner["type"], inner.get("item_id", ""))
            grown[at] = grown.get(at, "") + inner["delta"]
        else:
            inner.pop("sequence_number", None)
            rest.append(event)
    return [grown, *rest]


async def test_openai_live_gets_the_events_that_it_would_have_got(each_door: Any, sdk: Any) -> None:
    async with each_door(openai={"chunk": 3}) as it, FakeProvider("openai", chunk=3) as direct:
        options = {"mode": "session", **duplex()}
        running = sdk.start("openai", "live.connect", **it.route("openai", "/v1"), **options)
        assert await running.end() is None
        wanted = sdk.start("openai", "live.connect", base_url=f"{direct.url}/v1", **options)
        assert await wanted.end() is None
        assert_no_leak(it.received(), PLANTED)
        assert {record["format"] for record in it.records("transfer")} == {"openai_live"}
    assert strands(running.chunks) == strands(wanted.chunks)
    grown = strands(running.chunks)[0]
    assert grown["session.output_transcript.delta", ""] == TEXT
    assert grown["session.input_transcript.delta", ""] == f"Ja. {TEXT}"
    assert len(grown) == 3
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
