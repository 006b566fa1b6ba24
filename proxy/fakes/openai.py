"""A fake of the OpenAI API: chat completions, completions, embeddings, moderations, models.

Also what speaks its dialect elsewhere (the Llama API's compatible endpoint). The shapes follow the types of the
official SDK, which the conformance tests point at it; nothing here checks a key or a limit.
"""

import base64
import struct
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any

from proxy.fakes.behaviour import Behaviour, Play, Prompt, words_of
from proxy.fakes.shapes import DIMENSIONS, arguments_of, count, in_turn, vector
from proxy.fakes.traffic import SSE, Answer, Received, dump, pieces, whole

CREATED = 1_700_000_000  # a fixed second, so that answers are the same at every run
_CATEGORIES = ("harassment", "hate", "illicit", "self-harm", "sexual", "violence")


def answer(call: Received, play: Play) -> Answer | None:
    """The answer to a request below `/v1`; None where the path is not known."""
    path = call.path
    if path.endswith("/models") and call.method == "GET":
        return whole({"object": "list", "data": [_model(behaviour) for behaviour in Behaviour]})
    if call.method != "POST":
        return None
    body = call.json()
    if path.endswith("/chat/completions"):
        return chat(body, play)
    if path.endswith("/completions"):
        return completions(body, play)
    if path.endswith("/embeddings"):
        return embeddings(body, play)
    if path.endswith("/moderations"):
        return moderations(body, play)
    return None


def chat(body: dict[str, Any], play: Play) -> Answer:
    """`/v1/chat/completions`, streamed or not, with n choices and parallel tool calls."""
    prompt = prompt_of(body)
    if play.behaviour.error is not None:
        return error(play, prompt)
    messages = [_message(body, prompt, play, choice) for choice in range(int(body.get("n") or 1))]
    usage = usage_of(prompt, messages)
    head = {"id": _id("chatcmpl-", prompt), "created": CREATED, "model": body.get("model", "fake")}
    if not body.get("stream"):
        choices = [
            {"index": at, "message": message, "logprobs": None, "finish_reason": _finish(message)}
            for at, message in enumerate(messages)
        ]
        value = {**head, "object": "chat.completion", "choices": choices, "usage": usage}
        return whole(value, ascii_only=play.ascii_only)
    with_usage = bool((body.get("stream_options") or {}).get("include_usage"))
    head = {**head, "object": "chat.completion.chunk"}
    if with_usage:
        head["usage"] = None
    chunks: list[object] = [{**head, "choices": [choice]} for choice in _deltas(messages, play)]
    if play.behaviour is Behaviour.CUT:
        return Answer(200, (("content-type", SSE),), sse(chunks, play, done=False), streamed=True)
    chunks += [
        {**head, "choices": [{"index": at, "delta": {}, "logprobs": None, "finish_reason": _finish(message)}]}
        for at, message in enumerate(messages)
    ]
    if with_usage:
        chunks.append({**head, "choices": [], "usage": usage})
    return Answer(200, (("content-type", SSE),), sse(chunks, play), streamed=True)


def completions(body: dict[str, Any], play: Play) -> Answer:
    """`/v1/completions`, the older shape: every prompt is a choice."""
    given = body.get("prompt", "")
    texts = tuple(text for text in ([given] if isinstance(given, str) else given) if isinstance(text, str)) or ("",)
    prompt = Prompt(texts[-1], texts)
    if play.behaviour.error is not None:
        return error(play, prompt)
    said = [words_of(play, Prompt(text, (text,))) for text in texts]
    head = {"id": _id("cmpl-", prompt), "object": "text_completion", "created": CREATED, "model": body.get("model", "")}

    def choice(at: int, text: str, end: str | None) -> dict[str, object]:
        return {"index": at, "text": text, "logprobs": None, "finish_reason": end}

    if not body.get("stream"):
        choices = [choice(at, text, "stop") for at, text in enumerate(said)]
        return whole({**head, "choices": choices, "usage": usage_of(prompt, said)}, ascii_only=play.ascii_only)
    tracks = [[choice(at, piece, None) for piece in pieces(text, play.chunk)] for at, text in enumerate(said)]
    chunks: list[object] = [{**head, "choices": [part]} for part in in_turn(tracks)]
    complete = play.behaviour is not Behaviour.CUT
    if complete:
        chunks += [{**head, "choices": [choice(at, "", "stop")]} for at in range(len(said))]
    return Answer(200, (("content-type", SSE),), sse(chunks, play, done=complete), streamed=True)


def embeddings(body: dict[str, Any], play: Play) -> Answer:
    """`/v1/embeddings`: a vector that depends on the text alone, as floats or base64."""
    given = body.get("input", "")
    inputs = [given] if isinstance(given, str) or (given and isinstance(given[0], int)) else given
    texts = tuple(text if isinstance(text, str) else str(text) for text in inputs)
    prompt = Prompt(texts[-1] if texts else "", texts)
    if play.behaviour.error is not None:
        return error(play, prompt)
    encoded = body.get("encoding_format") == "base64"
    data = []
    for at, text in enumerate(texts):
        floats = vector(text)
        packed = base64.b64encode(struct.pack(f"<{DIMENSIONS}f", *floats)).decode()
        data.append({"object": "embedding", "index": at, "embedding": packed if encoded else floats})
    tokens = count(prompt.everything)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return whole({"object": "list", "data": data, "model": body.get("model", ""), "usage": usage})


