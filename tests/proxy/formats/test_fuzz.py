"""Fields that no table names, with planted words in every spelling, at every level of every format, through the real
gate: none leaks, and what the provider sends back is what the app wrote. DRAGOMAN_FUZZ sets the number of examples."""

import base64
import copy
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.fakes.leaks import assert_no_leak
from proxy.formats import ALL

EXAMPLES = int(os.environ.get("DRAGOMAN_FUZZ", "0"))
"""For a long run; by default few, and the same at every run, as CI has no time to spare."""
MAIL, IBAN, PHONE, CARD = "anna.schmidt@example.com", "DE89370400440532013000", "+49 171 2345678", "5500 0000 0000 0004"
PLANTED = (MAIL, IBAN, PHONE, CARD)
HI = "hi"


@dataclass(frozen=True)
class Minimal:
    """The least that an operation takes. session: messages of a WebSocket that this target opens."""

    destination: str
    target: str
    body: dict[str, Any]
    session: bool = False


CHAT = {"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": HI}]}]}
CALLS = {"model": "m", "messages": [
    {"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
    {"role": "tool", "tool_call_id": "c1", "content": HI}], "tools": [
    {"type": "function", "function": {"name": "f", "description": HI, "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}}}],
    "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}}  # fmt: skip
GENERATE = {"contents": [{"role": "user", "parts": [{"text": HI}, {"functionResponse": {"name": "f", "response": {"a": HI}}}]}],
            "systemInstruction": {"parts": [{"text": HI}]}, "generationConfig": {"temperature": 1},
            "tools": [{"functionDeclarations": [{"name": "f", "parameters": {"type": "OBJECT"}}]}]}  # fmt: skip
MINIMAL: dict[str, tuple[Minimal, ...]] = {
    "openai_chat": (
        Minimal("openai", "/v1/chat/completions", CHAT), Minimal("openai", "/v1/chat/completions", CALLS),
        Minimal("openai", "/v1/completions", {"model": "m", "prompt": [HI]}),
    ),
    "openai_responses": (
        Minimal("openai", "/v1/responses", {"model": "m", "input": [
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": HI}]},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": HI}],
            "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}}], "text": {"format": {"type": "text"}}, "metadata": {"a": HI}}),
        Minimal("openai", "/v1/conversations", {"items": [{"type": "message", "role": "user", "content": HI}], "metadata": {}}),
    ),
    "openai_other": tuple(Minimal("openai", f"/v1/{path}", body) for path, body in {
        "embeddings": {"model": "m", "input": [HI]}, "moderations": {"input": [{"type": "text", "text": HI}]},
        "images/generations": {"model": "m", "prompt": HI}, "audio/speech": {"model": "m", "voice": "v", "input": HI},
        "batches": {"input_file_id": "file-1", "endpoint": "/v1/responses", "completion_window": "24h", "metadata": {}},
    }.items()),
    "openai_realtime": (
        Minimal("openai", "/v1/realtime?model=m", {"type": "session.update", "session": {"type": "realtime", "instructions": HI, "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}}]}}, session=True),
        Minimal("openai", "/v1/realtime?model=m", {"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": [{"type": "input_text", "text": HI}]}}, session=True),
    ),
    "openai_live": (
        Minimal("openai", "/v1/live?model=m", {"type": "session.update", "session": {"instructions": HI, "delegation": {"responses": {"tools": [{"type": "function", "name": "f"}]}}}}, session=True),
    ),
    "mistral": (
        Minimal("mistral", "/v1/fim/completions", {"model": "m", "prompt": HI, "suffix": HI}),
        Minimal("mistral", "/v1/conversations", {"model": "m", "inputs": [{"type": "message.input", "role": "user", "content": [{"type": "text", "text": HI}]}], "completion_args": {"temperature": 1}}),
        Minimal("mistral", "/v1/chat/moderations", {"model": "m", "input": [{"role": "user", "content": HI}]}),
    ),
    "gemini": (
        Minimal("gemini", "/v1beta/models/m:generateContent", GENERATE), Minimal("gemini", "/v1beta/models/m:streamGenerateContent?alt=sse", GENERATE),
        Minimal("gemini", "/v1beta/models/m:countTokens", {"contents": [{"parts": [{"text": HI}]}]}),
        Minimal("gemini", "/v1beta/models/m:batchEmbedContents", {"requests": [{"model": "models/m", "content": {"parts": [{"text": HI}]}}]}),
        Minimal("gemini", "/v1beta/cachedContents", {"model": "models/m", "contents": [{"parts": [{"text": HI}]}], "ttl": "60s"}),
    ),
    "gemini_interactions": (
        Minimal("gemini", "/v1beta/interactions", {"model": "m", "input": [{"role": "user", "content": [{"type": "text", "text": HI}]}], "tools": [{"type": "function", "name": "f"}], "generation_config": {}}),
    ),
    "gemini_live": tuple(Minimal("gemini", "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent", body, session=True) for body in (
        {"setup": {"model": "models/m", "systemInstruction": {"parts": [{"text": HI}]}, "tools": [{"functionDeclarations": [{"name": "f"}]}]}},
        {"clientContent": {"turns": [{"role": "user", "parts": [{"text": HI}]}], "turnComplete": True}},
        {"toolResponse": {"functionResponses": [{"id": "c", "name": "f", "response": {"a": HI}}]}},
    )),
    "anthropic": (
        Minimal("anthropic", "/v1/messages", {"model": "m", "max_tokens": 9, "system": [{"type": "text", "text": HI}], "messages": [
            {"role": "user", "content": HI}, {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {"a": HI}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": HI}]}]}],
            "tools": [{"name": "f", "input_schema": {"type": "object"}}], "metadata": {}}),
        Minimal("anthropic", "/v1/messages/batches", {"requests": [{"custom_id": "a", "params": {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": HI}]}}]}),
    ),
    "bedrock": (
        Minimal("bedrock", "/model/m/converse", {"messages": [{"role": "user", "content": [{"text": HI}]}], "system": [{"text": HI}], "inferenceConfig": {},
                "toolConfig": {"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object"}}}}]}, "additionalModelRequestFields": {}}),
        Minimal("bedrock", "/model/anthropic.claude/invoke", {"messages": [{"role": "user", "content": HI}], "max_tokens": 9}),
        Minimal("bedrock", "/model/amazon.titan/invoke", {"inputText": HI, "textGenerationConfig": {}}),
    ),
    "cohere": (
        Minimal("cohere", "/v2/chat", {"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": HI}]}], "documents": [{"id": "1", "data": {"a": HI}}]}),
        Minimal("cohere", "/v2/rerank", {"model": "m", "query": HI, "documents": [HI]}),
    ),
    "ollama": (
        Minimal("ollama", "/api/chat", {"model": "m", "messages": [{"role": "user", "content": HI}], "options": {"num_ctx": 1}}),
        Minimal("ollama", "/api/generate", {"model": "m", "prompt": HI}),
    ),
    "mcp": (
        Minimal("openai", "/mcp", {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "f", "arguments": {"a": HI}, "_meta": {}}}),
        Minimal("openai", "/mcp", {"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": HI}], "structuredContent": {}, "tools": [{"name": "f", "inputSchema": {"type": "object"}}]}}),
    ),
    "llama": (Minimal("llama", "/v1/chat/completions", CHAT), Minimal("llama", "/v1/moderations", {"messages": [{"role": "user", "content": HI}]})),
    "generic": (Minimal("openai", "/v1/brand/new", {"a": {"b": [{"c": HI}]}}), Minimal("groq", "/x", {})),
}  # fmt: skip


def test_every_format_is_fuzzed() -> None:
    assert set(MINIMAL) == {one.name for one in ALL}


def containers(value: Any) -> Iterator[Any]:
    """Every object and array of a body, outermost first."""
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from containers(item)
    elif isinstance(value, list):
        yield value
        for item in value:
            yield from containers(item)


SENTENCES = st.builds(
    "{}{}{}".format, st.sampled_from(["", "An ", "Grüße an ", '"', "chị ", "a\n"]), st.sampled_from(PLANTED),
    st.sampled_from(["", " bitte.", ' "x"', " ạ", "\t\\"]),
)  # fmt: skip


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def spelled(text: str) -> st.SearchStrategy[str]:
    """A text, and everything in which a text can stand inside of a string."""
    return st.sampled_from(
        [
            text, text, json.dumps({"a": text}), json.dumps([text], ensure_ascii=False), json.dumps({text: json.dumps([text])}),
            f"data:text/plain,{quote(text, safe='@')}", f"data:text/plain;base64,{_base64(text)}", f"data:;x={quote(text)},hi",
            f"https://example.org/?q={quote(text)}", f"<b>{text}</b>", _base64(f"{text}, " * 30), text.replace("a", "&#97;"),
        ]
    )  # fmt: skip


KEYS = st.one_of(st.sampled_from(["x_new", "note", "Kunde", "data2", "~/", "", "$x"]), SENTENCES)
LEAVES = st.one_of(SENTENCES.flatmap(spelled), st.none(), st.booleans(), st.integers(0, 99), st.just("ok"))
VALUES = st.recursive(
    LEAVES, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)), max_leaves=4
)


