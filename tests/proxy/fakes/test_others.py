"""The fakes of Gemini, Anthropic, the Llama API and of anything else answer in their shapes."""

import json

import pytest

from proxy.fakes.behaviour import Behaviour

TEXT = "Chị [PERSON_7K3QX2MA] hẹn 18 giờ 🙂"
GEMINI = "/v1beta/models/gemini-2.5-flash"
CONTENTS = {"contents": [{"role": "user", "parts": [{"text": TEXT}]}]}
MESSAGES = {"model": "m", "max_tokens": 10, "messages": [{"role": "user", "content": TEXT}]}


def test_gemini_echoes(ask):
    value = ask.json(ask.of("gemini", f"{GEMINI}:generateContent", CONTENTS))
    assert value["candidates"][0]["content"]["parts"] == [{"text": TEXT}]
    assert value["modelVersion"] == "gemini-2.5-flash"


def test_gemini_answers_vertex_paths_and_both_spellings_of_a_field(ask):
    body = {
        **CONTENTS,
        "system_instruction": {"parts": [{"text": "kurz"}]},
        "generation_config": {"candidate_count": 2},
    }
    path = "/v1/projects/p/locations/l/publishers/google/models/g:generateContent"
    candidates = ask.json(ask.of("gemini", path, body, behaviour=Behaviour.ECHO_ALL))["candidates"]
    assert [c["content"]["parts"][0]["text"] for c in candidates] == [f"kurz\n{TEXT}", f"kurz\n{TEXT} #2"]


@pytest.mark.parametrize("chunk", [0, 1, 5])
def test_gemini_streams_the_same_chunks_as_sse_and_as_an_array(ask, chunk):
    path = f"{GEMINI}:streamGenerateContent"
    sse = ask.events(ask.of("gemini", f"{path}?alt=sse", CONTENTS, chunk=chunk))
    array = ask.of("gemini", path, CONTENTS, chunk=chunk)
    assert array.events[0].startswith(b"[{")
    assert ask.json(array) == sse
    assert ask.joined(sse, "candidates", 0, "content", "parts", 0, "text") == TEXT
    assert sse[-1]["candidates"][0]["finishReason"] == "STOP"


def test_a_cut_gemini_array_is_never_closed(ask):
    answer = ask.of("gemini", f"{GEMINI}:streamGenerateContent", CONTENTS, behaviour=Behaviour.CUT)
    with pytest.raises(json.JSONDecodeError):
        ask.json(answer)


def test_gemini_calls_functions_and_echoes_their_results(ask):
    tools = [{"functionDeclarations": [{"name": "send"}, {"name": "call"}]}]
    parts = ask.json(ask.of("gemini", f"{GEMINI}:generateContent", {**CONTENTS, "tools": tools}))["candidates"][0]
    calls = [part["functionCall"] for part in parts["content"]["parts"]]
    assert [call["name"] for call in calls] == ["send", "call"]
    assert calls[0]["args"]["text"] == TEXT
    result = {"role": "user", "parts": [{"functionResponse": {"name": "send", "response": {"to": TEXT}}}]}
    body = {"contents": [*CONTENTS["contents"], result], "tools": tools}
    value = ask.json(ask.of("gemini", f"{GEMINI}:generateContent", body))
    assert TEXT in value["candidates"][0]["content"]["parts"][0]["text"]


def test_gemini_counts_and_embeds(ask):
    assert ask.json(ask.of("gemini", f"{GEMINI}:countTokens", CONTENTS))["totalTokens"] > 1
    body = {"content": {"parts": [{"text": TEXT}]}}
    one = ask.json(ask.of("gemini", f"{GEMINI}:embedContent", body))["embedding"]
    many = ask.json(ask.of("gemini", f"{GEMINI}:batchEmbedContents", {"requests": [body, body]}))["embeddings"]
    assert many == [one, one]


def test_anthropic_echoes_and_counts(ask):
    value = ask.json(ask.of("anthropic", "/v1/messages", MESSAGES))
    assert value["content"] == [{"type": "text", "text": TEXT}]
    assert ask.json(ask.of("anthropic", "/v1/messages/count_tokens", MESSAGES))["input_tokens"] > 1


def test_anthropic_streams_typed_events(ask):
    answer = ask.of("anthropic", "/v1/messages", {**MESSAGES, "stream": True}, chunk=1)
    events = ask.events(answer)
    assert [event["type"] for event in events[:3]] == ["message_start", "content_block_start", "ping"]
    assert events[-1] == {"type": "message_stop"}
    assert ask.joined(events, "delta", "text") == TEXT
    assert answer.events[0].startswith(b"event: message_start\n")


