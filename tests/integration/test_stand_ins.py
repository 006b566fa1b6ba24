"""The whole path with stand-ins instead of placeholders."""

from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson
import pytest

from proxy.fakes.leaks import assert_no_leak

MAIL = "anna.schmidt@example.de"
PHONE = "+49 171 2345678"
IBAN = "DE89 3704 0044 0532 0130 00"
MOBILE = "+84 90 123 45 67"


@pytest.fixture
def surrogates(tmp_path: Path) -> Path:
    """The default policy with stand-ins."""
    default = files("policies").joinpath("bundled", "default.yaml").read_text("utf-8")
    path = tmp_path / "policy.yaml"
    head, _, rest = default.partition("do: tokenize")
    path.write_text(f"{head}do: surrogate{rest.partition('cases:')[0]}")
    return path


@pytest.mark.parametrize("chunk", [1, 7])
async def test_what_leaves_reads_like_real_data_and_what_comes_back_is_the_original(
    stand: Any, chat: Any, surrogates: Path, chunk: int
) -> None:
    text = f"Mail {MAIL} oder ruf {PHONE} an, Konto {IBAN}, oder {MOBILE}."
    async with stand(settings={"policy": surrogates}, openai={"chunk": chunk}) as it, it.client("openai") as client:
        whole = await client.post("/v1/chat/completions", json=chat(text))
        streamed = await client.post("/v1/chat/completions", json=chat(text, stream=True))
        assert_no_leak(it.received(), [MAIL, PHONE, IBAN, MOBILE])
        sent = orjson.loads(it.received()[0].body)["messages"][0]["content"]
    assert "@example." in sent
    assert "+49 " in sent
    assert "[EMAIL_ADDRESS" not in sent
    assert "[IBAN" not in sent
    assert "[PHONE_NUMBER_" in sent  # Vietnam keeps no numbers free
    assert text in whole.json()["choices"][0]["message"]["content"]
    pieces = [orjson.loads(line[6:]) for line in streamed.text.splitlines() if line.startswith("data: {")]
    answer = "".join(piece["choices"][0]["delta"].get("content") or "" for piece in pieces if piece["choices"])
    assert text in answer
