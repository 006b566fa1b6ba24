"""A fake of Ollama: chat, generate and embed, as JSON lines unless the request says `stream: false`.

Tools are called with up to two calls whose arguments quote the text, each whole in a line of its own.
"""

import json
from typing import Any

from proxy.fakes.behaviour import Behaviour, Play, Prompt, words_of
from proxy.fakes.shapes import arguments_of, count, vector
from proxy.fakes.traffic import Answer, Received, dump, pieces, whole

LINES = "application/x-ndjson"
CREATED = "2026-01-01T00:00:00Z"


def answer(call: Received, play: Play) -> Answer | None:
    """The answer to `/api/chat`, `/api/generate`, `/api/embed` and `/api/tags`; None where the path is not known."""
    if call.path.endswith("/api/tags") and call.method == "GET":
        return whole({"models": [{"name": f"fake-{name}", "model": f"fake-{name}"} for name in Behaviour]})
    kind = call.path.rsplit("/", 1)[-1]
    if call.method != "POST" or kind not in {"chat", "generate", "embed"}:
        return None
    body = call.json()
    prompt = prompt_of(body)
    if play.behaviour.error is not None:
        return error(play, prompt)
    if kind == "embed":
        return whole({"model": body.get("model", "fake"), "embeddings": [vector(text) for text in prompt.texts]})
    lines = _lines(body, prompt, play, kind)
    if body.get("stream") is False:
        return whole(_joined(lines, kind), ascii_only=play.ascii_only)
    events = tuple(dump(line, ascii_only=play.ascii_only) + b"\n" for line in lines)
    return Answer(200, (("content-type", LINES),), events, streamed=True)


def error(play: Play, prompt: Prompt) -> Answer:
    """An error, quoting the prompt."""
    status = play.behaviour.error or 500
    return whole({"error": f"not accepted: {prompt.everything}"}, status=status, ascii_only=play.ascii_only)


def not_found(call: Received) -> Answer:
    """The API's answer to a path that it does not have."""
    return whole({"error": f"no such path: {call.path}"}, status=404)


def prompt_of(body: dict[str, Any]) -> Prompt:
    """System prompt, messages, prompt or input, in order; the last text is answered."""
    given = body.get("input") or body.get("prompt") or []
    texts = [str(body.get("system") or "")]
    texts += [str(message.get("content") or "") for message in body.get("messages") or []]
    texts += [str(text) for text in ([given] if isinstance(given, str) else given)]
    kept = tuple(text for text in texts if text)
    return Prompt(kept[-1] if kept else "", kept)


def _lines(body: dict[str, Any], prompt: Prompt, play: Play, kind: str) -> list[dict[str, Any]]:
    head = {"model": body.get("model", "fake"), "created_at": CREATED}
    names = [tool["function"]["name"] for tool in body.get("tools") or []]
    answered = (body.get("messages") or [{}])[-1].get("role") == "tool"
    lines: list[dict[str, Any]] = []
    if kind == "chat" and names and not answered:
        for at, name in enumerate(names[:2]):
            called = {"function": {"name": name, "arguments": json.loads(arguments_of(prompt, play, at))}}
            lines.append(
                {**head, "message": {"role": "assistant", "content": "", "tool_calls": [called]}, "done": False}
            )
    else:
        lines += [{**head, **_said(kind, part), "done": False} for part in pieces(words_of(play, prompt), play.chunk)]
    if play.behaviour is not Behaviour.CUT:
        counts = {"prompt_eval_count": count(prompt.everything), "eval_count": count(str(lines))}
        lines.append({**head, **_said(kind, ""), "done": True, "done_reason": "stop", **counts})
    return lines


def _said(kind: str, text: str) -> dict[str, Any]:
    return {"message": {"role": "assistant", "content": text}} if kind == "chat" else {"response": text}


def _joined(lines: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    """The lines as one answer."""
    last = dict(lines[-1])
    if kind == "generate":
        return {**last, "response": "".join(line["response"] for line in lines)}
    messages = [line["message"] for line in lines]
    message: dict[str, Any] = {"role": "assistant", "content": "".join(one["content"] for one in messages)}
    calls = [called for one in messages for called in one.get("tool_calls") or []]
    return {**last, "message": {**message, "tool_calls": calls} if calls else message}
