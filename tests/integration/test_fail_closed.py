"""Whatever fails, nothing is sent: each stage is crashed in turn, and the fake must have received nothing."""

from collections.abc import Sequence
from typing import Any

import pytest

from audit.errors import LedgerError
from proxy.formats.selection import Formats
from redaction.errors import DetectionError, RedactionError
from redaction.segment import Segment

MAIL = "anna.schmidt@example.com"


class Broken:
    """Detection that fails in the given way."""

    version = "broken"

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def detect(self, segments: Sequence[Segment], *, deadline_s: float = 1.0) -> Any:
        raise self._error


async def _refused(it: Any, client: Any, body: Any, code: str, status: int) -> dict[str, Any]:
    answer = await client.post("/v1/chat/completions", json=body)
    assert it.received() == []
    assert (answer.status_code, answer.headers["dragoman-reason"]) == (status, code)
    error = answer.json()["error"]
    assert error["code"] == code
    assert MAIL not in answer.text
    return error


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [
        (DetectionError("the queue is full", code="busy"), "detection_busy", 503),
        (DetectionError("too slow", code="timeout"), "detection_timeout", 503),
        (DetectionError("a worker died", code="crashed"), "detection_crashed", 503),
        (RuntimeError(f"a defect that quotes {MAIL}"), "internal", 500),
    ],
)
async def test_a_detector_that_fails(stand: Any, chat: Any, error: Exception, code: str, status: int) -> None:
    async with stand(detection=Broken(error)) as it, it.client("openai") as client:
        await _refused(it, client, chat(MAIL), code, status)
        (blocked,) = it.records("blocked")
        assert blocked["reason"] == code
        assert it.records("transfer") == []


async def test_a_vault_that_fails(stand: Any, chat: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async with stand() as it, it.client("openai") as client:
        vault = it.app.gate._services.vault

        async def fail(*_: Any, **__: Any) -> Any:
            raise RedactionError("the vault is away", code="vault_away")

        monkeypatch.setattr(vault, "issue", fail)
        await _refused(it, client, chat(MAIL), "redaction_vault_away", 503)


async def test_a_policy_that_fails(stand: Any, chat: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async with stand() as it, it.client("openai") as client:

        def fail(*_: Any) -> Any:
            raise RuntimeError("a defect in the policy")

        monkeypatch.setattr("policies.decide.decide", fail)
        await _refused(it, client, chat(MAIL), "internal", 500)


async def test_a_ledger_that_fails(stand: Any, chat: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async with stand() as it, it.client("openai") as client:
        before = len(it.records())

        async def fail(*_: Any) -> Any:
            raise LedgerError("the disk is full", code="ledger_failed")

        monkeypatch.setattr(it.app.ledger, "append", fail)
        await _refused(it, client, chat(MAIL), "ledger_failed", 503)
        assert len(it.records()) == before


@pytest.mark.parametrize("method", ["select", "shape"])
async def test_a_format_registry_that_fails(
    stand: Any, chat: Any, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    async with stand() as it, it.client("openai") as client:

        def fail(*_: Any) -> Any:
            raise RuntimeError("a defect in a format")

        monkeypatch.setattr(Formats, method, fail)
        answer = await client.post("/v1/chat/completions", json=chat(MAIL))
        assert answer.status_code == 500
        assert it.received() == []


async def test_a_reader_that_fails_in_mid_stream_ends_the_stream_with_the_providers_error(
    stand: Any, chat: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stand() as it, it.client("openai") as client:
        from proxy.exchange import Exchange

        calls = iter(range(10_000))
        feed = Exchange.feed

        def fail(self: Exchange, chunk: bytes) -> bytes:
            if next(calls) == 2:
                raise RuntimeError(f"a defect that quotes {MAIL}")
            return feed(self, chunk)

        monkeypatch.setattr(Exchange, "feed", fail)
        answer = await client.post("/v1/chat/completions", json=chat(f"{MAIL} " * 20, stream=True))
        assert answer.status_code == 200
        assert '"error"' in answer.text.splitlines()[-2] + answer.text.splitlines()[-1]
        assert "a defect" not in answer.text
        await it.settled()
        (outcome,) = it.records("outcome")
        assert outcome["state"] == "upstream_error"


async def test_an_upstream_that_cannot_be_reached_is_said_in_the_providers_words(stand: Any, chat: Any) -> None:
    from proxy.messages import Origin

    async with stand(settings={"upstreams": {"openai": Origin("http", "127.0.0.1", 9)}}) as it:
        async with it.client("openai") as client:
            answer = await client.post("/v1/chat/completions", json=chat(MAIL))
        assert (answer.status_code, answer.json()["error"]["code"]) == (502, "upstream_unreachable")
        await it.settled()
        (outcome,) = it.records("outcome")
        assert outcome["state"] == "not_sent"


async def test_a_stop_acts_and_is_lifted(stand: Any, chat: Any) -> None:
    async with stand() as it, it.client("openai") as client:
        it.app.control.set_stop("destination", "openai", stopped=True)
        await it.app.refresh()
        await _refused(it, client, chat(MAIL), "destination_stopped", 403)
        it.app.control.set_stop("destination", "openai", stopped=False)
        await it.app.refresh()
        assert (await client.post("/v1/chat/completions", json=chat(MAIL))).status_code == 200
