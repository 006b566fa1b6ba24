"""What providers keep besides chats: files, batches, cached contents; and the small endpoints of OpenAI's API."""

import json

import httpx
import pytest

TOKEN_LINE = '{"custom_id": "r-1", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "m", "messages": [{"role": "system", "content": "be kind"}, {"role": "user", "content": "Anna"}]}}'


def upload(**fields):
    files = {"file": ("batch.jsonl", (TOKEN_LINE + "\n").encode() * 2, "application/jsonl")}
    request = httpx.Request("POST", "http://x", data=fields, files=files)
    return request.read(), request.headers["content-type"]


def test_a_batch_file_is_inspected_line_by_line_with_the_shape_of_its_requests(read):
    body, kind = upload(purpose="batch")
    one = read("/v1/files", body, kind)
    assert one.kinds == {
        "/file/0/body/messages/0/content": "system", "/file/0/body/messages/1/content": "user",
        "/file/0/custom_id": "file", "/file/1/custom_id": "file", "/file/1/body/messages/0/content": "system", "/file/1/body/messages/1/content": "user", "/file~f": "metadata",
    }  # fmt: skip
    assert one.inspected.keeps
    assert one.inspected.unkept == {}
    out = one.splice({"/file/1/body/messages/1/content": '"X"'})
    assert out == body.replace(b'"Anna"', b'"\\"X\\""').replace(b'"\\"X\\""', b'"Anna"', 1)


def test_the_purpose_of_an_upload_is_text_where_it_is_words(read):
    body, kind = upload(purpose="for Anna")
    assert read("/v1/files", body, kind).texts["/purpose"] == "for Anna"


def test_a_recording_is_media_and_its_prompt_is_inspected(read):
    request = httpx.Request(
        "POST", "http://x", data={"model": "whisper-1", "prompt": "Frau Lindner"},
        files={"file": ("Anna.mp3", b"ID3\xff\xfe", "audio/mpeg")},
    )  # fmt: skip
    one = read("/v1/audio/transcriptions", request.read(), request.headers["content-type"])
    assert one.texts == {"/prompt": "Frau Lindner", "/file~f": "Anna.mp3"} | {
        pointer: text for pointer, text in one.texts.items() if pointer.endswith("~k")
    }
    assert [part.media_type for part in one.inspected.media] == ["audio/mpeg"]
    assert one.inspected.model == "whisper-1"


@pytest.mark.parametrize(
    ("path", "body", "texts"),
    [
        ("/v1/embeddings", {"model": "m", "input": "Anna", "encoding_format": "float"}, {"/input": "Anna"}),
        ("/v1/embeddings", {"model": "m", "input": ["Anna", "b"]}, {"/input/0": "Anna", "/input/1": "b"}),
        ("/openai/deployments/d/embeddings", {"input": "Anna"}, {"/input": "Anna"}),
        ("/v1/moderations", {"input": [{"type": "text", "text": "Anna"}]}, {"/input/0/text": "Anna"}),
        ("/v1/images/generations", {"model": "m", "prompt": "Anna", "size": "1024x1024"}, {"/prompt": "Anna"}),
        ("/v1/audio/speech", {"model": "m", "voice": "alloy", "input": "Anna"}, {"/input": "Anna"}),
        ("/v1/batches", {"input_file_id": "file-1", "endpoint": "/v1/responses", "metadata": {"a": "Anna"}}, {"/metadata/a~k": "a", "/metadata/a": "Anna"}),
    ],
)  # fmt: skip
def test_small_endpoints(read, path, body, texts):
    one = read(path, body)
    assert one.texts == texts
    assert one.format.name == "openai_other"


@pytest.mark.parametrize("tokens", [[1, 2], [[1, 2], [3]]])
def test_token_ids_in_embeddings_are_uninspected(read, tokens):
    parts = read("/v1/embeddings", {"model": "m", "input": tokens}).inspected.uninspected
    assert {part.media_type for part in parts} == {"application/x-token-ids"}


def test_vectors_pass_untouched(answer):
    value = {
        "object": "list",
        "model": "m",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.123456789] * 40}],
    }
    raw = json.dumps(value | {"usage": {"prompt_tokens": 3}}).encode()
    found = answer("/v1/embeddings", raw)
    assert found.body == raw
    assert found.facts.usage.input_tokens == 3


