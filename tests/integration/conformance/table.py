"""The table of conformance: every wire format, and for each kind of exchange a request or the reason why there is none.

A row is data: what an app sends, where, and which fake answers. Everybody in the requests is made up.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

MAIL, IBAN, PHONE = "anna.schmidt@example.com", "DE89 3704 0044 0532 0130 00", "+49 171 2345678"
PLANTED = (MAIL, IBAN, PHONE, "anna.schmidt", "DE89370400440532013000")
TEXT = f'Grüße an {MAIL} 👋, IBAN {IBAN}\n\t"{PHONE}" \\ ắ.'
RESULT = json.dumps({"found": [{"mail": MAIL, PHONE: IBAN}], "n": 1.50})

KINDS = ("plain", "streamed", "tool call", "tool result", "several choices", "error body", "cut stream", "compressed")
DOORS = ("gateway", "network")
STREAMS = ("streamed", "tool call streamed", "several choices streamed", "cut stream")


@dataclass(frozen=True)
class Row:
    """One request. api: the fake behind the destination."""

    format: str
    kind: str
    destination: str
    path: str
    body: Any
    api: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    doors: tuple[str, ...] = DOORS
    raw: bytes = b""
    planted: tuple[str, ...] = PLANTED

    @property
    def name(self) -> str:
        return f"{self.format}: {self.kind}"

    @property
    def streams(self) -> bool:
        return self.kind.endswith("streamed") or self.kind in STREAMS

    @property
    def content(self) -> bytes:
        return self.raw or json.dumps(self.body, ensure_ascii=False).encode()


@dataclass(frozen=True)
class Absent:
    """Why a format has no row of a kind. shown: the test that shows the same with other means, `file::name`."""

    reason: str
    shown: str = ""


SCHEMA = {"type": "object", "properties": {"text": {"type": "string", "description": f"Write to {MAIL}"}}}
TOOLS = [
    {"type": "function", "function": {"name": name, "description": f"as {MAIL} does", "parameters": SCHEMA}}
    for name in ("send_mail", "look_up")
]
JSON = {"content-type": "application/json"}
ONE = Absent("the API answers once")
SESSIONS = Absent(
    "a session is one stream of messages, opened by a WebSocket",
    "test_sdk_sessions.py::test_{}_gets_the_{}_that_it_would_have_got",
)


def said(model: str = "fake-echo", **more: Any) -> dict[str, Any]:
    return {
        "model": model,
        "messages": [{"role": "system", "content": f"You help {PHONE}."}, {"role": "user", "content": TEXT}],
        **more,
    }


def turns(result: dict[str, Any], call: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "user", "content": TEXT}, call, result]


def rows_of(format: str, destination: str, path: str, bodies: dict[str, Any], **more: Any) -> dict[str, Row | Absent]:
    """kind -> row; a body may stand with a path of its own, (path, body)."""
    found: dict[str, Row | Absent] = {}
    for kind, body in bodies.items():
        if isinstance(body, Absent):
            found[kind] = body
            continue
        own, body = body if isinstance(body, tuple) else (path, body)
        found[kind] = Row(format, kind, destination, own, body, **more)
    return found


def chat_rows(
    format: str, destination: str, path: str, *, choices: bool = True, **more: Any
) -> dict[str, Row | Absent]:
    """Everything that speaks as OpenAI's chat completions do."""
    call = {"role": "assistant", "content": None, "tool_calls": [
        {"id": "call_0001", "type": "function", "function": {"name": "look_up", "arguments": json.dumps({"text": TEXT})}}]}  # fmt: skip
    result = {"role": "tool", "tool_call_id": "call_0001", "content": RESULT}
    return rows_of(format, destination, path, {
        "plain": said(temperature=0.25, seed=4711, user=MAIL),
        "streamed": said(stream=True),
        "tool call": said(tools=TOOLS),
        "tool call streamed": said(tools=TOOLS, stream=True),
        "tool result": said(messages=turns(result, call), tools=TOOLS),
        "several choices": said(n=3) if choices else ONE,
        "several choices streamed": said(n=3, stream=True) if choices else ONE,
        "error body": said("fake-error-400"),
        "cut stream": said("fake-cut", stream=True),
        "compressed": said("fake-gzip"),
        "compressed streamed": said("fake-gzip", stream=True),
    }, **more)  # fmt: skip


