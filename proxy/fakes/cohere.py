"""A fake of Cohere's v2 API: chat (whole or in typed events), embed, rerank.

Tools are called with up to two calls whose arguments quote the text, behind a plan that quotes it as well.
"""

from hashlib import sha256
from typing import Any

from proxy.fakes.behaviour import Behaviour, Play, Prompt, words_of
from proxy.fakes.shapes import arguments_of, count, vector
from proxy.fakes.traffic import SSE, Answer, Received, dump, pieces, whole


def answer(call: Received, play: Play) -> Answer | None:
    """The answer to `/v2/chat`, `/v2/embed` and `/v2/rerank`; None where the path is not known."""
    kind = call.path.rsplit("/", 1)[-1]
    if call.method != "POST" or kind not in {"chat", "embed", "rerank"}:
        return None
    body = call.json()
    prompt = prompt_of(body)
    if play.behaviour.error is not None:
        return error(play, prompt)
    ident = sha256(prompt.everything.encode("utf-8", "surrogatepass")).hexdigest()[:24]
    if kind == "embed":
        return whole(
            {"id": ident, "embeddings": {"float": [vector(text) for text in prompt.texts]}, "texts": prompt.texts}
        )
    if kind == "rerank":
        ranked = [{"index": at, "relevance_score": 1 / (at + 1)} for at in range(len(body.get("documents") or []))]
        return whole({"id": ident, "results": ranked})
    message, finish = _message(body, prompt, play)
    usage = {"tokens": {"input_tokens": count(prompt.everything), "output_tokens": count(str(message))}}
    if body.get("stream"):
        return Answer(200, (("content-type", SSE),), _events(ident, message, finish, usage, play), streamed=True)
    value = {"id": ident, "message": message, "finish_reason": finish, "usage": usage}
    return whole(value, ascii_only=play.ascii_only)


def error(play: Play, prompt: Prompt) -> Answer:
    """An error, quoting the prompt."""
    status = play.behaviour.error or 500
    return whole({"message": f"not accepted: {prompt.everything}"}, status=status, ascii_only=play.ascii_only)


def not_found(call: Received) -> Answer:
    """The API's answer to a path that it does not have."""
    return whole({"message": f"no such path: {call.path}"}, status=404)


def prompt_of(body: dict[str, Any]) -> Prompt:
    """Messages, documents, texts and query; the last message (else the last text) is answered."""
    messages = [_text(message.get("content")) for message in body.get("messages") or []]
    texts = [_text(one) for one in body.get("documents") or []] + [str(one) for one in body.get("texts") or []]
    texts += [str(body["query"])] if body.get("query") else []
    kept = tuple(text for text in (*texts, *messages) if text)
    return Prompt(kept[-1] if kept else "", kept)


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        return _text(list((content.get("data") or content.get("document", {}).get("data") or {}).values()))
    return "\n".join(
        _text(part["text"] if isinstance(part, dict) and "text" in part else part) for part in content or []
    )


def _message(body: dict[str, Any], prompt: Prompt, play: Play) -> tuple[dict[str, Any], str]:
    names = [tool["function"]["name"] for tool in body.get("tools") or []]
    if not names or (body.get("messages") or [{}])[-1].get("role") == "tool":
        return {"role": "assistant", "content": [{"type": "text", "text": words_of(play, prompt)}]}, "COMPLETE"
    calls = [
        {
            "id": f"call_{at}",
            "type": "function",
            "function": {"name": name, "arguments": arguments_of(prompt, play, at)},
        }
        for at, name in enumerate(names[:2])
    ]
    return {"role": "assistant", "tool_plan": words_of(play, prompt), "tool_calls": calls}, "TOOL_CALL"


def _events(ident: str, message: dict[str, Any], finish: str, usage: dict[str, Any], play: Play) -> tuple[bytes, ...]:
    values: list[dict[str, Any]] = [{"type": "message-start", "id": ident, "delta": {"message": {"role": "assistant"}}}]
    for part in pieces(message.get("tool_plan", ""), play.chunk):
        values += [{"type": "tool-plan-delta", "delta": {"message": {"tool_plan": part}}}] if part else []
    for index, content in enumerate(message.get("content") or []):
        values.append(_event("content-start", index, content={"type": "text", "text": ""}))
        values += [
            _event("content-delta", index, content={"text": part}) for part in pieces(content["text"], play.chunk)
        ]
        values.append({"type": "content-end", "index": index})
    for index, called in enumerate(message.get("tool_calls") or []):
        function = called["function"]
        begun = {**called, "function": {**function, "arguments": ""}}
        values.append(_event("tool-call-start", index, tool_calls=begun))
        for part in pieces(function["arguments"], play.chunk):
            values.append(_event("tool-call-delta", index, tool_calls={"function": {"arguments": part}}))
        values.append({"type": "tool-call-end", "index": index})
    if play.behaviour is not Behaviour.CUT:
        values.append({"type": "message-end", "delta": {"finish_reason": finish, "usage": usage}})
    return tuple(
        f"event: {value['type']}\ndata: ".encode() + dump(value, ascii_only=play.ascii_only) + b"\n\n"
        for value in values
    )


def _event(kind: str, index: int, **message: Any) -> dict[str, Any]:
    return {"type": kind, "index": index, "delta": {"message": message}}
