"""The Llama API's own shape: what is inspected, and its events restored for any cut, tool calls each by its id."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.fakes.apis import respond
from proxy.fakes.behaviour import Play
from proxy.fakes.traffic import Received
from proxy.messages import Headers

PATH = "/v1/chat/completions"
TOOLS = [{"type": "function", "function": {"name": name, "parameters": {}}} for name in ("a", "b")]


def ask(body: dict[str, Any], **play: Any) -> bytes:
    call = Received("POST", PATH.encode(), Headers(), json.dumps(body).encode())
    return b"".join(respond("llama", call, Play(**play)).events)


def test_a_request_is_inspected(read):
    body = {
        "model": "llama",
        "messages": [
            {"role": "system", "content": "be kind"},
            {"role": "user", "content": [{"type": "text", "text": "Anna"}]},
            {"role": "assistant", "content": {"type": "text", "text": "Anna"}, "stop_reason": "stop",
             "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": '{"to": "Anna"}'}}]},
            {"role": "tool", "tool_call_id": "c", "content": "Anna"},
        ],
    }  # fmt: skip
    one = read(PATH, body, hint="llama")
    assert one.format.name == "llama"
    assert one.kinds == {
        "/messages/0/content": "system", "/messages/1/content/0/text": "user", "/messages/2/content/text": "assistant",
        "/messages/2/tool_calls/0/function/arguments#/to~k": "key", "/messages/3/content": "tool_result",
        "/messages/2/tool_calls/0/function/arguments#/to": "tool_arguments",
    }  # fmt: skip
    assert read("/compat" + PATH, body, hint="openai_chat").format.name == "openai_chat"


@pytest.mark.parametrize("tools", [[], TOOLS])
@settings(max_examples=40)
@given(chunk=st.integers(0, 9), cuts=st.lists(st.integers(0, 4000), max_size=10), ascii_only=st.booleans())
def test_events_restore_the_same_for_any_cut(answer, people, tools, chunk, cuts, ascii_only):
    first, second = people
    said = f'Chị {second} và "{first}"'
    meant = said.replace(second, people[second]).replace(first, people[first])
    body = {"model": "m", "stream": True, "tools": tools, "messages": [{"role": "user", "content": said}]}
    raw = ask(body, chunk=chunk, ascii_only=ascii_only)
    found = answer(PATH, raw, "text/event-stream", cuts=cuts, hint="llama")
    assert found.body == answer(PATH, raw, "text/event-stream", hint="llama").body
    calls: dict[str, str] = {}
    words = ""
    for event in (item["event"] for item in found.events):
        delta = event["delta"]
        if delta["type"] == "text":
            words += delta["text"]
        else:
            calls[delta["id"]] = calls.get(delta["id"], "") + delta["function"]["arguments"]
    if tools:
        assert [json.loads(call)["text"] for call in calls.values()] == [meant, meant]
    else:
        assert (words, calls) == (meant, {})
    assert found.facts.complete


def test_a_tool_call_that_begins_does_not_complete_a_stream(answer):
    event = {
        "id": "x",
        "event": {
            "event_type": "start",
            "delta": {"type": "tool_call", "id": "c", "function": {"name": "f", "arguments": ""}},
        },
    }
    raw = b"data: " + json.dumps(event).encode() + b"\n\n"
    assert not answer(PATH, raw, "text/event-stream", hint="llama").facts.complete


def test_a_complete_answer_is_restored(answer, people):
    token, name = next(iter(people.items()))
    raw = ask({"model": "m", "messages": [{"role": "user", "content": token}]})
    assert answer(PATH, raw, hint="llama").json["completion_message"]["content"]["text"] == name
