"""Another policy by choice instead of by file: proposed, agreed to by a second person, rolled back, all on the record."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from policies.load import read, read_text
from proxy.commands.policy import app as commands
from proxy.console.app import application
from proxy.console.settings import ConsoleSettings
from proxy.control.policies import Person, ProposalState
from proxy.control.store import ControlStore
from proxy.control.tables import policy_version
from proxy.control.tokens import Role
from proxy.errors import ConfigError
from proxy.policy.activating import earlier, propose
from proxy.policy.source import files_of, stored

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
SECOND = POLICY.replace("name: first", "name: second").replace("do: tokenize", "do: redact")
FAILING = SECOND.replace("second", "failing") + "cases:\n  - {name: c, to: openai, expect: {action: block}}\n"
type Ask = Callable[..., Awaitable[httpx.Response]]
ANNA, BEN = Person("token:a", "anna"), Person("token:b", "ben")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY, encoding="utf-8")
    return path


@asynccontextmanager
async def officers(it: Any, file: Path) -> AsyncIterator[tuple[Ask, Ask, Ask]]:
    """Two officers and an auditor at the API of the console."""
    serving = application(ConsoleSettings(it.home, policy=file, policy_people=2))
    transport = httpx.ASGITransport(app=serving)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1/api/v1", timeout=60) as client:

        def asks(role: Role, who: str) -> Ask:
            token = it.app.control.tokens.create(role, who, (), days=1)[0]

            async def asked(method: str, path: str, body: Any = None) -> httpx.Response:
                return await client.request(method, path, json=body, headers={"authorization": f"Bearer {token}"})

            return asked

        yield asks(Role.OFFICER, "anna"), asks(Role.OFFICER, "ben"), asks(Role.AUDITOR, "cem")
        async with serving.router.lifespan_context(serving):
            pass


def write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")


def ask(it: Any, text: str, file: Path, *, people: int = 1) -> Any:
    in_file = read(file).policy.digest
    return propose(it.app.control, read_text(text), in_file, ANNA, people=people)


def name(it: Any) -> str:
    return str(it.app.active.policy.name)


async def test_a_proposal_takes_effect_and_the_next_change_of_the_file_ends_it(stand: Any, file: Path) -> None:
    async with stand(settings={"policy": file}) as it:
        proposal = ask(it, SECOND, file)
        assert name(it) == "first"
        await it.app.refresh()
        assert name(it) == "second"
        assert it.app.control.policies.find(proposal.id).state is ProposalState.ACTIVE
        record = it.records("policy")[-1]
        assert record["actor"] == it.app.ledger.references.actor("token:a") != "system"
        assert "second_actor" not in record
        assert record["stricter"] + record["weaker"] > 0
        await it.app.refresh()
        assert len(it.records("policy")) == 2, "looking again changes nothing"
        write(file, POLICY.replace("first", "third"))
        await it.app.refresh()
        assert name(it) == "third"
        assert it.records("policy")[-1]["actor"] == "system"


async def test_a_choice_outlives_a_restart(stand: Any, file: Path) -> None:
    async with stand(settings={"policy": file}) as it:
        ask(it, SECOND, file)
        await it.app.refresh()
        home = it.home
    async with stand(settings={"policy": file}, home=home) as it:
        assert name(it) == "second"


async def test_one_command_rolls_back(stand: Any, file: Path) -> None:
    async with stand(settings={"policy": file}) as it:
        write(file, SECOND)
        await it.app.refresh()
        assert name(it) == "second"
        (it.home / "config.toml").write_text(f'policy = "{file}"\n', encoding="utf-8")
        told = CliRunner().invoke(commands, ["rollback", "--home", str(it.home)])
        assert told.exit_code == 0, told.output
        assert "takes effect" in told.output
        await it.app.refresh()
        assert name(it) == "first"
        again = CliRunner().invoke(commands, ["rollback", "--home", str(it.home)])
        assert again.exit_code == 0, again.output
        await it.app.refresh()
        assert name(it) == "second"
        listed = CliRunner().invoke(commands, ["history", "--home", str(it.home)])
        assert [line.split()[-1] for line in listed.output.splitlines()] == ["second", "first", "second", "first"]
        nobody = CliRunner().invoke(commands, ["rollback", "00000000", "--home", str(it.home)])
        assert isinstance(nobody.exception, ConfigError)


async def test_one_whose_cases_fail_is_refused_with_the_reason_and_the_running_one_stays(
    stand: Any, file: Path
) -> None:
    async with stand(settings={"policy": file}) as it:
        ask(it, SECOND, file)
        await it.app.refresh()
        proposal = ask(it, FAILING, file)
        await it.app.refresh()
        found = it.app.control.policies.find(proposal.id)
        assert (found.state, "action should be block" in found.reason) == (ProposalState.REFUSED, True)
        assert name(it) == "second"
        assert it.records("policy")[-1]["event"] == "refused"
        await it.app.refresh()
        assert name(it) == "second"


class TestTwoPeople:
    async def test_the_file_alone_does_nothing_and_two_have_to_want_it(self, stand: Any, file: Path) -> None:
        async with stand(settings={"policy": file, "policy_people": 2}) as it:
            policies = it.app.control.policies
            write(file, SECOND)
            await it.app.refresh()
            assert name(it) == "first"
            assert b'kind="policy_waits"' in it.app.metrics.render()
            proposal = ask(it, SECOND, file, people=2)
            await it.app.refresh()
            assert name(it) == "first"
            for same in (ANNA, Person("token:other", "anna"), Person("token:a", "ben")):
                with pytest.raises(ConfigError, match="a second person"):
                    policies.agree(proposal.id, same)
            policies.agree(proposal.id, BEN)
            await it.app.refresh()
            assert name(it) == "second"
            record, actor = it.records("policy")[-1], it.app.ledger.references.actor
            assert (record["actor"], record["second_actor"]) == (actor("token:a"), actor("token:b"))
            with pytest.raises(ConfigError, match="waits"):
                policies.agree(proposal.id, BEN)
            home = it.home
        write(file, POLICY)
        async with stand(settings={"policy": file, "policy_people": 2}, home=home) as it:
            assert name(it) == "second", "a restart is no way around two people"

    async def test_rolling_back_takes_two_as_well(self, stand: Any, file: Path) -> None:
        async with stand(settings={"policy": file, "policy_people": 2}) as it:
            control = it.app.control
            control.policies.agree(ask(it, SECOND, file, people=2).id, BEN)
            await it.app.refresh()
            back = propose(control, earlier(control, ""), "", BEN, people=2)
            await it.app.refresh()
            assert name(it) == "second"
            control.policies.agree(back.id, ANNA)
            await it.app.refresh()
            assert name(it) == "first"


async def test_a_policy_with_includes_is_kept_with_them(stand: Any, tmp_path: Path) -> None:
    (tmp_path / "company.yaml").write_text(POLICY, encoding="utf-8")
    team = tmp_path / "team.yaml"
    team.write_text("version: 1\nname: team\ninclude: company.yaml\n", encoding="utf-8")
    async with stand(settings={"policy": team}) as it:
        digest = it.app.active.policy.digest
        (tmp_path / "company.yaml").write_text(SECOND, encoding="utf-8")
        await it.app.refresh()
        assert it.app.active.policy.digest != digest
        assert stored(it.app.control, digest[:20]).policy.digest == digest
        assert set(files_of(stored(it.app.control, digest))) == {"policy.yaml", "company.yaml"}


async def test_history_says_what_each_change_meant_and_checks_it_against_the_log(stand: Any, file: Path) -> None:
    stricter = POLICY.replace("name: first", "name: second").replace("do: tokenize", "do: block")
    async with stand(settings={"policy": file}) as it:
        home = it.home
        for text in (stricter, POLICY):
            await asyncio.to_thread(file.write_text, text, encoding="utf-8")
            await it.app.refresh()
        async with officers(it, file) as (anna, _, _):
            digest = read_text(stricter).policy.digest
            assert (await anna("GET", "/policy/history")).json()["items"][1]["digest"] == digest
            one = (await anna("GET", f"/policy/history/{digest}/changes")).json()
            assert (one["new_digest"], one["agrees"], one["why"]) == (digest.removeprefix("sha256:"), True, "")
            assert "tokenize -> block" in one["words"]
            assert one["difference"]["changes"][0]["stricter"]
            first_one = (await anna("GET", f"/policy/history/{read_text(POLICY).policy.digest}/changes")).json()
            assert "block -> tokenize" in first_one["words"], "of the times that it came into force the last counts"
            assert (await anna("GET", f"/policy/history/{'0' * 64}/changes")).status_code == 404
    answer = await asyncio.to_thread(CliRunner().invoke, commands, ["history", "--changes", "--home", str(home)])
    assert answer.exit_code == 0, answer.output
    newest, middle, first = re.split(r"\n(?=\d{4}-)", answer.output.strip())
    assert "block -> tokenize" in newest
    assert "tokenize -> block" in middle
    assert "nothing was in force before" in first
    assert "otherwise" not in answer.output
    alone = await asyncio.to_thread(CliRunner().invoke, commands, ["history", digest[7:19], "--home", str(home)])
    assert alone.output.strip() == middle.strip()
    nobody = await asyncio.to_thread(CliRunner().invoke, commands, ["history", "0" * 12, "--home", str(home)])
    assert "no policy that came into force has the digest" in str(nobody.exception)
    told = await asyncio.to_thread(
        CliRunner().invoke, commands, ["history", "--changes", "--json", "--home", str(home)]
    )
    assert [(one["agrees"], one["stricter"] > 0, one["weaker"] > 0) for one in json.loads(told.output)] == [
        (True, False, True),
        (True, True, False),
        (False, False, False),
    ]
    with closing(ControlStore.at(home)) as control:
        _tamper(control, read_text(stricter).policy.digest)
    answer = await asyncio.to_thread(CliRunner().invoke, commands, ["history", "--changes", "--home", str(home)])
    assert "does not mean in this version what it meant then" in answer.output


def _tamper(control: ControlStore, digest: str) -> None:
    """Another text under a digest, as somebody with the database alone could put it there."""
    files = json.dumps([["policy.yaml", SECOND]])
    with control.policies._database.write() as connection:
        connection.execute(policy_version.update().where(policy_version.c.digest == digest).values(files=files))


async def test_officers_ask_and_agree_by_the_api(stand: Any, file: Path) -> None:
    async with stand(settings={"policy": file, "policy_people": 2}) as it, officers(it, file) as (anna, ben, auditor):
        asked = await anna("POST", "/policy/proposals", {"text": SECOND})
        assert (asked.status_code, asked.json()["state"]) == (202, "waiting")
        agreement = f"/policy/proposals/{asked.json()['id']}/agreement"
        assert (await auditor("POST", agreement)).status_code == 403
        assert (await anna("POST", agreement)).status_code >= 400
        assert (await ben("POST", agreement)).json()["state"] == "agreed"
        await it.app.refresh()
        assert name(it) == "second"
        (listed,) = (await auditor("GET", "/policy/proposals")).json()["items"]
        assert listed["state"] == "active"
        assert [one["name"] for one in (await auditor("GET", "/policy/history")).json()["items"]] == ["second", "first"]
        back = await ben("POST", "/policy/rollback", {"digest": ""})
        await anna("POST", f"/policy/proposals/{back.json()['id']}/agreement")
        await it.app.refresh()
        assert name(it) == "first"
        broken = await anna("POST", "/policy/proposals", {"text": POLICY.replace("tokenize", "tokenise")})
        assert 400 <= broken.status_code < 500
