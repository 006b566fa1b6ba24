"""The official SDKs behind both doors: what an app gets is what it would have got without us, and nothing leaves unseen."""

import copy
import json
import re
from dataclasses import dataclass
from typing import Any

import pytest

from proxy.fakes.behaviour import LOOK
from proxy.fakes.hold import Hold
from proxy.fakes.leaks import assert_no_leak
from proxy.fakes.server import FakeProvider

pytestmark = pytest.mark.outside

MAIL, IBAN, PHONE = "anna.schmidt@example.com", "DE89 3704 0044 0532 0130 00", "+49 171 2345678"
PLANTED = [MAIL, IBAN, PHONE, "anna.schmidt", "DE89370400440532013000"]
TEXT = f'Grüße an {MAIL} 👋, IBAN {IBAN}\n\t"{PHONE}" \\ ắ.'
USER = [{"role": "user", "content": TEXT}]
TEXT_PARTS = ("candidates", 0, "content", "parts", 0, "text")
MODES = pytest.mark.parametrize("mode", ["sync", "async"])

SCHEMA = {"type": "object", "properties": {"text": {"type": "string", "description": f"Write to {MAIL}"}}}
DERIVED = re.compile("id|created|response_?[iI]d|.*tokens|.*token_count|.*http_response")
CHAT_TOOLS = [
    {"type": "function", "function": {"name": name, "description": f"as {MAIL} does", "parameters": SCHEMA}}
    for name in ("send_mail", "look_up")
]
CHAT = {"model": "fake-echo", "messages": [{"role": "system", "content": f"You help {PHONE}."}, *USER]}


@dataclass(frozen=True)
class Case:
    """One method of one SDK. place, delta: where the text is in a result, in a chunk. early: events up to the first.

    settings: what is no text in such a call, and has to arrive as it is.
    """

    sdk: str
    api: str
    path: str
    method: str
    kwargs: dict[str, Any]
    place: tuple[str | int, ...]
    delta: tuple[str | int, ...]
    early: int
    settings: dict[str, Any]
    streaming: str = ""

    async def call(self, sdk: Any, it: Any, *, mode: str = "sync", stream: bool = False, **more: Any) -> Any:
        """The call through a stand's door, from begin to end."""
        method = self.streaming if stream and self.streaming else self.method
        options = {**it.route(self.api, self.path), "mode": mode, "stream": stream}
        return await sdk.call(self.sdk, method, **options, **self.kwargs | more)


CASES = {
    "openai": Case(
        "openai", "openai", "/v1", "chat.completions.create", CHAT,
        ("choices", 0, "message", "content"), ("choices", 0, "delta", "content"), 2,
        {"temperature": 0.25, "seed": 4711, "n": 1, "max_completion_tokens": 99, "stream_options": None},
    ),
    "openai on llama": Case(
        "openai", "llama", "/compat/v1", "chat.completions.create", CHAT,
        ("choices", 0, "message", "content"), ("choices", 0, "delta", "content"), 2,
        {"temperature": 0.25, "top_p": 0.5},
    ),
    "anthropic": Case(
        "anthropic", "anthropic", "", "messages.create",
        {"model": "fake-echo", "max_tokens": 99, "system": f"You help {PHONE}.", "messages": USER},
        ("content", 0, "text"), ("delta", "text"), 4,
        {"service_tier": "auto", "thinking": {"type": "disabled"}},
    ),
    "gemini": Case(
        "google-genai", "gemini", "", "models.generate_content", {"model": "fake-echo", "contents": TEXT},
        TEXT_PARTS, TEXT_PARTS, 1,
        {"config": {"temperature": 0.25, "seed": 4711, "response_mime_type": "text/plain"}},
        "models.generate_content_stream",
    ),
}  # fmt: skip
ALL_CASES = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


def at(value: Any, path: tuple[str | int, ...]) -> Any:
    """What stands at a path, "" where it leads nowhere."""
    for key in path:
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            return ""
    return value or ""


def without_text(value: Any) -> Any:
    """The structure of a value: texts that hold something personal are one word, what fakes count or derive is out."""
    if isinstance(value, dict):
        return {key: without_text(item) for key, item in value.items() if not DERIVED.fullmatch(key)}
    if isinstance(value, list):
        return [without_text(item) for item in value]
    return "text" if isinstance(value, str) and (MAIL in value or PHONE in value or LOOK.search(value)) else value


@MODES
@ALL_CASES
async def test_an_answer_is_the_one_that_the_app_would_have_got_without_us(
    each_door: Any, sdk: Any, case: Case, mode: str
) -> None:
    async with each_door(**{case.api: {}}) as it, FakeProvider(case.api) as direct:
        value = await case.call(sdk, it, mode=mode)
        wanted = await sdk.call(case.sdk, case.method, base_url=direct.url + case.path, mode=mode, **case.kwargs)
        assert_no_leak(it.received(case.api), PLANTED)
        await it.settled()
        (outcome,) = it.records("outcome")
    assert at(value, case.place) == at(wanted, case.place) == TEXT
    assert without_text(value) == without_text(wanted)
    assert outcome["state"] == "complete"


@MODES
@ALL_CASES
async def test_a_stream_joins_to_the_text_however_it_is_cut(each_door: Any, sdk: Any, case: Case, mode: str) -> None:
    async with each_door(**{case.api: {"chunk": 3, "wire": 5}}) as it:
        chunks = await case.call(sdk, it, mode=mode, stream=True)
        assert_no_leak(it.received(case.api), PLANTED)
    assert "".join(at(chunk, case.delta) for chunk in chunks) == TEXT


