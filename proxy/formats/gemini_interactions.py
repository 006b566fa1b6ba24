"""Gemini Interactions: the stateful API beside generateContent, whole and as typed events.

Source: Gemini API reference, interactions, v1beta. An interaction is kept by the provider unless it says
`store: false`; a later one names it and is answered from what it knows. Snake case only, as the API takes no other.
"""

import re
from types import MappingProxyType

from proxy.formats import refusal
from proxy.formats.channels import Channels
from proxy.formats.core import JsonFormat, Operation, Streams
from proxy.formats.schema import json_schema
from proxy.formats.shape import Rule, Shape, app_data, build, delta, graft, media, opaque, structural, text
from redaction.segment import SegmentKind

_ARGUMENTS, _RESULT = SegmentKind.TOOL_ARGUMENTS, SegmentKind.TOOL_RESULT

_CONTENT = (
    structural("type channels sample_rate resolution processing processing/** status language"),
    structural("annotations/*/{type,start_index,end_index,page_number,media_id,place_id,style}"),
    structural("mime_type", note="mime"),
    media("data"),
    opaque("signature"),
    text("text annotations/*/{title,url,file_name,source}"),
)


def _step(kind: SegmentKind | None) -> Shape:
    """One step of an interaction, or one content, as `input` takes both. kind: whose a text without a role is."""
    content = build(*_CONTENT)
    return build(
        *_CONTENT,
        structural("role", note="role"),
        structural("name", note="tool"),
        structural("id call_id is_error search_type retrieval_type error/code server_name"),
        graft("{content,summary}/*", content),
        text("content summary", kind),
        app_data("arguments", _ARGUMENTS),
        text("result", _RESULT),
        Rule("result/*", kind=_RESULT, graft=build(*_CONTENT, structural("name"))),
    )


REQUEST = build(
    structural("model", note="@model"),
    structural("stream", note="@stream"),
    structural("store", note="@store"),
    structural("previous_interaction_id", note="@state.interaction"),
    structural("cached_content", note="@state.cached_content"),
    structural("agent background response_modalities/* response_mime_type service_tier safety_settings/**"),
    structural("agent_config/{type,model,thinking_summaries} environment environment/{type,environment_id}"),
    structural(
        "generation_config/{temperature,top_p,top_k,seed,max_output_tokens,candidate_count,presence_penalty,"
        "frequency_penalty,thinking_level,thinking_summaries,tool_choice} generation_config/tool_choice/** "
        "generation_config/thinking_config/** generation_config/image_config/**"
    ),
    structural("tools/*/{type,name,excluded_predefined_functions/*,file_search_store_names/*}"),
    text("tools/*/description", SegmentKind.TOOL_DEFINITION),
    # The provider passes these on to a server of the app's choice; they are credentials and never words.
    opaque("tools/*/headers/*"),
    graft("tools/*/parameters", json_schema()),
    structural("response_format/{type,mime_type} response_format/*/{type,mime_type}"),
    graft("response_format/{schema,*/schema}", json_schema()),
    text("system_instruction", SegmentKind.SYSTEM),
    text("input input/text"),
)
REQUEST.members["input"].members.update(build(*_CONTENT).members)
REQUEST.members["input"].element = _step(None)

_INTERACTION = (
    structural("id", note="@object.interaction"),
    structural("model", note="@model"),
    structural("object status role created updated previous_interaction_id agent error/code"),
    structural("usage/total_input_tokens", note="@usage.in"),
    structural("usage/total_output_tokens", note="@usage.out"),
    structural("usage/**"),
    graft("{outputs,steps}/*", _step(SegmentKind.ASSISTANT)),
)
ANSWER = build(
    *_INTERACTION,
    structural("event_type", note="type"),
    structural("index", note="index"),
    structural("event_id interaction_id"),
    graft("interaction", build(*_INTERACTION)),
    graft("{step,content}", _step(SegmentKind.ASSISTANT)),
    structural("delta/{type,id,call_id,is_error,channels,sample_rate,rate,resolution}"),
    structural("delta/name", note="tool"),
    structural("delta/mime_type", note="mime"),
    media("delta/data"),
    opaque("delta/signature", once=True),
    delta("delta/text delta/content/text"),
    delta("delta/{arguments,partial_arguments}", _ARGUMENTS, json=True),
    text("delta/result", _RESULT),
)
CHANNELS = Channels(
    MappingProxyType(
        {
            "interaction.completed": True, "interaction.complete": True, "interaction.failed": True, "error": True,
            "step.stop": False, "content.stop": False,
        }
    ),
    call="step",
)  # fmt: skip
_PLACE = r"/(?:.*/)?v\d\w*/(?:projects/[^/]+/locations/[^/]+/)?interactions"

FORMAT = JsonFormat(
    "gemini_interactions",
    (
        Operation(
            "interactions", re.compile(_PLACE), REQUEST, ANSWER, Streams.SSE, CHANNELS, kind=SegmentKind.USER,
            stores=True,
        ),
        Operation(
            "interaction", re.compile(_PLACE + r"/(?P<interaction>[^/:]+)(?:[/:]cancel)?"), build(), ANSWER,
            Streams.SSE, CHANNELS, methods=frozenset(("GET", "POST", "DELETE")),
        ),
    ),
    error=refusal.gemini,
    error_event="error",
)  # fmt: skip
