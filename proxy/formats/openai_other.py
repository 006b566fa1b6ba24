"""The rest of OpenAI's API that carries words: embeddings, moderations, images, audio, video, files and their holders.

Source: OpenAI API reference. Uploads are multipart; a batch file holds one request per line, its result one answer per
line. Audio and images are media, which the policy lets pass or refuses.
"""

import re

from proxy.formats import openai_chat, openai_kept, openai_responses, refusal
from proxy.formats.channels import Channels
from proxy.formats.core import JsonFormat, Operation, Streams
from proxy.formats.shape import Shape, app_data, build, delta, graft, media, opaque, structural, text
from redaction.segment import SegmentKind

_COMMON = (
    structural("model", note="@model"),
    structural("stream", note="@stream"),
    structural("dimensions encoding_format n size quality style response_format background moderation output_format"),
    structural("output_compression partial_images input_fidelity voice speed stream_format language temperature"),
    structural("timestamp_granularities/* timestamp_granularities[]/* include/* include[]/* chunking_strategy/**"),
    text("user", SegmentKind.METADATA),
)

EMBEDDINGS = build(*_COMMON, text("input input/*", SegmentKind.USER, tokens=True))
MODERATIONS = build(
    *_COMMON, structural("input/*/type"), text("input input/*/text", SegmentKind.USER), media("input/*/image_url/url")
)
IMAGES = build(
    *_COMMON,
    text("prompt", SegmentKind.USER),
    media("image image/* images/* images/*/image_url mask mask/image_url markup"),
)
AUDIO = build(*_COMMON, text("input prompt instructions", SegmentKind.USER))

LINE = build(
    text("custom_id"),  # of the app's own making
    structural("method url"),
    graft("body", openai_chat.REQUEST),
    graft("messages", openai_chat.REQUEST.members["messages"]),
)
FILES = build(structural("purpose expires_after[anchor] expires_after[seconds]"), graft("file", Shape(element=LINE)))
BATCHES = build(
    structural("input_file_id", note="@state.file"),
    structural("endpoint completion_window output_expires_after/**"),
    app_data("metadata", SegmentKind.METADATA),
)

VECTORS = build(
    structural("object model data/*/{object,index} usage/**"),
    structural("usage/prompt_tokens", note="@usage.in"),
    opaque("data/*/embedding"),
)
_VERDICT = build(structural("id model results/*/flagged results/*/{categories,category_scores}/**"))
_PICTURES = build(
    structural("type", note="type"),
    structural("created background output_format quality size usage/** partial_image_index"),
    media("data/*/b64_json b64_json"),
    text("data/*/{revised_prompt,url}"),
)
_HEARD = build(
    structural("type", note="type"),
    structural("task language duration usage/** segments/*/{id,seek,start,end,temperature} words/*/{start,end}"),
    opaque("logprobs/** segments/*/tokens/*", once=True),
    delta("delta"),
    text("text segments/*/text words/*/word"),
)
_SPOKEN = build(structural("type usage/**"), media("audio"))
_FILE = build(
    structural("id", note="@object.file"),
    structural("object purpose status bytes created_at expires_at deleted has_more first_id last_id"),
)
_BATCH = build(
    structural("id", note="@object.batch"),
    structural("output_file_id", note="@object.file"),
    structural("error_file_id", note="@object.errors"),
    structural("object endpoint status input_file_id completion_window request_counts/** created_at model"),
)
_RESULT = build(
    structural("id custom_id response/{status_code,request_id} error/{code,type}"),
    # Of chat completions, or of responses.
    graft(
        "response/body",
        Shape(members={**openai_chat.ANSWER.members, "output": openai_responses.ANSWER.members["output"]}),
    ),
)

