"""Whatever fails, nothing is sent: each stage is crashed in turn behind both doors, and the fake must have received
nothing, the app the provider's own error, and the log must hold."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from audit.errors import AuditError, LedgerError
from policies.errors import PolicyError
from proxy.errors import FormatError
from proxy.exchange import Exchange
from proxy.fakes.hold import Hold
from proxy.formats.answers import WholeReader
from proxy.formats.core import JsonFormat
from proxy.formats.selection import Formats
from proxy.gate import Gate
from redaction.errors import DetectionError, RedactionError
from tests.ports import free_port

MAIL = "anna.schmidt@example.com"
DEFECT = RuntimeError(f"a defect that quotes {MAIL}")


def raising(error: BaseException) -> Callable[..., Any]:
    """A function that fails, whatever it is asked."""

    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


def failing(error: BaseException) -> Callable[..., Any]:
    """The same for what is awaited."""

    async def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


def told(caplog: pytest.LogCaptureFixture, kind: str = "RuntimeError") -> None:
    """The process log names class and place of a defect, so that somebody can mend it, and never its words."""
    assert f"{kind} at " in caplog.text
    assert MAIL not in caplog.text


async def refused(it: Any, body: Any, code: str, status: int, path: str = "/v1/chat/completions") -> None:
    """The request is refused in the provider's words, and nothing left."""
    async with it.client("openai") as client:
        answer = await client.post(path, json=body)
    assert it.received() == []
    assert (answer.status_code, answer.headers["dragoman-reason"]) == (status, code)
    assert answer.json()["error"]["code"] == code
    assert MAIL not in answer.text


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [
        (DetectionError("the queue is full", code="busy"), "detection_busy", 503),
        (DetectionError("too slow", code="timeout"), "detection_timeout", 503),
        (DetectionError("a worker died", code="crashed"), "detection_crashed", 503),
        (DEFECT, "internal", 500),
        (MemoryError(), "internal", 500),
    ],
    ids=lambda value: getattr(value, "code", None) or type(value).__name__ if isinstance(value, Exception) else "",
)
async def test_a_detector_that_fails(
    each_door: Any, chat: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, code: str, status: int
) -> None:
    async with each_door() as it:
        monkeypatch.setattr(type(it.app.gate._services.detection), "detect", failing(error))
        await refused(it, chat(MAIL), code, status)
        (blocked,) = it.records("blocked")
        assert blocked["reason"] == code
        assert it.records("transfer") == []
        assert it.verified().kinds["blocked"] == 1


@pytest.mark.parametrize("call", ["open_scope", "issue", "bound"])
@pytest.mark.parametrize(
    ("error", "code", "status"),
    [(RedactionError("it is away", code="vault_away"), "redaction_vault_away", 503), (DEFECT, "internal", 500)],
    ids=["away", "defect"],
)
async def test_a_vault_that_fails(
    each_door: Any, chat: Any, monkeypatch: pytest.MonkeyPatch, call: str, error: Exception, code: str, status: int
) -> None:
    async with each_door() as it:
        monkeypatch.setattr(it.app.gate._services.vault, call, failing(error))
        if call == "bound":  # which only a request asks that names something the provider keeps
            body = {"model": "gpt-4o", "input": MAIL, "previous_response_id": "resp_1"}
            await refused(it, body, code, status, "/v1/responses")
        else:
            await refused(it, chat(MAIL), code, status)
        assert [entry["reason"] for entry in it.records("blocked")] == [code]
        assert it.verified().kinds["blocked"] == 1


@pytest.mark.parametrize(
    ("where", "error", "code", "status"),
    [
        ("policies.decide.decide", DEFECT, "internal", 500),
        ("policies.decide.decide", PolicyError("it contradicts itself"), "policy_failed", 503),
        ("proxy.gate.find_destination", DEFECT, "internal", 500),
        ("proxy.gate.find_identity", DEFECT, "internal", 500),
        ("proxy.gate.read_request", FormatError("it cannot be read"), "unreadable_request", 400),
        ("proxy.gate.tokenize", DEFECT, "internal", 500),
        ("proxy.gate.outgoing", DEFECT, "internal", 500),
        ("proxy.gate.commit", DEFECT, "internal", 500),
        ("proxy.steps.records.TransferRecords.make", DEFECT, "internal", 500),
        ("proxy.steps.clearing.Restorer", DEFECT, "internal", 500),
        ("proxy.gate.watched", DEFECT, "internal", 500),
    ],
)
async def test_a_step_of_the_path_that_fails(
    each_door: Any,
    chat: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    where: str,
    error: Exception,
    code: str,
    status: int,
) -> None:
    async with each_door() as it:
        monkeypatch.setattr(where, raising(error))
        await refused(it, chat(MAIL), code, status)
        assert [entry["reason"] for entry in it.records("blocked")] == [code]
        assert it.records("transfer") == []
        assert it.verified().kinds["blocked"] == 1
    if code == "internal":
        told(caplog)


async def test_a_splice_that_fails(each_door: Any, chat: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async with each_door() as it:
        monkeypatch.setattr(JsonFormat, "splice", raising(DEFECT))
        await refused(it, chat(MAIL), "internal", 500)


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [
        (LedgerError("the disk is full", code="ledger_failed"), "ledger_failed", 503),
        (AuditError("it does not fit", code="record_invalid"), "record_invalid", 503),
        (DEFECT, "internal", 500),
    ],
    ids=["disk", "record", "defect"],
)
async def test_a_ledger_that_fails(
    each_door: Any, chat: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, code: str, status: int
) -> None:
    async with each_door() as it:
        before = len(it.records())
        monkeypatch.setattr(it.app.ledger, "append", failing(error))
        await refused(it, chat(MAIL), code, status)
        assert len(it.records()) == before
        it.verified()


