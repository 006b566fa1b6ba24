"""Requests with planted values, in every shape that apps send: data only. Everybody in them is made up."""

import base64
import gzip
import json
import zlib
from dataclasses import dataclass, field
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Case:
    """One request. path: with the destination in front. planted: what the provider must not see. raw: body as bytes."""

    name: str
    path: str
    body: Any
    planted: list[str]
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    method: str = "POST"

    @property
    def content(self) -> bytes:
        if self.raw is not None:
            return self.raw
        return b"" if self.body is None else orjson.dumps(self.body)


DE = "Frau Annegret Vogelsang wohnt in der Lindenstr. 8b, 04109 Leipzig, Tel. 0341 9876543"
DE_PLANTED = ["Vogelsang", "Lindenstr. 8b", "0341 9876543"]
VI = "chị Phạm Thị Mai ở số 15 đường Nguyễn Trãi, Quận 5, gọi 0903 112 233 nhé"
VI_PLANTED = ["Phạm Thị Mai", "15 đường Nguyễn Trãi", "0903 112 233"]
EN = "Please ask Harriet Blackwood, harriet.b@example.com, +1 (415) 555-0133, card 5500 0000 0000 0004"
NAME, MAIL, PHONE, CARD = EN_PLANTED = ["Harriet Blackwood", "harriet.b@example.com", "555-0133", "5500 0000 0000 0004"]
CALL = "+1 (415) 555-0133"
KEYS = ["sk-proj-Abc123Def456Ghi789Jkl012Mno345Pqr678", "AKIAIOSFODNN7EXAMPLE"]

OPENAI, RESPONSES, ANTHROPIC = "/openai/v1/chat/completions", "/openai/v1/responses", "/anthropic/v1/messages"
GEMINI, GEMINI_STREAM = (
    f"/gemini/v1beta/models/fake-echo:{call}" for call in ("generateContent", "streamGenerateContent")
)


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _chat(content: Any, **more: Any) -> dict[str, Any]:
    return {"model": "fake-echo", "messages": [{"role": "user", "content": content}], **more}


def _gemini(*parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": list(parts)}], **more}


def _claude(content: Any, **more: Any) -> dict[str, Any]:
    return {**_chat(content, **more), "max_tokens": 100}


def _everywhere(language: str, text: str, planted: list[str]) -> list[Case]:
    """The same words through every API, whole and streamed."""
    said = {"text": text}
    return [
        Case(f"openai {language}", OPENAI, _chat(text), planted),
        Case(f"openai stream {language}", OPENAI, _chat(text, stream=True), planted),
        Case(f"gemini {language}", GEMINI, _gemini(said), planted),
        Case(f"gemini sse {language}", f"{GEMINI_STREAM}?alt=sse", _gemini(said), planted),
        Case(f"gemini array {language}", GEMINI_STREAM, _gemini(said), planted),
        Case(f"anthropic {language}", ANTHROPIC, _claude(text), planted),
        Case(f"anthropic stream {language}", ANTHROPIC, _claude(text, stream=True), planted),
        Case(f"llama {language}", "/llama/compat/v1/chat/completions", _chat(text), planted),
    ]


_TOOL = {
    "type": "function",
    "function": {
        "name": "call",
        "description": f"calls {NAME}",
        "parameters": {"type": "object", "properties": {"to": {"type": "string", "enum": [CALL], "default": MAIL}}},
    },
}
_TOOL_TURNS = {
    "model": "fake-echo",
    "messages": [
        {"role": "user", "content": "go"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "f", "arguments": json.dumps({"name": NAME, "mail": MAIL})},
                }
            ],
        },
        {
            "role": "tool",
            "tool_call_id": "call_1",
            "content": json.dumps({"phone": CALL, "address": "Lindenstr. 8b, 04109 Leipzig"}),
        },
    ],
}
_GEMINI_TURNS = {
    "contents": [
        {"role": "user", "parts": [{"text": "go"}]},
        {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"who": NAME, "mail": MAIL}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"tel": CALL}}}]},
    ]
}
_CLAUDE_TURNS = {
    "model": "fake-echo",
    "max_tokens": 9,
    "messages": [
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"who": NAME}}]},
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": EN}]}],
        },
    ],
}
_UPLOAD = (
    '--xx\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nassistants\r\n--xx\r\nContent-Disposition: form-data; '
    f'name="file"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\n{DE}\r\n--xx--\r\n'
).encode()
_ESCAPED = "".join(f"\\u{ord(char):04x}" for char in f"mail {MAIL}").encode()