@pytest.mark.parametrize("kind", ["application/octet-stream", "application/jsonl", "text/plain", ""])
@pytest.mark.parametrize("cuts", [[], [1], [40, 41, 42], list(range(0, 400, 3))])
def test_the_result_of_a_batch_is_restored_as_json_lines(answer, people, kind, cuts):
    token, name = next(iter(people.items()))
    body = {"id": "chatcmpl-1", "choices": [{"index": 0, "message": {"role": "assistant", "content": f"Hi {token}"}}]}
    line = json.dumps({"id": "b", "custom_id": "r-1", "response": {"status_code": 200, "body": body}})
    raw = f"{line}\n{line}\n".encode()
    found = answer("/v1/files/file-1/content", raw, kind, method="GET", cuts=cuts)
    assert [
        json.loads(item)["response"]["body"]["choices"][0]["message"]["content"] for item in found.body.splitlines()
    ] == [f"Hi {name}"] * 2


def test_a_picture_in_a_file_passes(answer):
    raw = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20
    assert answer("/v1/files/file-1/content", raw, "image/png", method="GET", cuts=[5, 9, 300]).body == raw


@pytest.mark.parametrize(
    ("method", "path", "format", "operation", "state", "keeps"),
    [
        ("POST", "/v1/files", "openai_other", "files", {}, True),
        ("GET", "/v1/files/file-1", "openai_other", "file", {"file": "file-1"}, False),
        ("GET", "/v1/files/file-1/content", "openai_other", "file_content", {"file": "file-1"}, False),
        ("GET", "/v1/batches/batch_1", "openai_other", "batch", {"batch": "batch_1"}, True),
        ("POST", "/v1beta/cachedContents", "gemini", "cached_contents", {}, True),
        ("GET", "/v1beta/cachedContents/a1", "gemini", "cached_content", {"cached_content": "cachedContents/a1"}, False),
        ("PATCH", "/v1/projects/p/locations/l/cachedContents/a1", "gemini", "cached_content",
         {"cached_content": "projects/p/locations/l/cachedContents/a1"}, False),
        ("POST", "/upload/v1beta/files", "gemini", "files", {}, True),
        ("GET", "/v1beta/files/f1", "gemini", "file", {"file": "files/f1"}, False),
        ("POST", "/v1beta/models/m:batchGenerateContent", "gemini", "batches", {}, True),
        ("GET", "/v1beta/batches/b1", "gemini", "batch", {"batch": "batches/b1"}, True),
        ("POST", "/v1beta/models/m:asyncBatchEmbedContent", "gemini", "batches", {}, True),
        ("GET", "/download/v1beta/files/f1:download", "gemini", "file_content", {"file": "files/f1"}, False),
        ("GET", "/v1/chat/completions/chatcmpl-1", "openai_chat", "completion", {"completion": "chatcmpl-1"}, False),
        ("GET", "/v1/chat/completions/chatcmpl-1/messages", "openai_chat", "completion", {"completion": "chatcmpl-1"}, False),
        ("POST", "/v1/vector_stores", "openai_other", "vector_stores", {}, True),
        ("POST", "/v1/vector_stores/vs_1/files", "openai_other", "vector_store", {"vector_store": "vs_1"}, False),
        ("POST", "/v1/vector_stores/vs_1/search", "openai_other", "vector_search", {"vector_store": "vs_1"}, False),
        ("POST", "/v1/containers", "openai_other", "containers", {}, True),
        ("POST", "/v1/containers/c_1/files", "openai_other", "container_files", {"container": "c_1"}, True),
        ("GET", "/v1/containers/c_1/files", "openai_other", "container", {"container": "c_1"}, False),
        ("GET", "/v1/containers/c_1/files/f_1/content", "openai_other", "container_content", {"container": "c_1", "file": "f_1"}, False),
        ("POST", "/v1/videos", "openai_other", "videos", {}, True),
        ("POST", "/v1/videos/v_1/remix", "openai_other", "videos", {}, True),
        ("GET", "/v1/videos/v_1/content", "openai_other", "video", {"video": "v_1"}, False),
    ],
)  # fmt: skip
def test_objects_have_endpoints_of_their_own(read, method, path, format, operation, state, keeps):
    one = read(path, b"", "", method=method)
    assert (one.endpoint.format, one.endpoint.operation, one.inspected.state) == (format, operation, state)
    assert (one.inspected.keeps, one.inspected.unkept) == (keeps, {})


