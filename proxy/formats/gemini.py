"""Gemini generateContent and streamGenerateContent (SSE and JSON array), countTokens, embedContent, cached contents,
files and batches; Vertex paths too.

Source: Gemini API reference, v1beta. Proto JSON takes camelCase and snake_case alike, so both are one key here.
"""

import re

from proxy.formats import refusal
from proxy.formats.core import JsonFormat, Operation, Streams
from proxy.formats.schema import json_schema
from proxy.formats.shape import Rule, app_data, build, delta, graft, joined, media, opaque, structural, text
from redaction.segment import SegmentKind

_CONTENT = "{contents/*,content,systemInstruction}"
_DECLARATION = "tools/*/functionDeclarations/*"
VOICE = (
    "generationConfig/speechConfig/{voiceConfig,multiSpeakerVoiceConfig/speakerVoiceConfigs/*/voiceConfig}"
    "/replicatedVoiceConfig"
)

_RULES = (
    structural("model", note="@model"),
    structural("cachedContent", note="@state.cached_content"),
    structural(f"{_CONTENT}/role", note="role"),
    structural(f"{_CONTENT}/parts/*/inlineData/mimeType {_CONTENT}/parts/*/fileData/mimeType", note="mime"),
    structural(f"{_CONTENT}/parts/*/functionResponse/parts/*/inlineData/mimeType", note="mime"),
    media(f"{_CONTENT}/parts/*/inlineData/data {_CONTENT}/parts/*/functionResponse/parts/*/inlineData/data"),
    text(f"{_CONTENT}/parts/*/fileData/fileUri", note="@state.file_uri"),
    structural(
        f"{_CONTENT}/parts/*/{{functionCall,functionResponse}}/{{id,name}} {_CONTENT}/parts/*/executableCode/language"
    ),
    structural(f"{_CONTENT}/parts/*/thought {_CONTENT}/parts/*/mediaResolution/level"),
    opaque(f"{_CONTENT}/parts/*/thoughtSignature"),
    app_data(f"{_CONTENT}/parts/*/functionCall/args", SegmentKind.TOOL_ARGUMENTS),
    app_data(f"{_CONTENT}/parts/*/functionResponse/response", SegmentKind.TOOL_RESULT),
    text("systemInstruction systemInstruction/parts/*/text", SegmentKind.SYSTEM),
    structural("systemInstruction/role taskType outputDimensionality safetySettings/**"),
    structural(f"{_DECLARATION}/{{name,behavior}} toolConfig/**"),
    text(f"{_DECLARATION}/description", SegmentKind.TOOL_DEFINITION),
    graft(f"{_DECLARATION}/{{parameters,response,parametersJsonSchema,responseJsonSchema}}", json_schema()),
    graft("generationConfig/{responseSchema,responseJsonSchema}", json_schema()),
    structural(
        "generationConfig/{temperature,topP,topK,candidateCount,maxOutputTokens,presencePenalty,frequencyPenalty,"
        "responseMimeType,seed,responseLogprobs,logprobs,mediaResolution} generationConfig/responseModalities/* "
        "generationConfig/thinkingConfig/**"
    ),
    media(f"{VOICE}/{{voiceSampleAudio,consentAudio}}"),
    opaque(f"{VOICE}/voiceConsentSignature/signature"),
)
REQUEST = build(*_RULES, graft("{requests/*,generateContentRequest}", build(*_RULES, fold=True)), fold=True)