def responses_rows() -> dict[str, Row | Absent]:
    tools = [
        {"type": "function", "name": one["function"]["name"], "description": f"as {MAIL} does", "parameters": SCHEMA}
        for one in TOOLS
    ]

    def asked(model: str = "fake-echo", **more: Any) -> dict[str, Any]:
        return {"model": model, "input": TEXT, "instructions": f"You help {PHONE}.", "metadata": {"who": MAIL}, **more}

    given = [{"role": "user", "content": [{"type": "input_text", "text": TEXT}]},
             {"type": "function_call", "call_id": "call_1", "name": "look_up", "arguments": json.dumps({"text": TEXT})},
             {"type": "function_call_output", "call_id": "call_1", "output": RESULT}]  # fmt: skip
    return rows_of("openai_responses", "openai", "/v1/responses", {
        "plain": asked(), "streamed": asked(stream=True), "tool call": asked(tools=tools),
        "tool call streamed": asked(tools=tools, stream=True), "tool result": asked(input=given, tools=tools),
        "several choices": ONE, "error body": asked("fake-error-400"), "cut stream": asked("fake-cut", stream=True),
        "compressed": asked("fake-gzip"), "compressed streamed": asked("fake-gzip", stream=True),
    })  # fmt: skip


def gemini_rows(format: str, destination: str, version: str, **more: Any) -> dict[str, Row | Absent]:
    def asked(*parts: dict[str, Any], **extra: Any) -> dict[str, Any]:
        return {"systemInstruction": {"parts": [{"text": f"You help {PHONE}."}]},
                "contents": [{"role": "user", "parts": list(parts) or [{"text": TEXT}]}], **extra}  # fmt: skip

    def path(call: str, model: str = "fake-echo") -> str:
        return f"{version}/models/{model}:{call}"

    declared = [
        {
            "name": name,
            "description": f"as {MAIL} does",
            "parameters": {"type": "OBJECT", "properties": {"text": {"type": "STRING"}}},
        }
        for name in ("send_mail", "look_up")
    ]
    tools = [{"functionDeclarations": declared}]
    past = [{"role": "user", "parts": [{"text": TEXT}]},
            {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"text": TEXT, MAIL: [PHONE]}}, "thoughtSignature": "QUJDREVGRw=="}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": json.loads(RESULT)}}]}]  # fmt: skip
    stream, sse = "streamGenerateContent", "streamGenerateContent?alt=sse"
    return rows_of(format, destination, path("generateContent"), {
        "plain": asked(), "streamed": (path(sse), asked()), "array streamed": (path(stream), asked()),
        "tool call": asked(tools=tools), "tool call streamed": (path(sse), asked(tools=tools)),
        "tool result": asked(contents=past, tools=tools),
        "several choices": asked(generationConfig={"candidateCount": 2}),
        "several choices streamed": (path(sse), asked(generationConfig={"candidateCount": 2})),
        "error body": (path("generateContent", "fake-error-400"), asked()),
        "cut stream": (path(sse, "fake-cut"), asked()),
        "compressed": (path("generateContent", "fake-gzip"), asked()),
        "compressed streamed": (path(sse, "fake-gzip"), asked()),
    }, **more)  # fmt: skip


def anthropic_rows() -> dict[str, Row | Absent]:
    tools = [
        {"name": name, "description": f"as {MAIL} does", "input_schema": SCHEMA} for name in ("send_mail", "look_up")
    ]
    past = [{"role": "user", "content": TEXT},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"text": TEXT, MAIL: [PHONE]}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": RESULT}]}]}]  # fmt: skip

    def asked(model: str = "fake-echo", **more: Any) -> dict[str, Any]:
        return {
            "model": model,
            "max_tokens": 99,
            "system": f"You help {PHONE}.",
            "messages": [{"role": "user", "content": TEXT}],
            **more,
        }

    return rows_of("anthropic", "anthropic", "/v1/messages", {
        "plain": asked(metadata={"user_id": MAIL}), "streamed": asked(stream=True), "tool call": asked(tools=tools),
        "tool call streamed": asked(tools=tools, stream=True), "tool result": asked(messages=past, tools=tools),
        "several choices": ONE, "error body": asked("fake-error-400"), "cut stream": asked("fake-cut", stream=True),
        "compressed": asked("fake-gzip"), "compressed streamed": asked("fake-gzip", stream=True),
    }, headers={"anthropic-version": "2023-06-01"})  # fmt: skip