@pytest.mark.parametrize(
    ("path", "method", "body", "objects"),
    [
        ("/v1/files", "POST", {"id": "file-1", "object": "file"}, {"file": "file-1"}),
        ("/v1/batches", "POST", {"id": "batch_1", "output_file_id": None}, {"batch": "batch_1"}),
        ("/v1/batches/batch_1", "GET", {"id": "batch_1", "output_file_id": "file-2"}, {"batch": "batch_1", "file": "file-2"}),
        ("/v1beta/cachedContents", "POST", {"name": "cachedContents/a", "model": "m"}, {"cached_content": "cachedContents/a"}),
        ("/upload/v1beta/files", "POST", {"file": {"name": "files/a", "uri": "https://h/v1beta/files/a"}},
         {"file": "files/a", "file_uri": "https://h/v1beta/files/a"}),
        ("/v1beta/models/m:batchGenerateContent", "POST", {"name": "batches/b"}, {"batch": "batches/b"}),
        ("/v1beta/batches/b", "GET", {"name": "batches/b", "response": {"responsesFile": "files/r"}},
         {"batch": "batches/b", "file": "files/r"}),
        ("/v1beta/batches/b", "GET", {"name": "batches/b", "metadata": {"output": {"responsesFile": "files/r"}}},
         {"batch": "batches/b", "file": "files/r"}),
        ("/v1beta/batches/b", "GET", {"name": "batches/b", "response": {"responsesFile": "files/r"},
         "metadata": {"output": {"responsesFile": "files/s"}}}, {"batch": "batches/b", "file": "files/r", "file.2": "files/s"}),
        ("/v1/vector_stores", "POST", {"id": "vs_1"}, {"kept": "vs_1"}),
        ("/v1/videos", "POST", {"id": "video_1", "status": "queued"}, {"kept": "video_1"}),
        ("/v1/chat/completions", "POST", {"id": "chatcmpl-1"}, {"completion": "chatcmpl-1"}),
        ("/v1/conversations", "POST", {"id": "conv_1"}, {"conversation": "conv_1"}),
    ],
)  # fmt: skip
def test_an_answer_names_what_it_created(answer, path, method, body, objects):
    assert answer(path, json.dumps(body).encode(), method=method).facts.objects == objects


def test_a_cached_content_is_inspected_like_a_request(read):
    body = {
        "model": "models/m", "ttl": "300s", "displayName": "Anna", "systemInstruction": {"parts": [{"text": "be kind"}]},
        "contents": [{"role": "user", "parts": [{"text": "Anna"}, {"fileData": {"fileUri": "https://h/v1beta/files/a"}}]}],
    }  # fmt: skip
    one = read("/v1beta/cachedContents", body)
    assert one.kinds.items() >= {"/displayName": "user", "/systemInstruction/parts/0/text": "system", "/contents/0/parts/0/text": "user"}.items()  # fmt: skip
    assert one.inspected.state == {"file_uri": "https://h/v1beta/files/a"}


def test_a_batch_of_gemini_is_inspected_like_its_requests(read):
    request = {"contents": [{"role": "model", "parts": [{"text": "Anna"}]}]}
    one = read(
        "/v1beta/models/m:batchGenerateContent",
        {"batch": {"inputConfig": {"requests": {"requests": [{"request": request}]}}}},
    )
    assert one.kinds["/batch/inputConfig/requests/requests/0/request/contents/0/parts/0/text"] == "assistant"


@pytest.mark.parametrize(
    ("kind", "body", "texts"),
    [
        ("application/json", b'{"file": {"displayName": "Anna"}}', {"/file/displayName": "Anna"}),
        ("text/plain", b"Anna", {"/text": "Anna"}),
        ("multipart/related; boundary=B", b'--B\r\nContent-Type: application/json\r\n\r\n{"a": "Anna"}\r\n--B\r\nContent-Type: text/plain\r\n\r\nAnna\r\n--B--', {"/0/a": "Anna", "/1": "Anna"}),
    ],
)  # fmt: skip
def test_a_gemini_file_is_inspected_in_each_way_to_send_it(read, kind, body, texts):
    one = read("/upload/v1beta/files", body, kind)
    assert {pointer: text for pointer, text in one.texts.items() if not pointer.endswith("~k")} == texts


