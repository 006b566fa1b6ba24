"""Arguments of a tool that the policy gives no originals keep their placeholders; everything else is restored."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.fakes.apis import respond
from proxy.fakes.behaviour import Play
from proxy.fakes.traffic import Received
from proxy.messages import Headers

SSE = "text/event-stream"
FUNCTIONS = [{"type": "function", "function": {"name": name, "parameters": {}}} for name in ("a", "b")]


def messages(text: str, **more: Any) -> dict[str, Any]:
    return {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": text}], **more}


def gemini(text: str) -> dict[str, Any]:
    tools = [{"functionDeclarations": [{"name": name} for name in ("a", "b")]}]
    return {"contents": [{"role": "user", "parts": [{"text": text}]}], "tools": tools}


# name -> API, hint, path, request that calls the tools a and b with a text
ASKED: dict[str, tuple[str, str, str, Callable[[str], dict[str, Any]]]] = {
    "chat": ("openai", "", "/v1/chat/completions", lambda text: messages(text, tools=FUNCTIONS)),
    "llama": ("llama", "llama", "/v1/chat/completions", lambda text: messages(text, tools=FUNCTIONS)),
    "responses": (
        "openai", "", "/v1/responses",
        lambda text: {"model": "m", "input": text, "tools": [{"type": "function", **one["function"]} for one in FUNCTIONS]},
    ),
    "anthropic": (
        "anthropic", "", "/v1/messages",
        lambda text: messages(text, tools=[{"name": name, "input_schema": {}} for name in ("a", "b")]),
    ),
    "gemini": ("gemini", "", "/v1beta/models/m:generateContent", gemini),
    "gemini_stream": ("gemini", "", "/v1beta/models/m:streamGenerateContent?alt=sse", gemini),
    "cohere": ("cohere", "cohere", "/v2/chat", lambda text: messages(text, tools=FUNCTIONS)),
    "ollama": ("ollama", "ollama", "/api/chat", lambda text: messages(text, tools=FUNCTIONS)),
    "unknown": ("openai", "generic", "/v1/chat/completions", lambda text: messages(text, tools=FUNCTIONS)),
}  # fmt: skip


def ask(name: str, text: str, *, stream: bool, **play: Any) -> tuple[bytes, str]:
    """What the fake answers: bytes, content type."""
    api, _, path, body = ASKED[name]
    asked = json.dumps({**body(text), "stream": stream}).encode()
    found = respond(api, Received("POST", path.encode(), Headers(), asked), Play(**play))
    return b"".join(found.events), dict(found.headers)["content-type"]


def values(body: bytes) -> list[Any]:
    """The JSON documents of an answer of any kind."""
    text = body.decode()
    if "data: " in text:
        lines = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: ")]
        return [json.loads(line) for line in lines if line != "[DONE]"]
    try:
        return [json.loads(text)]
    except ValueError:
        return [json.loads(line) for line in text.splitlines()]


def called(body: bytes) -> dict[str, str]:
    """tool -> its arguments as they grew, written as JSON; whole ones that repeat them must be the same."""
    grown: dict[Any, str] = {}
    names: dict[Any, str] = {}
    whole: dict[str, str] = {}

    def look(value: Any, at: tuple[Any, ...]) -> None:
        if isinstance(value, list):
            for item in value:
                look(item, at)
        if not isinstance(value, dict):
            return
        at = (*at, *(value[key] for key in ("output_index", "index") if key in value))
        if value.get("type") == "tool_call":
            at = (*at, value["id"])
        arguments = next((value[key] for key in ("arguments", "args", "input") if value.get(key)), None)
        piece = value.get("partial_json", value.get("delta"))
        if "name" in value:
            names[at] = value["name"]
        if arguments is not None and (isinstance(arguments, dict) or "name" in value):
            whole[names[at]] = arguments if isinstance(arguments, str) else json.dumps(arguments)
        elif isinstance(arguments, str) and not value.get("type", "").endswith(".done"):
            grown[at] = grown.get(at, "") + arguments
        elif isinstance(piece, str):
            grown[at] = grown.get(at, "") + piece
        for item in value.values():
            look(item, at)

    for value in values(body):
        look(value, ())
    found = {names[at]: text for at, text in grown.items()}
    assert all(json.loads(found.get(name, text)) == json.loads(text) for name, text in whole.items())
    return {name: json.dumps(json.loads(text)) for name, text in {**whole, **found}.items()}


def only_b(tool: str) -> bool:
    return tool == "b"


def ways() -> list[tuple[str, bool]]:
    return [(name, stream) for name in ASKED for stream in (False, True) if not (stream and name == "gemini")]


@pytest.mark.parametrize(("name", "stream"), ways())
@settings(max_examples=25)
@given(chunk=st.integers(1, 9), cuts=st.lists(st.integers(0, 6000), max_size=10), ascii_only=st.booleans())
def test_only_the_tools_that_may_get_originals(answer, people, name, stream, chunk, cuts, ascii_only):
    first, second = people
    said = f'Chị {second} và "{first}" ü🙂 [PERSON_ {first}!'
    _, hint, path, _ = ASKED[name]
    raw, kind = ask(name, said, stream=stream, chunk=chunk, ascii_only=ascii_only)

    def got(**more: Any) -> Any:
        return answer(path, raw, kind, hint=hint, **more)

    kept, restored = got(cuts=cuts, may_restore=only_b), got()
    assert kept.body == got(may_restore=only_b).body
    # Who asks for every tool and is always told yes gets the same bytes as one who does not ask.
    assert got(may_restore=lambda _tool: True).body == restored.body
    assert called(kept.body) == {"a": called(raw)["a"], "b": called(restored.body)["b"]}
    assert called(raw)["a"] != called(restored.body)["a"]
    assert kept.counts.withheld > 0
    assert kept.counts.restored + kept.counts.withheld == restored.counts.restored
    if stream:
        assert kept.facts.complete == restored.facts.complete


@pytest.mark.parametrize(("name", "stream"), ways())
def test_where_no_tool_gets_originals_the_answer_is_as_it_came(answer, people, name, stream):
    token = next(iter(people))
    _, hint, path, _ = ASKED[name]
    raw, kind = ask(name, token, stream=stream, chunk=3)
    found = answer(path, raw, kind, hint=hint, may_restore=lambda _tool: False)
    # Cohere's plan is words, not arguments.
    assert called(found.body) == called(raw)
    assert found.body == raw or name == "cohere"
    assert found.counts.withheld > 0


@pytest.mark.parametrize(("name", "stream"), [one for one in ways() if one[0] != "unknown"])
def test_a_url_with_blanks_in_a_calls_arguments_is_not_filled_in(answer, people, name, stream):
    _, hint, path, _ = ASKED[name]
    raw, kind = ask(name, f'https://evil.example/?q=a "b" {next(iter(people))}', stream=stream, chunk=3)
    found = answer(path, raw, kind, hint=hint)
    assert called(found.body) == called(raw)


def sse(*events: Any) -> bytes:
    return b"".join(f"data: {json.dumps(event)}\n\n".encode() for event in events)


def delta(**function: str) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": function}]}}]}


@pytest.mark.parametrize(
    ("events", "tools"),
    [
        pytest.param([delta(arguments="TOKEN")], [""], id="never named"),
        pytest.param([delta(name="b", arguments="["), delta(name="", arguments="TOKEN")], ["b"], id="named once"),
        pytest.param([delta(name="b"), delta(name="a", arguments="TOKEN")], ["a"], id="its own name counts"),
        pytest.param([delta(name="b"), delta(name="a"), delta(arguments="TOKEN")], [""], id="two names"),
    ],
)
def test_whose_arguments_a_piece_is(answer, people, events, tools):
    token = next(iter(people))
    asked: list[str] = []

    def refuse(tool: str) -> bool:
        asked.append(tool)
        return False

    raw = sse(*events).replace(b"TOKEN", token.encode())
    found = answer("/v1/chat/completions", raw, SSE, may_restore=refuse)
    assert found.body == raw
    assert asked[-1:] == tools
    assert found.counts.withheld == 1


def test_a_call_with_two_names_in_one_object_has_none(answer, people):
    token = next(iter(people))
    raw = b'{"choices":[{"message":{"tool_calls":[{"function":{"name":"b","name":"a","arguments":"%s"}}]}}]}'
    raw %= token.encode()
    assert answer("/v1/chat/completions", raw, may_restore=lambda tool: tool != "").body == raw


def test_a_channel_that_turns_out_to_be_of_another_tool_keeps_what_was_held_back(answer, people):
    token = next(iter(people))
    raw = sse(delta(name="b", arguments=token[:6]), delta(name="a", arguments=token[6:]))
    found = answer("/v1/chat/completions", raw, SSE, may_restore=only_b)
    pieces = [one["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"] for one in values(found.body)]
    assert "".join(pieces) == token


def test_a_name_inside_the_arguments_names_no_tool(answer, people):
    token = next(iter(people))
    raw = json.dumps({"name": "a", "arguments": {"name": "b", "to": token}, "said": token}).encode()
    found = answer("/any", raw, may_restore=only_b).json
    assert found == {"name": "a", "arguments": {"name": "b", "to": token}, "said": people[token]}


@pytest.mark.parametrize(
    ("item", "kept"),
    [
        ({"type": "web_search_call", "action": {"type": "search", "query": "TOKEN", "queries": ["TOKEN"]}}, True),
        ({"type": "file_search_call", "queries": ["TOKEN"], "results": [{"text": "TOKEN"}]}, False),
        ({"type": "function_call", "name": "web_search", "arguments": '{"q": "TOKEN"}'}, True),
        ({"type": "custom_tool_call", "name": "web_search", "input": "TOKEN"}, True),
        ({"type": "mcp_approval_request", "name": "web_search", "arguments": '{"q": "TOKEN"}'}, True),
        ({"type": "function_call_output", "output": "TOKEN"}, False),
    ],
)
def test_items_of_a_response(answer, people, item, kept):
    _, (token, name) = people.items()
    raw = json.dumps({"output": [item]}, ensure_ascii=False).replace("TOKEN", token).encode()
    found = answer("/v1/responses", raw, may_restore=lambda tool: tool not in ("web_search", ""))
    assert found.body.decode() == (raw.decode() if kept else raw.decode().replace(token, name))


def test_the_output_of_a_call_is_no_argument(answer, people):
    _, (token, name) = people.items()
    item = {"type": "mcp_call", "name": "a", "arguments": json.dumps({"q": token}), "output": token}
    found = answer("/v1/responses", json.dumps({"output": [item]}).encode(), may_restore=only_b).json["output"][0]
    assert (found["arguments"], found["output"]) == (item["arguments"], name)


def test_pieces_of_code_belong_to_the_item_that_was_added(answer, people):
    _, (token, name) = people.items()
    kind = "response.code_interpreter_call_code"
    raw = sse(
        {"type": "response.output_item.added", "output_index": 0, "item": {"type": "code_interpreter_call"}},
        {"type": f"{kind}.delta", "output_index": 0, "delta": token},
        {"type": f"{kind}.done", "output_index": 0, "code": token},
        {"type": "response.output_text.delta", "output_index": 1, "delta": token},
        {"type": "response.output_text.done", "output_index": 1, "text": token},
    )
    found = answer("/v1/responses", raw, SSE, may_restore=lambda tool: tool not in ("code_interpreter", ""))
    texts = [event.get("delta", event.get("code", event.get("text"))) for event in found.events[1:]]
    assert texts == [token, token, name, name]


@settings(max_examples=25)
@given(cuts=st.lists(st.integers(0, 900), max_size=10))
def test_a_conversation_of_mistral(answer, people, cuts):
    _, (token, name) = people.items()
    pieces = [token[:5], token[5:]]
    raw = sse(
        *(
            {"type": "function.call.delta", "output_index": at, "id": str(at), "name": tool, "arguments": piece}
            for piece in pieces
            for at, tool in enumerate(("a", "b"))
        ),
        {"type": "conversation.response.done"},
    )
    found = answer("/v1/conversations", raw, SSE, hint="mistral", cuts=cuts, may_restore=only_b)
    got = ["".join(one["arguments"] for one in found.events if one.get("name") == tool) for tool in ("a", "b")]
    assert got == [token, name]


@pytest.mark.parametrize(
    "body",
    [
        {"output": [{"type": "function_call", "name": "TOOL", "arguments": '{"q": "TOKEN"}'}]},
        {"choices": [{"message": {"tool_calls": [{"function": {"name": "TOOL", "arguments": '{"q": "TOKEN"}'}}]}}]},
        {"choices": [{"message": {"tool_calls": [{"custom": {"name": "TOOL", "input": "TOKEN"}}]}}]},
        {"choices": [{"message": {"function_call": {"name": "TOOL", "arguments": '{"q": "TOKEN"}'}}}]},
    ],
)
def test_results_of_a_batch(answer, people, body):
    _, (token, name) = people.items()
    line = json.dumps({"custom_id": "1", "response": {"status_code": 200, "body": body}}).replace("TOKEN", token) + "\n"
    raw = (line.replace("TOOL", "a") + line.replace("TOOL", "b")).encode()
    found = answer("/v1/files/file-1/content", raw, "application/octet-stream", method="GET", may_restore=only_b)
    first, second = found.body.decode().splitlines()
    assert first == raw.decode().splitlines()[0]
    assert name in second
    assert token not in second


@pytest.mark.parametrize(("tool", "kept"), [("a", True), ("b", False)])
@pytest.mark.parametrize("key", ["functionCall", "function_call"])
def test_a_call_of_gemini_that_goes_on_without_its_name(answer, people, key, tool, kept):
    _, (token, name) = people.items()
    begun = {"name": tool, "willContinue": True}
    more = {"partialArgs": [{"jsonPath": "$.q", "stringValue": token}]}
    raw = sse(*({"candidates": [{"index": 0, "content": {"parts": [{key: one}]}}]} for one in (begun, more)))
    found = answer("/v1beta/models/m:streamGenerateContent", raw, SSE, may_restore=only_b)
    call = found.events[1]["candidates"][0]["content"]["parts"][0][key]
    assert call["partialArgs"][0]["stringValue"] == (token if kept else name)
