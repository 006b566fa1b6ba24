"""The fake OpenAI API answers in the API's shapes, streamed or not."""

import base64
import json
import struct

import pytest

from proxy.fakes.behaviour import Behaviour

CHAT = "/v1/chat/completions"
TEXT = "Grüße an [PERSON_7K3QX2MA] 👋, [PHONE_NUMBER_0A1B2C3D]"
TOOLS = [
    {"type": "function", "function": {"name": "send_mail", "parameters": {"type": "object"}}},
    {"type": "function", "function": {"name": "call", "parameters": {"type": "object"}}},
]


def chat(**extra):
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": TEXT}], **extra}


def test_a_chat_is_echoed(ask):
    value = ask.json(ask.of("openai", CHAT, chat()))
    assert value["choices"][0]["message"]["content"] == TEXT
    assert value["choices"][0]["finish_reason"] == "stop"
    assert value["usage"]["total_tokens"] > 0


def test_content_in_parts_is_echoed(ask):
    parts = [{"type": "text", "text": "eins"}, {"type": "image_url", "image_url": {"url": "data:"}}]
    value = ask.json(ask.of("openai", CHAT, {"messages": [{"role": "user", "content": parts}]}))
    assert value["choices"][0]["message"]["content"] == "eins"


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("chunk", [0, 1, 3, 1000])
def test_a_streamed_chat_is_the_same_text_in_any_chunks(ask, chunk, ascii_only):
    events = ask.events(ask.of("openai", CHAT, chat(stream=True), chunk=chunk, ascii_only=ascii_only))
    assert ask.joined(events, "choices", 0, "delta", "content") == TEXT
    assert events[-1] == "[DONE]"
    assert events[-2]["choices"][0]["finish_reason"] == "stop"
    if chunk == 1:
        assert max(len(e["choices"][0]["delta"].get("content") or "") for e in events[:-1]) == 1


def test_a_stream_is_the_same_at_every_run(ask):
    first, second = (ask.of("openai", CHAT, chat(stream=True, n=3)) for _ in range(2))
    assert first == second


def test_several_choices_come_in_turn(ask):
    events = ask.events(ask.of("openai", CHAT, chat(stream=True, n=3), chunk=2))
    order = [event["choices"][0]["index"] for event in events[:-1]]
    assert order[:6] == [0, 1, 2, 0, 1, 2]
    second = [event for event in events[:-1] if event["choices"][0]["index"] == 1]
    assert ask.joined(second, "choices", 0, "delta", "content") == f"{TEXT} #2"


def test_usage_comes_last_where_it_was_asked_for(ask):
    body = chat(stream=True, stream_options={"include_usage": True})
    *chunks, usage, done = ask.events(ask.of("openai", CHAT, body))
    assert usage["choices"] == []
    assert usage["usage"]["total_tokens"] > 0
    assert all(chunk["usage"] is None for chunk in chunks)
    assert done == "[DONE]"


def test_tools_are_called_in_parallel_with_arguments_that_quote_the_text(ask):
    message = ask.json(ask.of("openai", CHAT, chat(tools=TOOLS)))["choices"][0]["message"]
    assert message["content"] is None
    assert [call["function"]["name"] for call in message["tool_calls"]] == ["send_mail", "call"]
    arguments = [json.loads(call["function"]["arguments"]) for call in message["tool_calls"]]
    assert arguments[0]["text"] == TEXT
    assert arguments[1]["people"] == {TEXT[:400]: [TEXT]}


def test_streamed_tool_calls_come_in_turn_and_join_to_the_same_arguments(ask):
    events = ask.events(ask.of("openai", CHAT, chat(tools=TOOLS, stream=True), chunk=1))
    parts = [part for event in events[:-1] for part in event["choices"][0]["delta"].get("tool_calls", [])]
    assert [part["index"] for part in parts[:4]] == [0, 1, 0, 1]
    for index in (0, 1):
        joined = "".join(part["function"]["arguments"] for part in parts if part["index"] == index)
        assert json.loads(joined)["text"] == TEXT
    assert events[-2]["choices"][0]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize(
    "extra",
    [
        {"tools": TOOLS, "tool_choice": "none"},
        {
            "tools": TOOLS,
            "messages": [{"role": "user", "content": "x"}, {"role": "tool", "tool_call_id": "a", "content": TEXT}],
        },
    ],
)
def test_no_tool_is_called_where_none_is_wanted_or_one_has_answered(ask, extra):
    message = ask.json(ask.of("openai", CHAT, chat(**extra)))["choices"][0]["message"]
    assert message["content"] == TEXT


def test_one_tool_at_a_time_where_parallel_calls_are_off(ask):
    body = chat(tools=TOOLS, parallel_tool_calls=False)
    assert len(ask.json(ask.of("openai", CHAT, body))["choices"][0]["message"]["tool_calls"]) == 1


