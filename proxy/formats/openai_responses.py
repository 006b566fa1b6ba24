"""OpenAI Responses and Conversations: every item type, typed stream events, state on the provider's side.

Source: OpenAI API reference, responses, conversations and their streaming events. Encrypted reasoning, compaction and
fingerprints pass untouched both ways; what no line here names is text.
"""

import re
from types import MappingProxyType

from proxy.formats import refusal
from proxy.formats.channels import Channels
from proxy.formats.core import JsonFormat, Operation, Streams
from proxy.formats.schema import json_schema
from proxy.formats.shape import Rule, Shape, app_data, build, delta, graft, media, opaque, structural, text
from redaction.segment import SegmentKind

_TOOL = SegmentKind.TOOL_DEFINITION
_ARGUMENTS = SegmentKind.TOOL_ARGUMENTS
_RESULT = SegmentKind.TOOL_RESULT
_METADATA = SegmentKind.METADATA

_TOOLS = (
    structural("type name namespace async strict defer_loading execution allowed_callers/*"),
    structural("vector_store_ids/*", note="@state.vector_store"),
    structural("{environment,container}/file_ids/*", note="@state.file"),
    structural("environment/container_id container", note="@state.container"),
    structural("max_num_results ranking_options/** search_context_size external_web_access user_location/type"),
    structural("display_height display_width environment environment/type container/type"),
    structural("{environment,container}/memory_limit search_content_types/*"),
    structural("server_label connector_id require_approval require_approval/** allowed_tools/** format/{type,syntax}"),
    structural(
        "model moderation output_format quality size background input_fidelity partial_images output_compression"
    ),
    structural("filters/type action"),
    structural("input_image_mask/file_id", note="@state.file"),
    structural("environment/skills/*/source/media_type", note="mime"),
    media("input_image_mask/image_url environment/skills/*/source/data"),
    # The provider passes these on to a server of the app's choice; they are credentials and never words.
    opaque("authorization headers/*"),
    text("description server_description format/definition", _TOOL),
    graft("{parameters,input_schema,output_schema}", json_schema()),
)


def _tool() -> Shape:
    """A tool definition; a namespace holds tools of its own."""
    shape = build(*_TOOLS)
    shape.kind = _TOOL
    shape.members["tools"] = Shape(element=shape)
    return shape


_PARTS = (
    structural(
        "type detail annotations/*/{type,index,start_index,end_index,file_id,container_id} prompt_cache_breakpoint/**"
    ),
    structural("file_id", note="@state.file"),
    structural("format input_audio/format", note="mime"),
    media("image_url file_data input_audio/data"),
    opaque("encrypted_content"),
    text("text refusal transcript filename annotations/*/{title,filename,url}"),
)


_PART_OUT = build(*_PARTS, opaque("logprobs/**", once=True))


def _item(part: Shape, *more: Rule) -> Shape:
    """One item of a conversation. Going in, pieces of words in `logprobs` are text; coming out they stay as they are,
    because a placeholder in pieces cannot be restored."""
    return build(
        structural("role", note="role"),
        structural("type", note="call"),
        structural("name", note="tool"),
        structural("id status phase call_id namespace server_label approval_request_id approve container_id"),
        structural("caller/{type,caller_id} execution async background output_format quality size max_output_length"),
        structural("pending_safety_checks/*/{id,code} acknowledged_safety_checks/*/{id,code} error/{type,code}"),
        structural("action/{type,button,x,y,scroll_x,scroll_y,timeout_ms,max_output_length} action/path/*/{x,y}"),
        structural("actions/*/{type,button,x,y} action/sources/*/type environment/{type,container_id}"),
        structural("operation/type outputs/*/type"),
        structural("results/*/{file_id,score} summary/*/type output/{type,file_id} reasoning/effort"),
        opaque("encrypted_content fingerprint svg_usage/**"),
        media("result output/image_url"),
        graft("content/*", part),
        Rule("arguments", kind=_ARGUMENTS, json=True),
        text("input code action/{text,query,command/*,commands/*} operation/diff queries/*", _ARGUMENTS),
        app_data("action/env", _ARGUMENTS),
        text("output outputs/*/logs results/*/text output/*/{stdout,stderr}", _RESULT),
        structural("output/*/{type,detail,outcome/type,outcome/exit_code}"),
        structural("output/*/file_id", note="@state.file"),
        media("output/*/{image_url,file_data}"),
        text("content summary/*/text", None),
        graft("tools/*", _tool()),
        *more,
    )  # fmt: skip


