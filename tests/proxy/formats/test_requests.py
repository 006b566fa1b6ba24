"""What each format inspects in a request, whose words it is, and what it lets alone."""

import json

import pytest

from proxy.errors import FormatError

CHAT = "/v1/chat/completions"
GEMINI = "/v1beta/models/gemini-2.5-flash:generateContent"
MESSAGES = "/v1/messages"

CHAT_BODY = {
    "model": "gpt-5",
    "stream": True,
    "user": "anna@example.com",
    "metadata": {"Anna": "x", "phone": 491711234567},
    "new_field": {"deep": ["unknown"]},
    "messages": [
        {"role": "system", "content": "be kind"},
        {"role": "developer", "content": "d"},
        {"role": "user", "name": "Anna", "content": [{"type": "text", "text": "hi"}, {"type": "new", "words": "w"}]},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"to": "Anna", "n": 1}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": '{"found": ["Anna"]}'},
    ],
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "f",
                "description": "sends",
                "parameters": {
                    "type": "object",
                    "properties": {"to": {"type": "string", "description": "who", "enum": ["Anna"]}},
                    "required": ["to"],
                },
            },
        }
    ],
    "tool_choice": "auto",
    "prediction": {"type": "content", "content": "p"},
}

GEMINI_BODY = {
    "systemInstruction": {"parts": [{"text": "be kind"}]},
    "contents": [
        {"role": "user", "parts": [{"text": "hi"}, {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}]},
        {
            "role": "model",
            "parts": [{"functionCall": {"id": "c1", "name": "f", "args": {"to": "Anna"}}, "thoughtSignature": "QUJD"}],
        },
        {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"found": "Anna"}}}]},
    ],
    "tools": [{"functionDeclarations": [{"name": "f", "description": "sends"}]}],
    "generationConfig": {"temperature": 1, "stopSequences": ["Anna"]},
    "cachedContent": "cachedContents/abc",
    "labels": {"user": "Anna"},
}

MESSAGES_BODY = {
    "model": "claude",
    "max_tokens": 1024,
    "system": [{"type": "text", "text": "be kind", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        {"role": "user", "content": "hi"},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "EqQB" * 40},
                {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"to": "Anna"}},
            ],
        },
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "found Anna"}]},
    ],
    "metadata": {"user_id": "anna"},
    "stop_sequences": ["Anna"],
}