@pytest.mark.parametrize(
    ("behaviour", "status"), [(Behaviour.ERROR_400, 400), (Behaviour.ERROR_429, 429), (Behaviour.ERROR_500, 500)]
)
@pytest.mark.parametrize("path", [CHAT, "/v1/completions", "/v1/embeddings", "/v1/moderations", "/v1/responses"])
def test_errors_quote_the_prompt(ask, behaviour, status, path):
    body = {**chat(), "prompt": TEXT, "input": TEXT}
    answer = ask.of("openai", path, body, behaviour=behaviour)
    assert answer.status == status
    assert TEXT in ask.json(answer)["error"]["message"]
    assert (("retry-after", "1") in answer.headers) == (status == 429)


def test_a_cut_stream_ends_without_its_end(ask):
    events = ask.events(ask.of("openai", CHAT, chat(stream=True), behaviour=Behaviour.CUT))
    assert "[DONE]" not in events
    assert all(event["choices"][0]["finish_reason"] is None for event in events)


def test_older_completions_answer_every_prompt(ask):
    body = {"model": "m", "prompt": ["eins", "zwei"]}
    value = ask.json(ask.of("openai", "/v1/completions", body))
    assert [choice["text"] for choice in value["choices"]] == ["eins", "zwei"]
    events = ask.events(ask.of("openai", "/v1/completions", {**body, "stream": True}, chunk=1))
    first = [event for event in events[:-1] if event["choices"][0]["index"] == 0]
    assert ask.joined(first, "choices", 0, "text") == "eins"


def test_embeddings_depend_on_the_text_and_come_as_floats_or_base64(ask):
    body = {"model": "m", "input": ["a", "b", "a"]}
    floats = [item["embedding"] for item in ask.json(ask.of("openai", "/v1/embeddings", body))["data"]]
    assert floats[0] == floats[2] != floats[1]
    packed = ask.json(ask.of("openai", "/v1/embeddings", {**body, "encoding_format": "base64"}))["data"][0]
    assert struct.unpack("<8f", base64.b64decode(packed["embedding"])) == pytest.approx(floats[0])


def test_embeddings_of_token_ids_are_answered(ask):
    assert len(ask.json(ask.of("openai", "/v1/embeddings", {"input": [1, 2, 3]}))["data"]) == 1


def test_moderations_flag_nothing(ask):
    body = {"input": ["a", {"type": "text", "text": "b"}]}
    assert [r["flagged"] for r in ask.json(ask.of("openai", "/v1/moderations", body))["results"]] == [False, False]


def test_models_name_the_behaviours(ask):
    data = ask.json(ask.of("openai", "/v1/models", None))["data"]
    assert "fake-mangle-lower" in {model["id"] for model in data}


def test_an_unknown_path_is_not_found_in_the_apis_own_shape(ask):
    answer = ask.of("openai", "/v1/nothing", {})
    assert answer.status == 404
    assert "Invalid URL" in ask.json(answer)["error"]["message"]


def test_a_response_is_streamed_in_typed_events_that_repeat_the_text(ask):
    events = ask.events(ask.of("openai", "/v1/responses", {"model": "m", "input": TEXT, "stream": True}, chunk=1))
    assert events[0]["type"] == "response.created"
    deltas = [event for event in events if event["type"] == "response.output_text.delta"]
    assert ask.joined(deltas, "delta") == TEXT
    assert events[-1]["response"]["output"][0]["content"][0]["text"] == TEXT
    assert [event["sequence_number"] for event in events] == list(range(len(events)))


def test_a_response_calls_functions(ask):
    tools = [{"type": "function", "name": "send_mail", "parameters": {}}]
    body = {"input": [{"role": "user", "content": [{"type": "input_text", "text": TEXT}]}], "tools": tools}
    (item,) = ask.json(ask.of("openai", "/v1/responses", body))["output"]
    assert json.loads(item["arguments"])["text"] == TEXT
    events = ask.events(ask.of("openai", "/v1/responses", {**body, "stream": True}))
    deltas = [event for event in events if event["type"] == "response.function_call_arguments.delta"]
    assert ask.joined(deltas, "delta") == item["arguments"]
    answered = {**body, "input": [*body["input"], {"type": "function_call_output", "call_id": "c", "output": "done"}]}
    assert ask.json(ask.of("openai", "/v1/responses", answered))["output"][0]["content"][0]["text"] == "done"


def test_a_later_response_remembers_an_earlier_one_that_was_stored(ask):
    memory = {}
    first = ask.json(ask.of("openai", "/v1/responses", {"input": TEXT}, memory=memory))
    body = {"input": "who?", "previous_response_id": first["id"]}
    later = ask.json(ask.of("openai", "/v1/responses", body, memory=memory, behaviour=Behaviour.ECHO_ALL))
    assert TEXT in later["output"][0]["content"][0]["text"]
    got = ask.json(ask.of("openai", f"/v1/responses/{first['id']}", None, memory=memory))
    assert got["output"] == first["output"]


def test_a_response_that_is_not_stored_is_forgotten(ask):
    memory = {}
    first = ask.json(ask.of("openai", "/v1/responses", {"input": TEXT, "store": False}, memory=memory))
    assert ask.of("openai", f"/v1/responses/{first['id']}", None, memory=memory).status == 404