ANSWER = build(
    structural("modelVersion", note="@model"),
    structural("responseId createTime"),
    structural("usageMetadata/promptTokenCount", note="@usage.in", once=True),
    structural("usageMetadata/candidatesTokenCount", note="@usage.out", once=True),
    structural("candidates/*/index", note="index"),
    structural("candidates/*/finishReason", note="close"),
    structural("candidates/*/content/role candidates/*/safetyRatings/** promptFeedback/{blockReason,safetyRatings/**}"),
    joined("candidates/*/content/parts"),
    delta("candidates/*/content/parts/*/text"),
    structural("candidates/*/content/parts/*/functionCall/id candidates/*/content/parts/*/thought"),
    structural("candidates/*/content/parts/*/functionCall/name", note="tool"),
    Rule("candidates/*/content/parts/*/functionCall", kind=SegmentKind.TOOL_ARGUMENTS),
    app_data("candidates/*/content/parts/*/functionCall/args", SegmentKind.TOOL_ARGUMENTS),
    structural("candidates/*/content/parts/*/inlineData/mimeType", note="mime"),
    media("candidates/*/content/parts/*/inlineData/data"),
    opaque("candidates/*/content/parts/*/thoughtSignature", once=True),
    structural("error/{code,status}"),
    fold=True,
)

_CACHE = build(
    structural("name", note="@object.cached_content"),
    structural("model", note="@model"),
    structural("createTime updateTime expireTime usageMetadata/**"),
    fold=True,
)
_FILE = build(
    *(
        rule
        for at in ("", "file/")
        for rule in (
            structural(f"{at}name", note="@object.file"),
            structural(f"{at}uri", note="@object.file_uri"),
            structural(f"{at}{{mimeType,sizeBytes,createTime,updateTime,expirationTime,sha256Hash,state,source}}"),
        )
    ),
    fold=True,
)
BATCH = build(
    structural("batch/{model,priority}"),
    structural("batch/inputConfig/fileName", note="@state.file"),
    graft("batch/inputConfig/requests/requests/*/request", REQUEST),
    fold=True,
)
_BATCH = build(
    structural("name", note="@object.batch"),
    structural("done metadata/{@type,model,name,state,createTime,updateTime,endTime} metadata/batchStats/**"),
    structural("response/@type error/{code,status}"),
    structural("{response,metadata/output}/responsesFile", note="@object.file"),
    graft("response/inlinedResponses/inlinedResponses/*/response", ANSWER),
    graft("metadata/output/inlinedResponses/inlinedResponses/*/response", ANSWER),
    fold=True,
)

# One line of a batch's result, which is a file.
_RESULT = build(graft("response", ANSWER), structural("error/{code,status}"), fold=True)

_PLACE = r"/(?:.*/)?v\d\w*/"
_PROJECT = r"(?:projects/[^/]+/locations/[^/]+/)?"
_READ = frozenset(("GET", "PATCH", "DELETE", "POST"))
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
        Operation(
            "batches",
            re.compile(_PATH + "(?:batchGenerate|(?:async)?[bB]atchEmbed)Content"),
            BATCH,
            _BATCH,
            creates=True,
        ),
        Operation(
            "batch",
            re.compile(_PLACE + r"(?P<batch>batches/[^/:]+)(?::cancel)?"),
            answer=_BATCH,
            methods=_READ,
            creates=True,
        ),
        Operation(
            "cached_contents",
            re.compile(_PLACE + _PROJECT + "cachedContents"),
            REQUEST,
            _CACHE,
            kind=SegmentKind.USER,
            creates=True,
        ),
        Operation(
            "cached_content",
            re.compile(_PLACE + rf"(?P<cached_content>{_PROJECT}cachedContents/[^/:]+)"),
            REQUEST,
            _CACHE,
            methods=_READ,
        ),
        Operation("files", re.compile(_PLACE + "files"), answer=_FILE, creates=True, uploads=True),
        Operation("file", re.compile(_PLACE + "(?P<file>files/[^/:]+)"), answer=_FILE, methods=_READ),
        Operation(
            "file_content",
            re.compile(_PLACE + "(?P<file>files/[^/:]+):download"),
            answer=_RESULT,
            streams=Streams.FILE,
            methods=frozenset(("GET",)),
        ),
    ),
    error=refusal.gemini,
    known_by=("gemini", "vertex", "google"),
)