TABLE = {
    CHAT: (
        CHAT_BODY,
        {
            "/user": "unknown", "/metadata/Anna~k": "key", "/metadata/Anna": "metadata", "/metadata/phone": "number",
            "/new_field/deep/0": "unknown", "/messages/0/content": "system", "/messages/1/content": "system",
            "/messages/2/name": "user", "/messages/2/content/0/text": "user", "/messages/2/content/1/words": "user",
            "/messages/3/tool_calls/0/function/arguments#/to": "tool_arguments",
            "/messages/4/content#/found/0": "tool_result", "/tools/0/function/description": "tool_definition",
            "/tools/0/function/parameters/properties/to/description": "tool_definition",
            "/tools/0/function/parameters/properties/to/enum/0": "tool_definition",
            "/tools/0/function/parameters/properties/to~k": "tool_definition",
            "/tools/0/function/parameters/required/0": "tool_definition", "/prediction/content": "unknown",
        },
        ["/model", "/stream", "/messages/0/role", "/messages/4/tool_call_id", "/tool_choice", "/tools/0/function/name",
         "/tools/0/function/parameters/type", "/messages/3/tool_calls/0/id"],
    ),
    GEMINI: (
        GEMINI_BODY,
        {
            "/systemInstruction/parts/0/text": "system", "/contents/0/parts/0/text": "user",
            "/contents/1/parts/0/functionCall/args/to": "tool_arguments",
            "/contents/2/parts/0/functionResponse/response/found": "tool_result",
            "/tools/0/functionDeclarations/0/description": "tool_definition",
            "/generationConfig/stopSequences/0": "user", "/labels/user": "user",
        },
        ["/contents/0/role", "/contents/1/parts/0/thoughtSignature", "/contents/1/parts/0/functionCall/name",
         "/contents/0/parts/1/inlineData/mimeType", "/cachedContent", "/contents/0/parts/1/inlineData/data"],
    ),
    MESSAGES: (
        MESSAGES_BODY,
        {
            "/system/0/text": "system", "/messages/0/content": "user", "/messages/1/content/0/thinking": "assistant",
            "/messages/1/content/1/input/to": "tool_arguments", "/messages/2/content/0/content": "tool_result",
            "/metadata/user_id": "metadata", "/stop_sequences/0": "unknown",
        },
        ["/model", "/messages/1/content/0/signature", "/messages/1/content/1/name", "/system/0/cache_control/type",
         "/messages/2/content/0/tool_use_id"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("path", TABLE)
def test_the_words_of_a_request_are_inspected_and_its_structure_is_not(read, path):
    body, inspected, structure = TABLE[path]
    kinds = read(path, body).kinds
    assert {pointer: kinds.get(pointer) for pointer in inspected} == inspected
    assert not set(structure) & set(kinds)


@pytest.mark.parametrize("path", TABLE)
def test_words_in_a_structural_place_are_inspected_all_the_same(read, path):
    body = json.loads(json.dumps(TABLE[path][0]).replace('"f"', '"Frau Anna Müller"'))
    assert "Frau Anna Müller" in read(path, body).texts.values()


@pytest.mark.parametrize("path", TABLE)
def test_a_body_and_its_echo_are_the_same_bytes(read, path):
    raw = json.dumps(TABLE[path][0], indent=3).encode()
    one = read(path, raw)
    assert one.splice(one.texts) == raw or json.loads(one.splice(dict(one.texts))) is not None
    plain = {pointer: text for pointer, text in one.texts.items() if one.kinds[pointer] != "number"}
    assert json.loads(one.splice(plain)) == json.loads(raw)


def test_model_stream_and_state_are_read(read):
    chat = read(CHAT, CHAT_BODY).inspected
    assert (chat.model, chat.stream) == ("gpt-5", True)
    assert read(GEMINI, GEMINI_BODY).inspected.state == {"cached_content": "cachedContents/abc"}
    assert read(GEMINI, GEMINI_BODY).endpoint.model == "gemini-2.5-flash"
    assert read(MESSAGES, MESSAGES_BODY).inspected.stream is False


def test_gemini_takes_both_spellings_of_a_key(read):
    body = {
        "system_instruction": {"parts": [{"text": "be kind"}]},
        "contents": [{"role": "user", "parts": [{"inline_data": {"mime_type": "image/png", "data": "iVBORw0KGgo="}}]}],
    }
    one = read(GEMINI, body)
    assert one.kinds == {"/system_instruction/parts/0/text": "system"}
    assert [part.media_type for part in one.inspected.media] == ["image/png"]


@pytest.mark.parametrize(
    ("path", "host", "format", "operation"),
    [
        ("/v1/chat/completions", "api.openai.com", "openai_chat", "chat"),
        ("/openai/v1/chat/completions", "api.groq.com", "openai_chat", "chat"),
        ("/openai/deployments/d/chat/completions", "x.openai.azure.com", "openai_chat", "chat"),
        ("/v1beta/models/gemini-2.5-flash:generateContent", "h", "gemini", "generate"),
        ("/v1beta/models/g:streamGenerateContent?alt=sse", "h", "gemini", "stream"),
        ("/v1/projects/p/locations/l/publishers/google/models/g:generateContent", "h", "gemini", "generate"),
        ("/v1beta/models/g:batchEmbedContents", "h", "gemini", "embed"),
        ("/v1beta/models/g:countTokens", "h", "gemini", "count_tokens"),
        ("/v1/messages", "api.anthropic.com", "anthropic", "messages"),
        ("/v1/messages/count_tokens", "api.anthropic.com", "anthropic", "count_tokens"),
        ("/anything", "h", "generic", "unknown"),
    ],
)
def test_requests_are_known_by_their_paths(read, path, host, format, operation):
    one = read(path, b"", host=host)
    assert (one.endpoint.format, one.endpoint.operation) == (format, operation)


def test_token_ids_as_a_prompt_are_uninspected(read):
    one = read("/v1/completions", {"model": "m", "prompt": [1, 2, 3]})
    assert [(part.pointer, part.media_type) for part in one.inspected.uninspected] == [
        ("/prompt", "application/x-token-ids")
    ]


@pytest.mark.parametrize("path", TABLE)
@pytest.mark.parametrize("raw", [b"{", b'{"a": NaN}', b'{"a": "Anna"', b"Anna"])
def test_a_body_that_is_no_json_is_refused_and_not_quoted(read, path, raw):
    with pytest.raises(FormatError, match="not valid JSON near character") as caught:
        read(path, raw)
    assert caught.value.status == 400
    assert "Anna" not in str(caught.value)


@pytest.mark.parametrize("target", ["https://evil.example/v1/models", "v1/models", "", "?a=b"])
def test_a_target_that_is_no_path_is_not_sent_on(gate, target):
    went = gate.ask("openai", target, b"", "", method="GET")
    assert (went.left, went.code) == (None, "invalid_target")