BLOB = "EpQBCioIARgC" * 60


def test_what_anthropic_encrypts_passes_and_what_a_tool_found_is_inspected(read):
    found = {"type": "web_search_result", "url": "https://x/a", "title": "Anna", "encrypted_content": BLOB}
    document = {
        "type": "document",
        "title": "Anna",
        "source": {"type": "text", "media_type": "text/plain", "data": "Anna"},
    }
    citation = {"type": "web_search_result_location", "cited_text": "Anna", "encrypted_index": BLOB}
    content = [
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [found]},
        {"type": "redacted_thinking", "data": BLOB},
        {"type": "tool_result", "tool_use_id": "toolu_1", "content": [document, {"type": "text", "text": "Anna"}]},
        {"type": "code_execution_tool_result", "tool_use_id": "x", "content": {"type": "r", "stdout": "Anna", "encrypted_stdout": BLOB}},
        {"type": "text", "text": "Anna", "citations": [citation]},
    ]  # fmt: skip
    one = read("/v1/messages", {"messages": [{"role": "assistant", "content": content}]})
    assert one.kinds == {
        "/messages/0/content/0/content/0/url": "tool_result", "/messages/0/content/0/content/0/title": "tool_result",
        "/messages/0/content/2/content/0/title": "tool_result", "/messages/0/content/2/content/0/source/data": "tool_result",
        "/messages/0/content/2/content/1/text": "tool_result", "/messages/0/content/3/content/stdout": "tool_result",
        "/messages/0/content/4/text": "assistant", "/messages/0/content/4/citations/0/cited_text": "assistant",
    }  # fmt: skip
    assert (one.inspected.media, one.inspected.uninspected) == ((), ())


def test_a_message_batch_of_anthropic_and_its_results(read, answer, people):
    params = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Anna"}]}
    one = read("/v1/messages/batches", {"requests": [{"custom_id": "r-1", "params": params}]})
    assert one.kinds == {"/requests/0/custom_id": "unknown", "/requests/0/params/messages/0/content": "user"}
    assert one.inspected.keeps
    token, name = next(iter(people.items()))
    message = {"id": "msg_1", "role": "assistant", "content": [{"type": "text", "text": f"Hi {token}"}]}
    raw = (json.dumps({"custom_id": "r-1", "result": {"type": "succeeded", "message": message}}) + "\n").encode() * 2
    found = answer("/v1/messages/batches/b1/results", raw, "application/x-jsonl", method="GET", cuts=[9, 100])
    texts = [json.loads(line)["result"]["message"]["content"][0]["text"] for line in found.body.splitlines()]
    assert texts == [f"Hi {name}"] * 2
    assert read("/v1/messages/batches/b1/results", b"", method="GET").inspected.state == {"batch": "b1"}


def test_a_batch_of_gemini_that_reads_a_file_has_the_words_of_the_file(read, answer, people):
    one = read(
        "/v1beta/models/m:batchGenerateContent", {"batch": {"model": "m", "inputConfig": {"fileName": "files/a"}}}
    )
    assert one.inspected.state == {"file": "files/a"}
    token, name = next(iter(people.items()))
    said = {
        "candidates": [
            {
                "content": {
                    "role": "model",
                    "parts": [{"text": token}, {"functionCall": {"name": "f", "args": {"to": token}}}],
                }
            }
        ]
    }
    raw = json.dumps({"key": token, "response": said}).encode() + b"\n"
    found = answer(
        "/download/v1beta/files/r:download", raw * 2, "application/octet-stream", method="GET", cuts=[9, 70, 71]
    )
    assert [json.loads(line) for line in found.body.splitlines()] == 2 * [
        json.loads(raw.decode().replace(token, json.dumps(name)[1:-1]))
    ]


