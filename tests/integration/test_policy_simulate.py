"""`dragoman policy simulate` over the log of a real run: counts in, what would have been different out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from proxy.commands.policy import app


def simulate(home: Path, policy: str, *words: str) -> Any:
    result = CliRunner().invoke(app, ["simulate", policy, "--home", str(home), "--json", *words])
    assert result.exit_code == 0, result.output
    return orjson.loads(result.stdout)


async def test_recorded_transfers_are_replayed_and_the_reading_is_recorded(
    stand: Any, chat: Callable[..., dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stand() as it:
        async with it.client("openai") as client:
            for text in ("anna@example.com", "Key sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKL", "Hello"):
                assert (await client.post("/v1/chat/completions", json=chat(text))).status_code == 200
            broken = await client.post(
                "/v1/chat/completions", content=b"{", headers={"content-type": "application/json"}
            )
            assert broken.status_code == 400
        await it.settled()
        home = it.home
    same = simulate(home, "bundled:default")
    assert (same["transfers"], same["same"], same["changed"], same["left_out"]) == (3, 3, [], 1)
    strict = simulate(home, "bundled:strict")
    assert strict["changed"] == [
        {"application": "unknown", "destination": "openai", "before": "transform", "after": "block", "transfers": 1}
    ]
    assert strict["findings"][0]["entity_type"] == "API_KEY"
    assert simulate(home, "bundled:default", "--since", "2999-01-01")["transfers"] == 0
    assert simulate(home, "bundled:default", "--app", "nobody")["transfers"] == 0
    assert [entry["question"] for entry in it.records("query")] == ["query"] * 4
    touched = CliRunner().invoke(app, ["facts", "diff", "openai", "bundled:default", "--home", str(home)]).output
    assert touched.endswith("recorded transfers there: unknown 3\n")
    data = orjson.loads(CliRunner().invoke(app, ["facts", "diff", "gemini", "--home", str(home), "--json"]).stdout)
    assert data["recorded"] == {}
    text = CliRunner().invoke(app, ["simulate", "bundled:strict", "--home", str(home)]).output
    assert "3 transfers replayed, 2 would have been treated the same" in text
    assert "1 refusals that no rule decided were left out" in text