async def test_a_ledger_that_fails_at_the_last_moment(
    each_door: Any, chat: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with each_door() as it:
        monkeypatch.setattr(it.app.ledger, "sending", raising(LedgerError("no mark", code="ledger_failed")))
        async with it.client("openai") as client:
            answer = await client.post("/v1/chat/completions", json=chat(MAIL))
        assert (answer.status_code, answer.headers["dragoman-reason"]) == (503, "failed_closed")
        assert answer.json()["error"]["code"] == "failed_closed"
        assert it.received() == []
        await it.settled()
        (outcome,) = it.records("outcome")
        assert outcome["state"] == "not_sent"
        it.verified()
    told(caplog, "LedgerError")


@pytest.mark.parametrize("method", ["select", "shape"])
async def test_a_format_registry_that_fails(
    each_door: Any, chat: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, method: str
) -> None:
    async with each_door() as it, it.client("openai") as client:
        monkeypatch.setattr(Formats, method, raising(DEFECT))
        answer = await client.post("/v1/chat/completions", json=chat(MAIL))
        assert answer.status_code in {500, 503}
        assert answer.json()["error"]["code"]
        assert MAIL not in answer.text
        assert it.received() == []
    told(caplog)


@pytest.mark.parametrize("step", ["admit", "begin"])
async def test_a_gate_that_fails_as_a_whole(
    each_door: Any, chat: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, step: str
) -> None:
    async with each_door() as it, it.client("openai") as client:
        monkeypatch.setattr(Gate, step, failing(DEFECT) if step == "admit" else raising(DEFECT))
        answer = await client.post("/v1/chat/completions", json=chat(MAIL))
        assert answer.status_code in {500, 503}
        assert answer.json()["error"]["code"] == answer.headers["dragoman-reason"]
        assert MAIL not in answer.text
        assert it.received() == []
    told(caplog)


async def test_a_reader_that_fails_in_mid_stream_ends_the_stream_with_the_providers_error(
    each_door: Any, chat: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hold = Hold()
    async with each_door(openai={"hold": hold}) as it, it.client("openai") as client:
        calls = iter(range(10_000))
        feed = Exchange.feed

        def fail(self: Exchange, chunk: bytes) -> bytes:
            if next(calls) == 2:
                hold.open()
                raise DEFECT
            hold.release()  # so that pieces come one by one
            return feed(self, chunk)

        monkeypatch.setattr(Exchange, "feed", fail)
        hold.release()
        got = ""
        body = chat(f"{MAIL} " * 20, stream=True)
        async with client.stream("POST", "/v1/chat/completions", json=body) as answer:
            assert answer.status_code == 200
            try:
                async for piece in answer.aiter_text():
                    got += piece
            except httpx.RemoteProtocolError:
                assert it.door == "network"  # which cuts the connection, so that nobody takes the rest for the whole
        events = [line for line in got.splitlines() if line.startswith("data: ")]
        assert '"error"' in events[-1]
        assert "a defect" not in got
        assert "[DONE]" not in got
        await it.settled()
        (outcome,) = it.records("outcome")
        assert outcome["state"] in {"upstream_error", "cut"}
        it.verified()
    told(caplog)


async def test_a_whole_answer_that_cannot_be_restored_is_an_error_and_not_half_an_answer(
    each_door: Any, chat: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with each_door() as it, it.client("openai") as client:
        monkeypatch.setattr(WholeReader, "finish", raising(DEFECT))
        answer = await client.post("/v1/chat/completions", json=chat(MAIL))
        assert answer.status_code == 502
        assert answer.json()["error"]["code"] == answer.headers["dragoman-reason"]
        assert "a defect" not in answer.text
        await it.settled()
        (outcome,) = it.records("outcome")
        assert outcome["state"] in {"upstream_error", "cut"}
    told(caplog)


async def test_an_outcome_that_cannot_be_written_does_not_take_the_answer_away(
    each_door: Any, chat: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    async with each_door() as it, it.client("openai") as client:
        monkeypatch.setattr("proxy.steps.closing.close", failing(DEFECT))
        answer = await client.post("/v1/chat/completions", json=chat(MAIL))
        assert answer.status_code == 200
        await it.settled()
        assert it.app.gate.open_transfers == 0
        assert it.records("outcome") == []
        assert it.verified().open == 1
    assert "could not be written" in caplog.text or "outcome failed" in caplog.text
    assert MAIL not in caplog.text


async def test_an_upstream_that_cannot_be_reached_is_said_in_the_providers_words(each_door: Any, chat: Any) -> None:
    async with each_door(openai={"port": free_port()}) as it:
        await it.fakes["openai"].__aexit__(None, None, None)  # its port is free, and nobody answers there
        await refused(it, chat(MAIL), "upstream_unreachable", 502)
        await it.settled()
        (outcome,) = it.records("outcome")
        assert outcome["state"] == "not_sent"


async def test_a_stop_acts_and_is_lifted(each_door: Any, chat: Any) -> None:
    async with each_door() as it:
        it.app.control.set_stop("destination", "openai", stopped=True)
        await it.app.refresh()
        await refused(it, chat(MAIL), "destination_stopped", 403)
        it.app.control.set_stop("destination", "openai", stopped=False)
        await it.app.refresh()
        async with it.client("openai") as client:
            assert (await client.post("/v1/chat/completions", json=chat(MAIL))).status_code == 200
