"""A fake of any other API: answers JSON with the same JSON, anything else with its text inside JSON.

Placeholders in values and keys are bent by the behaviour asked for, so that unknown endpoints can be tested alike.
"""

from typing import Any

from proxy.fakes.behaviour import Behaviour, Play, Prompt, mangled, words_of
from proxy.fakes.traffic import SSE, Answer, Received, dump, pieces, whole


def answer(call: Received, play: Play) -> Answer | None:
    """The echo of any request; `{"stream": true}` is answered with server-sent events of `{"echo": …}`."""
    try:
        body = call.json()
    except ValueError:
        text = call.decoded().decode("utf-8", "replace")
        body = {"method": call.method, "target": call.target.decode("utf-8", "replace"), "text": text}
    if play.behaviour.error is not None:
        return error(play, Prompt("", (dump(body).decode(),)))
    if isinstance(body, dict) and body.get("stream") is True:
        return _stream(body, play)
    return whole(_bent(body, play), ascii_only=play.ascii_only)


def error(play: Play, prompt: Prompt) -> Answer:
    """An error that quotes the whole request."""
    return whole({"error": prompt.everything}, status=play.behaviour.error or 500, ascii_only=play.ascii_only)


def not_found(call: Received) -> Answer:
    """Never asked: every path is known here."""
    return whole({"error": f"not found: {call.path}"}, status=404)


def _stream(body: dict[str, Any], play: Play) -> Answer:
    text = dump(body).decode()
    said = words_of(play, Prompt(text, (text,)))
    events = [
        b"data: " + dump({"echo": part}, ascii_only=play.ascii_only) + b"\n\n" for part in pieces(said, play.chunk)
    ]
    if play.behaviour is not Behaviour.CUT:
        events.append(b"data: [DONE]\n\n")
    return Answer(200, (("content-type", SSE),), tuple(events), streamed=True)


def _bent(value: Any, play: Play) -> Any:
    if isinstance(value, str):
        return mangled(play.behaviour, value)
    if isinstance(value, list):
        return [_bent(item, play) for item in value]
    if isinstance(value, dict):
        return {mangled(play.behaviour, key): _bent(item, play) for key, item in value.items()}
    return value
