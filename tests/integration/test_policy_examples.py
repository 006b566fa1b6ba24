"""The worked example of the messenger in a running dragoman: credential, consent, placeholders, the record's facts."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from policies.register import bundled_file

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