def test_anthropic_uses_tools(ask):
    tools = [{"name": "send", "input_schema": {"type": "object"}}]
    value = ask.json(ask.of("anthropic", "/v1/messages", {**MESSAGES, "tools": tools}))
    assert value["stop_reason"] == "tool_use"
    assert value["content"][0]["input"]["text"] == TEXT
    events = ask.events(ask.of("anthropic", "/v1/messages", {**MESSAGES, "tools": tools, "stream": True}, chunk=2))
    assert json.loads(ask.joined(events, "delta", "partial_json"))["text"] == TEXT
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "done"}]}
    body = {**MESSAGES, "tools": tools, "messages": [*MESSAGES["messages"], result]}
    assert ask.json(ask.of("anthropic", "/v1/messages", body))["content"][0]["text"] == "done"


def test_llama_has_its_own_shape(ask):
    value = ask.json(ask.of("llama", "/v1/chat/completions", MESSAGES))
    assert value["completion_message"]["content"] == {"type": "text", "text": TEXT}
    events = ask.events(ask.of("llama", "/v1/chat/completions", {**MESSAGES, "stream": True}, chunk=3))
    assert [event["event"]["event_type"] for event in (events[0], events[-2], events[-1])] == [
        "start",
        "complete",
        "metrics",
    ]
    assert ask.joined(events, "event", "delta", "text") == TEXT


def test_llama_calls_tools_in_its_own_events(ask):
    body = {**MESSAGES, "tools": [{"type": "function", "function": {"name": "send", "parameters": {}}}]}
    message = ask.json(ask.of("llama", "/v1/chat/completions", body))["completion_message"]
    events = ask.events(ask.of("llama", "/v1/chat/completions", {**body, "stream": True}, chunk=1))
    arguments = ask.joined(events, "event", "delta", "function", "arguments")
    assert arguments == message["tool_calls"][0]["function"]["arguments"]
    assert json.loads(arguments)["text"] == TEXT


def test_llamas_compatible_endpoint_has_openais_shape(ask):
    value = ask.json(ask.of("llama", "/compat/v1/chat/completions", MESSAGES))
    assert value["choices"][0]["message"]["content"] == TEXT
    assert ask.json(ask.of("llama", "/v1/moderations", MESSAGES))["results"][0]["flagged"] is False


@pytest.mark.parametrize(
    ("api", "path", "body"),
    [
        ("gemini", f"{GEMINI}:generateContent", CONTENTS),
        ("anthropic", "/v1/messages", MESSAGES),
        ("llama", "/v1/chat/completions", MESSAGES),
        ("llama", "/v1/moderations", MESSAGES),
        ("echo", "/anything", {"a": TEXT}),
    ],
)
def test_errors_quote_the_prompt_everywhere(ask, api, path, body):
    answer = ask.of(api, path, body, behaviour=Behaviour.ERROR_429)
    assert answer.status == 429
    assert TEXT in json.dumps(ask.json(answer), ensure_ascii=False)


@pytest.mark.parametrize("api", ["openai", "gemini", "anthropic", "llama"])
def test_an_unknown_path_and_an_unreadable_body_are_errors(ask, api):
    assert ask.of(api, "/v9/nowhere", {}).status == 404
    path = {"gemini": f"{GEMINI}:generateContent", "anthropic": "/v1/messages"}.get(api, "/v1/chat/completions")
    assert ask.of(api, path, [1, 2]).status == 400


@pytest.mark.parametrize("body", [{"a": [TEXT, 1, None, {TEXT: True}]}, [TEXT], TEXT, 12, None])
def test_the_echo_returns_any_json(ask, body):
    value = ask.json(ask.of("echo", "/x?y=1", body))
    assert value == body if body is not None else value["target"] == "/x?y=1"


def test_the_echo_bends_values_and_keys(ask):
    value = ask.json(ask.of("echo", "/x", {TEXT: [TEXT]}, behaviour=Behaviour.LOWER))
    bent = TEXT.replace("PERSON_7K3QX2MA", "person_7k3qx2ma")
    assert value == {bent: [bent]}


def test_the_echo_streams_where_it_is_asked_to(ask):
    events = ask.events(ask.of("echo", "/x", {"stream": True, "text": TEXT}, chunk=2))
    assert TEXT in ask.joined(events[:-1], "echo")


def test_all_apis_answer_below_their_names(ask):
    assert ask.json(ask.of("all", "/openai/v1/chat/completions", MESSAGES))["choices"][0]["message"]["content"] == TEXT
    assert ask.json(ask.of("all", "/anthropic/v1/messages", MESSAGES))["content"][0]["text"] == TEXT
    assert ask.of("all", "/nobody/v1", {}).status == 404