def moderations(body: dict[str, Any], play: Play) -> Answer:
    """`/v1/moderations`: nothing is ever flagged."""
    given = body.get("input", "")
    inputs = given if isinstance(given, list) else [given]
    texts = tuple(item if isinstance(item, str) else str(item.get("text", "")) for item in inputs)
    prompt = Prompt(texts[-1] if texts else "", texts)
    if play.behaviour.error is not None:
        return error(play, prompt)
    result = {
        "flagged": False,
        "categories": dict.fromkeys(_CATEGORIES, False),
        "category_scores": dict.fromkeys(_CATEGORIES, 0.0),
        "category_applied_input_types": {name: ["text"] for name in _CATEGORIES},
    }
    return whole({"id": _id("modr-", prompt), "model": body.get("model") or "fake", "results": [result] * len(texts)})


def error(play: Play, prompt: Prompt) -> Answer:
    """An error as the API words it; it quotes the prompt, as real ones do."""
    status = play.behaviour.error or 500
    kind, code = {400: ("invalid_request_error", "invalid_prompt"), 429: ("requests", "rate_limit_exceeded")}.get(
        status, ("server_error", None)
    )
    message = f"The model could not process your prompt: {prompt.everything}"
    value = {"error": {"message": message, "type": kind, "param": "messages", "code": code}}
    extra = (("retry-after", "1"),) if status == 429 else ()
    return whole(value, status=status, ascii_only=play.ascii_only, extra=extra)


def not_found(call: Received) -> Answer:
    """The API's answer to a path that it does not have."""
    message = f"Invalid URL ({call.method} {call.path})"
    return whole(
        {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None}}, status=404
    )


def prompt_of(body: dict[str, Any]) -> Prompt:
    """The texts of `messages`, in order; the last of a user or tool is what the model answers."""
    texts: list[str] = []
    last = ""
    for message in body.get("messages") or []:
        text = text_of(message.get("content"))
        texts.append(text)
        if message.get("role") in {"user", "tool", "function"}:
            last = text
    return Prompt(last, tuple(text for text in texts if text))


def text_of(content: Any) -> str:
    """The text of a content field: a string, or the text parts of a list."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(str(part.get("text", "")) for part in parts if isinstance(part, dict) and "text" in part)


def tools_wanted(body: dict[str, Any]) -> list[str]:
    """Names of the tools the model calls now: none after a tool's result, two at once where it may."""
    messages = body.get("messages") or [{}]
    names = [tool["function"]["name"] for tool in body.get("tools") or [] if isinstance(tool.get("function"), dict)]
    if not names or body.get("tool_choice") == "none" or messages[-1].get("role") == "tool":
        return []
    return names[:1] if body.get("parallel_tool_calls") is False else names[:2]


def sse(values: Iterable[object], play: Play, *, done: bool = True) -> tuple[bytes, ...]:
    """Values as unnamed server-sent events, ended by `[DONE]`."""
    events = [b"data: " + dump(value, ascii_only=play.ascii_only) + b"\n\n" for value in values]
    return (*events, b"data: [DONE]\n\n") if done else tuple(events)


def usage_of(prompt: Prompt, said: object) -> dict[str, int]:
    """Plausible token counts."""
    read, written = count(prompt.everything), count(str(said))
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def _message(body: dict[str, Any], prompt: Prompt, play: Play, choice: int) -> dict[str, Any]:
    calls = [
        {
            "id": f"call_{choice}{at}{_id('', prompt)}",
            "type": "function",
            "function": {"name": name, "arguments": arguments_of(prompt, play, at)},
        }
        for at, name in enumerate(tools_wanted(body))
    ]
    if calls:
        return {"role": "assistant", "content": None, "tool_calls": calls, "refusal": None}
    text = words_of(play, prompt)
    return {"role": "assistant", "content": f"{text} #{choice + 1}" if choice else text, "refusal": None}


def _deltas(messages: list[dict[str, Any]], play: Play) -> Iterator[dict[str, Any]]:
    """Streamed choices, in turn; inside a choice its tool calls in turn."""

    def track(at: int, message: dict[str, Any]) -> Iterator[dict[str, Any]]:
        def choice(delta: dict[str, Any]) -> dict[str, Any]:
            return {"index": at, "delta": delta, "logprobs": None, "finish_reason": None}

        yield choice({"role": "assistant", "content": None if message["content"] is None else ""})
        if message["content"] is not None:
            yield from (choice({"content": piece}) for piece in pieces(message["content"], play.chunk))
        calls = message.get("tool_calls", [])
        yield from (
            choice({"tool_calls": [part]}) for part in in_turn(_call(i, call, play) for i, call in enumerate(calls))
        )

    return in_turn(track(at, message) for at, message in enumerate(messages))


def _call(index: int, call: dict[str, Any], play: Play) -> Iterator[dict[str, Any]]:
    function = call["function"]
    yield {
        "index": index,
        "id": call["id"],
        "type": "function",
        "function": {"name": function["name"], "arguments": ""},
    }
    for piece in pieces(function["arguments"], play.chunk):
        yield {"index": index, "function": {"arguments": piece}}


def _finish(message: dict[str, Any]) -> str:
    return "tool_calls" if message.get("tool_calls") else "stop"


def _id(prefix: str, prompt: Prompt) -> str:
    return prefix + sha256(prompt.everything.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def _model(behaviour: Behaviour) -> dict[str, object]:
    return {"id": f"fake-{behaviour}", "object": "model", "created": CREATED, "owned_by": "dragoman"}