_ITEM = _item(build(*_PARTS))
# Coming out, all that a call of the provider's own tools says to do is its arguments.
_ITEM_OUT = _item(_PART_OUT, Rule("action actions/* operation", kind=_ARGUMENTS))

REQUEST = build(
    structural("model", note="@model"),
    structural("stream", note="@stream"),
    structural("store", note="@store"),
    structural("previous_response_id", note="@state.response"),
    structural("conversation conversation/id", note="@state.conversation"),
    structural(
        "background include/* max_output_tokens max_tool_calls parallel_tool_calls service_tier temperature top_p "
        "top_logprobs truncation reasoning/** stream_options/** tool_choice tool_choice/** text/verbosity "
        "text/format/{type,name,strict} context_management/** prompt_cache_retention prompt_cache_options/** "
        "prompt/{id,version}"
    ),
    text("instructions text/format/description", SegmentKind.SYSTEM),
    graft("instructions/*", _ITEM),
    graft("input/* items/*", _ITEM),
    graft("tools/*", _tool()),
    graft("text/format/schema", json_schema()),
    app_data("prompt/variables"),
    media("prompt/variables/*/{image_url,file_data}"),
    app_data("metadata", _METADATA),
    text("user safety_identifier prompt_cache_key", _METADATA),
)  # fmt: skip

_RESPONSE = (
    structural("object status created_at completed_at background service_tier truncation incomplete_details/reason"),
    structural("id", note="@object.response"),
    structural("conversation conversation/id", note="@object.conversation"),
    structural("model", note="@model"),
    structural("usage/input_tokens", note="@usage.in"),
    structural("usage/output_tokens", note="@usage.out"),
    structural(
        "error/{type,code,param} previous_response_id tool_choice parallel_tool_calls reasoning/{effort,summary}"
    ),
    structural("first_id last_id has_more"),
    graft("output/* data/* input/* instructions/*", _ITEM_OUT),
)


# A response, whole or in an event; beside it the event's own fields. `obfuscation` is padding, not words.
ANSWER = build(
    *_RESPONSE,
    graft("response", build(*_RESPONSE)),
    structural("type", note="type"),
    structural("output_index", note="index"),
    structural("content_index", note="index.1"),
    structural("summary_index", note="index.2"),
    structural("item_id sequence_number annotation_index partial_image_index"),
    opaque("obfuscation logprobs/**", once=True),
    media("partial_image_b64"),
    structural("name", note="tool"),
    delta("delta"),
    Rule("arguments", kind=_ARGUMENTS, json=True),
    text("text refusal input transcript code"),
    graft("item", _ITEM_OUT),
    graft("part", _PART_OUT),
)
CONVERSATION = build(
    structural("id", note="@object.conversation"),
    structural("object created_at deleted first_id last_id has_more"),
    graft("data/*", _ITEM_OUT),
)

CHANNELS = Channels(
    MappingProxyType({"response.completed": True, "response.failed": True, "response.incomplete": True, "error": True}),
    json=frozenset(("response.function_call_arguments.delta", "response.mcp_call_arguments.delta")),
    opaque=frozenset(("response.audio.delta", "response.output_audio.delta")),
    call="item",
    # Arguments, input, code, commands: whatever grows in a call, less what came back from it.
    arguments=re.compile(r"response\..*_call_(?!output).*").fullmatch,
)
_BASE = r"/(?:.*/)?(?:v1|openai)/"
_READ = frozenset(("GET", "POST", "DELETE"))

FORMAT = JsonFormat(
    "openai_responses",
    (
        Operation(
            "responses",
            re.compile(_BASE + "responses"),
            REQUEST,
            ANSWER,
            Streams.SSE,
            CHANNELS,
            kind=SegmentKind.USER,
            stores=True,
        ),
        Operation(
            "response_tools",
            re.compile(_BASE + "responses/(?:compact|input_tokens)"),
            REQUEST,
            ANSWER,
            kind=SegmentKind.USER,
        ),
        Operation(
            "response",
            re.compile(_BASE + r"responses/(?P<response>[^/]+)(?:/(?:cancel|input_items))?"),
            REQUEST,
            ANSWER,
            Streams.SSE,
            CHANNELS,
            methods=_READ,
        ),
        Operation(
            "conversations",
            re.compile(_BASE + "conversations"),
            REQUEST,
            CONVERSATION,
            kind=SegmentKind.USER,
            creates=True,
        ),
        Operation(
            "conversation",
            re.compile(_BASE + r"conversations/(?P<conversation>[^/]+)(?:/items(?:/[^/]+)?)?"),
            REQUEST,
            CONVERSATION,
            methods=_READ,
            kind=SegmentKind.USER,
        ),
    ),
    error=refusal.openai,
)
