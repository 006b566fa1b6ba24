"""Anthropic messages and count_tokens with their typed stream events, message batches, files.

Source: Anthropic API reference: messages, streaming, message batches, files, web search and code execution results.
Signatures, redacted thinking and whatever is encrypted pass untouched.
"""

import re
from types import MappingProxyType

from proxy.formats import refusal
from proxy.formats.channels import Channels
from proxy.formats.core import JsonFormat, Operation, Streams
from proxy.formats.schema import json_schema
from proxy.formats.shape import Shape, app_data, build, delta, graft, media, opaque, structural, text
from redaction.segment import SegmentKind

_CITATION = build(
    structural("type document_index search_result_index start_char_index end_char_index start_page_number"),
    structural("end_page_number start_block_index end_block_index file_id"),
    opaque("encrypted_index"),
    text("cited_text title document_title url source"),
)


def _block() -> Shape:
    """A content block. What a tool found holds blocks, or is an object that looks like one, at any depth."""
    block = build(
        structural("name", note="tool"),
        structural("type id tool_use_id is_error return_code error_code retrieved_at cache_control/**"),
        structural("citations/enabled server_name caller/{type,tool_id}"),
        structural("file_id source/file_id", note="@state.file"),
        structural("source/type"),
        structural("source/media_type", note="mime"),
        media("source/data"),
        opaque("signature data encrypted_content encrypted_index encrypted_stdout"),
        app_data("input", SegmentKind.TOOL_ARGUMENTS),
        text("text thinking title context url page_age stdout stderr source/url"),
        graft("citations/*", _CITATION),
    )
    block.members["content"] = Shape(kind=SegmentKind.TOOL_RESULT, members=block.members, element=block)
    block.members["source"].members["content"] = Shape(element=block)
    return block


_BLOCK = _block()
_TOOL = SegmentKind.TOOL_DEFINITION

REQUEST = build(
    structural("model", note="@model"),
    structural("stream", note="@stream"),
    structural("container", note="@state.container"),
    structural("max_tokens temperature top_p top_k service_tier thinking/** tool_choice/** betas/*"),
    graft("output_config/format/schema output_format/schema", json_schema()),
    structural("output_config/{effort,format/type} output_format/type inference_geo speed cache_control/**"),
    text("system system/*/text", SegmentKind.SYSTEM),
    structural("system/*/type system/*/cache_control/**"),
    opaque("system/*/citations/*/encrypted_index"),
    structural("messages/*/role", note="role"),
    text("messages/*/content"),
    graft("messages/*/content/*", _BLOCK),
    structural("tools/*/{name,type,max_uses,strict,defer_loading} tools/*/cache_control/** tools/*/allowed_callers/*"),
    text("tools/*/description", _TOOL),
    graft("tools/*/input_schema", json_schema()),
    text("metadata/user_id", SegmentKind.METADATA),
)

ANSWER = build(
    structural("{id,role,stop_reason} message/{id,type,role,stop_reason} delta/{type,stop_reason}"),
    structural("container/{id,expires_at}"),
    structural("type", note="type"),
    structural("model message/model", note="@model"),
    structural("index", note="index"),
    structural("usage/input_tokens message/usage/input_tokens", note="@usage.in"),
    structural("usage/output_tokens", note="@usage.out"),
    graft("content/* message/content/* content_block", _BLOCK),
    opaque("delta/signature"),
    delta("delta/{text,thinking}"),
    delta("delta/partial_json", SegmentKind.TOOL_ARGUMENTS, json=True),
    graft("delta/citation", _CITATION),
    structural("error/type request_id"),
)
BATCH = build(text("requests/*/custom_id"), graft("requests/*/params", REQUEST))
_BATCH = build(
    structural("id", note="@object.batch"),
    structural("type processing_status request_counts/** created_at ended_at expires_at archived_at"),
)
_RESULT = build(
    structural("custom_id result/type"),
    graft("result/message", ANSWER),
    structural("result/error/type result/error/error/type"),
)
_FILE = build(
    structural("id", note="@object.file"),
    structural("type mime_type size_bytes created_at downloadable first_id last_id has_more"),
)

_SKILL = build(
    structural("id", note="@object.skill"),
    structural("type source source/type created_at updated_at latest_version latest_version_id has_more next_page"),
)
_VERSION = build(
    structural("id", note="@object.version"),
    structural("skill_id", note="@of.version"),
    structural("type version created_at has_more next_page"),
)

_SKILLS = r"/v1/skills/(?P<skill>[^/]+)"
_READ = frozenset(("GET", "POST", "DELETE"))
_VERTEX = "publishers/anthropic/models/"  # Google's way to the same bodies

FORMAT = JsonFormat(
    "anthropic",
    (
        Operation(
            "messages",
            re.compile(
                r"/(?:.*/)?(?:v1/messages|" + _VERTEX + r"(?!count-tokens:)(?P<model>[^/:]+):(?:r|streamR)awPredict)"
            ),
            REQUEST,
            ANSWER,
            Streams.SSE,
            Channels(MappingProxyType({"content_block_stop": False, "message_stop": True}), call="content_block"),
        ),
        Operation(
            "count_tokens",
            re.compile(r"/(?:.*/)?(?:v1/messages/count_tokens|" + _VERTEX + "count-tokens:rawPredict)"),
            REQUEST,
            ANSWER,
        ),
        Operation("batches", re.compile(r"/(?:.*/)?v1/messages/batches"), BATCH, _BATCH, creates=True),
        Operation(
            "batch_results",
            re.compile(r"/(?:.*/)?v1/messages/batches/(?P<batch>[^/]+)/results"),
            answer=_RESULT,
            streams=Streams.FILE,
            methods=frozenset(("GET",)),
        ),
        Operation(
            "batch",
            re.compile(r"/(?:.*/)?v1/messages/batches/(?P<batch>[^/]+)(?:/cancel)?"),
            answer=_BATCH,
            methods=_READ,
        ),
        Operation("files", re.compile(r"/v1/files"), answer=_FILE, creates=True),
        Operation(
            "file_content",
            re.compile(r"/v1/files/(?P<file>[^/]+)/content"),
            streams=Streams.FILE,
            methods=frozenset(("GET",)),
        ),
        Operation("file", re.compile(r"/v1/files/(?P<file>[^/]+)"), answer=_FILE, methods=_READ),
        Operation("skills", re.compile(r"/v1/skills"), answer=_SKILL, creates=True),
        Operation("skill_versions", re.compile(_SKILLS + "/versions"), answer=_VERSION, creates=True),
        Operation(
            "skill_version",
            re.compile(r"/v1/skills/(?P<version>(?P<skill>[^/]+)/versions/[^/]+)(?:/content)?"),
            answer=_VERSION,
            methods=_READ,
        ),
        Operation("skill", re.compile(_SKILLS + "(?:/versions)?"), answer=_SKILL, methods=_READ),
    ),
    error=refusal.anthropic,
    error_event="error",
    known_by=("anthropic",),
)
