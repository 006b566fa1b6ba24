"""The official SDKs take the fakes for the real providers: plain and TLS, sync and async, streamed and not.

What holds here is the ground on which the conformance tests through dragoman's doors stand.
"""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import pytest

from policies.destination import Destination, FormatHint
from proxy.erasure.providers import AnthropicObjects
from proxy.fakes.behaviour import Behaviour
from proxy.fakes.hold import Hold
from proxy.fakes.server import FakeProvider

pytestmark = pytest.mark.outside

TEXT = "Grüße an Chị [PERSON_7K3QX2MA] 👋"
MODES = pytest.mark.parametrize("mode", ["sync", "async"])
USER = [{"role": "user", "content": TEXT}]
CHAT = {"model": "m", "messages": USER}
TEXT_PARTS = ("candidates", 0, "content", "parts", 0, "text")


@dataclass(frozen=True)
class Case:
    """One method of one SDK. place, delta: where the text is in a result, in a chunk. early: events up to the first."""

    sdk: str
    api: str
    path: str
    method: str
    kwargs: dict[str, Any]
    place: tuple[str | int, ...]
    delta: tuple[str | int, ...]
    early: int
    streaming: str = ""


CASES = {
    "openai": Case(
        "openai", "openai", "/v1", "chat.completions.create", CHAT,
        ("choices", 0, "message", "content"), ("choices", 0, "delta", "content"), 2,
    ),
    "openai on llama": Case(
        "openai", "llama", "/compat/v1", "chat.completions.create", CHAT,
        ("choices", 0, "message", "content"), ("choices", 0, "delta", "content"), 2,
    ),
    "responses": Case(
        "openai", "openai", "/v1", "responses.create", {"model": "m", "input": TEXT},
        ("output", 0, "content", 0, "text"), ("delta",), 5,
    ),
    "anthropic": Case(
        "anthropic", "anthropic", "", "messages.create", {"max_tokens": 99, **CHAT},
        ("content", 0, "text"), ("delta", "text"), 4,
    ),
    "llama": Case(
        "llama-api-client", "llama", "/v1", "chat.completions.create", CHAT,
        ("completion_message", "content", "text"), ("event", "delta", "text"), 1,
    ),
    "gemini": Case(
        "google-genai", "gemini", "", "models.generate_content", {"model": "gemini-x", "contents": TEXT},
        TEXT_PARTS, TEXT_PARTS, 1, "models.generate_content_stream",
    ),
}  # fmt: skip
ALL_CASES = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


def at(value, path):
    """What stands at a path, "" where it leads nowhere."""
    for key in path:
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            return ""
    return value or ""


@MODES
@ALL_CASES
async def test_a_call_is_answered(sdk, case, mode):
    async with FakeProvider(case.api) as fake:
        value = await sdk.call(case.sdk, case.method, base_url=fake.url + case.path, mode=mode, **case.kwargs)
    assert at(value, case.place) == TEXT
    (received,) = fake.received
    assert TEXT in json.dumps(received.json(), ensure_ascii=False)


@MODES
@ALL_CASES
async def test_a_stream_joins_to_the_text(sdk, case, mode):
    method = case.streaming or case.method
    async with FakeProvider(case.api, chunk=3, wire=5) as fake:
        chunks = await sdk.call(case.sdk, method, base_url=fake.url + case.path, mode=mode, stream=True, **case.kwargs)
    # Responses repeat the text in events that are no deltas; those have a `type` that says so.
    deltas = [chunk for chunk in chunks if not str(at(chunk, ("type",))).endswith(".done")]
    assert "".join(at(chunk, case.delta) for chunk in deltas) == TEXT


@MODES
@ALL_CASES
async def test_the_first_text_reaches_the_app_before_the_next_event_was_sent(sdk, case, mode):
    method = case.streaming or case.method
    hold = Hold()
    async with FakeProvider(case.api, chunk=3, hold=hold) as fake:
        running = sdk.start(case.sdk, method, base_url=fake.url + case.path, mode=mode, stream=True, **case.kwargs)
        hold.release(case.early)
        text = ""
        while not text:
            text = at(await running.chunk(), case.delta)
        assert text == TEXT[:3]
        await hold.reached(case.early)
        assert hold.passed == case.early
        hold.open()
        assert await running.end() is None


@MODES
async def test_tls_is_spoken_and_the_certificate_is_checked(sdk, throwaway_ca, mode):
    async with FakeProvider(tls=throwaway_ca.server("localhost")) as fake:
        base = f"https://localhost:{fake.port}/v1"
        options = {"base_url": base, "mode": mode, **CHAT}
        value = await sdk.call("openai", "chat.completions.create", ca=throwaway_ca.path, **options)
        refused = await sdk.call("openai", "chat.completions.create", **options)
    assert value["choices"][0]["message"]["content"] == TEXT
    assert refused.name == "APIConnectionError"
    assert len(fake.received) == 1