@st.composite
def widened(draw: st.DrawFn, minimal: Minimal) -> dict[str, Any]:
    """The body with fields that nobody knows, one at least with something planted."""
    body = copy.deepcopy(minimal.body)
    places = list(containers(body))
    for number in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(places))
        value = draw(SENTENCES.flatmap(spelled) if not number else VALUES)
        if isinstance(place, dict):
            place.setdefault(draw(KEYS), value)
        else:
            place.append(value if place and not isinstance(place[0], dict) else {draw(KEYS): value})
    return body


@pytest.mark.parametrize("format", MINIMAL)
@settings(max_examples=EXAMPLES or 15, derandomize=not EXAMPLES)
@given(data=st.data())
def test_an_unknown_field_leaks_nothing_and_comes_back(gate: Any, format: str, data: st.DataObject) -> None:
    minimal = data.draw(st.sampled_from(MINIMAL[format]))
    body = data.draw(widened(minimal))
    raw = json.dumps(body, ensure_ascii=data.draw(st.booleans())).encode()
    if minimal.session:
        opened = gate.open(minimal.destination, minimal.target)
        went = gate.say(opened, raw)
    else:
        went = gate.ask(minimal.destination, minimal.target, raw)
        assert went.exchange.cleared is None or went.exchange.cleared.format.name == format
    assert went.left is not None, went.code
    assert_no_leak([went.left], PLANTED)
    sent = went.left.json()
    if minimal.session:
        assert [json.loads(one) for one in gate.hear(opened, json.dumps({"new": sent}).encode())] == [{"new": body}]
        return
    # Under a key that no format knows, so that no field of the request is one of the answer.
    for kind, status in (("application/json", 400), ("text/event-stream", 200)):
        answer = json.dumps({"new": sent}, ensure_ascii=data.draw(st.booleans())).encode()
        framed = answer if status == 400 else b"data: " + answer + b"\n\n"
        again = gate.ask(minimal.destination, minimal.target, raw)
        found = again.answer(framed, kind, status, cuts=data.draw(st.lists(st.integers(0, len(framed)), max_size=3)))
        assert json.loads(found.removeprefix(b"data: ")) == {"new": body}
