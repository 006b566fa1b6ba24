"""Amazon Bedrock's runtime: converse and invoke, whole and as AWS event streams, count-tokens, guardrails.

Source: Amazon Bedrock API reference (Runtime), and the parameters of the model families for invoke: Anthropic,
Nova, Titan, Llama, Mistral, Cohere. What an invoked model's family names and this table does not is text.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType

from proxy.formats import anthropic, openai_chat
from proxy.formats.base import Endpoint, Inspected, RequestHead, ResponseReader
from proxy.formats.channels import Channels
from proxy.formats.core import JsonFormat, Operation, Streams
from proxy.formats.document import Body, Document, Slot, through
from proxy.formats.schema import json_schema
from proxy.formats.shape import Shape, app_data, build, delta, graft, media, opaque, structural, text
from proxy.formats.stream import StreamReader
from proxy.framing.awsevents import CONTENT_TYPE, AwsFramer, encoded_headers, message
from proxy.messages import Headers, Refusal
from redaction.restore import Restorer
from redaction.segment import SegmentKind

_DOCUMENT_NAME = "/document/name"
_USER = SegmentKind.USER


def _block() -> Shape:
    """A content block of converse; what a tool gave back holds blocks as well."""
    block = build(
        structural("{image,document,video,audio}/format", note="mime"),
        media("{image,document,video,audio}/source/bytes guardContent/image/source/bytes"),
        structural("guardContent/image/format", note="mime"),
        structural("{image,document,video,audio}/source/s3Location/bucketOwner document/citations/enabled"),
        structural("toolUse/{toolUseId,type} toolResult/{toolUseId,status,type} cachePoint/{type,ttl}"),
        structural("toolUse/name", note="tool"),
        structural("guardContent/text/qualifiers/* searchResult/citations/enabled"),
        app_data("toolUse/input", SegmentKind.TOOL_ARGUMENTS),
        app_data("toolResult/content/*/json", SegmentKind.TOOL_RESULT),
        opaque("reasoningContent/redactedContent reasoningContent/reasoningText/signature"),
        structural("citationsContent/citations/*/location/*/{documentIndex,searchResultIndex,start,end}"),
    )
    block.members["toolResult"].members["content"] = Shape(kind=SegmentKind.TOOL_RESULT, element=block)
    result = block.members["toolResult"].members["content"]
    result.element = Shape(
        kind=SegmentKind.TOOL_RESULT,
        members={**block.members, "json": build(app_data("json", SegmentKind.TOOL_RESULT)).members["json"]},
    )
    return block


_BLOCK = _block()

CONVERSE = build(
    structural("messages/*/role", note="role"),
    graft("messages/*/content/*", _BLOCK),
    text("system system/*/text", SegmentKind.SYSTEM),
    structural("system/*/guardContent/image/format", note="mime"),
    media("system/*/guardContent/image/source/bytes"),
    structural("system/*/cachePoint/{type,ttl} inferenceConfig/{maxTokens,temperature,topP}"),
    structural("toolConfig/tools/*/toolSpec/{name,strict} toolConfig/tools/*/cachePoint/{type,ttl}"),
    text("toolConfig/tools/*/toolSpec/description", SegmentKind.TOOL_DEFINITION),
    graft("toolConfig/tools/*/toolSpec/inputSchema/json", json_schema()),
    structural("toolConfig/toolChoice/** guardrailConfig/** performanceConfig/latency serviceTier/type"),
    app_data("promptVariables requestMetadata additionalModelRequestFields"),
)
_COUNT = build(graft("input/converse", CONVERSE), media("input/invokeModel/body"))
_GUARDRAIL = build(
    structural("source outputScope content/*/text/qualifiers/*"),
    structural("content/*/image/format", note="mime"),
    media("content/*/image/source/bytes"),
)

CONVERSED = build(
    structural("type", note="type"),
    structural("contentBlockIndex", note="index"),
    structural("output/message/role role stopReason start/toolUse/{toolUseId,type}"),
    structural("start/toolUse/name", note="tool"),
    graft("output/message/content/*", _BLOCK),
    delta("delta/text delta/reasoningContent/text"),
    delta("delta/toolUse/input", SegmentKind.TOOL_ARGUMENTS, json=True),
    opaque("delta/reasoningContent/{signature,redactedContent} p"),
    structural("usage/inputTokens", note="@usage.in"),
    structural("usage/outputTokens", note="@usage.out"),
    structural("usage/** metrics/latencyMs performanceConfig/latency"),
)


def _invoked(*, request: bool) -> Shape:
    """The bodies of every family in one shape: their names do not contradict each other."""
    own = anthropic.REQUEST if request else anthropic.ANSWER
    more = build(
        structural("anthropic_version anthropic_beta/* textGenerationConfig/{maxTokenCount,temperature,topP}"),
        structural("inferenceConfig/{maxTokens,max_new_tokens,temperature,topP,topK} schemaVersion"),
        structural("max_gen_len max_tokens_to_sample generation_token_count prompt_token_count topP p k dimensions"),
        structural("normalize embeddingTypes/* embedding_types/* input_type truncate"),
        text("prompt inputText message texts/*", _USER),
    )
    answer = build(
        delta("generation outputText completion text outputs/*/text results/*/outputText generations/*/text"),
        structural("tokenCount generation_id"),
        structural("completionReason stop_reason is_finished finish_reason outputs/*/stop_reason", note="close"),
        structural("inputTextTokenCount prompt_token_count", note="@usage.in"),
        structural("generation_token_count totalOutputTextTokenCount", note="@usage.out"),
        structural("contentBlockDelta/contentBlockIndex contentBlockStop/contentBlockIndex", note="index"),
        delta("contentBlockDelta/delta/text"),
        structural("messageStop/stopReason messageStart/role stopReason output/message/role"),
        graft("output/message/content/*", _BLOCK),
        opaque("embedding amazon-bedrock-invocationMetrics/**"),
        structural("results/*/completionReason results/*/tokenCount"),
    )
    chat = openai_chat.REQUEST if request else openai_chat.ANSWER
    theirs = {"choices": chat.members["choices"]} if "choices" in chat.members else {}
    return Shape(members={**own.members, **theirs, **(more if request else answer).members})


def bedrock(refused: Refusal) -> dict[str, object]:
    """`{"message": text}`; the class of the SDK's exception stands in a header."""
    return {"message": f"dragoman: {refused.message} [{refused.code}]", "code": refused.code}


