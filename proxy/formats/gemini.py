"""Gemini generateContent and streamGenerateContent (SSE and JSON array), countTokens, embedContent; Vertex paths too.

Source: Gemini API reference, v1beta. Proto JSON takes camelCase and snake_case alike, so both are one key here.
"""

import re

from proxy.formats import refusal
from proxy.formats.core import JsonFormat, Operation, Streams
from proxy.formats.schema import json_schema
from proxy.formats.shape import app_data, build, delta, graft, joined, media, opaque, structural, text
from redaction.segment import SegmentKind

_CONTENT = "{contents/*,content,requests/*/content,generateContentRequest/contents/*}"
_DECLARATION = "tools/*/functionDeclarations/*"

REQUEST = build(
    structural("model", note="@model"),
    structural("cachedContent", note="@state.cached_content"),
    structural(f"{_CONTENT}/role", note="role"),
    structural(f"{_CONTENT}/parts/*/inlineData/mimeType {_CONTENT}/parts/*/fileData/mimeType", note="mime"),
    media(f"{_CONTENT}/parts/*/inlineData/data"),
    structural(
        f"{_CONTENT}/parts/*/{{functionCall,functionResponse}}/{{id,name}} {_CONTENT}/parts/*/executableCode/language"
    ),
    structural(f"{_CONTENT}/parts/*/thought {_CONTENT}/parts/*/mediaResolution/level"),
    opaque(f"{_CONTENT}/parts/*/thoughtSignature"),
    app_data(f"{_CONTENT}/parts/*/functionCall/args", SegmentKind.TOOL_ARGUMENTS),
    app_data(f"{_CONTENT}/parts/*/functionResponse/response", SegmentKind.TOOL_RESULT),
    text("systemInstruction systemInstruction/parts/*/text", SegmentKind.SYSTEM),
    structural("systemInstruction/role taskType outputDimensionality safetySettings/**"),
    structural(f"{_DECLARATION}/{{name,behavior}} toolConfig/** tools/*/{{googleSearch,codeExecution,urlContext}}/**"),
    text(f"{_DECLARATION}/description", SegmentKind.TOOL_DEFINITION),
    graft(f"{_DECLARATION}/{{parameters,response,parametersJsonSchema,responseJsonSchema}}", json_schema()),
    graft("generationConfig/{responseSchema,responseJsonSchema}", json_schema()),
    structural(
        "generationConfig/{temperature,topP,topK,candidateCount,maxOutputTokens,presencePenalty,frequencyPenalty,"
        "responseMimeType,seed,responseLogprobs,logprobs,mediaResolution} generationConfig/responseModalities/* "
        "generationConfig/thinkingConfig/**"
    ),
    fold=True,
)

ANSWER = build(
    structural("modelVersion", note="@model"),
    structural("responseId createTime"),
    structural("usageMetadata/promptTokenCount", note="@usage.in", once=True),
    structural("usageMetadata/candidatesTokenCount", note="@usage.out", once=True),
    structural("candidates/*/index", note="index"),
    structural("candidates/*/finishReason", note="close"),
    structural("candidates/*/content/role candidates/*/safetyRatings/** promptFeedback/**"),
    joined("candidates/*/content/parts"),
    delta("candidates/*/content/parts/*/text"),
    structural("candidates/*/content/parts/*/functionCall/{id,name} candidates/*/content/parts/*/thought"),
    structural("candidates/*/content/parts/*/inlineData/mimeType", note="mime"),
    media("candidates/*/content/parts/*/inlineData/data"),
    opaque("candidates/*/content/parts/*/thoughtSignature", once=True),
    structural("error/{code,status}"),
    fold=True,
)

_PATH = r"/(?:.*/)?(?P<model>[^/:]+):"

FORMAT = JsonFormat(
    "gemini",
    (
        Operation(
            "generate", re.compile(_PATH + "generateContent"), REQUEST, ANSWER, Streams.NONE, kind=SegmentKind.USER
        ),
        Operation(
            "stream", re.compile(_PATH + "streamGenerateContent"), REQUEST, ANSWER, Streams.ARRAY, kind=SegmentKind.USER
        ),
        Operation("count_tokens", re.compile(_PATH + "countTokens"), REQUEST, ANSWER, kind=SegmentKind.USER),
        Operation(
            "embed", re.compile(_PATH + "(?:embedContent|batchEmbedContents)"), REQUEST, ANSWER, kind=SegmentKind.USER
        ),
    ),
    error=refusal.gemini,
)
