"""`restore: {tools: {...}}`: a tool that must not get originals gets placeholders, through the door, and it is counted."""

from pathlib import Path
from typing import Any

import orjson
import pytest

POLICY = """\
version: 1
name: tools
unknown_applications: allow
destinations:
  openai: {extends: bundled:openai@2026-11-23}
  gemini: {extends: bundled:gemini@2026-11-23}
  anthropic: {extends: bundled:anthropic@2026-11-23}
restore: {tools: {web_search: no}}
rules:
  - {id: all, when: {entity: any}, do: tokenize}
  - {id: rest, when: {entity: none}, do: allow}
"""
ADDRESS = "anna@example.com"
NAMES = ("web_search", "send_mail")
FUNCTIONS = [{"name": name, "parameters": {"type": "object"}} for name in NAMES]
SAID = [{"role": "user", "content": f"Find {ADDRESS}"}]
CHAT = {"model": "m", "messages": SAID, "tools": [{"type": "function", "function": one} for one in FUNCTIONS]}
RESPONSES = {"model": "m", "input": f"Find {ADDRESS}", "tools": [{"type": "function", **one} for one in FUNCTIONS]}
MESSAGES = {
    "model": "m",
    "max_tokens": 99,
    "messages": SAID,
    "tools": [{"name": name, "input_schema": {"type": "object"}} for name in NAMES],
}
GEMINI = {
    "contents": [{"role": "user", "parts": [{"text": f"Find {ADDRESS}"}]}],
    "tools": [{"functionDeclarations": FUNCTIONS}],
}
MODEL = "/v1beta/models/m"
KEYS = ("arguments", "partial_json", "args", "input")


def documents(text: str) -> list[Any]:
    """The JSON documents of an answer, whole or streamed."""
    if not text.startswith(("data:", "event:")):
        return [orjson.loads(text)]
    lines = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: {")]
    return [orjson.loads(line) for line in lines]


def written(text: str) -> dict[str, str]:
    """tool -> everything that an answer says its arguments are."""
    names: dict[Any, str] = {}
    found: dict[str, str] = dict.fromkeys(NAMES, "")

    def look(value: Any, at: Any) -> None:
        for item in value if isinstance(value, list) else ():
            look(item, at)
        if not isinstance(value, dict):
            return
        at = value.get("output_index", value.get("index", at))
        if "name" in value:
            names[at] = value["name"]
        for key, item in value.items():
            if key in KEYS or (key == "delta" and isinstance(item, str)):
                found[names[at]] += item if isinstance(item, str) else orjson.dumps(item).decode()
            else:
                look(item, at)

    for document in documents(text):
        look(document, None)
    return found


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("api", "path", "body"),
    [
        pytest.param("openai", "/v1/chat/completions", CHAT, id="chat"),
        pytest.param("openai", "/v1/chat/completions", {**CHAT, "stream": True}, id="chat stream"),
        pytest.param("openai", "/v1/responses", RESPONSES, id="responses"),
        pytest.param("openai", "/v1/responses", {**RESPONSES, "stream": True}, id="responses stream"),
        pytest.param("gemini", f"{MODEL}:generateContent", GEMINI, id="gemini"),
        pytest.param("gemini", f"{MODEL}:streamGenerateContent?alt=sse", GEMINI, id="gemini stream"),
        pytest.param("anthropic", "/v1/messages", MESSAGES, id="anthropic"),
        pytest.param("anthropic", "/v1/messages", {**MESSAGES, "stream": True}, id="anthropic stream"),
    ],
)
async def test_a_tool_that_runs_outside_gets_placeholders(
    stand: Any, policy: Path, api: str, path: str, body: dict[str, Any]
) -> None:
    async with stand(settings={"policy": policy}, **{api: {"chunk": 4}}) as it:
        async with it.client(api) as client:
            answer = await client.post(path, json=body)
        assert answer.status_code == 200, answer.text
        await it.settled()
        assert ADDRESS not in str(it.received(api)[-1].body)
        tools = written(answer.text)
        assert ADDRESS in tools["send_mail"]
        assert ADDRESS not in tools["web_search"]
        assert "[EMAIL_ADDRESS_" in tools["web_search"]
        assert "[EMAIL_ADDRESS_" not in tools["send_mail"]
        outcome = it.records("outcome")[-1]
        assert outcome["withheld"] > 0
        assert outcome["restored"] > 0


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_arguments_with_json_in_a_string_say_what_they_would_have_said(each_door: Any, stream: bool) -> None:
    note = {
        "note": 'password: Gh7\\kL9!x, "Tel." 0341\t9876543',
        "again": [orjson.dumps({"p": "password: Gh7\\kL9!x"}).decode()],
    }
    words = orjson.dumps(note).decode()
    body = {**CHAT, "messages": [{"role": "user", "content": words}], "stream": stream}
    async with each_door(openai={"chunk": 3}) as it:
        async with it.client("openai") as client:
            answer = await client.post("/v1/chat/completions", json=body)
        assert answer.status_code == 200, answer.text
        left = str(it.received("openai")[-1].body)
        assert "kL9" not in left
        assert "9876543" not in left
        for arguments in written(answer.text).values():
            assert orjson.loads(arguments)["text"] == words


async def test_json_that_an_answer_quotes_after_other_words_stays_json(each_door: Any) -> None:
    note = {"note": "password: Gh7\\kL9!x", "phone": "0341\t9876543"}
    said = ["Please send this on:", orjson.dumps(note).decode()]
    body = {
        **CHAT,
        "messages": [{"role": "user", "content": [{"type": "text", "text": text} for text in said]}],
        "stream": True,
        "tools": [],
    }
    async with each_door(openai={"chunk": 3}) as it:
        async with it.client("openai") as client:
            answer = await client.post("/v1/chat/completions", json=body)
        assert "kL9" not in str(it.received("openai")[-1].body)
    words = "".join(one["choices"][0]["delta"].get("content") or "" for one in documents(answer.text))
    assert orjson.loads(words[words.index("{") : words.rindex("}") + 1]) == note