@pytest.mark.parametrize(
    ("name", "status", "error"),
    [
        ("openai", 400, "BadRequestError"),
        ("openai", 429, "RateLimitError"),
        ("openai", 500, "InternalServerError"),
        ("responses", 400, "BadRequestError"),
        ("anthropic", 400, "BadRequestError"),
        ("anthropic", 429, "RateLimitError"),
        ("llama", 400, "BadRequestError"),
        ("gemini", 400, "ClientError"),
        ("gemini", 429, "ClientError"),
        ("gemini", 500, "ServerError"),
    ],
)
async def test_an_error_is_the_sdks_own_and_quotes_the_prompt(sdk, name, status, error):
    case = CASES[name]
    async with FakeProvider(case.api, behaviour=Behaviour(f"error-{status}")) as fake:
        raised = await sdk.call(case.sdk, case.method, base_url=fake.url + case.path, **case.kwargs)
    assert (raised.name, raised.status) == (error, status)
    assert TEXT in json.dumps(raised.body, ensure_ascii=False)


@MODES
async def test_parallel_tool_calls_join_to_arguments_that_quote_the_text(sdk, mode):
    tools = [
        {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}
        for name in ("send_mail", "look_up")
    ]
    async with FakeProvider("openai", chunk=1) as fake:
        chunks = await sdk.call(
            "openai", "chat.completions.create", base_url=fake.url + "/v1", mode=mode, stream=True, tools=tools, **CHAT
        )
    parts = [part for chunk in chunks for part in at(chunk, ("choices", 0, "delta", "tool_calls"))]
    for index in (0, 1):
        arguments = "".join(part["function"]["arguments"] for part in parts if part["index"] == index)
        assert json.loads(arguments)["text"] == TEXT


async def test_raw_responses_show_the_headers(sdk):
    async with FakeProvider("openai") as fake:
        method = "chat.completions.with_raw_response.create"
        raw = await sdk.call("openai", method, base_url=fake.url + "/v1", **CHAT)
    assert raw["headers"]["content-type"] == "application/json"
    assert at(raw["value"], ("choices", 0, "message", "content")) == TEXT


async def test_headers_that_the_app_adds_arrive(sdk):
    async with FakeProvider("gemini") as fake:
        case = CASES["gemini"]
        await sdk.call(case.sdk, case.method, base_url=fake.url, headers={"dragoman-session": "s1"}, **case.kwargs)
    assert fake.received[0].headers.get("dragoman-session") == "s1"


@pytest.mark.parametrize(
    ("method", "name", "object_id"),
    [
        ("messages.batches.delete", "message_batch_id", "msgbatch_013Z"),
        ("beta.files.delete", "file_id", "file_011C"),
    ],
)
async def test_an_erasure_asks_as_the_sdk_of_anthropic_does(sdk, method, name, object_id):
    async with FakeProvider("anthropic") as fake:
        await sdk.call("anthropic", method, base_url=fake.url, **{name: object_id})
    call = AnthropicObjects().call(Destination("a", formats=(FormatHint("/v1", "anthropic"),)), object_id)
    assert call is not None
    (asked,) = fake.received
    assert (asked.method, asked.path) == (call.method, call.path)
    sent = {key.decode(): value.decode() for key, value in asked.headers if key.lower().startswith(b"anthropic-")}
    assert sent == dict(call.headers)


async def test_embeddings_and_moderations(sdk):
    async with FakeProvider("openai") as fake:
        base = fake.url + "/v1"
        vectors = await sdk.call("openai", "embeddings.create", base_url=base, model="m", input=["a", "b"])
        verdict = await sdk.call("openai", "moderations.create", base_url=base, input=TEXT)
    assert len(vectors["data"][0]["embedding"]) == 8
    assert verdict["results"][0]["flagged"] is False


async def test_several_calls_run_at_the_same_time(sdk):
    async with FakeProvider("openai") as fake:
        results = await asyncio.gather(
            *(
                sdk.call(
                    "openai",
                    "chat.completions.create",
                    base_url=fake.url + "/v1",
                    mode=mode,
                    model="m",
                    messages=[{"role": "user", "content": f"{mode} {number}"}],
                )
                for number in range(3)
                for mode in ("sync", "async")
            )
        )
    said = [result["choices"][0]["message"]["content"] for result in results]
    assert said == [f"{mode} {number}" for number in range(3) for mode in ("sync", "async")]
