"""Mistral, Cohere, Ollama and MCP: what is inspected, how their streams are restored, how they are refused."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.formats import ALL
from proxy.messages import Refusal

cuts = st.lists(st.integers(0, 3000), max_size=10)
chunks = st.integers(1, 9)
SSE = "text/event-stream"

REQUESTS: list[tuple[str, str, str, Any, dict[str, str]]] = [
    ("mistral", "/v1/fim/completions", "chat", {"model": "m", "prompt": "Anna", "suffix": "Anna"}, {"/prompt": "user", "/suffix": "user"}),
    ("mistral", "/v1/agents/completions", "chat", {"agent_id": "ag_1", "messages": [{"role": "system", "content": "x"}]}, {"/messages/0/content": "system"}),
    ("mistral", "/v1/conversations", "conversations",
     {"model": "m", "instructions": "be kind", "inputs": [
         {"type": "message.input", "role": "user", "content": [{"type": "text", "text": "Anna"}, {"type": "thinking", "thinking": [{"type": "text", "text": "Anna"}]}]},
         {"type": "function.result", "tool_call_id": "c", "result": '{"a": "Anna"}'},
         {"type": "function.call", "name": "f", "arguments": '{"to": "Anna"}'}]},
     {"/instructions": "system", "/inputs/0/content/0/text": "user", "/inputs/0/content/1/thinking/0/text": "user",
      "/inputs/1/result#/a": "tool_result", "/inputs/1/result#/a~k": "key", "/inputs/2/arguments#/to": "tool_arguments",
      "/inputs/2/arguments#/to~k": "key"}),
    ("mistral", "/v1/chat/moderations", "moderations", {"input": [[{"role": "assistant", "content": "Anna"}]]}, {"/input/0/0/content": "assistant"}),
    ("mistral", "/v1/chat/moderations", "moderations", {"input": [{"role": "user", "content": "Anna"}]}, {"/input/0/content": "user"}),
    ("mistral", "/v1/ocr", "ocr", {"document": {"type": "document_url", "document_url": "https://x/Anna.pdf", "document_name": "Anna"}},
     {"/document/document_url": "user", "/document/document_name~k": "key", "/document/document_name": "user"}),
    ("cohere", "/v2/chat", "chat",
     {"model": "m", "messages": [
         {"role": "system", "content": "x"}, {"role": "user", "content": [{"type": "text", "text": "Anna"}]},
         {"role": "assistant", "tool_plan": "Anna", "tool_calls": [{"id": "t", "type": "function", "function": {"name": "f", "arguments": '{"a": "Anna"}'}}]},
         {"role": "tool", "tool_call_id": "t", "content": [{"type": "document", "document": {"id": "d", "data": {"a": "Anna"}}}]}],
      "documents": ["Anna", {"id": "1", "data": {"a": "Anna"}}]},
     {"/messages/0/content": "system", "/messages/1/content/0/text": "user", "/messages/2/tool_plan": "assistant",
      "/messages/2/tool_calls/0/function/arguments#/a": "tool_arguments", "/messages/2/tool_calls/0/function/arguments#/a~k": "key",
      "/messages/3/content/0/document/data/a": "tool_result", "/messages/3/content/0/document/data/a~k": "key",
      "/documents/0": "tool_result", "/documents/1/data/a": "tool_result", "/documents/1/data/a~k": "key"}),
    ("cohere", "/v2/embed", "embed", {"model": "m", "input_type": "search_query", "texts": ["Anna"]}, {"/texts/0": "user"}),
    ("cohere", "/v2/rerank", "rerank", {"model": "m", "query": "Anna", "documents": ["Anna"]}, {"/query": "user", "/documents/0": "tool_result"}),
    ("ollama", "/api/chat", "chat",
     {"model": "m", "stream": True, "options": {"num_ctx": 8192, "stop": ["Anna"]}, "messages": [
         {"role": "user", "content": "Anna", "images": ["iVBORw0KGgo="]},
         {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": {"to": "Anna"}}}]},
         {"role": "tool", "tool_name": "f g", "content": "Anna"}]},
     {"/options/stop/0": "unknown", "/messages/0/content": "user", "/messages/1/tool_calls/0/function/arguments/to": "tool_arguments",
      "/messages/1/tool_calls/0/function/arguments/to~k": "key", "/messages/2/content": "tool_result", "/messages/2/tool_name": "tool_result",
      "/messages/2/tool_name~k": "key"}),
    ("ollama", "/api/generate", "generate", {"model": "m", "prompt": "Anna", "system": "x"}, {"/prompt": "user", "/system": "system"}),
    ("ollama", "/api/embed", "embed", {"model": "m", "input": ["Anna"]}, {"/input/0": "user"}),
    ("mcp", "/mcp", "message", {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "f", "arguments": {"to": "Anna"}}},
     {"/params/arguments/to": "tool_arguments", "/params/arguments/to~k": "key"}),
    ("mcp", "/servers/crm/mcp", "message", [{"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": "Anna"}], "structuredContent": {"a": "Anna"}}}],
     {"/0/result/content/0/text": "tool_result", "/0/result/structuredContent/a": "tool_result", "/0/result/structuredContent/a~k": "key"}),
    ("mcp", "/mcp", "message", {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "Anna"}}, {"/params/data": "unknown", "/params/data~k": "key"}),
]  # fmt: skip


@pytest.mark.parametrize(("format", "path", "operation", "body", "kinds"), REQUESTS)
def test_requests(read, format, path, operation, body, kinds):
    one = read(path, body, hint=format)
    assert (one.format.name, one.endpoint.operation) == (format, operation)
    assert {
        pointer: kind for pointer, kind in one.kinds.items() if "nna" in one.texts[pointer] or pointer in kinds
    } == kinds


def test_an_earlier_conversation_as_token_ids_is_uninspected(read):
    one = read("/api/generate", {"model": "m", "prompt": "x", "context": [1, 2, 3]})
    assert [part.pointer for part in one.inspected.uninspected] == ["/context"]


def pieces(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def cohere(text: str, size: int) -> bytes:
    arguments = json.dumps({"to": text})
    events: list[dict[str, Any]] = [{"type": "message-start", "id": "m1", "delta": {"message": {"role": "assistant"}}}]
    events += [{"type": "tool-plan-delta", "delta": {"message": {"tool_plan": piece}}} for piece in pieces(text, size)]
    events += [{"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}}]
    events += [
        {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": piece}}}}
        for piece in pieces(text, size)
    ]
    events += [{"type": "content-end", "index": 0}]
    call = {"id": "t", "type": "function", "function": {"name": "f", "arguments": ""}}
    events += [{"type": "tool-call-start", "index": 0, "delta": {"message": {"tool_calls": call}}}]
    events += [
        {
            "type": "tool-call-delta",
            "index": 0,
            "delta": {"message": {"tool_calls": {"function": {"arguments": piece}}}},
        }
        for piece in pieces(arguments, size)
    ]
    events += [{"type": "tool-call-end", "index": 0}]
    usage = {"tokens": {"input_tokens": 3, "output_tokens": 4}}
    events += [{"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": usage}}]
    return b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events)  # fmt: skip


@settings(max_examples=50)
@given(chunk=chunks, cuts=cuts)
def test_a_stream_of_cohere(answer, people, chunk, cuts):
    token, name = next(iter(people.items()))
    raw = cohere(f"Chị {token}", chunk)
    found = answer("/v2/chat", raw, SSE, cuts=cuts)
    assert found.body == answer("/v2/chat", raw, SSE).body
    said: dict[str, str] = {}
    for event in found.events:
        message = event.get("delta", {}).get("message", {})
        for kind, text in (
            ("plan", message.get("tool_plan")),
            ("text", message.get("content", {}).get("text")),
            ("call", message.get("tool_calls", {}).get("function", {}).get("arguments")),
        ):
            if text:
                assert event["type"] in ("tool-plan-delta", "content-delta", "tool-call-delta")
                said[kind] = said.get(kind, "") + text
    assert (said["plan"], said["text"], json.loads(said["call"])) == (
        f"Chị {name}",
        f"Chị {name}",
        {"to": f"Chị {name}"},
    )
    assert (found.facts.usage.input_tokens, found.facts.usage.output_tokens, found.facts.complete) == (3, 4, True)


def ollama(path: str, text: str, size: int) -> bytes:
    lines: list[dict[str, Any]] = []
    for piece in pieces(text, size):
        said = {"message": {"role": "assistant", "content": piece}} if path.endswith("chat") else {"response": piece}
        lines.append({"model": "m", "created_at": "2026-01-01T00:00:00Z", **said, "done": False})
    end = (
        {"message": {"role": "assistant", "content": ""}}
        if path.endswith("chat")
        else {"response": "", "context": [1, 2]}
    )
    lines.append({"model": "m", **end, "done": True, "done_reason": "stop", "prompt_eval_count": 3, "eval_count": 4})
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


@pytest.mark.parametrize("path", ["/api/chat", "/api/generate"])
@settings(max_examples=50)
@given(chunk=chunks, cuts=cuts, ends=st.booleans())
def test_a_stream_of_ollama(answer, people, path, chunk, cuts, ends):
    token, name = next(iter(people.items()))
    text = f"Chị {token}" if ends else f"Chị {token}."
    raw = ollama(path, text, chunk)
    found = answer(path, raw, "application/x-ndjson", cuts=cuts)
    lines = [json.loads(line) for line in found.body.splitlines()]
    said = "".join(line["message"]["content"] if "message" in line else line["response"] for line in lines)
    assert said == text.replace(token, name)
    assert [line["done"] for line in lines] == [False] * (len(lines) - 1) + [True]
    assert (found.facts.usage.input_tokens, found.facts.usage.output_tokens, found.facts.complete) == (3, 4, True)


@pytest.mark.parametrize("kind", ["application/json", SSE])
def test_answers_of_an_mcp_server(answer, people, kind):
    token, name = next(iter(people.items()))
    result = {"content": [{"type": "text", "text": token}], "structuredContent": {token: [token]}}
    raw = json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}).encode()
    found = answer("/mcp", raw if kind == "application/json" else b"event: message\ndata: " + raw + b"\n\n", kind)
    value = found.json if kind == "application/json" else found.events[0]
    assert value["result"] == {"content": [{"type": "text", "text": name}], "structuredContent": {name: [name]}}


def test_chunks_of_thinking_in_a_stream_of_mistral(answer, people):
    token, name = next(iter(people.items()))
    deltas = [[{"type": "thinking", "thinking": [{"type": "text", "text": token[:6]}]}],
              [{"type": "thinking", "thinking": [{"type": "text", "text": token[6:]}]}], token[:4], token[4:]]  # fmt: skip
    raw = b"".join(
        b"data: " + json.dumps({"choices": [{"index": 0, "delta": {"content": one}}]}).encode() + b"\n\n"
        for one in deltas
    )
    found = [event["choices"][0]["delta"]["content"] for event in answer("/v1/chat/completions", raw, SSE).events]
    assert [one if isinstance(one, str) else one[0]["thinking"][0]["text"] for one in found] == ["", name, "", name]


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("mistral", ("error", "code")), ("cohere", ("code",)), ("ollama", ("code",)), ("mcp", ("error", "data", "code")), ("llama", ("code",)),
        ("openai_responses", ("error", "code")), ("openai_other", ("error", "code")),
    ],
)  # fmt: skip
def test_refusals_are_in_the_providers_shape(name, seen):
    (chosen,) = (item for item in ALL if item.name == name)
    reply = chosen.refuse(None, Refusal(403, "refused", "no"))
    value = json.loads(reply.body)
    for key in seen:
        value = value[key]
    assert (reply.status, value) == (403, "refused")
