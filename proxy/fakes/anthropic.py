"""A fake of the Anthropic Messages API: messages (JSON and typed events), count_tokens.

Tool use answers with up to two tools whose input quotes the text.
"""

import json
from hashlib import sha256
from typing import Any

from proxy.fakes.behaviour import Behaviour, Play, Prompt, words_of
from proxy.fakes.shapes import arguments_of, count
from proxy.fakes.traffic import SSE, Answer, Received, dump, pieces, whole

_KIND = {400: "invalid_request_error", 404: "not_found_error", 429: "rate_limit_error", 500: "api_error"}


def answer(call: Received, play: Play) -> Answer | None:
    """The answer to `/v1/messages` and `/v1/messages/count_tokens`; None where the path is not known."""
    if call.path.endswith("/models") and call.method == "GET":
        return whole({"data": [{"type": "model", "id": f"fake-{name}"} for name in Behaviour], "has_more": False})
    if call.method != "POST" or not call.path.endswith(("/messages", "/messages/count_tokens")):
        return None
    body = call.json()
    prompt = prompt_of(body)
    if play.behaviour.error is not None:
        return error(play, prompt)
    if call.path.endswith("/count_tokens"):
        return whole({"input_tokens": count(prompt.everything)})
    ident = "msg_" + sha256(prompt.everything.encode("utf-8", "surrogatepass")).hexdigest()[:24]
    blocks = _blocks(body, prompt, play)
    stop = "tool_use" if blocks[0]["type"] == "tool_use" else "end_turn"
    usage = {"input_tokens": count(prompt.everything), "output_tokens": count(str(blocks))}
    message = {"id": ident, "type": "message", "role": "assistant", "model": body.get("model", "fake")}
    if body.get("stream"):
        events = _events(message, blocks, stop, usage, play)
        return Answer(200, (("content-type", SSE),), events, streamed=True)
    value = {**message, "content": blocks, "stop_reason": stop, "stop_sequence": None, "usage": usage}
    return whole(value, ascii_only=play.ascii_only)


def error(play: Play, prompt: Prompt) -> Answer:
    """An error as the API words it, with the prompt quoted."""
    return _error(play.behaviour.error or 500, f"messages: not accepted: {prompt.everything}")


def not_found(call: Received) -> Answer:
    """The API's answer to a path that it does not have."""
    return _error(404, f"Not found: {call.path}")


def prompt_of(body: dict[str, Any]) -> Prompt:
    """System prompt and messages, in order; the last message of the user is answered."""
    texts = [_text(body.get("system"))]
    last = ""
    for message in body.get("messages") or []:
        text = _text(message.get("content"))
        texts.append(text)
        if message.get("role") == "user":
            last = text
    return Prompt(last, tuple(text for text in texts if text))


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    texts = []
    for block in content if isinstance(content, list) else []:
        if block.get("type") == "tool_result":
            texts.append(_text(block.get("content")))
        elif "text" in block:
            texts.append(str(block["text"]))
    return "\n".join(text for text in texts if text)


def _blocks(body: dict[str, Any], prompt: Prompt, play: Play) -> list[dict[str, Any]]:
    last = (body.get("messages") or [{}])[-1].get("content")
    answered = isinstance(last, list) and any(block.get("type") == "tool_result" for block in last)
    names = [tool["name"] for tool in body.get("tools") or [] if "input_schema" in tool]
    if names and not answered:
        return [
            {"type": "tool_use", "id": f"toolu_{at}", "name": name, "input": json.loads(arguments_of(prompt, play, at))}
            for at, name in enumerate(names[:2])
        ]
    return [{"type": "text", "text": words_of(play, prompt)}]


def _events(
    message: dict[str, Any], blocks: list[dict[str, Any]], stop: str, usage: dict[str, int], play: Play
) -> tuple[bytes, ...]:
    begun = {
        **message,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {**usage, "output_tokens": 1},
    }
    values: list[dict[str, Any]] = [{"type": "message_start", "message": begun}]
    for index, block in enumerate(blocks):
        values += _block_events(index, block, play)
        if not index:
            values.insert(2, {"type": "ping"})
    if play.behaviour is not Behaviour.CUT:
        end = {"stop_reason": stop, "stop_sequence": None}
        values.append({"type": "message_delta", "delta": end, "usage": {"output_tokens": usage["output_tokens"]}})
        values.append({"type": "message_stop"})
    return tuple(
        f"event: {value['type']}\ndata: ".encode() + dump(value, ascii_only=play.ascii_only) + b"\n\n"
        for value in values
    )


def _block_events(index: int, block: dict[str, Any], play: Play) -> list[dict[str, Any]]:
    if block["type"] == "tool_use":
        empty: dict[str, Any] = {**block, "input": {}}
        text, kind, name = json.dumps(block["input"], ensure_ascii=play.ascii_only), "input_json_delta", "partial_json"
    else:
        empty = {**block, "text": ""}
        text, kind, name = block["text"], "text_delta", "text"
    return [
        {"type": "content_block_start", "index": index, "content_block": empty},
        *(
            {"type": "content_block_delta", "index": index, "delta": {"type": kind, name: piece}}
            for piece in pieces(text, play.chunk)
        ),
        {"type": "content_block_stop", "index": index},
    ]


def _error(status: int, message: str) -> Answer:
    return whole(
        {
            "type": "error",
            "error": {"type": _KIND.get(status, "api_error"), "message": message},
            "request_id": "req_fake",
        },
        status=status,
        extra=(("retry-after", "1"),) if status == 429 else (),
    )