def _file(name: str, media_type: str, text: str) -> list[dict[str, Any]]:
    return [{"type": "file", "file": {"filename": name, "file_data": f"data:{media_type};base64,{_b64(text)}"}}]


CASES = [
    *_everywhere("German", DE, DE_PLANTED),
    *_everywhere("Vietnamese", VI, VI_PLANTED),
    *_everywhere("English", EN, EN_PLANTED),
    Case("parts", OPENAI, _chat([{"type": "text", "text": DE}, {"type": "text", "text": VI}]), DE_PLANTED + VI_PLANTED),
    Case(
        "system prompt",
        OPENAI,
        {
            "model": "fake-echo",
            "messages": [{"role": "system", "content": f"You help. {EN}"}, {"role": "user", "content": "hi"}],
        },
        EN_PLANTED,
    ),
    Case("user field", OPENAI, _chat("hi", user=MAIL), [MAIL]),
    Case("metadata", OPENAI, _chat("hi", metadata={"customer": NAME, "mail": MAIL}), [NAME, MAIL]),
    Case("metadata key", OPENAI, _chat("hi", metadata={MAIL: "vip"}), [MAIL]),
    Case("number", OPENAI, _chat("hi", metadata={"phone": 4917612345678}), ["4917612345678"]),
    Case("tool definition", OPENAI, _chat("hi", tools=[_TOOL]), [NAME, MAIL, PHONE]),
    Case("tool arguments and result", OPENAI, _TOOL_TURNS, [NAME, MAIL, PHONE, "Lindenstr. 8b"]),
    Case("unknown field", OPENAI, _chat("hi", some_new_thing={"deep": [{"note": EN}]}), EN_PLANTED),
    Case(
        "name field",
        OPENAI,
        {"model": "fake-echo", "messages": [{"role": "user", "name": "Harriet", "content": f"hi I am {NAME}"}]},
        ["Harriet"],
    ),
    Case("text file", OPENAI, _chat(_file("a.txt", "text/plain", DE)), DE_PLANTED),
    Case("csv file", OPENAI, _chat(_file("a.csv", "text/csv", f"name,mail\n{NAME},{MAIL}\n")), [NAME, MAIL]),
    Case("embeddings", "/openai/v1/embeddings", {"model": "fake-echo", "input": [DE, VI]}, DE_PLANTED + VI_PLANTED),
    Case("moderations", "/openai/v1/moderations", {"model": "fake-echo", "input": EN}, EN_PLANTED),
    Case("completions", "/openai/v1/completions", {"model": "fake-echo", "prompt": EN}, EN_PLANTED),
    Case("responses", RESPONSES, {"model": "fake-echo", "input": EN, "instructions": DE}, EN_PLANTED + DE_PLANTED),
    Case(
        "responses stream",
        RESPONSES,
        {
            "model": "fake-echo",
            "input": [{"role": "user", "content": [{"type": "input_text", "text": VI}]}],
            "stream": True,
        },
        VI_PLANTED,
    ),
    Case("gzip", OPENAI, None, EN_PLANTED, {"content-encoding": "gzip"}, gzip.compress(orjson.dumps(_chat(EN)))),
    Case("deflate", OPENAI, None, EN_PLANTED, {"content-encoding": "deflate"}, zlib.compress(orjson.dumps(_chat(EN)))),
    Case(
        "escapes",
        OPENAI,
        None,
        [MAIL],
        raw=b'{"model":"fake-echo","messages":[{"role":"user","content":"' + _ESCAPED + b'"}]}',
    ),
    Case("header", OPENAI, _chat("hi"), [MAIL], {"x-end-user": MAIL}),
    Case("query", f"{OPENAI}?user=harriet.b%40example.com", _chat("hi"), [MAIL]),
    Case("path", f"/openai/v1/files/{MAIL}", None, [MAIL], method="GET"),
    Case("gemini system", GEMINI, _gemini({"text": "hi"}, systemInstruction={"parts": [{"text": DE}]}), DE_PLANTED),
    Case("gemini functions", GEMINI, _GEMINI_TURNS, [NAME, MAIL, PHONE]),
    Case(
        "gemini inline text", GEMINI, _gemini({"inlineData": {"mimeType": "text/plain", "data": _b64(VI)}}), VI_PLANTED
    ),
    Case(
        "gemini embed",
        "/gemini/v1beta/models/fake-echo:embedContent",
        {"content": {"parts": [{"text": DE}]}},
        DE_PLANTED,
    ),
    Case("gemini count", "/gemini/v1beta/models/fake-echo:countTokens", _gemini({"text": DE}), DE_PLANTED),
    Case("anthropic system", ANTHROPIC, _claude("hi", system=[{"type": "text", "text": DE}]), DE_PLANTED),
    Case("anthropic tools", ANTHROPIC, _CLAUDE_TURNS, EN_PLANTED),
    Case(
        "anthropic document",
        ANTHROPIC,
        _claude([{"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": DE}}]),
        DE_PLANTED,
    ),
    Case(
        "anthropic document in base64",
        ANTHROPIC,
        _claude([{"type": "document", "source": {"type": "base64", "media_type": "text/plain", "data": _b64(DE)}}]),
        DE_PLANTED,
    ),
    Case("anthropic user", ANTHROPIC, _claude("hi", metadata={"user_id": MAIL}), [MAIL]),
    Case(
        "form",
        "/openai/v1/unknown",
        None,
        [NAME, MAIL],
        {"content-type": "application/x-www-form-urlencoded"},
        b"name=Harriet+Blackwood&mail=harriet.b%40example.com",
    ),
    Case(
        "multipart",
        "/openai/v1/files",
        None,
        DE_PLANTED,
        {"content-type": "multipart/form-data; boundary=xx"},
        _UPLOAD,
    ),
    Case("unknown endpoint", "/openai/v1/brand/new", {"x": {"y": EN}}, EN_PLANTED),
    Case("chat without capitals", OPENAI, _chat("hey its harriet blackwood, call 415-555-0133"), ["415-555-0133"]),
    Case(
        "Vietnamese without marks",
        OPENAI,
        _chat("chi pham thi mai o so 15 duong nguyen trai, goi 0903112233"),
        ["pham thi mai", "15 duong nguyen trai", "0903112233"],
    ),
    Case("zero width", OPENAI, _chat("mail harriet\u200b.b@exam\u200dple.com"), [MAIL]),
    Case("full width", OPENAI, _chat("tel +1 ４１５ ５５５ ０１３３"), ["４１５ ５５５ ０１３３"]),
    Case(
        "JSON in a string",
        OPENAI,
        _chat(json.dumps({"customer": {"name": NAME, "iban": "DE89370400440532013000"}})),
        [NAME, "DE89370400440532013000"],
    ),
    Case("secrets", OPENAI, _chat(f"my key is {KEYS[0]} and {KEYS[1]}"), KEYS),
    Case(
        "MCP",
        "/openai/mcp",
        {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {"name": "f", "arguments": {"who": NAME, "mail": MAIL}},
        },
        [NAME, MAIL],
    ),
]
