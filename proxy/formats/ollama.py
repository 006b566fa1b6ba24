"""Ollama's own API: chat, generate, embed; JSON lines that stream unless the request says no.

Source: Ollama API documentation. `context` is an earlier conversation as token ids, which nobody can read here.
"""

import re

from proxy.formats import refusal
from proxy.formats.core import JsonFormat, Operation, Streams
from proxy.formats.schema import json_schema
from proxy.formats.shape import app_data, build, delta, graft, media, opaque, structural, text
from redaction.segment import SegmentKind

_ARGUMENTS = SegmentKind.TOOL_ARGUMENTS

REQUEST = build(
    structural("model", note="@model"),
    structural("stream", note="@stream"),
    structural("keep_alive think raw logprobs top_logprobs truncate dimensions width height steps format options/**"),
    text("options/stop options/stop/*"),
    graft("format", json_schema()),
    structural("messages/*/role", note="role"),
    structural("messages/*/tool_calls/*/{id,type} messages/*/tool_calls/*/function/{name,index}"),
    app_data("messages/*/tool_calls/*/function/arguments", _ARGUMENTS),
    media("messages/*/images/* images/*"),
    structural("tools/*/type tools/*/function/name"),
    text("tools/*/function/description", SegmentKind.TOOL_DEFINITION),
    graft("tools/*/function/parameters", json_schema()),
    text("system template", SegmentKind.SYSTEM),
    text("prompt suffix input input/*", SegmentKind.USER),
    text("context", SegmentKind.ASSISTANT, tokens=True),
)
ANSWER = build(
    structural("model", note="@model"),
    structural("created_at done_reason total_duration load_duration prompt_eval_duration eval_duration", once=True),
    structural("done", note="close"),
    structural("prompt_eval_count", note="@usage.in", once=True),
    structural("eval_count", note="@usage.out", once=True),
    structural("message/role message/tool_calls/*/id message/tool_calls/*/function/index"),
    structural("message/tool_calls/*/function/name", note="tool"),
    app_data("message/tool_calls/*/function/arguments", _ARGUMENTS),
    delta("message/content message/thinking response thinking"),
    opaque("context logprobs/**", once=True),
    structural("embeddings/*/* embedding/* status completed total"),
    media("image message/images/*"),
)

FORMAT = JsonFormat(
    "ollama",
    (
        Operation("chat", re.compile(r"/api/chat"), REQUEST, ANSWER, Streams.LINES),
        Operation("generate", re.compile(r"/api/generate"), REQUEST, ANSWER, Streams.LINES, kind=SegmentKind.USER),
        Operation("embed", re.compile(r"/api/embed(?:dings)?"), REQUEST, ANSWER, kind=SegmentKind.USER),
    ),
    error=refusal.plain,
)
