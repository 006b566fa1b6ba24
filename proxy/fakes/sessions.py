"""Fakes of the APIs that speak over WebSocket: OpenAI Realtime and Live, Gemini Live. They echo, like all fakes.

One object per session: events of the client in, events of the provider out. Pure; the socket is in `server.py`.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import count
from typing import Any, Protocol
from urllib.parse import parse_qs

from proxy.fakes.behaviour import Play, Prompt, named_by, words_of
from proxy.fakes.openai_live import OpenAILive
from proxy.fakes.traffic import Received, pieces

type Event = dict[str, Any]

HEARD = "My number is +49 171 2345678"
"""What every sound is understood as: personal data that no app has sent as text."""


class Spoken(Protocol):
    """One session. binary: its events go in binary frames. protocols: sub-protocols that it knows."""

    @property
    def binary(self) -> bool: ...

    @property
    def protocols(self) -> tuple[str, ...]: ...

    def opened(self) -> Iterable[Event]:
        """What the provider says first."""
        ...

    def answer(self, event: Event) -> Iterable[Event]:
        """What it says to an event of the client."""
        ...


def session_of(call: Received, play: Play) -> Spoken | None:
    """The session that a handshake opens; None where no API has it. A model name may ask for a behaviour."""
    if call.path.endswith("/realtime"):
        behaviour = named_by((parse_qs(call.query).get("model") or [""])[0]) or play.behaviour
        return Realtime(replace(play, behaviour=behaviour)) if behaviour.error is None else None
    if call.path.endswith(("/live/sessions", "/fork")):
        return OpenAILive(play)
    if "BidiGenerateContent" in call.path:
        return Live(play)
    return None


class Realtime:
    """OpenAI Realtime. With a tool in the session every answer is a call of it."""

    binary = False
    protocols = ("realtime",)

    def __init__(self, play: Play) -> None:
        self._play = play
        self._ids = count(1)
        self._session: Event = {"type": "realtime", "object": "realtime.session", "id": "sess_1"}
        self._texts: list[str] = []

    def opened(self) -> Iterator[Event]:
        """`session.created`."""
        yield self._event("session.created", session=self._session)

    def answer(self, event: Event) -> Iterator[Event]:
        """The events of one message."""
        match event["type"]:
            case "session.update":
                self._session = {**self._session, **event["session"]}
                yield self._event("session.updated", session=self._session)
            case "conversation.item.create":
                item = {"id": f"item_{next(self._ids)}", "object": "realtime.item", "status": "completed"}
                item |= event["item"]
                self._texts += [text for text in _texts_of(item) if text]
                yield self._event("conversation.item.added", previous_item_id=None, item=item)
            case "input_audio_buffer.commit":
                yield from self._heard()
            case "response.create":
                yield from self._response(event.get("response") or {})

    def _event(self, kind: str, **more: Any) -> Event:
        return {"type": kind, "event_id": f"event_{next(self._ids)}", **more}

    def _heard(self) -> Iterator[Event]:
        at = {"item_id": f"item_{next(self._ids)}", "content_index": 0}
        yield self._event("input_audio_buffer.committed", item_id=at["item_id"])
        kind = "conversation.item.input_audio_transcription"
        for piece in pieces(HEARD, self._play.chunk):
            yield self._event(f"{kind}.delta", **at, delta=piece)
        usage = {"type": "duration", "seconds": 1}
        yield self._event(f"{kind}.completed", **at, transcript=HEARD, usage=usage)

    def _response(self, asked: Event) -> Iterator[Event]:
        texts = [*self._texts, *(text for item in asked.get("input") or () for text in _texts_of(item))]
        words = words_of(self._play, Prompt(texts[-1] if texts else "", tuple(texts)))
        response = f"resp_{next(self._ids)}"
        made: Event = {"id": response, "object": "realtime.response", "status": "in_progress", "output": []}
        yield self._event("response.created", response=made)
        tools = self._session.get("tools")
        item = {"id": f"item_{next(self._ids)}", "object": "realtime.item"}
        parts = self._call(response, item, tools[0]["name"], words) if tools else self._said(response, item, words)
        yield from parts
        usage = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
        done = {**made, "status": "completed", "output": [self._done], "usage": usage}
        yield self._event("response.done", response=done)

    def _said(self, response: str, item: Event, words: str) -> Iterator[Event]:
        item = {**item, "type": "message", "role": "assistant"}
        at = {"response_id": response, "output_index": 0}
        inside = {**at, "item_id": item["id"], "content_index": 0}
        yield self._event("response.output_item.added", **at, item={**item, "status": "in_progress", "content": []})
        yield self._event("response.content_part.added", **inside, part={"type": "text", "text": ""})
        for piece in pieces(words, self._play.chunk):
            yield self._event("response.output_text.delta", **inside, delta=piece)
        yield self._event("response.output_text.done", **inside, text=words)
        yield self._event("response.content_part.done", **inside, part={"type": "text", "text": words})
        self._done = {**item, "status": "completed", "content": [{"type": "output_text", "text": words}]}
        yield self._event("response.output_item.done", **at, item=self._done)

    def _call(self, response: str, item: Event, name: str, words: str) -> Iterator[Event]:
        call = {**item, "type": "function_call", "name": name, "call_id": f"call_{next(self._ids)}"}
        arguments = json.dumps({"text": words}, ensure_ascii=self._play.ascii_only)
        at = {"response_id": response, "output_index": 0}
        inside = {**at, "item_id": item["id"], "call_id": call["call_id"]}
        yield self._event("response.output_item.added", **at, item={**call, "status": "in_progress", "arguments": ""})
        for piece in pieces(arguments, self._play.chunk):
            yield self._event("response.function_call_arguments.delta", **inside, delta=piece)
        yield self._event("response.function_call_arguments.done", **inside, name=name, arguments=arguments)
        self._done = {**call, "status": "completed", "arguments": arguments}
        yield self._event("response.output_item.done", **at, item=self._done)


def _texts_of(item: Event) -> list[str]:
    parts = [part.get("text") or part.get("transcript") or "" for part in item.get("content") or ()]
    return [*parts, item.get("output") or ""]


class Live:
    """Gemini Live. With a function declared every turn of the client is answered by a call of it."""

    binary = True
    protocols: tuple[str, ...] = ()

    def __init__(self, play: Play) -> None:
        self._play = play
        self._ids = count(1)
        self._texts: list[str] = []
        self._function = ""
        self._handle = ""

    def opened(self) -> tuple[Event, ...]:
        """Nothing: the client speaks first."""
        return ()

    def answer(self, event: Event) -> Iterator[Event]:
        """The messages to one of the client's."""
        event = {_camel(name): value for name, value in event.items()}
        handlers: dict[str, Callable[[Event], Iterator[Event]]] = {
            "setup": self._setup, "clientContent": self._content, "realtimeInput": self._input,
            "toolResponse": self._results,
        }  # fmt: skip
        for name, value in event.items():
            yield from handlers[name]({_camel(key): inner for key, inner in value.items()})

    def _setup(self, setup: Event) -> Iterator[Event]:
        for tool in setup.get("tools") or ():
            for one in tool.get("functionDeclarations") or tool.get("function_declarations") or ():
                self._function = one["name"]
        model = setup.get("model") or ""
        self._play = replace(self._play, behaviour=named_by(model) or self._play.behaviour)
        resumption = setup.get("sessionResumption")
        if resumption is not None and (known := resumption.get("handle")):
            self._texts += self._play.memory.get(known, ())
        yield {"setupComplete": {}}
        if resumption is not None:
            self._handle = f"handle-{id(self):x}-{next(self._ids)}"
            yield {"sessionResumptionUpdate": {"newHandle": self._handle, "resumable": True}}

    def _content(self, content: Event) -> Iterator[Event]:
        for turn in content.get("turns") or ():
            self._texts += [part["text"] for part in turn.get("parts") or () if part.get("text")]
        if content.get("turnComplete", True):
            yield from self._said()

    def _input(self, given: Event) -> Iterator[Event]:
        if text := given.get("text"):
            self._texts.append(text)
            yield from self._said()
        elif given.get("audioStreamEnd"):
            for piece in pieces(HEARD, self._play.chunk):
                yield {"serverContent": {"inputTranscription": {"text": piece}}}
            yield {"serverContent": {"turnComplete": True}}

    def _results(self, given: Event) -> Iterator[Event]:
        self._function = ""
        responses = given.get("functionResponses") or given.get("function_responses") or ()
        self._texts += [json.dumps(one["response"], ensure_ascii=False) for one in responses]
        yield from self._said()

    def _said(self) -> Iterator[Event]:
        if self._handle:
            self._play.memory[self._handle] = tuple(self._texts)
        words = words_of(self._play, Prompt(self._texts[-1] if self._texts else "", tuple(self._texts)))
        if self._function:
            call = {"id": f"call-{next(self._ids)}", "name": self._function, "args": {"text": words}}
            yield {"toolCall": {"functionCalls": [call]}}
            return
        for piece in pieces(words, self._play.chunk):
            yield {"serverContent": {"modelTurn": {"parts": [{"text": piece}]}}}
        yield {"serverContent": {"outputTranscription": {"text": words}}}
        yield {"serverContent": {"generationComplete": True}}
        usage = {"promptTokenCount": 10, "responseTokenCount": 5, "totalTokenCount": 15}
        yield {"serverContent": {"turnComplete": True}, "usageMetadata": usage}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
