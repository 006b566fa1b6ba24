"""Hosts that nobody registered: model services are named and counted, hidden resolvers get nowhere, strangers no name."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from proxy.cli import build

MAIL = "anna.schmidt@example.com"
PASSING = """\
version: 1
name: passing
unknown_applications: allow
unknown_hosts: pass
destinations:
  openai: {extends: bundled:openai@2026-11-23}
rules:
  - {id: all, when: {entity: any}, do: tokenize}
  - {id: rest, when: {entity: none}, do: allow}
"""


def asked(*words: str) -> Any:
    done = CliRunner().invoke(build(words), [*words, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


async def metrics(it: Any) -> str:
    host, port = it.addresses.admin
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        return (await client.get(f"http://{host}:{port}/-/metrics")).text


async def test_a_model_service_that_nobody_registered_is_refused_named_and_counted(stand: Any) -> None:
    async with stand(door="network") as it:
        async with it.client("openai") as client:
            for host in ("api.deepseek.com", "api.deepseek.com", "stranger.example"):
                with pytest.raises(httpx.ProxyError, match="403"):
                    await client.post(f"https://{host}/v1/chat/completions", content=MAIL)
            answer = await client.post("http://api.x.ai/v1/chat/completions", json={"text": MAIL})
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "shadow_ai")
        blocked = [(entry["reason"], entry.get("provider"), entry.get("host")) for entry in it.records("blocked")]
        counted = await metrics(it)
        found = asked("audit", "shadow", "--home", str(it.home))
    assert blocked == [
        ("shadow_ai", "deepseek", "api.deepseek.com"),
        ("shadow_ai", "deepseek", "api.deepseek.com"),
        ("unregistered_host", None, None),
        ("shadow_ai", "xai", "api.x.ai"),
    ]
    assert 'dragoman_shadow_ai_total{service="deepseek"} 2.0' in counted
    assert (found[0]["provider"], found[0]["refused"], found[0]["passed"]) == ("deepseek", 2, 0)
    assert {row["provider"] for row in found} >= {"deepseek", "xai"}
    assert "stranger" not in str(found) + counted
    assert "anna" not in str(found) + counted


async def test_one_that_may_pass_is_named_and_counted_as_well(
    stand: Any, chat: Any, tmp_path: Path, throwaway_ca: Any
) -> None:
    (tmp_path / "policy.yaml").write_text(PASSING)
    async with stand(door="network", settings={"policy": tmp_path / "policy.yaml"}, openai={}, anthropic={}) as it:
        async with it.client("anthropic", verify=throwaway_ca.client()) as client:
            await client.post("/v1/messages", json={"max_tokens": 9, **chat(MAIL)})
        (entry,) = it.records("transfer")
        assert (entry["destination"]["name"], entry["provider"]) == ("unregistered", "anthropic")
        (row,) = asked("audit", "shadow", "--home", str(it.home))
        assert (row["provider"], row["refused"], row["passed"], row["application"]) == ("anthropic", 0, 1, "unknown")
        assert 'dragoman_shadow_ai_total{service="anthropic"} 1.0' in await metrics(it)


@pytest.mark.parametrize("host", ["dns.google", "cloudflare-dns.com", "anna.dns.nextdns.io"])
async def test_a_resolver_that_hides_names_does_not_pass_where_others_may(
    stand: Any, tmp_path: Path, host: str
) -> None:
    (tmp_path / "policy.yaml").write_text(PASSING)
    async with stand(door="network", settings={"policy": tmp_path / "policy.yaml"}) as it:
        async with it.client("openai") as client:
            with pytest.raises(httpx.ProxyError, match="403"):
                await client.get(f"https://{host}/dns-query?dns=AAABAAABAAAAAAAA")
        (blocked,) = it.records("blocked")
    assert blocked["reason"] == "hidden_resolver"
    assert "anna" not in str(blocked)


def test_the_question_needs_a_log(tmp_path: Path) -> None:
    done = CliRunner().invoke(build(["audit"]), ["audit", "shadow", "--home", str(tmp_path / "none")])
    assert done.exit_code != 0