STORE = build(
    structural("file_ids/* file_id", note="@state.file"),
    structural(
        "chunking_strategy/** expires_after/{anchor,days,minutes} max_num_results ranking_options/** rewrite_query"
    ),
    structural("filters/type memory_limit network_policy/type"),
    app_data("metadata", SegmentKind.METADATA),
    app_data("attributes", SegmentKind.METADATA),
    text("query query/*", SegmentKind.USER),
)
VIDEO = build(
    *_COMMON,
    structural("seconds input_reference/file_id"),
    media("input_reference input_reference/image_url"),
    text("prompt", SegmentKind.USER),
)
_KEPT = build(structural("id", note="@object.kept"), structural("object status created_at file_id model progress"))
_FOUND = build(structural("object has_more data/*/{file_id,score} data/*/content/*/type"))

_BASE = r"/(?:.*/)?(?:v1|openai|openai/deployments/[^/]+)/"
_STORE, _CONTAINER = _BASE + "vector_stores/(?P<vector_store>[^/]+)", _BASE + "containers/(?P<container>[^/]+)"
_READ = frozenset(("GET", "POST", "DELETE"))
_USER = SegmentKind.USER

FORMAT = JsonFormat(
    "openai_other",
    (
        Operation("embeddings", re.compile(_BASE + "embeddings"), EMBEDDINGS, VECTORS, kind=_USER),
        Operation("moderations", re.compile(_BASE + "moderations"), MODERATIONS, _VERDICT, kind=_USER),
        Operation(
            "images",
            re.compile(_BASE + "images/(?:generations|edits|variations)"),
            IMAGES,
            _PICTURES,
            Streams.SSE,
            kind=_USER,
        ),
        Operation("speech", re.compile(_BASE + "audio/speech"), AUDIO, _SPOKEN, Streams.SSE, kind=_USER),
        Operation(
            "transcriptions",
            re.compile(_BASE + "audio/(?:transcriptions|translations)"),
            AUDIO,
            _HEARD,
            Streams.SSE,
            Channels(),
            kind=_USER,
        ),
        Operation("files", re.compile(_BASE + "files"), FILES, _FILE, creates=True),
        Operation(
            "file_content", re.compile(_BASE + "files/(?P<file>[^/]+)/content"), build(), _RESULT, Streams.FILE,
            methods=frozenset(("GET",)),
        ),
        Operation("file", re.compile(_BASE + "files/(?P<file>[^/]+)"), build(), build(), methods=_READ),
        Operation(
            "uploads", re.compile(_BASE + "uploads(?:/.*)?"), methods=_READ,
            refused="what is not create, parts, complete or cancel; those are held and leave as POST /v1/files",
        ),
        Operation("vector_stores", re.compile(_BASE + "vector_stores"), STORE, _KEPT, kind=_USER, creates=True),
        Operation(
            "vector_store", re.compile(_STORE + "(?:/(?:files|file_batches)(?:/.*)?)?"), STORE, methods=_READ,
        ),
        Operation("vector_search", re.compile(_STORE + "/search"), STORE, _FOUND, kind=_USER),
        Operation("containers", re.compile(_BASE + "containers"), STORE, _KEPT, creates=True),
        Operation("container_files", re.compile(_CONTAINER + "/files"), STORE, _KEPT, creates=True),
        Operation(
            "container_content", re.compile(_CONTAINER + "/files/(?P<file>[^/]+)/content"), streams=Streams.FILE,
            methods=frozenset(("GET",)),
        ),
        Operation("container", re.compile(_CONTAINER + "(?:/files(?:/[^/]+)?)?"), methods=_READ),
        Operation(
            "videos", re.compile(_BASE + "videos(?:/edits|/extensions|/characters|/[^/]+/remix)?"), VIDEO, _KEPT,
            kind=_USER, creates=True,
        ),
        Operation("video", re.compile(_BASE + "videos/(?P<video>[^/]+)(?:/content)?"), answer=_KEPT, methods=_READ),
        Operation("batches", re.compile(_BASE + "batches"), BATCHES, _BATCH, creates=True),
        Operation(
            "batch", re.compile(_BASE + "batches/(?P<batch>[^/]+)(?:/cancel)?"), build(), _BATCH, methods=_READ,
            creates=True,
        ),
        *openai_kept.operations(_BASE),
    ),
    error=refusal.openai,
)  # fmt: skip
