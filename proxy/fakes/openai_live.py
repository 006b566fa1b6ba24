"""A fake of OpenAI Live: it says what it is given as commentary, hears the same at the same time, and delegates.

Events of a delegated response are those of the fake of Responses. Pure, like every session here.
"""

import json
from collections.abc import Iterator
from itertools import count, zip_longest
from typing import Any

from proxy.fakes import openai_responses
from proxy.fakes.behaviour import Play, Prompt, words_of
from proxy.fakes.traffic import Received, pieces
from proxy.messages import Headers

type Event = dict[str, Any]


class OpenAILive:
    """One session. Its first event starts it."""

    binary = False
    protocols = ("realtime",)

    def __init__(self, play: Play) -> None:
        self._play = play
        self._ids = count(1)
        self._session: Event = {}
        self._items: list[Event] = []

    def opened(self) -> tuple[Event, ...]:
        """Nothing: the client speaks first."""
        return ()

    def answer(self, event: Event) -> Iterator[Event]:
        """The events of one message."""
        match event["type"]:
            case "session.start":
                self._session = {"id": "live_1", "status": "active", "expires_at": 2, **event["session"]}
                yield self._event("session.started", session=self._session)
            case "session.update":
                self._session |= event["session"]
                yield self._event("session.updated", session=self._session)
            case "session.commentary.append":
                yield self._event("session.commentary.appended", start_ms=1, end_ms=1)
                yield from self._spoken(words_of(self._play, Prompt(event["content"], (event["content"],))))
            case "response.item.create":
                self._items.append(event["item"])
            case "response.create":
                yield from self._delegated()
            case "session.close":
                usage = {"seconds": 2.5}
                yield self._event("session.closed", session=self._session, reason="close_requested", usage=usage)

    def _event(self, kind: str, **more: Any) -> Event:
        return {"type": kind, "event_id": f"event_{next(self._ids)}", **more}

    def _spoken(self, words: str) -> Iterator[Event]:
        """Both sides speak at once: pieces of two texts take turns."""
        said, heard = pieces(words, self._play.chunk), pieces(f"Ja. {words}", self._play.chunk)
        at = {"start_ms": 1, "end_ms": 2}
        yield {"type": "session.output_audio.delta", "delta": "AAAA", **at}
        for out, back in zip_longest(said, heard):
            if out is not None:
                yield self._event("session.output_transcript.delta", **at, delta=out)
            if back is not None:
                yield self._event("session.input_transcript.delta", **at, delta=back)
        yield self._event("session.usage.updated", usage={"seconds": 1.5}, context_window={"usage_ratio": 0.1})

    def _delegated(self) -> Iterator[Event]:
        made = {"id": "dlg_1", "target": "responses", "type": "delegation"}
        yield self._event("session.delegation.created", delegation=made, offset_ms=3)
        backend = (self._session.get("delegation") or {}).get("responses") or {}
        body = {"model": "fake-echo", "stream": True, "store": False, **backend, "input": self._items}
        call = Received("POST", b"/v1/responses", Headers(), json.dumps(body).encode())
        answered = openai_responses.answer(call, self._play)
        assert answered is not None, "the fake of Responses knows its own path"
        for raw in answered.events:
            data = raw.decode().partition("data: ")[2]
            yield self._event("response.event", delegation_id="dlg_1", event=json.loads(data))
