"""`do: hold`: refused with a reference, listed, approved by an officer, and then that very request passes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from proxy.cli import build

IBAN, MAIL = "DE89 3704 0044 0532 0130 00", "anna.schmidt@example.com"
POLICY = """
version: 1
name: holds
environment: test
destinations: {openai: {extends: bundled:openai@2026-11-23}}
unknown_applications: allow
rules:
  - {id: bank-data-waits, when: {entity: IBAN_CODE}, do: hold, because: Bank data needs a second look}
  - {id: people-become-placeholders, when: {entity: any}, do: tokenize}
  - {id: rest, when: {entity: none}, do: allow}
media: {image: refuse, document: refuse, audio: refuse, video: refuse, sensor: refuse, other: refuse}
"""


@pytest.fixture
def holds(tmp_path: Path, each_door: Callable[..., Any]) -> Callable[..., Any]:
    """A stand with the policy above, at `policy.yaml` of its home."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    (home / "policy.yaml").write_text(POLICY)
    return lambda: each_door(home=home)


def approval(home: Path, *arguments: str, code: int = 0) -> str:
    command = ["approval", *arguments, "--home", str(home)]
    done = CliRunner().invoke(build(command), command)
    assert done.exit_code == code, done.output
    return done.stdout


async def test_an_approved_request_passes_and_no_other(holds: Callable[..., Any], chat: Any) -> None:
    async with holds() as it, it.client("openai") as client:
        first = await client.post("/v1/chat/completions", json=chat(f"pay {IBAN}"))
        assert (first.status_code, first.headers["dragoman-reason"]) == (403, "held")
        reference = first.headers["dragoman-transfer"]
        assert reference in first.json()["error"]["message"]
        (waiting,) = json.loads(approval(it.home, "list", "--json"))
        assert (waiting["reference"], waiting["state"]) == (reference, "waiting")
        assert waiting["rules"] == ["bank-data-waits"]
        assert reference in approval(it.home, "list").replace("\n", "")
        approval(it.home, "grant", reference, "--hours", "2", "--reason", "contract")
        await it.app.refresh()
        passed = await client.post("/v1/chat/completions", json=chat(f"pay {IBAN}"))
        assert passed.json()["choices"][0]["message"]["content"] == f"pay {IBAN}"
        assert IBAN.encode() not in it.received()[0].body
        other = await client.post("/v1/chat/completions", json=chat(f"pay {IBAN} twice"))
        assert other.headers["dragoman-reason"] == "held"
        await it.settled()
        (said,) = [entry for entry in it.records("policy") if entry["event"] == "approved"]
        assert (said["request"], said["rules"], said["reason"]) == (reference, ["bank-data-waits"], "contract")
        assert it.records("blocked")[0]["action"] == "hold"


async def test_a_denied_request_stays_refused(holds: Callable[..., Any], chat: Any) -> None:
    async with holds() as it, it.client("openai") as client:
        reference = (await client.post("/v1/chat/completions", json=chat(IBAN))).headers["dragoman-transfer"]
        approval(it.home, "grant", reference, "--reason", "checked")
        approval(it.home, "deny", reference)
        await it.app.refresh()
        again = await client.post("/v1/chat/completions", json=chat(IBAN))
        assert again.headers["dragoman-reason"] == "held"
        assert it.received() == []


async def test_the_same_request_waits_once(holds: Callable[..., Any], chat: Any) -> None:
    async with holds() as it, it.client("openai") as client:
        for _ in range(3):
            last = await client.post("/v1/chat/completions", json=chat(IBAN))
        (waiting,) = it.app.control.approvals.all()
        assert waiting.reference == last.headers["dragoman-transfer"]
        assert len(it.records("blocked")) == 3


async def test_nothing_that_waits_holds_a_value(holds: Callable[..., Any], chat: Any) -> None:
    async with holds() as it, it.client("openai") as client:
        await client.post("/v1/chat/completions", json=chat(f"{MAIL} pays from {IBAN}"))
        for path in it.home.glob("control.db*"):
            data = path.read_bytes()
            assert IBAN.encode() not in data
            assert MAIL.encode() not in data


def test_a_reference_that_nobody_waits_under_is_refused(tmp_path: Path) -> None:
    reference = ["01M8A5DX03Q19X5TJNFHR07A0Q", "--reason", "checked"]
    command = ["approval", "grant", *reference, "--home", str(tmp_path)]
    done = CliRunner().invoke(build(command), command)
    assert "no held request" in str(done.exception)
