"""The Model Context Protocol over streamable HTTP: JSON-RPC requests, answers and notifications, both ways alike.

Source: MCP specification 2025-06-18, transports, tools, resources, prompts, sampling, elicitation. Every message is
whole, so nothing is held back in a stream.
"""

import re

from proxy.formats import refusal
from proxy.formats.core import JsonFormat, Operation, Streams
from proxy.formats.schema import json_schema
from proxy.formats.shape import Rule, Shape, app_data, build, graft, media, structural, text
from redaction.segment import SegmentKind

_ARGUMENTS = SegmentKind.TOOL_ARGUMENTS
_RESULT = SegmentKind.TOOL_RESULT
_DEFINITION = SegmentKind.TOOL_DEFINITION

_CONTENT = build(
    structural("type annotations/{audience/*,priority,lastModified}"),
    structural("mimeType resource/mimeType", note="mime"),
    media("data blob resource/blob"),
)
_TOOL = build(
    structural("name annotations/{readOnlyHint,destructiveHint,idempotentHint,openWorldHint} mimeType"),
    text("title description annotations/title", _DEFINITION),
    graft("inputSchema outputSchema", json_schema()),
)


def _message() -> Shape:
    """One JSON-RPC message, or an array of them (a batch of JSON-RPC 2.0, section 6)."""
    shape = build(
        structural("jsonrpc id method error/code"),
        structural("params/{name,protocolVersion,progressToken,progress,total,level,cursor,requestId,includeContext}"),
        structural("params/{maxTokens,temperature} params/_meta/progressToken params/ref/{type,name}"),
        structural("{params,result}/{capabilities/**,role,model,stopReason,action,isError,nextCursor,protocolVersion}"),
        structural("{params,result}/messages/*/role", note="role"),
        app_data("params/arguments", _ARGUMENTS),
        graft("params/requestedSchema", json_schema()),
        Rule("result", kind=_RESULT),
        graft("result/content/* result/contents/* result/content params/content/*", _CONTENT),
        graft("{params,result}/messages/*/content {params,result}/messages/*/content/*", _CONTENT),
        app_data("result/structuredContent", _RESULT),
        graft("result/{tools,resources,resourceTemplates,prompts}/*", _TOOL),
    )
    shape.element = shape
    return shape


MESSAGE = _message()

FORMAT = JsonFormat(
    "mcp",
    (
        Operation(
            "message",
            re.compile(r"/(?:.*/)?mcp/?"),
            MESSAGE,
            MESSAGE,
            methods=frozenset(("POST", "GET", "DELETE")),
            streams=Streams.SSE,
            talk="mcp-session-id",
        ),
    ),
    error=refusal.jsonrpc,
)
