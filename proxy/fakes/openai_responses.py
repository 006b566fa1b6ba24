"""A fake of OpenAI's Responses API: create (streamed in typed events or not), get, with remembered responses.

A stored response remembers what was said, so that a later one which names it can speak of earlier placeholders.
"""

from hashlib import sha256
from typing import Any

from proxy.fakes.behaviour import Behaviour, Play, Prompt, words_of
from proxy.fakes.openai import error
from proxy.fakes.shapes import arguments_of
from proxy.fakes.traffic import SSE, Answer, Received, dump, pieces, whole

CREATED = 1_700_000_000
REMEMBERED = 1000  # stored responses; the oldest is forgotten, so that a fake may run for days


def answer(call: Received, play: Play) -> Answer | None:
    """`POST /v1/responses`, `GET` and `DELETE /v1/responses/{id}`; None for anything else, an unknown id included."""
    if call.method == "DELETE":
        ident = call.path.rsplit("/", 1)[-1]
        gone = play.memory.pop(ident, None)
        return None if gone is None else whole({"id": ident, "object": "response", "deleted": True})
    if call.method == "GET":
        known = play.memory.get(call.path.rsplit("/", 1)[-1])
        if known is None:
            return None
        return whole(_response({}, known[0], [_text_item(known[0], known[-1])]), ascii_only=play.ascii_only)
    if call.method != "POST" or not call.path.endswith("/responses"):
        return None
    body = call.json()
    prompt = prompt_of(body, play)
    if play.behaviour.error is not None:
        return error(play, prompt)
    ident = "resp_" + sha256(prompt.everything.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    items = _items(body, prompt, play, ident)
    if body.get("store") is not False:
        if len(play.memory) >= REMEMBERED:
            play.memory.pop(next(iter(play.memory)))
        play.memory[ident] = (ident, *prompt.texts, words_of(play, prompt))
    if not body.get("stream"):
        return whole(_response(body, ident, items), ascii_only=play.ascii_only)
    return Answer(200, (("content-type", SSE),), _events(body, ident, items, play), streamed=True)


def prompt_of(body: dict[str, Any], play: Play) -> Prompt:
    """Instructions, what the named earlier response knew, and the input; the last text is answered."""
    texts = [str(body["instructions"])] if body.get("instructions") else []
    texts += play.memory.get(str(body.get("previous_response_id")), ("",))[1:]
    given = body.get("input", "")
    for item in [{"content": given}] if isinstance(given, str) else given:
        texts.append(_text(item))
    kept = tuple(text for text in texts if text)
    return Prompt(kept[-1] if kept else "", kept)


def _text(item: dict[str, Any]) -> str:
    content = item.get("content", item.get("output", ""))
    if isinstance(content, str):
        return content
    return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))


def _items(body: dict[str, Any], prompt: Prompt, play: Play, ident: str) -> list[dict[str, Any]]:
    given = body.get("input", "")
    answered = isinstance(given, list) and bool(given) and given[-1].get("type") == "function_call_output"
    names = [tool["name"] for tool in body.get("tools") or [] if tool.get("type") == "function"]
    if names and not answered and body.get("tool_choice") != "none":
        return [
            {
                "id": f"fc_{at}_{ident[5:]}",
                "type": "function_call",
                "status": "completed",
                "call_id": f"call_{at}_{ident[5:]}",
                "name": name,
                "arguments": arguments_of(prompt, play, at),
            }
            for at, name in enumerate(names[:2])
        ]
    return [_text_item(ident, words_of(play, prompt))]


def _text_item(ident: str, text: str) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return {
        "id": f"msg_{ident[5:]}",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [part],
    }


def _response(
    body: dict[str, Any], ident: str, items: list[dict[str, Any]], status: str = "completed"
) -> dict[str, Any]:
    return {
        "id": ident,
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "metadata": body.get("metadata") or {},
        "model": body.get("model", "fake"),
        "output": items,
        "parallel_tool_calls": True,
        "previous_response_id": body.get("previous_response_id"),
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": body.get("tools") or [],
        "top_p": 1.0,
        "usage": {
            "input_tokens": 10,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 10,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 20,
        }
        if status == "completed"
        else None,
    }


def _events(body: dict[str, Any], ident: str, items: list[dict[str, Any]], play: Play) -> tuple[bytes, ...]:
    """The typed events of a streamed response; the text comes four times, as it does from the real one."""
    values: list[dict[str, Any]] = []
    begun = _response(body, ident, [], "in_progress")
    values.append({"type": "response.created", "response": begun})
    values.append({"type": "response.in_progress", "response": begun})
    for index, item in enumerate(items):
        values += _item_events(index, item, play)
    if play.behaviour is not Behaviour.CUT:
        values.append({"type": "response.completed", "response": _response(body, ident, items)})
    return tuple(
        f"event: {value['type']}\ndata: ".encode()
        + dump({**value, "sequence_number": number}, ascii_only=play.ascii_only)
        + b"\n\n"
        for number, value in enumerate(values)
    )


def _item_events(index: int, item: dict[str, Any], play: Play) -> list[dict[str, Any]]:
    at = {"item_id": item["id"], "output_index": index}
    done = {"type": "response.output_item.done", "output_index": index, "item": item}
    added = {"type": "response.output_item.added", "output_index": index}
    if item["type"] == "function_call":
        kind = "response.function_call_arguments"
        text = item["arguments"]
        return [
            {**added, "item": {**item, "arguments": "", "status": "in_progress"}},
            *({"type": f"{kind}.delta", **at, "delta": piece} for piece in pieces(text, play.chunk)),
            {"type": f"{kind}.done", **at, "name": item["name"], "arguments": text},
            done,
        ]
    at = {**at, "content_index": 0}
    part = item["content"][0]
    empty = {**part, "text": ""}
    return [
        {**added, "item": {**item, "content": [], "status": "in_progress"}},
        {"type": "response.content_part.added", **at, "part": empty},
        *(
            {"type": "response.output_text.delta", **at, "delta": piece, "logprobs": []}
            for piece in pieces(part["text"], play.chunk)
        ),
        {"type": "response.output_text.done", **at, "text": part["text"], "logprobs": []},
        {"type": "response.content_part.done", **at, "part": part},
        done,
    ]
