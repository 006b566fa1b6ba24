"""The policy changes all the time while traffic runs: each transfer went by one that was in force, none was lost."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from policies.load import read_text

SWAPS = int(os.environ.get("DRAGOMAN_SWAPS", "60"))
"""How often; a thousand with `DRAGOMAN_SWAPS=1000`, which takes two to three minutes: each is judged by its cases,
written into the log and swapped while three clients send."""
POLICY = """\
version: 1
name: NAME
unknown_applications: allow
destinations:
  openai: {extends: bundled:openai@2026-11-23}
rules:
  - {id: all, when: {entity: any}, do: DOES}
  - {id: rest, when: {entity: none}, do: allow}
"""
VERBS = {"one": "tokenize", "second": "redact", "number-three": "hash"}
TEXTS = {name: POLICY.replace("NAME", name).replace("DOES", does) for name, does in VERBS.items()}
"""Of different lengths, so that a change shows even where the file system's clock is coarse."""


@pytest.mark.timeout(240 + SWAPS)
async def test_every_transfer_goes_by_a_policy_that_was_in_force(
    stand: Any, chat: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    file, names, sent = tmp_path / "policy.yaml", list(TEXTS), 0
    digests = {read_text(text).policy.digest.removeprefix("sha256:"): VERBS[name] for name, text in TEXTS.items()}
    file.write_text(TEXTS["one"], encoding="utf-8")
    done = asyncio.Event()

    async with stand(settings={"policy": file}) as it:

        async def traffic() -> None:
            nonlocal sent
            async with it.client("openai") as client:
                while not done.is_set():
                    answer = await client.post("/v1/chat/completions", json=chat("I am anna@example.com"))
                    assert answer.status_code == 200
                    sent += 1

        running = [asyncio.create_task(traffic()) for _ in range(3)]
        for swap in range(1, SWAPS + 1):
            name = names[swap % len(names)]
            file.write_text(TEXTS[name], encoding="utf-8")
            await it.app.refresh()
            assert it.app.active.policy.name == name
        done.set()
        await asyncio.gather(*running)
        await it.settled()
        transfers, policies = it.records("transfer"), it.records("policy")
        assert sum(one["event"] == "activated" for one in policies) == SWAPS + 1
        assert len(transfers) == sent == len(it.received()) == len(it.records("outcome"))
        used = set()
        for transfer in transfers:
            (row,) = transfer["findings"]
            assert row["operator"] == digests[transfer["policy_digest"]], "the action fits the policy that is named"
            used.add(row["operator"])
        assert used == set(VERBS.values())
        assert it.verified()
