"""Worked examples in a running dragoman: credential, consent, placeholders, a comparison, the record's facts."""

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from policies.register import bundled_file
from proxy.config import parse_origin
from redaction.vault import open_vault

TEXT = "Ruf mich an: 0171 2345678"
FLAGS = {"dragoman-subject": "u-2; role=participant", "dragoman-flags": "subject=u-2; consent=given"}


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_bytes(bundled_file("examples/messenger"))
    return path


async def test_the_messenger_asks_with_consent_and_nobody_is_named(
    stand: Any, chat: Callable[..., dict[str, Any]], policy: Path
) -> None:
    async with stand(settings={"policy": policy}, openai={}) as it:
        credential = it.app.control.add_credential("messenger")
        await it.app.refresh()

        async def ask(**headers: str) -> Any:
            async with it.client("openai") as client:
                body = chat(TEXT, user="u-1", store=True)
                return await client.post("/v1/chat/completions", json=body, headers=headers)

        known = {"dragoman-credential": credential}
        assert (await ask()).headers["dragoman-reason"] == "application_unknown"
        assert (await ask(**known)).headers["dragoman-reason"] == "policy_rule"
        assert (await ask(**known, **FLAGS)).status_code == 403, "one consented, who asks did not say"
        both = {**FLAGS, "dragoman-flags": "consent=given"}
        del both["dragoman-subject"]
        answer = await ask(**known, **both)
        assert answer.status_code == 200, answer.text
        assert TEXT in answer.json()["choices"][0]["message"]["content"], "restored for the app"
        sent = it.received()[-1].json()
        assert "0171 2345678" not in str(sent)
        assert sent["store"] is False
        await it.settled()
        record = it.records("transfer")[-1]
        assert (record["application"], record["purpose"]["basis"]) == ("messenger", "consent")
        facts = record["destination"]
        assert (facts["contracting_entity"], facts["role"], facts["transfer"], facts["retention"]) == (
            "OpenAI Ireland Ltd.", "processor", "scc-m2", "30d",
        )  # fmt: skip
        assert record["environment"] == "prod"
        assert len(it.received()) == 1


async def test_who_objected_to_the_comparison_is_answered_and_compared_with_nobody(
    stand: Any, chat: Callable[..., dict[str, Any]], policy: Path, own_model: Any, tmp_path: Path
) -> None:
    flags = {"u-1": {"objected": {"compare-models": "no"}}, "u-2": {"objected": {"compare-models": "yes"}}}
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    # Every session, and without the case that says that nine of ten are not.
    text = bundled_file("examples/compare").partition(b"\ncases:")[0].replace(b"share: 10", b"share: 100")
    for path, content in ((policy, text), (home / "flags.json", json.dumps(flags).encode())):
        path.write_bytes(content)
    upstreams = {"own-llama": parse_origin(own_model.url, what="own-llama")}
    async with stand(settings={"policy": policy}, upstreams=upstreams, home=home, openai={}) as it:
        credential = it.app.control.add_credential("assistant")
        await it.app.refresh()
        ids = {}
        async with it.client("openai", headers={"dragoman-credential": credential}) as client:
            for who in ("u-1", "u-2", "u-3"):
                body = chat(f"{TEXT} {who}", user=who) | {"model": "gpt-5-mini"}
                answer = await client.post("/v1/chat/completions", json=body)
                assert answer.status_code == 200, answer.text
                ids[who] = answer.headers["dragoman-transfer"]
        await it.app.mirrors.idle()
        await it.settled()
        # A comparison is recorded beside the requests that follow, before or after them.
        records = sorted((one["id"], one["purpose"]["name"]) for one in it.records("transfer"))
        assert records == [
            (ids["u-1"], "answer-questions"),
            (ids["u-1"], "compare-models"),
            (ids["u-2"], "answer-questions"),
            (ids["u-3"], "answer-questions"),
        ]
        refused = sorted((one["id"], one["rules"][:2], one["purpose"]["name"]) for one in it.records("blocked"))
        rules = ["a-tenth-is-compared", "nobody-is-compared-who-objected"]
        assert refused == [(ids[who], rules, "compare-models") for who in ("u-2", "u-3")]
        assert len(own_model.received) == 1
        with closing(open_vault(home)) as vault:
            assert vault.answers.names(10) == ((ids["u-1"], 2),)
