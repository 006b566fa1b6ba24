"""A value that an app splits over parts of one message leaves in neither, and comes back as it was split."""

from collections import Counter
from typing import Any

import pytest

MAIL, CARD = ("anna.schm", "idt@example.com"), ("5500 0000 ", "0000 0004")
PIECES = (f"I am {MAIL[0]}", f"{MAIL[1]} and I pay with {CARD[0]}", f"{CARD[1]}.")


def text_parts(kind: str = "text") -> list[dict[str, str]]:
    return [{"type": kind, "text": text} for text in PIECES]


CASES = {
    "openai": ("/v1/chat/completions", {"messages": [{"role": "user", "content": text_parts()}]}),
    "responses": ("/v1/responses", {"input": [{"role": "user", "content": text_parts("input_text")}]}),
    "anthropic": ("/v1/messages", {"max_tokens": 9, "messages": [{"role": "user", "content": text_parts()}]}),
    "gemini": (
        "/v1beta/models/fake-echo:generateContent",
        {"contents": [{"role": "user", "parts": [{"text": text} for text in PIECES]}]},
    ),
}


@pytest.mark.parametrize("case", CASES)
async def test_a_value_that_is_split_over_parts_leaves_in_neither(each_door: Any, case: str) -> None:
    path, body = CASES[case]
    name = {"responses": "openai"}.get(case, case)
    body = body if name == "gemini" else {"model": "fake-echo", **body}
    async with each_door(**{name: {}}) as it:
        async with it.client(name) as client:
            answer = await client.post(path, json=body)
        assert answer.status_code == 200, answer.text
        (left,) = it.received(name)
        assert not [half for half in (*MAIL, *CARD) if half.strip() in left.body.decode()]
        assert all(half.strip() in answer.text for half in (*MAIL, *CARD)), answer.text
        await it.settled()
        (record,) = it.records("transfer")
        counted = Counter(one["entity_type"] for one in record["findings"] for _ in range(one["n"]))
    assert counted == {"EMAIL_ADDRESS": 2, "CREDIT_CARD": 2}
