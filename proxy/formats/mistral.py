"""Mistral's own endpoints: fill in the middle, agents, conversations, OCR, moderations of chats, embeddings.

Source: Mistral API reference. Its chat completions have OpenAI's shape and are read by that format.
"""

import re

from proxy.formats import openai_chat, openai_other, refusal
from proxy.formats.channels import Channels
from proxy.formats.core import JsonFormat, Operation, Streams
from proxy.formats.schema import json_schema
from proxy.formats.shape import Rule, Shape, app_data, build, delta, graft, media, structural, text
from redaction.segment import SegmentKind

_MESSAGES = openai_chat.REQUEST.members["messages"]
_COMMON = (
    structural("model", note="@model"),
    structural("stream", note="@stream"),
    structural("store", note="@store"),
    structural("temperature top_p max_tokens min_tokens random_seed safe_prompt parallel_tool_calls tool_choice n"),
    structural("response_format/type tool_choice/** presence_penalty frequency_penalty handoff_execution"),
    structural("output_dtype output_dimension encoding_format agent_version"),
    structural("agent_id", note="@state.agent"),
    structural("tools/*/type tools/*/function/{name,strict}"),
    text("tools/*/function/description", SegmentKind.TOOL_DEFINITION),
    graft("tools/*/function/parameters response_format/json_schema/schema", json_schema()),
    text("instructions", SegmentKind.SYSTEM),
    app_data("metadata", SegmentKind.METADATA),
)
_ENTRY = build(
    structural("role", note="role"),
    structural("name", note="tool"),
    structural("object type id tool_call_id created_at completed_at prefix previous_agent_id next_agent_id model"),
    structural("content/*/{type,closed,file_id} content/*/thinking/*/type agent_id confirmation_status"),
    media("content/*/image_url content/*/image_url/url"),
    text("result", SegmentKind.TOOL_RESULT),
    Rule("arguments", kind=SegmentKind.TOOL_ARGUMENTS, json=True),
    text("content content/*/{text,document_url,title} content/*/thinking/*/text"),
)
REQUEST = build(*_COMMON, graft("messages", _MESSAGES))
CONVERSATION = build(*_COMMON, graft("inputs/*", _ENTRY), text("inputs", SegmentKind.USER))
# A text, messages, or lists of messages; the shape of a message is OpenAI's and must not be changed here.
_MESSAGE = _MESSAGES.item()
MODERATION = build(*_COMMON, graft("input/*", Shape(members=_MESSAGE.members, element=_MESSAGE)))
OCR = build(
    *_COMMON,
    structural(
        "document/type document/file_id id include_image_base64 pages/* image_limit image_min_size table_format"
    ),
    structural("extract_header extract_footer include_blocks"),
    media("document/image_url document/image_url/url document/document_url"),
)
_CONVERSATION = build(
    structural("conversation_id id", note="@object.conversation"),
    structural("type", note="type"),
    structural("output_index", note="index"),
    structural("content_index", note="index.1"),
    structural("object model agent_id role tool_call_id usage/** created_at"),
    structural("usage/prompt_tokens", note="@usage.in"),
    structural("usage/completion_tokens", note="@usage.out"),
    graft("outputs/* entries/* messages/*", _ENTRY),
    delta("content content/text"),
    structural("name", note="tool"),
    delta("arguments", SegmentKind.TOOL_ARGUMENTS, json=True),
)
_PAGES = build(
    structural("model", note="@model"),
    structural("pages/*/index pages/*/dimensions/** pages/*/{images,tables}/*/id usage_info/**"),
    media("pages/*/images/*/image_base64"),
    text("pages/*/markdown pages/*/tables/*/content pages/*/hyperlinks/*"),
)

_USER = SegmentKind.USER
_CHANNELS = Channels({"conversation.response.done": True, "conversation.response.error": True})

# Google's way to the same bodies.
_VERTEX = r"/(?:.*/)?publishers/mistralai/models/(?P<model>[^/:]+):(?:r|streamR)awPredict"

FORMAT = JsonFormat(
    "mistral",
    (
        Operation(
            "chat",
            re.compile(r"/v1/(?:chat|agents|fim)/completions|" + _VERTEX),
            REQUEST, openai_chat.ANSWER, Streams.SSE,
            kind=_USER,
        ),
        Operation(
            "conversations", re.compile(r"/v1/conversations"), CONVERSATION, _CONVERSATION, Streams.SSE, _CHANNELS,
            kind=_USER, stores=True,
        ),
        Operation(
            "conversation",
            re.compile(r"/v1/conversations/(?P<conversation>[^/]+)(?:/(?:restart|history|messages))?"),
            CONVERSATION, _CONVERSATION, Streams.SSE, _CHANNELS, frozenset(("GET", "POST", "DELETE")),
            kind=_USER, stores=True,
        ),
        Operation("moderations", re.compile(r"/v1/(?:chat/)?moderations"), MODERATION, kind=_USER),
        Operation("ocr", re.compile(r"/v1/ocr"), OCR, _PAGES, kind=_USER),
        Operation(
            "embeddings", re.compile(r"/v1/embeddings"), openai_other.EMBEDDINGS, openai_other.VECTORS, kind=_USER
        ),
    ),
    error=refusal.openai,
)  # fmt: skip
