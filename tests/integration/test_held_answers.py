"""`response: {unexpected: block | redact}`: personal data that nobody sent does not reach the app."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from proxy.fakes.hold import Hold

POLICY = """\
version: 1
name: held
unknown_applications: allow
destinations:
  openai: {extends: bundled:openai@2026-11-23}
response: {unexpected: block, buffer: all}
rules:
  - {id: all, when: {entity: any}, do: tokenize}
  - {id: rest, when: {entity: none}, do: allow}
"""
STRANGER = "Ask bob.stranger@example.com, he knows."


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY, encoding="utf-8")
    return path


async def asked(it: Any, chat: Callable[..., dict[str, Any]], text: str, **more: Any) -> Any:
    async with it.client("openai") as client:
        answer = await client.post("/v1/chat/completions", json=chat(text, **more))
    await it.settled()
    return answer


def said(answer: Any) -> str:
    """The text of a streamed answer, or of one line of it."""
    lines = (answer if isinstance(answer, str) else answer.text).splitlines()
    events = [line[6:] for line in lines if line.startswith('data: {"id"')]
    return "".join(
        choice["delta"].get("content") or "" for event in events for choice in orjson.loads(event)["choices"]
    )


@pytest.mark.parametrize("stream", [False, True])
async def test_what_the_app_sent_comes_back_restored(
    each_door: Any, chat: Callable[..., dict[str, Any]], policy: Path, stream: bool
) -> None:
    async with each_door(settings={"policy": policy}, openai={"chunk": 5}) as it:
        answer = await asked(it, chat, "I am anna@example.com", stream=stream)
        assert answer.status_code == 200
        assert "anna@example.com" not in str(it.received()[-1].body)
        assert "anna@example.com" in (said(answer) if stream else answer.text)
        outcome = it.records("outcome")[-1]
        assert (outcome["state"], outcome["inspected"]) == ("complete", "buffered")


@pytest.mark.parametrize("stream", [False, True])
async def test_what_nobody_sent_is_blocked_as_a_whole_and_recorded(
    each_door: Any, chat: Callable[..., dict[str, Any]], policy: Path, stream: bool
) -> None:
    async with each_door(settings={"policy": policy}, openai={"chunk": 5, "opening": STRANGER}) as it:
        answer = await asked(it, chat, "Hello", stream=stream)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "answer_blocked")
        assert "stranger" not in answer.text
        outcome = it.records("outcome")[-1]
        assert (outcome["state"], outcome["error"], outcome["inspected"]) == ("complete", "answer_blocked", "buffered")
        assert [row["entity_type"] for row in outcome["findings"]] == ["EMAIL_ADDRESS"]
        assert len(it.received()) == 1


async def test_what_the_rules_let_pass_may_come_in(
    stand: Any, chat: Callable[..., dict[str, Any]], policy: Path
) -> None:
    pass_mail = POLICY.replace("rules:\n", "rules:\n  - {id: mail, when: {entity: EMAIL_ADDRESS}, do: allow}\n")
    policy.write_text(pass_mail, encoding="utf-8")  # noqa: ASYNC240
    async with stand(settings={"policy": policy}, openai={"opening": STRANGER}) as it:
        answer = await asked(it, chat, "Hello")
        assert (answer.status_code, "bob.stranger@example.com" in answer.text) == (200, True)


async def test_an_answer_that_cannot_be_inspected_is_not_let_through(
    stand: Any, chat: Callable[..., dict[str, Any]], policy: Path, patterns_engine: Any
) -> None:
    from redaction.errors import DetectionError
    from redaction.pool import DetectionResult

    class OnlyRequests:
        version = "test"

        async def start(self) -> None: ...

        async def close(self) -> None: ...

        async def detect(self, segments: Any, *, deadline_s: float, owner: bytes = b"") -> DetectionResult:
            if segments and segments[0].pointer.startswith("answer/"):
                raise DetectionError("too slow", code="timeout")
            return DetectionResult(tuple(patterns_engine.detect(segments)), self.version, 0, 0)

    async with stand(settings={"policy": policy}, detection=OnlyRequests()) as it:
        answer = await asked(it, chat, "Hello")
        assert (answer.status_code, answer.json()["error"]["code"]) == (502, "answer_not_inspected")
        assert it.records("outcome")[-1]["inspected"] == "failed"


LONG = (
    "Frau Lindner hat geantwortet. Bitte schreiben Sie an bob.stranger@example.com, er weiss es. "
    "Danach ist alles gut. Telefon 0171 2345678 geht auch! Ende "
)


@pytest.mark.parametrize("buffer", ["all", "sentence"])
@pytest.mark.parametrize("stream", [False, True])
async def test_what_nobody_sent_is_taken_out_and_the_rest_comes_restored(
    each_door: Any, chat: Callable[..., dict[str, Any]], policy: Path, stream: bool, buffer: str
) -> None:
    policy.write_text(POLICY.replace("block, buffer: all", f"redact, buffer: {buffer}"), encoding="utf-8")  # noqa: ASYNC240
    async with each_door(settings={"policy": policy}, openai={"chunk": 7, "opening": LONG}) as it:
        answer = await asked(it, chat, "I am anna@example.com", stream=stream)
        assert answer.status_code == 200
        text = said(answer) if stream else answer.json()["choices"][0]["message"]["content"]
        expected = LONG.replace("bob.stranger@example.com", "[EMAIL_ADDRESS]").replace("0171 2345678", "[PHONE_NUMBER]")
        assert text == expected + "I am anna@example.com"
        outcome = it.records("outcome")[-1]
        assert (outcome["state"], outcome["inspected"]) == ("complete", "buffered")
        rows = {(row["entity_type"], row["operator"], row["n"]) for row in outcome["findings"]}
        assert rows == {("EMAIL_ADDRESS", "redact", 1), ("PHONE_NUMBER", "redact", 1)}


async def test_a_sentence_comes_before_the_answer_has_ended(
    stand: Any, chat: Callable[..., dict[str, Any]], policy: Path
) -> None:
    policy.write_text(POLICY.replace("block, buffer: all", "redact, buffer: sentence"), encoding="utf-8")  # noqa: ASYNC240
    hold = Hold()
    async with stand(settings={"policy": policy}, openai={"chunk": 7, "opening": LONG, "hold": hold}) as it:
        body = chat("Hello", stream=True)
        async with it.client("openai") as client, client.stream("POST", "/v1/chat/completions", json=body) as answer:
            seen, lines = "", answer.aiter_lines()
            hold.release(len(LONG) // 7 - 2)
            while "alles gut." not in seen:
                seen += said(await anext(lines))
            assert "an [EMAIL_ADDRESS], er weiss es. Danach ist alles gut." in seen
            assert "Ende" not in seen, "the fake has not said it yet"
            hold.open()
            async for line in lines:
                seen += said(line)
    assert seen.endswith("Hello")


async def test_a_sentence_that_is_blocked_ends_the_stream_with_an_error(
    stand: Any, chat: Callable[..., dict[str, Any]], policy: Path
) -> None:
    policy.write_text(POLICY.replace("buffer: all", "buffer: sentence"), encoding="utf-8")  # noqa: ASYNC240
    hold, first = Hold(), "Frau Lindner hat geantwortet."
    async with stand(settings={"policy": policy}, openai={"chunk": 7, "opening": LONG, "hold": hold}) as it:
        body = chat("Hello", stream=True)
        async with it.client("openai") as client, client.stream("POST", "/v1/chat/completions", json=body) as answer:
            got, lines = "", answer.aiter_lines()
            hold.release(len(first) // 7 + 4)
            while first not in said(got):
                got += await anext(lines) + "\n"
            hold.open()
            async for line in lines:
                got += line + "\n"
        assert "answer_blocked" in got
        assert "stranger" not in got
        await it.settled()
        assert it.records("outcome")[-1]["error"] == "answer_blocked"
