"""Gemini Interactions: what of a request is whose words, what is kept, and how its typed events are restored."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

PATH = "/v1beta/interactions"
ITEMS = [
    ("Anna", {"/input": "user"}),
    ({"type": "text", "text": "Anna"}, {"/input/text": "user"}),
    ([{"role": "user", "content": "Anna"}], {"/input/0/content": "user"}),
    ([{"role": "model", "content": [{"type": "text", "text": "Anna"}]}], {"/input/0/content/0/text": "assistant"}),
    ([{"type": "function_call", "id": "c1", "name": "f", "arguments": {"to": "Anna"}}],
     {"/input/0/arguments/to": "tool_arguments", "/input/0/arguments/to~k": "key"}),
    ([{"type": "function_result", "call_id": "c1", "name": "f", "result": "Anna"}], {"/input/0/result": "tool_result"}),
    ([{"type": "function_result", "call_id": "c1", "result": [{"type": "text", "text": "Anna"}]}],
     {"/input/0/result/0/text": "tool_result"}),
    ([{"type": "thought", "signature": "gf7/AAECA4H+/wABAgOB/v8AAQIDgf7/AAECAw==", "summary": [{"type": "text", "text": "Anna"}]}],
     {"/input/0/summary/0/text": "user"}),
]  # fmt: skip


@pytest.mark.parametrize(("value", "kinds"), ITEMS)
def test_every_kind_of_input_is_inspected(read: Any, value: Any, kinds: dict[str, str]) -> None:
    body = {"model": "gemini-3", "system_instruction": "Be kind.", "input": value}
    made = read(PATH, body, hint="gemini")
    assert made.endpoint.format == "gemini_interactions"
    assert {key: kind for key, kind in made.kinds.items() if key.startswith("/input")} == kinds
    assert made.kinds["/system_instruction"] == "system"


def test_sound_is_a_medium(read: Any) -> None:
    part = {"type": "audio", "mime_type": "audio/wav", "data": "AAAA/v8AAQACAAMA"}
    made = read(PATH, {"model": "gemini-3", "input": [part]}, hint="gemini")
    assert [one.media_type for one in made.inspected.media] == ["audio/wav"]
    assert made.texts == {}


def test_an_interaction_is_kept_unless_it_says_no_and_a_later_one_names_it(read: Any) -> None:
    body = {"model": "gemini-3", "input": "hi", "previous_interaction_id": "int-1"}
    kept = read(PATH, body, hint="gemini")
    assert (kept.inspected.keeps, kept.inspected.state) == (True, {"interaction": "int-1"})
    assert json.loads(kept.splice(kept.inspected.unkept)) == {"store": False, **body}
    assert not read(PATH, body | {"store": False}, hint="gemini").inspected.keeps
    assert read(f"{PATH}/int-1", b"", hint="gemini", method="GET").inspected.state == {"interaction": "int-1"}


def events(text: str, size: int) -> bytes:
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    arguments = json.dumps({"to": text})
    cut = [arguments[at : at + size] for at in range(0, len(arguments), size)]
    told = [
        {"event_type": "interaction.created", "interaction": {"id": "int-2", "model": "gemini-3", "status": "in_progress"}},
        {"event_type": "step.start", "index": 0, "step": {"type": "model_output"}},
        *({"event_type": "step.delta", "index": 0, "delta": {"type": "text", "text": one}} for one in pieces),
        {"event_type": "step.stop", "index": 0},
        {"event_type": "step.start", "index": 1, "step": {"type": "function_call", "id": "c", "name": "f", "arguments": {}}},
        *({"event_type": "step.delta", "index": 1, "delta": {"type": "arguments_delta", "arguments": one}} for one in cut),
        {"event_type": "step.stop", "index": 1},
        {"event_type": "interaction.completed", "interaction": {
            "id": "int-2", "status": "completed", "outputs": [{"type": "text", "text": text}],
            "usage": {"total_input_tokens": 3, "total_output_tokens": 4}}},
    ]  # fmt: skip
    return b"".join(b"event: %s\ndata: %s\n\n" % (one["event_type"].encode(), json.dumps(one).encode()) for one in told)


@given(size=st.integers(1, 40), cuts=st.lists(st.integers(0, 3000), max_size=6))
def test_typed_events_are_restored_however_they_are_cut(answer: Any, people: Any, size: int, cuts: list[int]) -> None:
    token, original = next(iter(people.items()))
    done = answer(PATH, events(f"Dear {token}, yes.", size), "text/event-stream", cuts=cuts, hint="gemini")
    told = [json.loads(line[6:]) for line in done.body.decode().splitlines() if line.startswith("data: ")]
    deltas = [one for one in told if one["event_type"] == "step.delta"]
    assert "".join(one["delta"]["text"] for one in deltas if one["index"] == 0) == f"Dear {original}, yes."
    arguments = "".join(one["delta"]["arguments"] for one in deltas if one["index"] == 1)
    assert json.loads(arguments) == {"to": f"Dear {original}, yes."}
    assert told[-1]["interaction"]["outputs"][0]["text"] == f"Dear {original}, yes."
    assert (done.facts.objects, done.facts.complete) == ({"interaction": "int-2"}, True)
    assert (done.facts.usage.input_tokens, done.facts.usage.output_tokens) == (3, 4)
