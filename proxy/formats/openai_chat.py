"""OpenAI chat completions and legacy completions; the same shape from Llama's compatible endpoint, Azure, Groq,
Together, Mistral, vLLM, llama.cpp, Ollama and Gemini's compatible endpoint.

Source: OpenAI API reference, chat and completions. What no line here names is text.
"""

import re

from proxy.formats import refusal
from proxy.formats.core import JsonFormat, Operation, Streams
from proxy.formats.schema import json_schema
from proxy.formats.shape import Rule, app_data, build, delta, graft, media, opaque, structural, text
from redaction.segment import SegmentKind

_TOOL = SegmentKind.TOOL_DEFINITION
_ARGUMENTS = SegmentKind.TOOL_ARGUMENTS

RULES = (
    structural("model", note="@model"),
    structural("stream", note="@stream"),
    structural("store", note="@store"),
    structural(
        "temperature top_p top_k min_p n best_of max_tokens max_completion_tokens presence_penalty frequency_penalty "
        "repetition_penalty logprobs top_logprobs seed service_tier reasoning_effort verbosity echo "
        "parallel_tool_calls modalities/* logit_bias/** stream_options/** audio/{format,voice} function_call"
    ),
    structural("messages/*/role", note="role"),
    structural("messages/*/{tool_call_id,type,refusal_type} messages/*/tool_calls/*/{id,type,index}"),
    structural("messages/*/tool_calls/*/{function,custom}/name messages/*/function_call/name messages/*/audio/id"),
    Rule("messages/*/tool_calls/*/function/arguments messages/*/function_call/arguments", kind=_ARGUMENTS, json=True),
    text("messages/*/content messages/*/content/*/{text,refusal}"),
    text("messages/*/tool_calls/*/custom/input", _ARGUMENTS),
    structural("messages/*/content/*/type messages/*/content/*/image_url/detail"),
    structural("messages/*/content/*/file/file_id", note="@state.file"),
    structural("messages/*/content/*/input_audio/format", note="mime"),
    media("messages/*/content/*/image_url/url messages/*/content/*/image_url messages/*/content/*/file/file_data"),
    media("messages/*/content/*/input_audio/data messages/*/content/*/{audio_url,video_url}/url"),
    structural("tools/*/type tools/*/{function,custom}/{name,strict} functions/*/name tool_choice/** tool_choice"),
    text("tools/*/{function,custom}/description functions/*/description", _TOOL),
    graft("tools/*/function/parameters functions/*/parameters response_format/json_schema/schema", json_schema()),
    structural("response_format/type response_format/json_schema/{name,strict}"),
    app_data("metadata", SegmentKind.METADATA),
    text("prompt prompt/*", SegmentKind.USER, tokens=True),
)
REQUEST = build(*RULES)

ANSWER = build(
    structural("id", note="@object.completion"),
    structural("object system_fingerprint service_tier created", once=False),
    structural("model", note="@model"),
    structural("usage/prompt_tokens", note="@usage.in", once=True),
    structural("usage/completion_tokens", note="@usage.out", once=True),
    structural("choices/*/index", note="index"),
    structural("choices/*/finish_reason", note="close"),
    structural("choices/*/{delta,message}/role choices/*/{delta,message}/tool_calls/*/{id,type}", once=True),
    structural("choices/*/{delta,message}/tool_calls/*/{function,custom}/name", note="tool", once=True),
    structural("choices/*/{delta,message}/function_call/name", note="tool", once=True),
    structural("choices/*/delta/tool_calls/*/index", note="index"),
    text("choices/*/message/{content,refusal,reasoning,reasoning_content}"),
    opaque("obfuscation", once=True),
    delta("choices/*/delta/{content,refusal,reasoning,reasoning_content,audio/transcript} choices/*/text"),
    text("choices/*/message/{content,refusal,reasoning,reasoning_content}"),
    # Mistral's reasoning models send a list of chunks.
    delta("choices/*/delta/content/*/text choices/*/delta/content/*/thinking/*/text"),
    delta("choices/*/delta/{tool_calls/*/function,function_call}/arguments", _ARGUMENTS, json=True),
    delta("choices/*/delta/tool_calls/*/custom/input", _ARGUMENTS),
    Rule("choices/*/message/{tool_calls/*/function,function_call}/arguments", kind=_ARGUMENTS, json=True),
    text("choices/*/message/tool_calls/*/custom/input", _ARGUMENTS),
    opaque("choices/*/logprobs/** choices/*/{delta,message}/audio/data", once=True),
    structural("error/{type,code,param}"),
)

# What was kept, or a page of its messages.
STORED = build(
    structural("object first_id last_id has_more deleted"),
    structural("data/*/{id,role,type}"),
    text("data/*/content data/*/content_parts/*/text"),
    *(graft(name, shape) for name, shape in ANSWER.members.items() if name != "object"),
)

FORMAT = JsonFormat(
    "openai_chat",
    (
        Operation(
            "chat",
            re.compile(r"/(?:.*/)?chat/completions"),
            REQUEST,
            ANSWER,
            Streams.SSE,
        ),
        Operation(
            "completions", re.compile(r"/(?:.*/)?v1/completions"), REQUEST, ANSWER, Streams.SSE, kind=SegmentKind.USER
        ),
        Operation(
            "completion",
            re.compile(r"/(?:.*/)?chat/completions/(?P<completion>[^/]+)(?:/messages)?"),
            build(app_data("metadata", SegmentKind.METADATA)),
            STORED,
            methods=frozenset(("GET", "POST", "DELETE")),
        ),
    ),
    error=refusal.openai,
)
