"""OpenAI Realtime: sessions over WebSocket, and what is asked over HTTP to set one up.

Source: OpenAI API reference, realtime client and server events, client secrets, calls. Audio is a medium, which passes
by the policy's words and under leases; what is said in it comes back as transcripts, and those are text.
"""

import re
from types import MappingProxyType

from proxy.formats import openai_responses, refusal
from proxy.formats.base import SDP, SESSION_KEY
from proxy.formats.channels import Channels
from proxy.formats.core import JsonFormat, Operation
from proxy.formats.session import JsonDialect
from proxy.formats.shape import Rule, app_data, build, delta, graft, media, opaque, structural, text
from proxy.messages import Refusal
from redaction.segment import SegmentKind

_METADATA, _SYSTEM = SegmentKind.METADATA, SegmentKind.SYSTEM
_ARGUMENTS = SegmentKind.TOOL_ARGUMENTS
_TOOLS = openai_responses.REQUEST.members["tools"]
_PROMPT = openai_responses.REQUEST.members["prompt"]

_PART = build(structural("type detail"), media("audio image_url"), text("text transcript"))
_ITEM = build(
    structural("role", note="role"),
    structural("type", note="call"),
    structural("name", note="tool"),
    structural("id", note="index"),
    structural("object status phase call_id server_label approval_request_id approve error/{type,code}"),
    graft("content/*", _PART),
    Rule("arguments", kind=_ARGUMENTS, json=True),
    text("output", SegmentKind.TOOL_RESULT),
    text("reason error/message"),
    graft("tools", _TOOLS),
)
_SESSION_RULES = (
    structural("model", note="@model"),
    structural(
        "type id object expires_at output_modalities/* modalities/* max_output_tokens max_response_output_tokens "
        "parallel_tool_calls temperature include/* tool_choice tool_choice/{type,name,server_label} reasoning/** "
        "truncation truncation/** audio/{input,output}/format/** audio/input/{noise_reduction,turn_detection}/** "
        "audio/input/transcription/{model,language,delay} audio/output/{voice,speed} audio/output/voice/id "
        "tracing tracing/group_id "
        # the names of the beta, which some clients still send
        "voice speed input_audio_format output_audio_format turn_detection/** input_audio_noise_reduction/** "
        "input_audio_transcription/{model,language}"
    ),
    text("instructions {audio/input/transcription,input_audio_transcription}/prompt", _SYSTEM),
    text("audio/input/transcription/keywords/* tracing/workflow_name", _METADATA),
    graft("tools", _TOOLS),
    graft("prompt", _PROMPT),
    app_data("tracing/metadata", _METADATA),
)
_SESSION = build(*_SESSION_RULES)

CLIENT = build(
    structural("type event_id item_id previous_item_id response_id content_index audio_end_ms"),
    media("audio"),
    graft("session", _SESSION),
    graft("item", _ITEM),
    graft(
        "response",
        build(*_SESSION_RULES, structural("conversation"), graft("input/*", _ITEM), app_data("metadata", _METADATA)),
    ),
)
_USAGE = (
    structural("usage/input_tokens", note="@usage.in"),
    structural("usage/output_tokens", note="@usage.out"),
    structural("usage/** usage/{input_token_details,output_token_details}/**"),
)
_RESPONSE = build(
    *_USAGE,
    *_SESSION_RULES[1:3],
    structural("status conversation conversation_id status_details/{type,reason,error/type,error/code}"),
    graft("output/*", _ITEM),
    app_data("metadata", _METADATA),
)
# What is said grows in channels that are named by the item and the part of it.
SERVER = build(
    structural("type", note="type"),
    structural("item_id", note="index"),
    structural("content_index", note="index.1"),
    structural("event_id response_id output_index call_id previous_item_id conversation/{id,object}"),
    structural("audio_start_ms audio_end_ms rate_limits/*/{name,limit,remaining,reset_seconds}"),
    structural("error/{type,code,event_id}"),
    *_USAGE[2:],
    structural("name", note="tool"),
    delta("delta"),
    Rule("arguments", kind=_ARGUMENTS, json=True),
    text("text transcript error/message"),
    opaque("logprobs/** obfuscation", once=True),
    graft("item", _ITEM),
    graft("part", _PART),
    graft("response", _RESPONSE),
    graft("session", _SESSION),
)
_HEARD = "conversation.item.input_audio_transcription."


def told(refused: Refusal, event_id: str) -> dict[str, object]:
    """A refusal as the server event `error`; the session goes on, as after any other."""
    error = refusal.openai(refused)["error"]
    assert isinstance(error, dict)
    event = f"event_{refused.transfer or 'dragoman'}"
    return {"type": "error", "event_id": event, "error": {**error, "event_id": event_id or None}}


DIALECT = JsonDialect(
    CLIENT,
    SERVER,
    Channels(
        MappingProxyType({f"{_HEARD}completed": False, f"{_HEARD}failed": False}),
        json=frozenset(("response.function_call_arguments.delta", "response.mcp_call_arguments.delta")),
        opaque=frozenset(("response.audio.delta", "response.output_audio.delta")),
        call="item",
        arguments=re.compile(r"response\.(?:function|mcp)_call_arguments\..*").fullmatch,
    ),
    turns=frozenset(("response.done", f"{_HEARD}completed")),
    told=told,
)

_SECRET = build(structural("expires_after/{anchor,seconds}"), graft("session", _SESSION))
_CALL = build(media("sdp", medium=SDP), graft("session", _SESSION))
# The value lets its holder speak to the provider without us, so it is asked for only where the policy lets it be.
_SECRET_ANSWER = build(opaque("value client_secret/value"), structural("expires_at"), graft("session", _SESSION))
_BASE = r"/(?:.*/)?(?:v1|openai|openai/v1)/realtime"

FORMAT = JsonFormat(
    "openai_realtime",
    (
        Operation(
            "realtime", re.compile(_BASE), CLIENT, SERVER, channels=DIALECT.channels, methods=frozenset(("GET",)),
            session=DIALECT,
        ),
        Operation(
            "client_secret", re.compile(_BASE + "/(?:client_secrets|sessions|transcription_sessions)"), _SECRET,
            _SECRET_ANSWER, kind=SegmentKind.USER, beside=SESSION_KEY,
        ),
        Operation(
            "call", re.compile(_BASE + r"/calls(?:/[^/]+/(?:accept|hangup|refer|reject))?"), _CALL, build(),
            uploads=True, beside=SDP,
        ),
    ),
    error=refusal.openai,
)  # fmt: skip