def bedrock_rows() -> dict[str, Row | Absent]:
    tools = {
        "tools": [
            {"toolSpec": {"name": "send_mail", "description": f"as {MAIL} does", "inputSchema": {"json": SCHEMA}}}
        ]
    }
    past = [{"role": "user", "content": [{"text": TEXT}]},
            {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t1", "name": "f", "input": {"text": TEXT}}}]},
            {"role": "user", "content": [{"toolResult": {"toolUseId": "t1", "content": [{"json": json.loads(RESULT)}]}}]}]  # fmt: skip

    def path(call: str, model: str = "fake-echo") -> str:
        return f"/model/{model}/{call}"

    def asked(**more: Any) -> dict[str, Any]:
        return {
            "system": [{"text": f"You help {PHONE}."}],
            "messages": [{"role": "user", "content": [{"text": TEXT}]}],
            **more,
        }

    stream = "converse-stream"
    return rows_of("bedrock", "bedrock", path("converse"), {
        "plain": asked(), "streamed": (path(stream), asked()), "tool call": asked(toolConfig=tools),
        "tool call streamed": (path(stream), asked(toolConfig=tools)), "tool result": asked(messages=past, toolConfig=tools),
        "several choices": ONE, "error body": (path("converse", "fake-error-400"), asked()),
        "cut stream": (path(stream, "fake-cut"), asked()), "compressed": (path("converse", "fake-gzip"), asked()),
    }, headers={"authorization": "Bearer ABSKkey"})  # fmt: skip


def ollama_rows() -> dict[str, Row | Absent]:
    call = {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"function": {"name": "f", "arguments": {"text": TEXT}}}],
    }
    result = {"role": "tool", "tool_name": "f", "content": RESULT}
    return rows_of("ollama", "ollama", "/api/chat", {
        "plain": said(stream=False), "streamed": said(stream=True), "tool call": said(tools=TOOLS, stream=False),
        "tool call streamed": said(tools=TOOLS, stream=True),
        "tool result": said(messages=turns(result, call), stream=False), "several choices": ONE,
        "error body": said("fake-error-400"), "cut stream": said("fake-cut", stream=True),
        "compressed": said("fake-gzip", stream=False), "compressed streamed": said("fake-gzip", stream=True),
    }, doors=("gateway",))  # fmt: skip


def echo_rows(format: str, destination: str, path: str, body: Any, **absent: Absent) -> dict[str, Row | Absent]:
    """Of an API without a fake of its own: a server that answers with what it got, and streams it where it is asked to."""
    whole = {"plain": body, "streamed": {**body, "stream": True}, "error body": {**body, "model": "fake-error-400"},
             "cut stream": {**body, "model": "fake-cut", "stream": True}, "compressed": {**body, "model": "fake-gzip"}}  # fmt: skip
    kept: dict[str, Any] = {kind: one for kind, one in whole.items() if kind not in absent}
    return rows_of(format, destination, path, kept, api="echo") | dict(absent)


def call_of(arguments: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "f", "arguments": arguments}}


FORM = b"name=Anna&mail=anna.schmidt%40example.com&iban=DE89+3704+0044+0532+0130+00&tel=%2B49%20171%202345678"
XML = f'<?xml version="1.0"?><a mail="{MAIL}"><!-- {PHONE} --><b>Gr&#252;&#xdf;e an {MAIL} &amp; {IBAN}</b><![CDATA[{PHONE}]]></a>'.encode()
MULTIPART = (
    f'--xx\r\nContent-Disposition: form-data; name="note"\r\n\r\n{TEXT}\r\n'
    f'--xx\r\nContent-Disposition: form-data; name="file"; filename="{MAIL}.txt"\r\nContent-Type: text/plain\r\n\r\n{TEXT}\r\n--xx--\r\n'
).encode()


def generic_rows() -> dict[str, Row | Absent]:
    """Any body to a registered destination."""
    path = "/v1/brand/new"
    found = echo_rows("generic", "openai", path, {"x": {"y": [TEXT, {MAIL: PHONE}]}, "text": TEXT})
    bodies = {
        "form": ("application/x-www-form-urlencoded", FORM), "xml": ("application/xml", XML),
        "multipart": ("multipart/form-data; boundary=xx", MULTIPART), "text": ("text/plain; charset=utf-8", TEXT.encode()),
        "json lines": ("application/jsonl", (json.dumps({"a": TEXT}) + "\n" + json.dumps({"a": [MAIL]}) + "\n").encode()),
        "csv": ("text/csv", f"name,mail\nAnna,{MAIL}\n".encode()),
    }  # fmt: skip
    for kind, (content_type, raw) in bodies.items():
        planted = tuple(
            one for one in PLANTED if one in (MAIL, IBAN, PHONE) and (one.encode() in raw or kind in ("form", "xml"))
        )
        found[kind] = Row(
            "generic", kind, "openai", path, None, "echo", {"content-type": content_type}, raw=raw, planted=planted
        )
    return found


