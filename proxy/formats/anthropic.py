"""Anthropic messages and count_tokens, with their typed stream events.

Source: Anthropic API reference, messages and streaming. Signatures and redacted thinking pass untouched.
"""

import re
from types import MappingProxyType

from proxy.formats import refusal
from proxy.formats.channels import Channels
from proxy.formats.core import JsonFormat, Operation, Streams
from proxy.formats.schema import json_schema
from proxy.formats.shape import app_data, build, delta, graft, media, opaque, structural, text
from redaction.segment import SegmentKind

_BLOCK = "messages/*/content/*"

REQUEST = build(
    structural("model", note="@model"),
    structural("stream", note="@stream"),
    structural("max_tokens temperature top_p top_k service_tier thinking/** tool_choice/** betas/*"),
    text("system system/*/text", SegmentKind.SYSTEM),
    structural("system/*/type system/*/cache_control/**"),
    structural("messages/*/role", note="role"),
    structural(f"{_BLOCK}/{{type,id,name,tool_use_id,is_error}} {_BLOCK}/cache_control/**"),
    opaque(f"{_BLOCK}/signature"),
    structural(f"{_BLOCK}/source/{{type,file_id}} {_BLOCK}/content/*/{{type,source/type}}"),
    structural(f"{_BLOCK}/source/media_type {_BLOCK}/content/*/source/media_type", note="mime"),
    media(f"{_BLOCK}/source/data {_BLOCK}/content/*/source/data"),
    app_data(f"{_BLOCK}/input", SegmentKind.TOOL_ARGUMENTS),
    text(f"{_BLOCK}/content {_BLOCK}/content/*/text", SegmentKind.TOOL_RESULT),
    structural("tools/*/{name,type} tools/*/cache_control/**"),
    text("tools/*/description", SegmentKind.TOOL_DEFINITION),
    graft("tools/*/input_schema", json_schema()),
)

ANSWER = build(
    structural(
        "id role stop_reason message/{id,type,role,stop_reason} delta/{type,stop_reason} content_block/{type,id,name}"
    ),
    structural("type", note="type"),
    structural("model message/model", note="@model"),
    structural("index", note="index"),
    structural("usage/input_tokens message/usage/input_tokens", note="@usage.in"),
    structural("usage/output_tokens", note="@usage.out"),
    structural("content/*/{type,id,name}"),
    text("content/*/{text,thinking}"),
    opaque("content/*/signature delta/signature content_block/signature content/*/data content_block/data"),
    text("content/*/{text,thinking}"),
    delta("delta/{text,thinking}"),
    delta("delta/partial_json", json=True),
    structural("error/type request_id"),
)

FORMAT = JsonFormat(
    "anthropic",
    (
        Operation(
            "messages",
            re.compile(r"/(?:.*/)?v1/messages"),
            REQUEST,
            ANSWER,
            Streams.SSE,
            Channels(MappingProxyType({"content_block_stop": False, "message_stop": True})),
        ),
        Operation("count_tokens", re.compile(r"/(?:.*/)?v1/messages/count_tokens"), REQUEST, ANSWER),
    ),
    error=refusal.anthropic,
    error_event="error",
)
