"""A fake of the Llama API: its own chat shape, its own stream events, moderations, and the compatible endpoint.

`/compat/v1/…` is OpenAI's shape and is answered by that fake.
"""

from hashlib import sha256
from typing import Any

from proxy.fakes import openai
from proxy.fakes.behaviour import Behaviour, Play, Prompt, words_of
from proxy.fakes.shapes import arguments_of, count
from proxy.fakes.traffic import SSE, Answer, Received, pieces, whole


def answer(call: Received, play: Play) -> Answer | None:
    """The answer to a request below `/v1` or `/compat/v1`; None where the path is not known."""
    if "/compat/" in call.path:
        return openai.answer(call, play)
    if call.path.endswith("/models") and call.method == "GET":
        return openai.answer(call, play)
    if call.method != "POST":
        return None
    body = call.json()
    if call.path.endswith("/chat/completions"):
        return _chat(body, play)
    if call.path.endswith("/moderations"):
        return _moderations(body, play)
    return None


def error(play: Play, prompt: Prompt) -> Answer:
    """An error, quoting the prompt."""
    status = play.behaviour.error or 500
    value = {"title": "Request failed", "detail": f"not accepted: {prompt.everything}", "status": status}
    return whole(value, status=status, ascii_only=play.ascii_only)


def not_found(call: Received) -> Answer:
    """The API's answer to a path that it does not have."""
    return whole({"title": "Not Found", "detail": f"no such path: {call.path}", "status": 404}, status=404)


def _chat(body: dict[str, Any], play: Play) -> Answer:
    prompt = openai.prompt_of(body)
    if play.behaviour.error is not None:
        return error(play, prompt)
    ident = sha256(prompt.everything.encode("utf-8", "surrogatepass")).hexdigest()[:24]
    calls = [
        {"id": f"call_{at}", "function": {"name": name, "arguments": arguments_of(prompt, play, at)}}
        for at, name in enumerate(openai.tools_wanted(body))
    ]
    text = "" if calls else words_of(play, prompt)
    stop = "tool_calls" if calls else "stop"
    metrics = [
        {"metric": name, "value": float(value), "unit": "tokens"}
        for name, value in (
            ("num_prompt_tokens", count(prompt.everything)),
            ("num_completion_tokens", count(text)),
        )
    ]
    if body.get("stream"):
        return Answer(200, (("content-type", SSE),), _events(ident, text, calls, stop, metrics, play), streamed=True)
    message: dict[str, Any] = {"role": "assistant", "content": {"type": "text", "text": text}, "stop_reason": stop}
    if calls:
        message["tool_calls"] = calls
    return whole({"id": ident, "completion_message": message, "metrics": metrics}, ascii_only=play.ascii_only)


def _events(
    ident: str, text: str, calls: list[dict[str, Any]], stop: str, metrics: list[dict[str, Any]], play: Play
) -> tuple[bytes, ...]:
    deltas: list[dict[str, Any]] = (
        [] if calls else [{"type": "text", "text": part} for part in pieces(text, play.chunk)]
    )
    for call in calls:
        name = call["function"]["name"]
        deltas.append({"type": "tool_call", "id": call["id"], "function": {"name": name, "arguments": ""}})
        for part in pieces(call["function"]["arguments"], play.chunk):
            deltas.append({"type": "tool_call", "id": call["id"], "function": {"arguments": part}})
    events: list[dict[str, Any]] = [
        {"event_type": "progress" if at else "start", "delta": delta} for at, delta in enumerate(deltas)
    ]
    empty = {"type": "text", "text": ""}
    if play.behaviour is not Behaviour.CUT:
        events.append({"event_type": "complete", "delta": empty, "stop_reason": stop})
        events.append({"event_type": "metrics", "delta": empty, "metrics": metrics})
    return openai.sse(({"id": ident, "event": event} for event in events), play, done=False)


def _moderations(body: dict[str, Any], play: Play) -> Answer:
    prompt = openai.prompt_of(body)
    if play.behaviour.error is not None:
        return error(play, prompt)
    results = [{"flagged": False, "flagged_categories": None} for _ in body.get("messages") or []]
    return whole({"model": body.get("model") or "fake", "results": results})