def test_a_chat_that_was_kept_is_restored(answer, people):
    token, name = next(iter(people.items()))
    message = {
        "role": "assistant",
        "content": token,
        "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "f", "arguments": json.dumps({"to": token})}}
        ],
    }
    kept = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message}],
        "metadata": {"a": token},
    }
    found = answer("/v1/chat/completions/chatcmpl-1", json.dumps(kept).encode(), method="GET").json
    assert (found["choices"][0]["message"]["content"], found["metadata"]["a"]) == (name, name)
    assert json.loads(found["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]) == {"to": name}
    page = {
        "object": "list",
        "data": [{"id": "m", "role": "user", "content": token, "content_parts": [{"type": "text", "text": token}]}],
    }
    found = answer("/v1/chat/completions/chatcmpl-1/messages", json.dumps(page).encode(), method="GET").json["data"][0]
    assert (found["content"], found["content_parts"][0]["text"]) == (name, name)


PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


@pytest.mark.parametrize(("path", "fields", "field", "operation"), [
    ("/v1/images/edits", {"model": "gpt-image", "prompt": "Anna", "n": "2", "size": "1024x1024"}, "image[]", "images"),
    ("/v1/images/variations", {"user": "Anna", "n": "2"}, "image", "images"),
    ("/v1/videos", {"model": "sora", "prompt": "Anna", "seconds": "8"}, "input_reference", "videos"),
])  # fmt: skip
def test_a_picture_to_be_changed_is_a_medium_and_the_words_about_it_are_inspected(read, path, fields, field, operation):
    request = httpx.Request("POST", "http://x", data=fields, files={field: ("Anna.png", PICTURE, "image/png")})
    one = read(path, request.read(), request.headers["content-type"])
    assert one.endpoint.operation == operation
    names = {pointer: text for pointer, text in one.texts.items() if not pointer.endswith("~k")}
    asked = next(name for name, value in fields.items() if value == "Anna")
    assert names == {f"/{asked}": "Anna", f"/{field}~f": "Anna.png"}
    assert [part.media_type for part in one.inspected.media] == ["image/png"]
    assert [one.raw for one in one.inspected.attachments] == [PICTURE]
    out = one.splice({f"/{asked}": "X", f"/{field}~f": "Y.png"})
    assert out == request.read().replace(b"\r\nAnna\r\n", b"\r\nX\r\n").replace(b'"Anna.png"', b'"Y.png"')


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "text/event-stream"])
def test_what_was_heard_is_restored_in_each_form(answer, people, kind):
    token, name = next(iter(people.items()))
    raw = {
        "application/json": json.dumps({"text": token, "segments": [{"id": 0, "text": token, "tokens": [1, 2]}]}),
        "text/plain": f"1\n00:00:00,000 --> 00:00:01,000\n{token}\n",
        "text/event-stream": "".join(
            f"data: {json.dumps({'type': 'transcript.text.delta', 'delta': piece})}\n\n" for piece in (token[:3], token[3:])
        ) + f"data: {json.dumps({'type': 'transcript.text.done', 'text': token})}\n\n",
    }[kind].encode()  # fmt: skip
    found = answer("/v1/audio/transcriptions", raw, kind, cuts=[5, 40])
    if kind == "text/event-stream":
        assert "".join(one.get("delta", "") for one in found.events) == name
        assert found.events[-1]["text"] == name
    elif kind == "application/json":
        assert (found.json["text"], found.json["segments"][0]["text"]) == (name, name)
    else:
        assert found.body.decode() == raw.decode().replace(token, name)


def test_what_is_spoken_passes_untouched(answer):
    raw = b"ID3" + bytes(range(256)) * 9
    assert answer("/v1/audio/speech", raw, "audio/mpeg", cuts=[1, 9]).body == raw
    event = b'data: {"type":"speech.audio.delta","audio":"AAECAw=="}\n\n'
    assert answer("/v1/audio/speech", event, "text/event-stream").body == event


@pytest.mark.parametrize(
    ("path", "hint", "said", "named"),
    [
        ("/v1/evals/eval_1/runs", "openai_other", {"id": "evalrun_2", "eval_id": "eval_1"}, "eval_1/runs/evalrun_2"),
        ("/v1/skills/skill_1/versions", "openai_other", {"id": "v", "skill_id": "skill_1", "version": "2"}, "skill_1/versions/2"),
        ("/v1/skills/skill_1/versions", "anthropic", {"id": "skver_2", "skill_id": "skill_1"}, "skill_1/versions/skver_2"),
    ],
)  # fmt: skip
def test_what_belongs_to_an_object_is_named_by_the_path_to_it(read, answer, path, hint, said, named):
    assert list(answer(path, json.dumps(said).encode(), hint=hint).facts.objects.values()) == [named]
    kept = read(f"/v1/{path.split('/')[2]}/{named}", b"", "", hint, method="GET").inspected
    assert set(kept.state.values()) == {named, named.partition("/")[0]}
    assert not kept.keeps
