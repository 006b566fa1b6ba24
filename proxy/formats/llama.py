"""The Llama API in its own shape: chat completions with their typed stream events, moderations.

Source: Llama API reference and the types of its SDK. The pieces of a tool call belong together by their id. The
compatible endpoint below `/compat/v1` has OpenAI's shape and is read by that format.
"""

import re

from proxy.formats import openai_chat, refusal
from proxy.formats.core import JsonFormat, Operation, Streams
from proxy.formats.shape import Rule, build, delta, structural, text
from redaction.segment import SegmentKind

REQUEST = build(
    *openai_chat.RULES,
    structural("messages/*/content/type messages/*/stop_reason"),
    text("messages/*/content/text"),
)
ANSWER = build(
    structural("id model completion_message/{role,stop_reason,content/type} metrics/*/{metric,unit}"),
    structural("completion_message/tool_calls/*/id"),
    structural("completion_message/tool_calls/*/function/name", note="tool"),
    Rule("completion_message/tool_calls/*/function/arguments", kind=SegmentKind.TOOL_ARGUMENTS, json=True),
    text("completion_message/content completion_message/content/text"),
    structural("event/event_type event/delta/type event/metrics/*/{metric,unit}", once=True),
    structural("event/delta/function/name", note="tool", once=True),
    structural("event/stop_reason", note="close"),
    structural("event/delta/id", note="index"),
    delta("event/delta/{text,reasoning}"),
    delta("event/delta/function/arguments", SegmentKind.TOOL_ARGUMENTS, json=True),
    structural("status error/{type,code}"),
)
_VERDICT = build(structural("model results/*/flagged"))

FORMAT = JsonFormat(
    "llama",
    (
        Operation("chat", re.compile(r"/v1/chat/completions"), REQUEST, ANSWER, Streams.SSE),
        Operation("moderations", re.compile(r"/v1/moderations"), REQUEST, _VERDICT),
    ),
    error=refusal.llama,
)
