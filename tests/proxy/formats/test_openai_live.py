"""OpenAI Live: what of a session's messages is inspected, and how two sides that speak at once are restored."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.errors import FormatError
from proxy.formats.base import SDP, RequestHead
from proxy.formats.core import STORE
from proxy.formats.openai_live import DIALECT, FORMAT
from proxy.formats.selection import Formats
from proxy.messages import Headers, Refusal
from redaction.restore import Restorable, Restorer

JSON = Headers(((b"content-type", b"application/json"),))
START = {
    "type": "session.start",
    "event_id": "e1",
    "session": {
        "model": "gpt-live-1",
        "instructions": "Anna",
        "safety_identifier": "Anna",
        "store": True,
        "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Anna"}]}],
        "delegation": {
            "type": "decisions",
            "decisions": {
                "model": "m",
                "questions": [
                    {"type": "choice", "name": "Anna", "choices": [{"value": "Anna"}],
                     "instructions": [{"type": "input_json", "data": {"Anna": 1234567}}, {"type": "input_text", "text": "Anna"}]}
                ],
            },
        },
        "new": {"Anna": "Anna"},
    },
}  # fmt: skip


def said(people: Any, events: list[dict[str, Any]], may: Callable[[str], bool] | None = None) -> list[Any]:
    """The events as they reach the client."""
    reader = DIALECT.reader(Restorer(Restorable(people), may_restore=may))
    out = [one for event in events for one in reader.message(json.dumps(event).encode())]
    return [json.loads(one) for one in [*out, *reader.close(complete=True)]]


def spoken(kind: str, pieces: list[str]) -> list[dict[str, Any]]:
    return [
        {"type": f"session.{kind}_transcript.delta", "event_id": "e", "start_ms": 1, "delta": one} for one in pieces
    ]


def nested(**event: Any) -> dict[str, Any]:
    return {"type": "response.event", "event_id": "e", "delegation_id": "d", "event": event}


def test_what_starts_a_session_is_inspected_and_can_be_told_not_to_be_kept() -> None:
    inspected = DIALECT.read(json.dumps(START).encode())
    kinds = {segment.pointer: segment.kind.value for segment in inspected.segments if segment.text == "Anna"}
    assert kinds["/session/instructions"] == "system"
    assert kinds["/session/safety_identifier"] == "metadata"
    assert kinds["/session/input/0/content/0/text"] == "user"
    assert len([one for one in inspected.segments if one.text == "Anna"]) == json.dumps(START).count("Anna")
    assert (inspected.model, inspected.keeps, inspected.unkept) == ("gpt-live-1", True, {STORE: "false"})
    assert json.loads(DIALECT.splice(inspected, inspected.unkept))["session"]["store"] is False
    assert not DIALECT.read(json.dumps(START).replace("true", "false").encode()).keeps


def test_sound_is_a_medium() -> None:
    for kind in ("session.input_audio.append", "session.output_audio.fixture.play"):
        inspected = DIALECT.read(json.dumps({"type": kind, "audio": "AAECAwQFBgc="}).encode())
        assert [part.media_type for part in (*inspected.media, *inspected.uninspected)] == ["audio/pcm"]
        assert inspected.segments == ()


@settings(max_examples=60)
@given(data=st.data())
def test_two_sides_that_speak_at_once_are_restored_each_by_itself(people: Any, data: st.DataObject) -> None:
    token, name = list(people.items())[data.draw(st.integers(0, 1))]
    texts = {"input": f"Hi {token}, yes", "output": f"{token} it is {token}"}
    waiting = {}
    for kind, text in texts.items():
        cuts = sorted(data.draw(st.sets(st.integers(1, len(text) - 1), max_size=6)))
        waiting[kind] = spoken(kind, [text[at:to] for at, to in zip([0, *cuts], [*cuts, len(text)], strict=True)])
    events = []
    while any(waiting.values()):
        events.append(waiting[data.draw(st.sampled_from([one for one, left in waiting.items() if left]))].pop(0))
        if data.draw(st.booleans()):  # a delegated response that begins and ends between two pieces
            events.append(nested(type="response.completed", response={"id": "r", "output": []}))
    found = said(people, events)
    for kind, text in texts.items():
        whole = "".join(one["delta"] for one in found if one["type"] == f"session.{kind}_transcript.delta")
        assert whole == text.replace(token, name)


def test_what_was_held_back_comes_before_the_session_is_closed(people: Any) -> None:
    token = next(iter(people))
    events = [*spoken("output", ["Hi ", token[:-2]]), {"type": "session.closed", "reason": "expired"}]
    found = said(people, events)
    assert [one["type"] for one in found][-1] == "session.closed"
    assert "".join(one.get("delta", "") for one in found) == f"Hi {token[:-2]}"


@pytest.mark.parametrize("allowed", [True, False])
def test_a_delegated_call_is_restored_where_its_tool_may_have_originals(people: Any, allowed: bool) -> None:
    token, name = next(iter(people.items()))
    arguments = json.dumps({"to": token})
    call = {"id": "fc", "type": "function_call", "call_id": "c", "name": "mail"}
    at = {"item_id": "fc", "output_index": 0}
    events = [
        nested(type="response.output_item.added", output_index=0, item={**call, "arguments": ""}),
        *(
            nested(type="response.function_call_arguments.delta", **at, delta=one)
            for one in (arguments[:9], arguments[9:14], arguments[14:])
        ),
        nested(type="response.function_call_arguments.done", **at, arguments=arguments),
        nested(type="response.output_item.done", output_index=0, item={**call, "arguments": arguments}),
        *spoken("output", [token]),
    ]
    found = said(people, events, lambda tool: allowed or tool != "mail")
    grown = "".join(
        one["event"]["delta"] for one in found if one.get("event", {}).get("type", "").endswith("arguments.delta")
    )
    wanted = name if allowed else token
    assert json.loads(grown) == {"to": wanted}
    assert json.loads(found[-2]["event"]["item"]["arguments"]) == {"to": wanted}
    assert found[-1]["delta"] == name


def head(method: str, path: str, *, upgrade: bool = False) -> RequestHead:
    return RequestHead(method, "api.openai.com", path, "", JSON, upgrade=upgrade)


def test_ways_around_and_second_connections() -> None:
    formats = Formats()
    chosen, endpoint = formats.select(head("GET", "/v1/live/sessions/live_1/attach", upgrade=True), "openai_other")
    assert (chosen.name, endpoint.operation) == ("openai_live", "sideband")
    with pytest.raises(FormatError, match="second connection"):
        chosen.read(endpoint, head("GET", "/v1/live/sessions/live_1/attach", upgrade=True), b"")
    forked = head("GET", "/v1/live/sessions/live_1/fork", upgrade=True)
    chosen, endpoint = formats.select(forked, "openai_other")
    assert endpoint.session is DIALECT
    assert chosen.read(endpoint, forked, b"").state == {"session": "live_1"}
    made = head("POST", "/v1/live/sessions")
    chosen, endpoint = formats.select(made, "openai_other")
    body = {"session": START["session"], "transport": {"type": "webrtc", "sdp": "v=0"}}
    read = chosen.read(endpoint, made, json.dumps(body).encode())
    assert [(part.pointer, part.media_type, part.size) for part in read.media] == [("/transport/sdp", SDP, 3)]


@pytest.mark.parametrize("ending", ["\r\n", "\n"])
def test_the_offer_of_a_call_is_for_the_policy_and_never_a_text_to_change(ending: str) -> None:
    offer = ending.join(("v=0", "o=- 46117 2 IN IP4 203.0.113.7", "s=-", "c=IN IP4 203.0.113.7", "a=ice-ufrag:x1", ""))
    formats, made = Formats(), head("POST", "/v1/live/sessions")
    chosen, endpoint = formats.select(made, "openai_other")
    body = {"session": {"model": "m", "instructions": "Anna"}, "transport": {"type": "webrtc", "sdp": offer}}
    read = chosen.read(endpoint, made, json.dumps(body).encode())
    assert [(one.pointer, one.text) for one in read.segments] == [("/session/instructions", "Anna")]
    assert [(one.pointer, one.media_type, one.size) for one in read.media] == [("/transport/sdp", SDP, len(offer))]
    assert read.uninspected == ()


OFFER = "v=0\r\no=- 46117 2 IN IP4 203.0.113.7\r\ns=-\r\nc=IN IP4 203.0.113.7\r\n"
FORM = (
    '--x\r\ncontent-disposition: form-data; name="sdp"\r\n\r\n' + OFFER + "\r\n"
    '--x\r\ncontent-disposition: form-data; name="session"\r\ncontent-type: application/json\r\n\r\n'
    '{"type": "realtime", "instructions": "Anna"}\r\n--x--\r\n'
)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data; boundary=x", FORM),
        ("application/json", json.dumps({"sdp": OFFER, "session": {"type": "realtime", "instructions": "Anna"}})),
    ],
)
def test_so_is_the_offer_of_a_realtime_call(content_type: str, body: str) -> None:
    headers = Headers(((b"content-type", content_type.encode()),))
    made = RequestHead("POST", "api.openai.com", "/v1/realtime/calls", "", headers)
    chosen, endpoint = Formats().select(made, "openai_other")
    read = chosen.read(endpoint, made, body.encode())
    assert [one.text for one in read.segments] == ["Anna"]
    assert [(one.pointer, one.media_type, one.size) for one in read.media] == [("/sdp", SDP, len(OFFER))]
    assert read.uninspected == ()


@pytest.mark.parametrize("words", ["Anna", "v=0\r\nAnna lives here", "v=0\nc=IN IP4 203.0.113.7\n\nAnna", "v=0 Anna"])
def test_what_is_no_offer_is_a_text_in_its_place_and_the_call_still_goes_beside_us(words: str) -> None:
    formats, made = Formats(), head("POST", "/v1/live/sessions")
    chosen, endpoint = formats.select(made, "openai_other")
    read = chosen.read(endpoint, made, json.dumps({"transport": {"type": "webrtc", "sdp": words}}).encode())
    assert [(one.pointer, one.text) for one in read.segments] == [("/transport/sdp", words)]
    assert SDP in [part.media_type for part in read.uninspected]


def test_a_refused_message_is_an_error_that_the_session_survives() -> None:
    refusal = Refusal(403, "blocked", "the policy blocks this", "t-1")
    told = DIALECT.refused(refusal, json.dumps(START).encode())
    assert told is not None
    error = json.loads(told)
    assert (error["type"], error["client_event_id"], error["error"]["client_event_id"]) == ("error", "e1", "e1")
    assert error["error"]["code"] == "blocked"
    assert FORMAT.name == "openai_live"