@dataclass(frozen=True, slots=True)
class BedrockFormat(JsonFormat):
    """JSON like the others; its streams are binary, and names of documents take few characters."""

    def read(self, endpoint: Endpoint, head: RequestHead, body: bytes) -> Inspected:
        """Take a decoded body apart. Raises FormatError."""
        inspected = JsonFormat.read(self, endpoint, head, body)
        source = inspected.source
        if isinstance(source, Body):
            for slot in _slots(source.document):
                if slot.pointer.endswith(_DOCUMENT_NAME):
                    slot.write = through(document_name, slot.write)
        return inspected

    def reader(self, endpoint: Endpoint, status: int, headers: Headers, restorer: Restorer) -> ResponseReader:
        """A reader of event streams where the answer is one."""
        if (headers.get("content-type") or "").partition(";")[0].strip().lower() == CONTENT_TYPE:
            operation = self._operation(endpoint)
            return StreamReader(AwsFramer(), operation.answer, operation.channels, restorer)
        return JsonFormat.reader(self, endpoint, status, headers, restorer)

    def stream_error(self, endpoint: Endpoint, refusal: Refusal) -> bytes:
        """A message of type exception, which the SDK raises."""
        head = {
            ":message-type": "exception",
            ":exception-type": "internalServerException",
            ":content-type": "application/json",
        }
        return message(encoded_headers(head), json.dumps(bedrock(refusal)).encode())


def document_name(text: str) -> str:
    """As Bedrock takes names of documents: letters, digits, single blanks, `-()[]`."""
    return re.sub(r" {2,}", " ", re.sub(r"[^A-Za-z0-9\s\-()\[\]]", "-", text))


def _slots(document: Document) -> Iterator[Slot]:
    for slot in document.slots:
        yield slot
        if slot.inner is not None:
            yield from _slots(slot.inner)


_MODEL = r"/(?:.*/)?model/(?P<model>[^/]+)/"
_CONVERSE_ENDS = Channels(
    MappingProxyType({"contentBlockStop": False, "messageStop": True}),
    json=frozenset(),
)
_INVOKE_ENDS = Channels(MappingProxyType({"content_block_stop": False, "message_stop": True}), call="content_block")

FORMAT = BedrockFormat(
    "bedrock",
    (
        Operation("converse", re.compile(_MODEL + "converse"), CONVERSE, CONVERSED, kind=_USER),
        Operation(
            "converse_stream",
            re.compile(_MODEL + "converse-stream"),
            CONVERSE,
            CONVERSED,
            Streams.AWS,
            _CONVERSE_ENDS,
            kind=_USER,
        ),
        Operation("invoke", re.compile(_MODEL + "invoke"), _invoked(request=True), _invoked(request=False), kind=_USER),
        Operation(
            "invoke_stream",
            re.compile(_MODEL + "invoke-with-response-stream"),
            _invoked(request=True),
            _invoked(request=False),
            Streams.AWS,
            _INVOKE_ENDS,
            kind=_USER,
        ),
        Operation("count_tokens", re.compile(_MODEL + "count-tokens"), _COUNT, kind=_USER),
        Operation("guardrail", re.compile(r"/(?:.*/)?guardrail/[^/]+/version/[^/]+/apply"), _GUARDRAIL, kind=_USER),
        Operation(
            "async_invoke",
            re.compile(r"/(?:.*/)?async-invoke(?:/.*)?"),
            methods=frozenset(("GET", "POST")),
            refused="the result of an asynchronous call goes to a store where nothing restores it; call the model",
        ),
    ),
    error=bedrock,
    known_by=("bedrock",),
)
