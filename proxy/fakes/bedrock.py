"""A fake of Amazon Bedrock's runtime: converse and invoke (Anthropic, Titan, Llama), whole and as event streams.

Signatures are not checked here; a test does that, with the SDK's own signer. Tools are called with up to two calls
whose arguments quote the text.
"""

import base64
import json
import re
from typing import Any
from urllib.parse import unquote

from proxy.fakes import anthropic
from proxy.fakes.behaviour import Behaviour, Play, Prompt, words_of
from proxy.fakes.shapes import arguments_of, count
from proxy.fakes.traffic import Answer, Received, dump, pieces, whole
from proxy.framing.awsevents import CONTENT_TYPE, encoded_headers, message
from proxy.messages import Headers

_OPERATION = re.compile(r"/model/([^/]+)/(converse|converse-stream|invoke|invoke-with-response-stream)$")


def answer(call: Received, play: Play) -> Answer | None:
    """The answer to `/model/{id}/{operation}`; None where the path is not known."""
    found = _OPERATION.search(call.path)
    if found is None or call.method != "POST":
        return None
    model, operation, body = unquote(found[1]), found[2], call.json()
    prompt = prompt_of(body)
    if play.behaviour.error is not None:
        return error(play, prompt)
    if operation == "converse":
        return whole(_whole(_blocks(body, prompt, play), prompt), ascii_only=play.ascii_only)
    if operation == "converse-stream":
        return _stream(_events(_blocks(body, prompt, play), prompt, play), play)
    chunks = list(_invoked(model, body, prompt, play, streamed=operation != "invoke"))
    if operation == "invoke":
        return whole(chunks[0], ascii_only=play.ascii_only)
    coded = [
        ("chunk", {"bytes": base64.b64encode(dump(chunk, ascii_only=play.ascii_only)).decode()}) for chunk in chunks
    ]
    return _stream(coded, play)


def error(play: Play, prompt: Prompt) -> Answer:
    """An error, quoting the prompt."""
    value = {"message": f"not accepted: {prompt.everything}"}
    kinds = {400: "ValidationException", 429: "ThrottlingException"}
    status = play.behaviour.error or 500
    named = (("x-amzn-errortype", kinds.get(status, "InternalServerException")),)
    return whole(value, status=status, ascii_only=play.ascii_only, extra=named)


def not_found(call: Received) -> Answer:
    """The API's answer to a path that it does not have."""
    return whole({"message": f"no such path: {call.path}"}, status=404)


def prompt_of(body: dict[str, Any]) -> Prompt:
    """System texts, messages and prompts of every family, in order; the last is answered."""
    texts = [str(block.get("text", "")) for block in body.get("system") or [] if isinstance(block, dict)]
    texts += [str(body[name]) for name in ("prompt", "inputText") if name in body]
    for one in body.get("messages") or []:
        content = one.get("content")
        blocks = [{"text": content}] if isinstance(content, str) else content or []
        texts += [_text(block) for block in blocks]
    kept = tuple(text for text in texts if text)
    return Prompt(kept[-1] if kept else "", kept)


def _text(block: dict[str, Any]) -> str:
    if "text" in block:
        return str(block["text"])
    result = block.get("toolResult")
    return json.dumps(result.get("content"), ensure_ascii=False) if result else ""


def _blocks(body: dict[str, Any], prompt: Prompt, play: Play) -> list[dict[str, Any]]:
    tools = [
        tool["toolSpec"]["name"] for tool in (body.get("toolConfig") or {}).get("tools") or [] if "toolSpec" in tool
    ]
    answered = any(
        "toolResult" in block for one in (body.get("messages") or [])[-1:] for block in one.get("content") or []
    )
    if tools and not answered:
        return [
            {
                "toolUse": {
                    "toolUseId": f"call_{at}",
                    "name": name,
                    "input": json.loads(arguments_of(prompt, play, at)),
                }
            }
            for at, name in enumerate(tools[:2])
        ]
    return [{"text": words_of(play, prompt)}]


def _whole(blocks: list[dict[str, Any]], prompt: Prompt) -> dict[str, Any]:
    return {
        "output": {"message": {"role": "assistant", "content": blocks}},
        "stopReason": "tool_use" if "toolUse" in blocks[0] else "end_turn",
        "usage": _usage(prompt, blocks),
        "metrics": {"latencyMs": 1},
    }


def _events(blocks: list[dict[str, Any]], prompt: Prompt, play: Play) -> list[tuple[str, dict[str, Any]]]:
    events: list[tuple[str, dict[str, Any]]] = [("messageStart", {"role": "assistant", "p": "abc"})]
    for index, block in enumerate(blocks):
        if "toolUse" in block:
            use = block["toolUse"]
            start = {"toolUse": {"toolUseId": use["toolUseId"], "name": use["name"]}}
            events.append(("contentBlockStart", {"contentBlockIndex": index, "start": start}))
            said: list[dict[str, Any]] = [
                {"toolUse": {"input": piece}}
                for piece in pieces(json.dumps(use["input"], ensure_ascii=False), play.chunk)
            ]
        else:
            said = [{"text": piece} for piece in pieces(block["text"], play.chunk)]
        events += [("contentBlockDelta", {"contentBlockIndex": index, "delta": one, "p": "abcdef"}) for one in said]
        events.append(("contentBlockStop", {"contentBlockIndex": index}))
    if play.behaviour is not Behaviour.CUT:
        events.append(("messageStop", {"stopReason": "tool_use" if "toolUse" in blocks[0] else "end_turn"}))
        events.append(("metadata", {"usage": _usage(prompt, blocks), "metrics": {"latencyMs": 1}}))
    return events


def _invoked(model: str, body: dict[str, Any], prompt: Prompt, play: Play, *, streamed: bool) -> list[dict[str, Any]]:
    """One answer, or the chunks of a stream, as the model's family words them."""
    text = words_of(play, prompt)
    if "anthropic" in model:
        call = Received("POST", b"/v1/messages", Headers(), dump({**body, "model": "fake", "stream": streamed}))
        made = anthropic.answer(call, play)
        assert made is not None
        lines = [
            line for event in made.events for line in event.splitlines() if not streamed or line.startswith(b"data:")
        ]
        return [json.loads(line.removeprefix(b"data:")) for line in lines]
    parts = pieces(text, play.chunk) if streamed else [text]
    last = len(parts) - 1
    if "titan" in model and not streamed:
        return [
            {"inputTextTokenCount": 1, "results": [{"tokenCount": 1, "outputText": text, "completionReason": "FINISH"}]}
        ]
    if "titan" in model:
        return [{"outputText": one, "index": 0, "completionReason": "FINISH" if at == last else None}
                for at, one in enumerate(parts)]  # fmt: skip
    return [{"generation": one, "prompt_token_count": 1, "generation_token_count": 1,
             "stop_reason": "stop" if at == last else None} for at, one in enumerate(parts)]  # fmt: skip


def _usage(prompt: Prompt, said: object) -> dict[str, int]:
    read, written = count(prompt.everything), count(str(said))
    return {"inputTokens": read, "outputTokens": written, "totalTokens": read + written}


def _stream(events: list[tuple[str, dict[str, Any]]], play: Play) -> Answer:
    messages = []
    for kind, value in events:
        head = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
        messages.append(message(encoded_headers(head), dump(value, ascii_only=play.ascii_only)))
    return Answer(200, (("content-type", CONTENT_TYPE),), tuple(messages), streamed=True)
