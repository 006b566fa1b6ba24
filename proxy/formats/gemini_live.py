"""Gemini Live (BidiGenerateContent): sessions over WebSocket, at the Gemini API and at Vertex AI.

Source: Gemini API reference, Live API, v1beta. Proto JSON in text or binary frames; what is refused ends the session,
as the provider has no event for it.
"""

import re

from proxy.formats import gemini, refusal
from proxy.formats.core import JsonFormat, Operation
from proxy.formats.session import JsonDialect
from proxy.formats.shape import Rule, Use, app_data, build, delta, graft, joined, media, opaque, structural, text
from redaction.segment import SegmentKind

_REQUEST = gemini.REQUEST.members
_CONTENT = _REQUEST["content"]
_PARTS = _CONTENT.members["parts"].item().members

_SETUP = build(
    structural("model", note="@model"),
    structural("sessionResumption", note="@resumes"),
    structural("sessionResumption/handle", note="@state.session"),
    structural("sessionResumption/transparent proactivity/** explicitVadSignal contextWindowCompression/**"),
    structural("realtimeInputConfig/** historyConfig/**"),
    structural("{inputAudioTranscription,outputAudioTranscription}/languageCodes/*"),
    structural("generationConfig/speechConfig/languageCode"),
    structural("generationConfig/speechConfig/voiceConfig/prebuiltVoiceConfig/voiceName"),
    media(f"{gemini.VOICE}/{{voiceSampleAudio,consentAudio}} avatarConfig/customizedAvatar/imageData"),
    opaque(f"{gemini.VOICE}/voiceConsentSignature/signature"),
    graft("systemInstruction", _REQUEST["systemInstruction"]),
    graft("tools", _REQUEST["tools"]),
    graft("toolConfig", _REQUEST["toolConfig"]),
    fold=True,
)
for _name, _shape in _REQUEST["generationConfig"].members.items():
    _SETUP.members["generationConfig"].members.setdefault(_name, _shape)

CLIENT = build(
    graft("setup", _SETUP),
    graft("contextUpdate/systemInstruction", _REQUEST["systemInstruction"]),
    graft("clientContent/turns/*", _CONTENT),
    structural("clientContent/turnComplete"),
    structural("realtimeInput/{audio,video,mediaChunks/*}/mimeType", note="mime"),
    media("realtimeInput/{audio,video,mediaChunks/*}/data"),
    text("realtimeInput/text", SegmentKind.USER),
    structural("realtimeInput/audioStreamEnd"),
    graft("toolResponse/functionResponses/*", _PARTS["functionResponse"]),
    fold=True,
)
_SAID = "serverContent/modelTurn/parts"
_HEARD = "serverContent/{inputTranscription,outputTranscription}"
SERVER = build(
    structural("setupComplete/sessionId goAway/timeLeft toolCallCancellation/ids/*"),
    structural("serverContent/{turnComplete,interrupted}", note="close"),
    structural("serverContent/{generationComplete,waitingForInput,turnCompleteReason,modelTurn/role}"),
    joined(_SAID),
    delta(f"{_SAID}/*/text"),
    structural(f"{_SAID}/*/{{thought,functionCall/id,executableCode/id,executableCode/language}}"),
    structural(f"{_SAID}/*/functionCall/name", note="tool"),
    Rule(f"{_SAID}/*/functionCall", kind=SegmentKind.TOOL_ARGUMENTS),
    structural(f"{_SAID}/*/inlineData/mimeType", note="mime"),
    media(f"{_SAID}/*/inlineData/data"),
    opaque(f"{_SAID}/*/thoughtSignature", once=True),
    delta(f"{_HEARD}/text"),
    structural(f"{_HEARD}/finished", note="close"),
    structural(f"{_HEARD}/languageCode"),
    structural("toolCall/functionCalls/*/id"),
    structural("toolCall/functionCalls/*/name", note="tool"),
    Rule("toolCall/functionCalls/*", kind=SegmentKind.TOOL_ARGUMENTS),
    app_data("toolCall/functionCalls/*/args", SegmentKind.TOOL_ARGUMENTS),
    Rule("sessionResumptionUpdate/newHandle", Use.OPAQUE, note="@object.session"),
    structural("sessionResumptionUpdate/{resumable,lastConsumedClientMessageIndex}"),
    structural("usageMetadata/promptTokenCount", note="@usage.in", once=True),
    structural("usageMetadata/{candidatesTokenCount,responseTokenCount}", note="@usage.out", once=True),
    structural("usageMetadata/** "),
    structural("usageMetadata/{promptTokensDetails,responseTokensDetails}/*/modality"),
    fold=True,
)
DIALECT = JsonDialect(CLIENT, SERVER, resumes="resumes")

FORMAT = JsonFormat(
    "gemini_live",
    (
        Operation(
            "live",
            re.compile(
                r"/(?:.*/)?ws/google\.(?:ai\.generativelanguage|cloud\.aiplatform)\.v\d\w*[./]"
                r"(?:GenerativeService\.BidiGenerateContent(?:Constrained)?|LlmBidiService/BidiGenerateContent)"
            ),
            CLIENT,
            SERVER,
            methods=frozenset(("GET",)),
            session=DIALECT,
        ),
    ),
    error=refusal.gemini,
)
