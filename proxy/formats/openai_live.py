"""OpenAI Live: full-duplex sessions over WebSocket that delegate tasks to the app, to Responses or to Decisions.

Source: OpenAI API reference and the types of its SDK, live client and server events. Sound is a medium as in Realtime;
events of a delegated Responses stream come inside an event of their own.
"""

import re
from types import MappingProxyType

from proxy.formats import openai_responses, refusal
from proxy.formats.base import SDP
from proxy.formats.channels import Channels
from proxy.formats.core import JsonFormat, Operation
from proxy.formats.session import JsonDialect
from proxy.formats.shape import app_data, build, delta, graft, media, opaque, structural, text
from proxy.messages import Refusal
from redaction.segment import SegmentKind

_METADATA, _SYSTEM = SegmentKind.METADATA, SegmentKind.SYSTEM
_TOOLS = openai_responses.REQUEST.members["tools"]
_ITEM = openai_responses.REQUEST.members["items"].item()

_QUESTION = build(
    structural("type instructions/*/{type,detail}"),
    media("instructions/*/image_url"),
    app_data("instructions/*/data"),
    text("instructions instructions/*/text", _SYSTEM),
)
_RESPONSES = build(
    structural("model max_output_tokens parallel_tool_calls reasoning/{effort,summary} service_tier text/verbosity"),
    structural("tool_choice tool_choice/{name,type,server_label,mode} tool_choice/tools/*/{name,type,server_label}"),
    text("instructions", _SYSTEM),
    graft("tools", _TOOLS),
)
_SESSION_RULES = (
    structural("model", note="@model"),
    structural("store", note="@store"),
    structural(
        "type status expires_at audio/format/{rate,type} audio/output/voice audio/output/voice/id delegation/type "
        "delegation/acknowledgement_delay_ms delegation/decisions/model triggers/*/{event_type,type} "
        "client/data_channel/{allowed_client_events,allowed_server_events} "
        "client/data_channel/allowed_server_events/*/type"
    ),
    text("instructions", _SYSTEM),
    text("safety_identifier", _METADATA),
    graft("input/*", _ITEM),
    graft("delegation/responses", _RESPONSES),
    graft("{delegation,triggers/*}/decisions/questions/*", _QUESTION),
)
_SESSION = build(*_SESSION_RULES, structural("id"))

CLIENT = build(
    structural("type event_id item_id delegation_id"),
    media("audio"),
    graft("session", _SESSION),
    graft("item", _ITEM),
)
SERVER = build(
    structural("type", note="type"),
    structural(
        "event_id client_event_id delegation_id item_id trigger_id source_event_id source_event_type session_id"
    ),
    structural("start_ms end_ms offset_ms reason usage/** context_window/usage_ratio"),
    structural("delegation/{id,target,type,response_id} error/{code,type,client_event_id}"),
    media("audio"),
    delta("delta"),
    text("message error/message"),
    graft("session", build(*_SESSION_RULES, structural("id", note="@object.session"))),
    graft("item", openai_responses.ANSWER.members["item"]),
    graft("event", openai_responses.ANSWER),
)


def told(refused: Refusal, event_id: str) -> dict[str, object]:
    """A refusal as the server event `error`; the session goes on, as after any other."""
    error = refusal.openai(refused)["error"]
    assert isinstance(error, dict)
    named = {"client_event_id": event_id or None}
    return {
        "type": "error",
        "event_id": f"event_{refused.transfer or 'dragoman'}",
        **named,
        "error": {**error, **named},
    }


DIALECT = JsonDialect(
    CLIENT,
    SERVER,
    Channels(
        MappingProxyType({"session.closed": True}),
        opaque=frozenset(("session.output_audio.delta",)),
        within="event",
        nested=openai_responses.CHANNELS,
        typed=True,
    ),
    turns=frozenset(("response.completed", "session.usage.updated", "session.delegation.created", "session.closed")),
    told=told,
)

_CALL = build(structural("transport/type status_code"), media("transport/sdp", medium=SDP), graft("session", _SESSION))
_CALL_ANSWER = build(
    structural("session/id", note="@object.session"), structural("transport/type"), opaque("sdp transport/sdp")
)
_BASE = r"/(?:.*/)?(?:v1|openai|openai/v1)/live"

FORMAT = JsonFormat(
    "openai_live",
    (
        Operation(
            "live", re.compile(_BASE + r"(?:/sessions(?:/(?P<session>[^/]+)/fork)?)?"), CLIENT, SERVER,
            channels=DIALECT.channels, methods=frozenset(("GET",)), session=DIALECT,
        ),
        Operation(
            "sideband", re.compile(_BASE + r"/sessions/(?P<session>[^/]+)/attach"), CLIENT, SERVER,
            methods=frozenset(("GET",)), session=DIALECT,
            refused="a second connection cannot restore what the session's own replaced; use the session itself",
        ),
        Operation(
            "call", re.compile(_BASE + r"/sessions(?:/(?P<session>[^/]+)/(?:accept|refer|fork))?"), _CALL, _CALL_ANSWER,
            kind=SegmentKind.USER, beside=SDP,
        ),
        Operation(
            "session", re.compile(_BASE + r"/sessions/(?P<session>[^/]+)/(?:content|hangup|reject)"), _CALL,
            methods=frozenset(("GET", "POST")),
        ),
    ),
    error=refusal.openai,
)  # fmt: skip