PLAIN_ONLY = Absent("an answer of numbers or ids has neither words nor choices nor calls")
OTHER = {"tool call": PLAIN_ONLY, "tool result": PLAIN_ONLY, "several choices": PLAIN_ONLY}

TABLE: Mapping[str, Mapping[str, Row | Absent]] = {
    "openai_chat": chat_rows("openai_chat", "openai", "/v1/chat/completions"),
    "openai_responses": responses_rows(),
    "openai_other": {
        **echo_rows("openai_other", "openai", "/v1/embeddings", {"input": [TEXT, MAIL], "model": "fake-echo"}, **OTHER),
        "streamed": Absent("of these endpoints speech and pictures stream, as sound and pictures, which no placeholder enters"),
        "cut stream": Absent("see streamed"),
    },
    "openai_realtime": dict.fromkeys(KINDS, Absent(SESSIONS.reason, SESSIONS.shown.format("openai_realtime", "events"))),
    "openai_live": dict.fromkeys(KINDS, Absent(SESSIONS.reason, SESSIONS.shown.format("openai_live", "events"))),
    "mistral": {
        **echo_rows("mistral", "mistral", "/v1/fim/completions", {"prompt": TEXT, "suffix": MAIL, "model": "fake-echo"}),
        "tool call": Absent("chat with Mistral is read by openai_chat", "test_more_sdks.py::test_an_answer_and_a_stream_are_restored"),
        "tool result": Absent("see tool call"), "several choices": Absent("see tool call"),
    },
    "gemini": gemini_rows("gemini", "gemini", "/v1beta"),
    "gemini_interactions": echo_rows(
        "gemini_interactions", "gemini", "/v1beta/interactions", {"input": TEXT, "system_instruction": f"You help {PHONE}.", "model": "fake-echo"},
        **{"tool call": Absent("in tests of the format", "tests/proxy/formats/test_gemini_interactions.py"),
           "tool result": Absent("in tests of the format", "tests/proxy/formats/test_gemini_interactions.py"), "several choices": ONE},
    ),
    "gemini_live": dict.fromkeys(KINDS, Absent(SESSIONS.reason, SESSIONS.shown.format("gemini_live", "messages"))),
    "anthropic": anthropic_rows(),
    "bedrock": bedrock_rows(),
    "cohere": chat_rows("cohere", "cohere", "/v2/chat", choices=False),
    "ollama": ollama_rows(),
    "mcp": {
        **echo_rows("mcp", "openai", "/mcp", call_of({"text": TEXT, MAIL: [PHONE]})),
        "tool call": Row("mcp", "tool call", "openai", "/servers/crm/mcp", call_of({"text": TEXT, MAIL: [IBAN]}), "echo"),
        "tool result": Row("mcp", "tool result", "openai", "/mcp", {"jsonrpc": "2.0", "id": 1, "result": {
            "content": [{"type": "text", "text": TEXT}], "structuredContent": json.loads(RESULT)}}, "echo"),
        "several choices": ONE,
    },
    "llama": chat_rows("llama", "llama", "/v1/chat/completions", choices=False),
    "generic": {
        **generic_rows(),
        **dict.fromkeys(("tool call", "tool result"), Absent("of an unknown API nobody knows what a call is", "tests/proxy/formats/test_tools.py")),
        "several choices": Absent("of an unknown API nobody knows what a choice is"),
    },
}  # fmt: skip

ELSEWHERE: Mapping[str, Mapping[str, Row | Absent]] = {
    "vertex": gemini_rows("vertex", "vertex", "/v1beta1/publishers/google"),
    "azure": chat_rows("azure", "azure-openai", "/openai/deployments/fake-echo/chat/completions?api-version=2026-01-01", api="openai"),
    "groq": chat_rows("groq", "groq", "/openai/v1/chat/completions", api="openai"),
    "together": chat_rows("together", "together", "/v1/chat/completions", api="openai"),
    "mistral chat": chat_rows("mistral chat", "mistral", "/v1/chat/completions", api="openai"),
    "openai on llama": chat_rows("openai on llama", "llama", "/compat/v1/chat/completions", choices=False),
}  # fmt: skip
"""The same formats at other providers' hosts and paths: a few kinds each, the register's lines are what is shown."""
FEW = ("plain", "streamed", "error body")


def rows() -> Iterator[Row]:
    """All requests of the table."""
    for kinds in TABLE.values():
        yield from (one for one in kinds.values() if isinstance(one, Row))
    for kinds in ELSEWHERE.values():
        yield from (one for kind, one in kinds.items() if kind in FEW and isinstance(one, Row))
