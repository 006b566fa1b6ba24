"""Cohere's v2 API: chat with its typed events, embed, rerank.

Source: Cohere API reference, v2. Documents are inspected like messages; the offsets of citations are left as they come.
"""

import re
from types import MappingProxyType

from proxy.formats import refusal
from proxy.formats.channels import Channels
from proxy.formats.core import JsonFormat, Operation, Streams
from proxy.formats.schema import json_schema
from proxy.formats.shape import Rule, app_data, build, delta, graft, media, opaque, structural, text
from redaction.segment import SegmentKind

_CALL = "messages/*/tool_calls/*"
_RESULT = SegmentKind.TOOL_RESULT

CHAT = build(
    structural("model", note="@model"),
    structural("stream", note="@stream"),
    structural("messages/*/role", note="role"),
    structural(f"messages/*/tool_call_id messages/*/content/*/type {_CALL}/{{id,type,function/name}}"),
    structural("messages/*/citations/*/{start,end,content_index,type} messages/*/citations/*/sources/*/{id,type}"),
    structural("messages/*/content/*/image_url/detail messages/*/content/*/document/id documents/*/id"),
    media("messages/*/content/*/image_url/url messages/*/content/*/image_url"),
    Rule(f"{_CALL}/function/arguments", kind=SegmentKind.TOOL_ARGUMENTS, json=True),
    app_data("messages/*/content/*/document/data documents/*/data", _RESULT),
    text("documents documents/*", _RESULT),
    structural("tools/*/type tools/*/function/name"),
    text("tools/*/function/description", SegmentKind.TOOL_DEFINITION),
    graft("tools/*/function/parameters response_format/json_schema response_format/schema", json_schema()),
    structural("strict_tools citation_options/mode response_format/type safety_mode max_tokens temperature seed"),
    structural("frequency_penalty presence_penalty k p logprobs tool_choice thinking/{type,token_budget} priority"),
)
EMBED = build(
    structural("model", note="@model"),
    structural("input_type max_tokens output_dimension embedding_types/* truncate priority inputs/*/content/*/type"),
    media("images/* inputs/*/content/*/image_url/url"),
    text("texts/* inputs/*/content/*/text", SegmentKind.USER),
)
RERANK = build(
    structural("model", note="@model"),
    structural("top_n max_tokens_per_doc priority return_documents"),
    text("query", SegmentKind.USER),
    text("documents documents/*", _RESULT),
)

_USAGE = (
    structural(f"{at}usage/{name}", note=note)
    for at in ("", "delta/")
    for name, note in (("tokens/input_tokens", "@usage.in"), ("tokens/output_tokens", "@usage.out"))
)
ANSWER = build(
    *_USAGE,
    structural("type", note="type"),
    structural("index", note="index"),
    structural("id finish_reason message/role delta/finish_reason delta/message/role"),
    structural("{message/tool_calls/*,delta/message/tool_calls}/{id,type}", once=True),
    structural("{message/tool_calls/*,delta/message/tool_calls}/function/name", note="tool", once=True),
    structural("message/content/*/type delta/message/content/type usage/billed_units/** delta/usage/billed_units/**"),
    structural("{message/citations/*,delta/message/citations}/{start,end,content_index,type}"),
    opaque("logprobs/** delta/logprobs/**", once=True),
    Rule("message/tool_calls/*/function/arguments", kind=SegmentKind.TOOL_ARGUMENTS, json=True),
    text("message/tool_plan message/content/*/{text,thinking}"),
    delta("delta/message/content/{text,thinking} delta/message/tool_plan"),
    delta("delta/message/tool_calls/function/arguments", SegmentKind.TOOL_ARGUMENTS, json=True),
)  # fmt: skip
VECTORS = build(structural("id response_type embeddings/** meta/** images/**"), text("texts/*"))
RANKED = build(structural("id meta/** results/*/{index,relevance_score}"))

_CHANNELS = Channels(MappingProxyType({"content-end": False, "tool-call-end": False, "message-end": True}))

FORMAT = JsonFormat(
    "cohere",
    (
        Operation("chat", re.compile(r"/v2/chat"), CHAT, ANSWER, Streams.SSE, _CHANNELS),
        Operation("embed", re.compile(r"/v2/embed"), EMBED, VECTORS, kind=SegmentKind.USER),
        Operation("rerank", re.compile(r"/v2/rerank"), RERANK, RANKED, kind=SegmentKind.USER),
    ),
    error=refusal.plain,
)
