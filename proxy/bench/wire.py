"""One request and one stream of every wire format, as the bench of formats sends and answers them.

`CASES` has a row for every format; a test compares it with the registry. The texts are those of the caller, made up.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from proxy.framing.awsevents import CONTENT_TYPE, encoded_headers, message

ASKED = "bench-answer"
"""The header that tells the upstream of the bench what to answer: `FORMAT.EVENTS`."""

_SSE, _LINES = "text/event-stream", "application/x-ndjson"
_WORDS = " and the next few words of an answer"


@dataclass(frozen=True, slots=True)
class Case:
    """One format. body: texts -> a request, or a message of a session; event: number -> one event of the answer.

    content_type: of the answer, "" where the format has no stream. session: all of it goes over one WebSocket.
    """

    format: str
    path: str
    body: Callable[[Sequence[str]], Any]
    event: Callable[[int], Any]
    content_type: str = _SSE
    session: bool = False

    def request(self, texts: Sequence[str]) -> bytes:
        """A request with these texts in it."""
        return json.dumps(self.body(texts), ensure_ascii=False).encode()

    def answer(self, events: int) -> bytes:
        """The whole body of an answer; without a stream it is one event."""
        if not self.content_type:
            return _json(self.event(0))
        return b"".join(self.framed(_json(self.event(number))) for number in range(events))

    def said(self, number: int) -> str:
        """One message of the provider in a session."""
        return _json(self.event(number)).decode()

    def framed(self, data: bytes) -> bytes:
        """One event on its way."""
        if self.content_type == CONTENT_TYPE:
            kind = {":event-type": "contentBlockDelta", ":content-type": "application/json", ":message-type": "event"}
            return message(encoded_headers(kind), data)
        return data + b"\n" if self.content_type == _LINES else b"data: " + data + b"\n\n"


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _turns(texts: Sequence[str], key: str = "content", model: str = "assistant") -> list[dict[str, Any]]:
    return [{"role": ("user", model)[n % 2], key: text} for n, text in enumerate(texts)]


def _chat(texts: Sequence[str]) -> Any:
    return {"model": "bench", "stream": True, "messages": _turns(texts)}


def _chunk(number: int) -> Any:
    choice = {"index": 0, "delta": {"content": _WORDS}, "finish_reason": None}
    return {
        "id": "chatcmpl-bench",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "bench",
        "choices": [choice],
    }


def _responses(texts: Sequence[str]) -> Any:
    return {"model": "bench", "stream": True, "store": False, "input": _turns(texts)}


def _typed(number: int) -> Any:
    return {
        "type": "response.output_text.delta", "sequence_number": number, "item_id": "msg_bench", "output_index": 0,
        "content_index": 0, "delta": _WORDS, "logprobs": [],
    }  # fmt: skip


def _spoken(texts: Sequence[str]) -> Any:
    parts = [{"type": "input_text", "text": text} for text in texts]
    return {"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": parts}}


def _said(number: int) -> Any:
    return {
        "type": "response.output_text.delta", "event_id": f"event_{number}", "response_id": "resp_bench",
        "item_id": "item_bench", "output_index": 0, "content_index": 0, "delta": _WORDS,
    }  # fmt: skip


def _context(texts: Sequence[str]) -> Any:
    history = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": one}]} for one in texts]
    return {"type": "session.start", "session": {"model": "bench", "input": history}}


def _heard(number: int) -> Any:
    kind = "session.output_transcript.delta"
    return {"type": kind, "event_id": f"event_{number}", "start_ms": number, "end_ms": number + 1, "delta": _WORDS}


def _contents(texts: Sequence[str]) -> list[dict[str, Any]]:
    return [{"role": ("user", "model")[n % 2], "parts": [{"text": text}]} for n, text in enumerate(texts)]


def _candidate(number: int) -> Any:
    candidate = {"content": {"role": "model", "parts": [{"text": _WORDS}]}, "index": 0}
    return {"candidates": [candidate], "modelVersion": "bench", "responseId": "bench"}


def _steps(texts: Sequence[str]) -> Any:
    kinds = ("user_input", "model_output")
    steps = [{"type": kinds[n % 2], "content": [{"type": "text", "text": text}]} for n, text in enumerate(texts)]
    return {"model": "bench", "stream": True, "store": False, "input": steps}


def _step(number: int) -> Any:
    delta = {"type": "text", "text": _WORDS}
    return {"event_type": "step.delta", "index": 0, "event_id": f"e{number}", "delta": delta}


def _anthropic(texts: Sequence[str]) -> Any:
    return {"model": "bench", "max_tokens": 99, "stream": True, "messages": _turns(texts)}


def _blocks(texts: Sequence[str]) -> Any:
    return {"messages": [{**turn, "content": [{"text": turn["content"]}]} for turn in _turns(texts)]}


def _cohere(number: int) -> Any:
    return {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": _WORDS}}}}


def _ollama(number: int) -> Any:
    return {
        "model": "bench", "created_at": "2026-01-01T00:00:00Z", "message": {"role": "assistant", "content": _WORDS},
        "done": False,
    }  # fmt: skip


def _tool(texts: Sequence[str]) -> Any:
    arguments = {f"line_{n}": text for n, text in enumerate(texts)}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "save", "arguments": arguments}}


def _progress(number: int) -> Any:
    params = {"progressToken": 1, "progress": number, "message": _WORDS}
    return {"jsonrpc": "2.0", "method": "notifications/progress", "params": params}


def _llama(number: int) -> Any:
    return {"event": {"event_type": "progress", "delta": {"type": "text", "text": _WORDS}}}


CASES = (
    Case("openai_chat", "/v1/chat/completions", _chat, _chunk),
    Case("openai_responses", "/v1/responses", _responses, _typed),
    Case(
        "openai_other", "/v1/embeddings", lambda texts: {"model": "bench", "input": list(texts)},
        lambda _: {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.1, 0.2]}]}, "",
    ),
    Case("openai_realtime", "/v1/realtime?model=bench", _spoken, _said, session=True),
    Case("openai_live", "/v1/live/sessions", _context, _heard, session=True),
    Case("mistral", "/v1/fim/completions", _chat, _chunk),
    Case(
        "gemini", "/v1beta/models/bench:streamGenerateContent?alt=sse", lambda texts: {"contents": _contents(texts)},
        _candidate,
    ),
    Case("gemini_interactions", "/v1beta/interactions", _steps, _step),
    Case(
        "gemini_live", "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent",
        lambda texts: {"clientContent": {"turns": _contents(texts), "turnComplete": True}},
        lambda _: {"serverContent": {"modelTurn": {"parts": [{"text": _WORDS}]}}}, session=True,
    ),
    Case(
        "anthropic", "/v1/messages", _anthropic,
        lambda _: {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": _WORDS}},
    ),
    Case(
        "bedrock", "/model/bench/converse-stream", _blocks,
        lambda _: {"contentBlockIndex": 0, "delta": {"text": _WORDS}, "p": "abcdefgh"}, CONTENT_TYPE,
    ),
    Case("cohere", "/v2/chat", _chat, _cohere),
    Case("ollama", "/api/chat", _chat, _ollama, _LINES),
    Case("mcp", "/mcp", _tool, _progress),
    Case("llama", "/v1/chat/completions", _chat, _llama),
    Case("generic", "/anything", _chat, _chunk),
)  # fmt: skip


def asked_for(value: str) -> tuple[Case, int]:
    """What the header asks for. Raises StopIteration, ValueError."""
    name, _, events = value.partition(".")
    return next(case for case in CASES if case.format == name), int(events)
