"""The Responses API: every item type is inspected, typed events are restored, state is named and bound."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.fakes.apis import respond
from proxy.fakes.behaviour import Play
from proxy.fakes.traffic import Received
from proxy.messages import Headers

PATH = "/v1/responses"
SSE = "text/event-stream"

# item -> the pointers below /input/0 that must be inspected, with their kinds
ITEMS = [
    ({"role": "user", "content": "Anna"}, {"/content": "user"}),
    ({"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "Anna"}]}, {"/content/0/text": "system"}),
    ({"type": "message", "role": "assistant", "id": "msg_1", "status": "completed",
      "content": [{"type": "output_text", "text": "Anna", "annotations": [], "logprobs": [{"token": "Anna B"}]}]},
     {"/content/0/text": "assistant", "/content/0/logprobs/0/token": "assistant"}),
    ({"role": "user", "content": [{"type": "input_file", "filename": "Anna.pdf", "file_url": "https://x/Anna"}]},
     {"/content/0/filename": "user", "/content/0/file_url": "user"}),
    ({"type": "function_call", "call_id": "call_1", "name": "f", "arguments": '{"to": "Anna"}'}, {"/arguments#/to": "tool_arguments"}),
    ({"type": "function_call_output", "call_id": "call_1", "output": '{"found": "Anna"}'}, {"/output#/found": "tool_result"}),
    ({"type": "function_call_output", "call_id": "call_1", "output": [{"type": "input_text", "text": "Anna"}]},
     {"/output/0/text": "tool_result"}),
    ({"type": "custom_tool_call", "call_id": "c", "name": "f", "input": "Anna"}, {"/input": "tool_arguments"}),
    ({"type": "custom_tool_call_output", "call_id": "c", "output": "Anna"}, {"/output": "tool_result"}),
    ({"type": "computer_call", "call_id": "c", "action": {"type": "type", "text": "Anna"}, "pending_safety_checks":
      [{"id": "s", "code": "x", "message": "Anna"}]},
     {"/action/text": "tool_arguments", "/pending_safety_checks/0/message": "user"}),
    ({"type": "file_search_call", "id": "fs", "queries": ["Anna"], "results": [{"file_id": "file-1", "text": "Anna",
      "filename": "a b", "attributes": {"Anna": "x"}}]},
     {"/queries/0": "tool_arguments", "/results/0/text": "tool_result", "/results/0/filename": "user",
      "/results/0/attributes/Anna~k": "key"}),
    ({"type": "web_search_call", "id": "ws", "action": {"type": "search", "query": "Anna", "queries": ["Anna"]}},
     {"/action/query": "tool_arguments", "/action/queries/0": "user"}),
    ({"type": "code_interpreter_call", "id": "ci", "container_id": "c", "code": "Anna", "outputs": [{"type": "logs", "logs": "Anna"}]},
     {"/code": "tool_arguments", "/outputs/0/logs": "tool_result"}),
    ({"type": "local_shell_call", "call_id": "c", "action": {"type": "exec", "command": ["Anna"], "env": {"Anna": "x"},
      "user": "anna", "working_directory": "/home/anna"}},
     {"/action/command/0": "tool_arguments", "/action/env/Anna~k": "key", "/action/user": "user",
      "/action/working_directory": "user"}),
    ({"type": "shell_call_output", "call_id": "c", "output": [{"stdout": "Anna", "stderr": "Anna", "outcome": {"type": "exit", "exit_code": 0}}]},
     {"/output/0/stdout": "tool_result", "/output/0/stderr": "tool_result"}),
    ({"type": "apply_patch_call", "call_id": "c", "operation": {"type": "update_file", "path": "anna.txt", "diff": "+Anna"}},
     {"/operation/diff": "tool_arguments", "/operation/path": "user"}),
    ({"type": "mcp_call", "id": "mcp", "server_label": "s", "name": "f", "arguments": '{"q": "Anna"}', "output": "Anna", "error": "Anna"},
     {"/arguments#/q": "tool_arguments", "/output": "tool_result", "/error": "user"}),
    ({"type": "mcp_list_tools", "id": "m", "server_label": "s", "tools": [{"name": "f", "description": "Anna",
      "input_schema": {"type": "object", "description": "Anna"}}]},
     {"/tools/0/description": "tool_definition", "/tools/0/input_schema/description": "tool_definition"}),
    ({"type": "mcp_approval_response", "approval_request_id": "a", "approve": True, "reason": "Anna"}, {"/reason": "user"}),
    ({"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": "Anna"}], "encrypted_content": "gAAAAABo" * 20},
     {"/summary/0/text": "user"}),
    ({"type": "image_generation_call", "id": "ig", "result": "iVBORw0KGgo=", "revised_prompt": "Anna"}, {"/revised_prompt": "user"}),
    ({"type": "item_reference", "id": "msg_1"}, {}),
    ({"type": "a_new_one", "words": "Anna", "deep": [{"er": "Anna"}]}, {"/words": "user", "/deep/0/er": "user"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("item", "inspected"), ITEMS, ids=[str(item.get("type", "easy")) + str(n) for n, (item, _) in enumerate(ITEMS)]
)
def test_every_item_type_is_inspected_and_written_back(read, item, inspected):
    one = read(PATH, {"model": "gpt-5", "input": [item]})
    seen = {pointer.removeprefix("/input/0"): kind for pointer, kind in one.kinds.items()}
    assert {pointer: seen.get(pointer) for pointer in inspected} == inspected
    # With every segment that speaks of her replaced, nobody is left in the body.
    out = one.splice({pointer: "X" for pointer, text in one.texts.items() if "nna" in text})
    assert b"nna" not in out
    for field in ("type", "role", "call_id", "name", "id", "status", "server_label"):
        assert f"/{field}" not in seen


REQUEST = {
    "model": "gpt-5",
    "previous_response_id": "resp_1",
    "instructions": "be kind to Anna",
    "input": "Anna",
    "tools": [
        {"type": "function", "name": "f", "description": "Anna", "parameters": {"type": "object"}},
        {"type": "namespace", "name": "n", "tools": [{"type": "function", "name": "g", "description": "Anna"}]},
        {"type": "mcp", "server_label": "s", "server_url": "https://x.example/anna", "headers": {"X-Key": "a b"}},
        {"type": "web_search", "user_location": {"type": "approximate", "city": "Köln"}},
    ],
    "text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object", "description": "Anna"}}},
    "metadata": {"Anna": "x"},
    "safety_identifier": "anna",
    "prompt": {"id": "pmpt_1", "variables": {"who": "Anna"}},
    "reasoning": {"effort": "low"},
    "include": ["reasoning.encrypted_content"],
}


def test_the_rest_of_a_request(read):
    one = read(PATH, REQUEST)
    assert one.kinds.items() >= {
        "/instructions": "system", "/input": "user", "/tools/0/description": "tool_definition",
        "/tools/1/tools/0/description": "tool_definition", "/tools/2/server_url": "tool_definition",
        "/tools/3/user_location/city": "tool_definition", "/text/format/schema/description": "tool_definition",
        "/metadata/Anna~k": "key", "/safety_identifier": "metadata", "/prompt/variables/who": "user",
    }.items()  # fmt: skip
    assert not {"/model", "/tools/0/name", "/tools/0/type", "/include/0", "/reasoning/effort"} & one.kinds.keys()
    assert (one.inspected.model, one.inspected.state) == ("gpt-5", {"response": "resp_1"})
    assert one.format.name == "openai_responses"


@pytest.mark.parametrize(
    ("body", "keeps", "unkept"),
    [
        ('{"input": "x"}', True, '{"store":false,"input": "x"}'),
        (" {}", True, ' {"store":false}'),
        ('{"store": true}', True, '{"store": false}'),
        ('{"store": null}', True, '{"store": false}'),
        ('{"store": false}', False, None),
    ],
)
def test_a_response_is_kept_unless_it_says_otherwise(read, body, keeps, unkept):
    one = read(PATH, body.encode())
    assert one.inspected.keeps is keeps
    assert (one.splice(one.inspected.unkept).decode() if one.inspected.unkept else None) == unkept


@pytest.mark.parametrize(
    ("method", "path", "operation", "state"),
    [
        ("GET", "/v1/responses/resp_1?stream=true", "response", {"response": "resp_1"}),
        ("POST", "/v1/responses/resp_1/cancel", "response", {"response": "resp_1"}),
        ("GET", "/openai/v1/responses/resp_1/input_items", "response", {"response": "resp_1"}),
        ("POST", "/v1/responses/compact", "response_tools", {}),
        ("POST", "/v1/responses/input_tokens", "response_tools", {}),
        ("POST", "/v1/conversations", "conversations", {}),
        ("GET", "/v1/conversations/conv_1", "conversation", {"conversation": "conv_1"}),
        ("POST", "/v1/conversations/conv_1/items", "conversation", {"conversation": "conv_1"}),
        ("DELETE", "/v1/conversations/conv_1/items/msg_1", "conversation", {"conversation": "conv_1"}),
    ],
)
def test_objects_in_the_path_are_state(read, method, path, operation, state):
    one = read(path, b"", method=method)
    assert (one.endpoint.operation, one.inspected.state) == (operation, state)
    assert one.inspected.keeps is (operation == "conversations")


@pytest.mark.parametrize("given", ["conv_1", {"id": "conv_1"}])
def test_a_conversation_is_named_in_two_ways(read, given):
    assert read(PATH, {"conversation": given}).inspected.state == {"conversation": "conv_1"}


def ask(body: dict[str, Any], **play: Any) -> bytes:
    call = Received("POST", PATH.encode(), Headers(), json.dumps(body).encode())
    return b"".join(respond("openai", call, Play(**play)).events)


TOOLS = [{"type": "function", "name": name, "parameters": {}} for name in ("a", "b")]


@pytest.mark.parametrize("tools", [[], TOOLS])
@settings(max_examples=40)
@given(chunk=st.integers(0, 9), cuts=st.lists(st.integers(0, 6000), max_size=10), ascii_only=st.booleans())
def test_typed_events_restore_the_same_for_any_cut(answer, people, tools, chunk, cuts, ascii_only):
    first, second = people
    said = f'Chị {second} và "{first}" ü🙂'
    meant = said.replace(second, people[second]).replace(first, people[first])
    raw = ask({"model": "m", "stream": True, "input": said, "tools": tools}, chunk=chunk, ascii_only=ascii_only)
    found = answer(PATH, raw, SSE, cuts=cuts)
    assert found.body == answer(PATH, raw, SSE).body
    grown: dict[int, str] = {}
    for event in found.events:
        if event["type"].endswith(".delta"):
            grown[event["output_index"]] = grown.get(event["output_index"], "") + event["delta"]
        elif event["type"] in ("response.output_text.done", "response.function_call_arguments.done"):
            # The whole text that is repeated is the text that grew, and all of it had grown by then.
            assert event.get("text", event.get("arguments")) == grown[event["output_index"]]
    whole = found.events[-1]["response"]
    texts = [item.get("arguments") or item["content"][0]["text"] for item in whole["output"]]
    assert texts == [grown[n] for n in range(len(texts))]
    words = [json.loads(text)["text"] if tools else text for text in texts]
    assert words == [meant] * len(words)
    assert found.facts.complete
    assert found.facts.objects == {"response": whole["id"]}
    assert found.facts.model == "m"
    assert found.facts.usage.input_tokens == 10


def test_a_complete_response_is_restored(answer, people):
    token, name = next(iter(people.items()))
    raw = ask({"model": "m", "input": token})
    found = answer(PATH, raw)
    assert found.json["output"][0]["content"][0]["text"] == name
    assert found.body == raw.replace(token.encode(), json.dumps(name, ensure_ascii=False)[1:-1].encode())
    assert list(found.facts.objects) == ["response"]


def events(*values: dict[str, Any]) -> bytes:
    return b"".join(f"event: {value['type']}\ndata: {json.dumps(value)}\n\n".encode() for value in values)


def test_a_summary_and_a_content_of_one_item_do_not_mix(answer, people):
    token, name = next(iter(people.items()))
    half, rest = token[:5], token[5:]
    common = {"item_id": "rs_1", "output_index": 0}
    raw = events(
        {"type": "response.reasoning_summary_text.delta", **common, "summary_index": 0, "delta": half},
        {"type": "response.reasoning_text.delta", **common, "content_index": 0, "delta": "words"},
        {"type": "response.reasoning_summary_text.delta", **common, "summary_index": 0, "delta": rest},
        {"type": "response.reasoning_summary_text.done", **common, "summary_index": 0, "text": token},
        {"type": "response.completed", "response": {"id": "resp_1", "output": []}},
    )
    found = answer(PATH, raw, SSE).events
    assert [event.get("delta") for event in found] == ["", "words", name, None, None]
    assert found[3]["text"] == name


def test_audio_and_padding_pass_and_an_unlisted_delta_is_restored(answer, people):
    token, name = next(iter(people.items()))
    raw = events(
        {"type": "response.output_audio.delta", "output_index": 0, "content_index": 0, "delta": "UEVSU09O"},
        {"type": "response.output_audio.delta", "output_index": 0, "content_index": 0, "delta": "PERSO"},
        {"type": "response.brand_new.delta", "output_index": 1, "delta": token[:6], "obfuscation": "PERSON"},
        {"type": "response.brand_new.delta", "output_index": 1, "delta": token[6:], "obfuscation": "["},
        {"type": "response.brand_new.done", "output_index": 1, "text": token},
    )
    found = answer(PATH, raw, SSE).events
    assert [event.get("delta") for event in found] == ["UEVSU09O", "PERSO", "", name, None]
    assert [event.get("obfuscation") for event in found[2:4]] == ["PERSON", "["]
    assert found[4]["text"] == name


def test_a_stream_is_complete_only_when_it_says_so(answer):
    raw = ask({"model": "m", "stream": True, "input": "hi"})
    cut = raw[: raw.rindex(b"event: response.completed")]
    assert answer(PATH, raw, SSE).facts.complete
    assert not answer(PATH, cut, SSE).facts.complete


def test_encrypted_reasoning_passes_both_ways(read, answer, people):
    token = next(iter(people))
    blob = "gAAAAABo" * 30
    item = {"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": blob}
    assert read(PATH, {"input": [item]}).texts == {}
    raw = json.dumps({"id": "resp_1", "output": [{**item, "encrypted_content": token}]}).encode()
    assert answer(PATH, raw).body == raw
