"""A fake of the Gemini API: generateContent, streamGenerateContent (SSE or a JSON array), countTokens, embeddings.

Vertex paths work as well, because only the end of the path counts. Field names are taken in both spellings that proto
JSON allows.
"""

import json
import re
from typing import Any

from proxy.fakes.behaviour import Behaviour, Play, Prompt, words_of
from proxy.fakes.shapes import arguments_of, count, in_turn, vector
from proxy.fakes.traffic import JSON, SSE, Answer, Received, dump, pieces, whole

_OPERATION = re.compile(r"models/([^/:]+):(\w+)$")
_STATUS = {400: "INVALID_ARGUMENT", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL"}


def answer(call: Received, play: Play) -> Answer | None:
    """The answer to `…/models/{model}:{operation}`; None where the path is not known."""
    if call.path.endswith("/models") and call.method == "GET":
        return whole({"models": [{"name": f"models/fake-{behaviour}"} for behaviour in Behaviour]})
    if call.path.endswith("/files") and call.method == "POST":
        return _upload(call, play)
    found = _OPERATION.search(call.path)
    if found is None or call.method != "POST":
        return None
    model, operation = found[1], found[2]
    body = call.json()
    prompt = prompt_of(body)
    if play.behaviour.error is not None:
        return error(play, prompt)
    if operation == "generateContent":
        return whole(_chunk(model, _candidates(body, prompt, play), prompt), ascii_only=play.ascii_only)
    if operation == "streamGenerateContent":
        return _stream(call, _chunks(model, _candidates(body, prompt, play), prompt, play), play)
    if operation == "countTokens":
        return whole({"totalTokens": count(prompt.everything)})
    if operation == "embedContent":
        return whole({"embedding": {"values": vector(prompt.everything)}})
    if operation == "batchEmbedContents":
        texts = [_text(part.get("content") or {}) for part in body.get("requests") or []]
        return whole({"embeddings": [{"values": vector(text)} for text in texts]})
    return None


def _upload(call: Received, play: Play) -> Answer:
    """The resumable protocol: an address of its own for the bytes, then the file that they became."""
    commands = call.headers.get("x-goog-upload-command") or ""
    if "start" in commands:
        host = call.headers.get("host")
        address = f"{play.scheme}://{host}{call.path}?upload_id=fake-upload&upload_protocol=resumable"
        return whole({}, extra=(("x-goog-upload-url", address), ("x-goog-upload-status", "active")))
    if "finalize" not in commands:
        return whole({}, extra=(("x-goog-upload-status", "active"),))
    kept = {"name": "files/fake-file", "uri": f"{play.scheme}://fake/v1beta/files/fake-file", "state": "ACTIVE",
            "sizeBytes": str(len(call.body)), "mimeType": "text/plain"}  # fmt: skip
    return whole({"file": kept}, extra=(("x-goog-upload-status", "final"),))


def error(play: Play, prompt: Prompt) -> Answer:
    """An error as Google's APIs word it, with the prompt quoted."""
    message = f"The prompt could not be processed: {prompt.everything}"
    return _error(play.behaviour.error or 500, message, ascii_only=play.ascii_only)


def not_found(call: Received) -> Answer:
    """The API's answer to a path that it does not have."""
    return _error(404, f"Method not found: {call.path}", ascii_only=False)


def prompt_of(body: dict[str, Any]) -> Prompt:
    """System instruction and contents, in order; the last text, or the last function's response, is answered."""
    inner = body.get("generateContentRequest") or body
    contents = [inner.get("systemInstruction") or inner.get("system_instruction"), inner.get("content")]
    given = inner.get("contents") or []
    contents += given if isinstance(given, list) else [given]
    texts = [_text(content) for content in contents if isinstance(content, dict)]
    for request in body.get("requests") or []:
        texts.append(_text(request.get("content") or {}))
    kept = tuple(text for text in texts if text)
    return Prompt(kept[-1] if kept else "", kept)


def _text(content: dict[str, Any]) -> str:
    texts = []
    for part in content.get("parts") or []:
        response = part.get("functionResponse") or part.get("function_response")
        if "text" in part:
            texts.append(str(part["text"]))
        elif response:
            texts.append(json.dumps(response.get("response"), ensure_ascii=False))
    return "\n".join(texts)


def _candidates(body: dict[str, Any], prompt: Prompt, play: Play) -> list[list[dict[str, Any]]]:
    """The parts of every candidate: one text, or up to two function calls."""
    names = [
        declared["name"]
        for tool in body.get("tools") or []
        for declared in tool.get("functionDeclarations") or tool.get("function_declarations") or []
    ]
    contents = body.get("contents") or [{}]
    last = contents[-1] if isinstance(contents, list) else contents
    answered = any("functionResponse" in part or "function_response" in part for part in last.get("parts") or [])
    if names and not answered:
        calls = [
            {"functionCall": {"name": name, "args": json.loads(arguments_of(prompt, play, at))}}
            for at, name in enumerate(names[:2])
        ]
        return [calls]
    config = body.get("generationConfig") or body.get("generation_config") or {}
    text = words_of(play, prompt)
    total = int(config.get("candidateCount") or config.get("candidate_count") or 1)
    return [[{"text": f"{text} #{at + 1}" if at else text}] for at in range(total)]


def _chunk(model: str, candidates: list[list[dict[str, Any]]], prompt: Prompt) -> dict[str, Any]:
    return {
        "candidates": [_candidate(at, parts, "STOP") for at, parts in enumerate(candidates)],
        "usageMetadata": _usage(prompt, candidates),
        "modelVersion": model,
        "responseId": "fake-response",
    }


def _candidate(index: int, parts: list[dict[str, Any]], finish: str | None) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": index}
    return {**candidate, "finishReason": finish} if finish else candidate


def _chunks(model: str, candidates: list[list[dict[str, Any]]], prompt: Prompt, play: Play) -> list[dict[str, Any]]:
    """One chunk per piece of text, candidates in turn; a function call comes whole. The last says STOP."""
    tracks = []
    for at, parts in enumerate(candidates):
        split = [
            piece
            for part in parts
            for piece in ([{"text": text} for text in pieces(part["text"], play.chunk)] if "text" in part else [part])
        ]
        tracks.append([_candidate(at, [piece], None) for piece in split])
    head = {"modelVersion": model, "responseId": "fake-response"}
    values: list[dict[str, Any]] = [{"candidates": [candidate], **head} for candidate in in_turn(tracks)]
    if play.behaviour is not Behaviour.CUT:
        ends = [_candidate(at, [{"text": ""}], "STOP") for at in range(len(candidates))]
        values.append({"candidates": ends, "usageMetadata": _usage(prompt, candidates), **head})
    return values


def _stream(call: Received, values: list[dict[str, Any]], play: Play) -> Answer:
    if "alt=sse" in call.query.split("&"):
        events = [b"data: " + dump(value, ascii_only=play.ascii_only) + b"\r\n\r\n" for value in values]
        return Answer(200, (("content-type", SSE),), tuple(events), streamed=True)
    events = [(b",\r\n" if at else b"[") + dump(value, ascii_only=play.ascii_only) for at, value in enumerate(values)]
    if play.behaviour is not Behaviour.CUT:
        events.append(b"]\n")
    return Answer(200, (("content-type", JSON),), tuple(events), streamed=True)


def _usage(prompt: Prompt, said: object) -> dict[str, int]:
    read, written = count(prompt.everything), count(str(said))
    return {"promptTokenCount": read, "candidatesTokenCount": written, "totalTokenCount": read + written}


def _error(status: int, message: str, *, ascii_only: bool) -> Answer:
    value = {"error": {"code": status, "message": message, "status": _STATUS.get(status, "UNKNOWN")}}
    return whole(value, status=status, ascii_only=ascii_only)
