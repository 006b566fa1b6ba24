"""What a policy says takes effect in a running dragoman: exceptions, own entity types, cases before activation."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from policies.cli import today_utc
from policies.errors import PolicyFileError
from policies.language.edit import add_exception
from proxy.app import App
from proxy.errors import ConfigError
from proxy.policy.value_refs import ValueRefs

POLICY = """\
version: 1
name: first
unknown_applications: allow
destinations:
  openai: {extends: bundled:openai@2026-11-23}
rules:
  - {id: all, when: {entity: any}, do: tokenize}
  - {id: rest, when: {entity: none}, do: allow}
"""
OWN = """\
entities:
  STAFF_NUMBER: {patterns: ['E-[0-9]{6}'], examples: [Ask E-123456]}
cases:
  - {name: A staff number, to: openai, text: Ask E-654321, expect: {STAFF_NUMBER: tokenize}}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    write(path, POLICY)
    return path


def write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")


async def sent(it: Any, chat: Callable[..., dict[str, Any]], text: str) -> str:
    """What the provider got for a text."""
    async with it.client("openai") as client:
        answer = await client.post("/v1/chat/completions", json=chat(text))
    assert answer.status_code == 200, answer.text
    return str(it.received()[-1].body)


async def test_an_exception_lets_its_value_pass_at_once_and_is_recorded(
    stand: Any, chat: Callable[..., dict[str, Any]], file: Path
) -> None:
    async with stand(settings={"policy": file}) as it:
        assert "desk@example.com" not in await sent(it, chat, "desk@example.com")
        until = today_utc() + timedelta(days=30)
        write(
            file,
            add_exception(
                POLICY, rule="all", entity_type="EMAIL_ADDRESS", destination="openai", application="", until=until,
                refs=sorted(ValueRefs.of_home(it.home)("EMAIL_ADDRESS", "desk@example.com")), applications=[],
                approved_by="dpo", because="our own desk",
            ),
        )  # fmt: skip
        await it.app.refresh()
        body = await sent(it, chat, "Desk@example.com or anna@example.com")
        assert "Desk@example.com" in body
        assert "anna@example.com" not in body
        (row,) = [row for row in it.records("transfer")[-1]["findings"] if row.get("exception")]
        assert (row["operator"], row["exception"], row["n"]) == ("keep", f"all-{until}", 1)
        assert b"desk@" not in (it.home / "audit.db").read_bytes().lower()


async def test_a_policy_with_own_entity_types_brings_its_detection(
    stand: Any, chat: Callable[..., dict[str, Any]], file: Path
) -> None:
    async with stand(settings={"policy": file}) as it:
        versions = set()
        # The stand's own detection knows no policy; this one is made as in production.
        app = App(replace(it.app.settings, home=it.home.with_name("second"), workers=1))
        addresses = await app.start()
        try:
            second = replace(it, app=app, gateway=f"http://127.0.0.1:{addresses.gateway[1]}", home=app.settings.home)
            assert "E-123456" in await sent(second, chat, "E-123456")
            versions.add(second.records("transfer")[-1]["detectors"][0]["version"])
            write(file, POLICY + OWN)
            await app.refresh()
            assert "E-123456" not in await sent(second, chat, "E-123456")
            versions.add(second.records("transfer")[-1]["detectors"][0]["version"])
        finally:
            await app.close()
        assert len(versions) == 2, "another detection, another version in the record"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (POLICY.replace("do: tokenize", "do: tokenise"), "did you mean 'tokenize'?"),
        (POLICY + 'cases:\n  - {name: c, to: openai, text: "a@example.com", expect: {EMAIL_ADDRESS: redact}}\n', "should be redact"),
        (POLICY + "entities:\n  X1: {patterns: ['x1'], examples: [nothing]}\n", "X1 is not found in this example"),
    ],
)  # fmt: skip
async def test_a_policy_that_does_not_hold_changes_nothing_and_says_so(
    stand: Any,
    chat: Callable[..., dict[str, Any]],
    file: Path,
    caplog: pytest.LogCaptureFixture,
    change: str,
    said: str,
) -> None:
    async with stand(settings={"policy": file}) as it:
        before = it.app.active.policy.digest
        write(file, change)
        await it.app.refresh()
        assert it.app.active.policy.digest == before
        assert said in caplog.text
        refused = [entry for entry in it.records("policy") if entry["event"] == "refused"]
        assert len(refused) == (0 if "tokenise" in change else 1), "what cannot be read has no digest to name"
        assert all(entry["old_digest"] == before.removeprefix("sha256:") for entry in refused)
        assert "anna@example.com" not in await sent(it, chat, "anna@example.com")
        write(file, POLICY.replace("name: first", "name: second"))
        await it.app.refresh()
        assert it.app.active.policy.name == "second"


async def test_a_policy_whose_cases_fail_keeps_dragoman_from_starting(stand: Any, file: Path) -> None:
    write(file, POLICY + "cases:\n  - {name: c, to: openai, expect: {action: block}}\n")
    with pytest.raises(PolicyFileError, match="action should be block, is allow"):
        async with stand(settings={"policy": file}):
            raise AssertionError("it started")


async def test_store_never_keeps_the_provider_from_keeping(
    stand: Any, chat: Callable[..., dict[str, Any]], file: Path
) -> None:
    write(file, POLICY.replace("openai@2026-11-23}", "openai@2026-11-23, store: never}"))
    async with stand(settings={"policy": file}) as it:
        async with it.client("openai") as client:
            answer = await client.post("/v1/chat/completions", json=chat("Hello", store=True))
        assert answer.status_code == 200
        assert it.received()[-1].json()["store"] is False


async def test_a_change_is_recorded_with_what_it_means(stand: Any, file: Path) -> None:
    async with stand(settings={"policy": file}) as it:
        write(file, POLICY.replace("do: tokenize", "do: allow"))
        await it.app.refresh()
        first, second = it.records("policy")
        assert (first["event"], first["stricter"], first["weaker"]) == ("activated", 0, 0)
        assert (second["stricter"], second["old_digest"]) == (0, first["new_digest"])
        assert second["weaker"] > 0
        assert len(second["register_digest"]) == 64


async def test_what_cannot_be_done_keeps_dragoman_from_starting(stand: Any, file: Path) -> None:
    write(file, POLICY + "subject_flags: {source: http, at: 'http://flags.example'}\n")
    with pytest.raises(ConfigError, match="over plain http"):
        async with stand(settings={"policy": file}):
            raise AssertionError("it started")


async def test_a_change_of_an_included_file_is_noticed(stand: Any, tmp_path: Path) -> None:
    company = tmp_path / "company.yaml"
    write(company, POLICY)
    file = tmp_path / "team.yaml"
    write(file, "version: 1\nname: team\ninclude: company.yaml\n")
    async with stand(settings={"policy": file}) as it:
        write(company, POLICY.replace("do: tokenize", "do: redact"))
        await it.app.refresh()
        assert [rule.does.value for rule in it.app.active.policy.rules] == ["redact", "allow"]
