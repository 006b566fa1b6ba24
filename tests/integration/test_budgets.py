"""Budgets hold in a running dragoman, across previews, changes of the policy and restarts."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

POLICY = """\
version: 1
name: budget
unknown_applications: allow
trust: {dragoman-subject: [127.0.0.0/8]}
destinations:
  openai: {extends: bundled:openai@2026-11-23}
budgets:
  - {id: per-day, per: day, LIMIT, because: Two a day are enough}
rules: [{id: all, do: allow}]
"""


@pytest.fixture
def policy(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a policy whose budget has this limit."""

    def write(limit: str) -> Path:
        path = tmp_path / "policy.yaml"
        path.write_text(POLICY.replace("LIMIT", limit), encoding="utf-8")
        return path

    return write


async def asked(it: Any, chat: Callable[..., dict[str, Any]], text: str = "Hi", *, who: str = "") -> int:
    async with it.client("openai") as client:
        headers = {"dragoman-subject": who} if who else {}
        answer = await client.post("/v1/chat/completions", json=chat(text), headers=headers)
    await it.settled()
    return int(answer.status_code)


async def test_what_is_over_budget_is_refused_as_the_provider_would_and_recorded(
    stand: Any, chat: Callable[..., dict[str, Any]], policy: Callable[[str], Path]
) -> None:
    async with stand(settings={"policy": policy("transfers: 2")}) as it:
        assert [await asked(it, chat) for _ in range(2)] == [200, 200]
        async with it.client("openai") as client:
            answer = await client.post("/v1/chat/completions", json=chat("Hi"))
        assert (answer.status_code, answer.headers["dragoman-reason"]) == (429, "budget_exceeded")
        assert "Two a day are enough" in answer.json()["error"]["message"]
        blocked = it.records("blocked")[-1]
        assert (blocked["reason"], blocked["rules"]) == ("budget_exceeded", ["per-day"])
        assert len(it.received()) == 2


async def test_a_preview_spends_nothing(
    stand: Any, chat: Callable[..., dict[str, Any]], policy: Callable[[str], Path]
) -> None:
    async with stand(settings={"policy": policy("transfers: 1")}) as it:
        async with it.client() as client:
            url = f"{it.gateway}/-/preview/openai/v1/chat/completions"
            assert [(await client.post(url, json=chat("Hi"))).status_code for _ in range(3)] == [200, 200, 200]
        assert await asked(it, chat) == 200


async def test_many_at_once_do_not_overdraw_it(
    stand: Any, chat: Callable[..., dict[str, Any]], policy: Callable[[str], Path]
) -> None:
    async with stand(settings={"policy": policy("transfers: 3")}) as it:
        codes = await asyncio.gather(*(asked(it, chat, f"Hi {n}") for n in range(10)))
        assert sorted(codes) == [200] * 3 + [429] * 7
        assert len(it.received()) == 3


async def test_a_restart_and_a_changed_policy_count_what_the_log_holds(
    stand: Any, chat: Callable[..., dict[str, Any]], policy: Callable[[str], Path], tmp_path: Path
) -> None:
    home = tmp_path / "kept"
    async with stand(settings={"policy": policy("transfers: 3")}, home=home) as it:
        assert [await asked(it, chat) for _ in range(2)] == [200, 200]
    async with stand(settings={"policy": policy("transfers: 3")}, home=home) as it:
        assert [await asked(it, chat) for _ in range(2)] == [200, 429]
        policy("transfers: 4, each: destination")
        await it.app.refresh()
        assert [await asked(it, chat) for _ in range(2)] == [200, 429]


async def test_tokens_count_when_the_provider_has_said_how_many(
    stand: Any, chat: Callable[..., dict[str, Any]], policy: Callable[[str], Path], tmp_path: Path
) -> None:
    home = tmp_path / "kept"
    async with stand(settings={"policy": policy("tokens: 1")}, home=home) as it:
        assert [await asked(it, chat), await asked(it, chat)] == [200, 429]
    async with stand(settings={"policy": policy("tokens: 1")}, home=home) as it:
        assert await asked(it, chat) == 429


async def test_persons_are_counted_apart(
    stand: Any, chat: Callable[..., dict[str, Any]], policy: Callable[[str], Path], tmp_path: Path
) -> None:
    home = tmp_path / "kept"
    async with stand(settings={"policy": policy("transfers: 1, each: subject")}, home=home) as it:
        assert [await asked(it, chat, who=name) for name in ("anna", "ben", "anna")] == [200, 200, 429]
    async with stand(settings={"policy": policy("transfers: 1, each: subject")}, home=home) as it:
        assert [await asked(it, chat, who=name) for name in ("anna", "cem")] == [429, 200]