@MODES
@ALL_CASES
async def test_the_first_delta_is_there_before_the_upstream_sends_its_next(
    each_door: Any, sdk: Any, case: Case, mode: str
) -> None:
    hold = Hold()
    async with each_door(**{case.api: {"chunk": 5, "hold": hold}}) as it:
        method = case.streaming or case.method
        options = {**it.route(case.api, case.path), "mode": mode, "stream": True}
        running = sdk.start(case.sdk, method, **options, **case.kwargs)
        hold.release(case.early)
        text = ""
        while not text:
            text = at(await running.chunk(), case.delta)
        assert text == TEXT[:5]
        await hold.reached(case.early)
        assert hold.passed == case.early
        hold.open()
        assert await running.end() is None
        assert "".join(at(chunk, case.delta) for chunk in running.chunks) == TEXT


@ALL_CASES
async def test_what_is_no_text_arrives_as_the_app_wrote_it(each_door: Any, sdk: Any, case: Case) -> None:
    settings = {name: value for name, value in case.settings.items() if value is not None}
    async with each_door(**{case.api: {}}) as it, FakeProvider(case.api) as direct:
        value = await case.call(sdk, it, **settings)
        assert at(value, case.place) == TEXT
        await sdk.call(case.sdk, case.method, base_url=direct.url + case.path, **case.kwargs, **settings)
        (came,), (wanted,) = it.received(case.api), direct.received
        assert_no_leak([came], PLANTED)
    assert without_text(came.json()) == without_text(wanted.json())
    assert (came.method, came.target) == (wanted.method, wanted.target)
    own = {b"host", b"accept-encoding", b"content-length", b"connection", b"x-stainless-async"}
    sent = {(name.lower(), field) for name, field in wanted.headers if name.lower() not in own}
    assert sent <= {(name.lower(), field) for name, field in came.headers}


@MODES
async def test_parallel_tool_calls_come_back_as_arguments_that_parse(each_door: Any, sdk: Any, mode: str) -> None:
    async with each_door(openai={"chunk": 1, "wire": 7}) as it:
        case = CASES["openai"]
        value = await case.call(sdk, it, mode=mode, tools=CHAT_TOOLS)
        chunks = await case.call(sdk, it, mode=mode, stream=True, tools=CHAT_TOOLS)
        assert_no_leak(it.received(), PLANTED)
    whole = at(value, ("choices", 0, "message", "tool_calls"))
    assert [call["function"]["name"] for call in whole] == ["send_mail", "look_up"]
    assert [json.loads(call["function"]["arguments"])["text"] for call in whole] == [TEXT, TEXT]
    parts = [part for chunk in chunks for part in at(chunk, ("choices", 0, "delta", "tool_calls"))]
    for index in (0, 1):
        arguments = "".join(part["function"]["arguments"] for part in parts if part["index"] == index)
        assert json.loads(arguments)["text"] == TEXT


async def test_a_conversation_with_tool_results_is_inspected_to_its_end(each_door: Any, sdk: Any) -> None:
    result = json.dumps({"found": [{"mail": MAIL, PHONE: IBAN}]})
    messages = [
        *copy.deepcopy(USER),
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "call_0001", "type": "function",
             "function": {"name": "look_up", "arguments": json.dumps({"text": TEXT})}}]},
        {"role": "tool", "tool_call_id": "call_0001", "content": result},
    ]  # fmt: skip
    async with each_door(openai={}) as it:
        value = await CASES["openai"].call(sdk, it, messages=messages, tools=CHAT_TOOLS)
        (came,) = it.received()
        assert_no_leak([came], PLANTED)
    sent = came.json()["messages"]
    assert (sent[1]["tool_calls"][0]["id"], sent[2]["tool_call_id"]) == ("call_0001", "call_0001")
    assert sent[1]["tool_calls"][0]["function"]["name"] == "look_up"
    assert at(value, CASES["openai"].place) == result


@MODES
async def test_gemini_function_calls_come_back_as_values(each_door: Any, sdk: Any, mode: str) -> None:
    declared = [{"name": "send_mail", "description": f"as {MAIL} does",
                 "parameters": {"type": "OBJECT", "properties": {"text": {"type": "STRING"}}}}]  # fmt: skip
    config = {"tools": [{"function_declarations": declared}]}
    async with each_door(gemini={}) as it:
        value = await CASES["gemini"].call(sdk, it, mode=mode, config=config)
        assert_no_leak(it.received("gemini"), PLANTED)
    (part,) = at(value, ("candidates", 0, "content", "parts"))
    assert (part["function_call"]["name"], part["function_call"]["args"]["text"]) == ("send_mail", TEXT)


@MODES
async def test_anthropic_tool_input_comes_back_as_values(each_door: Any, sdk: Any, mode: str) -> None:
    tools = [{"name": "send_mail", "description": f"as {MAIL} does", "input_schema": SCHEMA}]
    async with each_door(anthropic={"chunk": 2}) as it:
        value = await CASES["anthropic"].call(sdk, it, mode=mode, tools=tools)
        chunks = await CASES["anthropic"].call(sdk, it, mode=mode, stream=True, tools=tools)
        assert_no_leak(it.received("anthropic"), PLANTED)
    assert (value["content"][0]["name"], value["content"][0]["input"]["text"]) == ("send_mail", TEXT)
    assert json.loads("".join(at(chunk, ("delta", "partial_json")) for chunk in chunks))["text"] == TEXT
