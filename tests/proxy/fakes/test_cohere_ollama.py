"""The fakes of Cohere and Ollama answer in their shapes, and through their formats the answers are restored."""

import json

import pytest

from proxy.fakes.behaviour import Behaviour
from proxy.formats import ALL
from proxy.formats.base import RequestHead
from proxy.messages import Headers
from redaction import tokens
from redaction.restore import Restorable, Restorer

NAME = 'Hạnh "H." Nguyễn'
TOKEN = tokens.mint(bytes(32), "PERSON", NAME)
TOOLS = [{"type": "function", "function": {"name": name, "parameters": {}}} for name in ("a", "b")]
USER = [{"role": "user", "content": f"Chị {TOKEN}"}]


def restored(answer, name, path):
    """The bytes of an answer as the format restores them, cut after every third byte."""
    (chosen,) = (item for item in ALL if item.name == name)
    endpoint = chosen.endpoint(RequestHead("POST", "h", path, "", Headers()))
    headers = Headers(tuple((key.encode(), value.encode()) for key, value in answer.headers))
    reader = chosen.reader(endpoint, answer.status, headers, Restorer(Restorable({TOKEN: NAME})))
    raw = b"".join(answer.events)
    return b"".join(reader.feed(raw[at : at + 3]) for at in range(0, len(raw), 3)) + reader.finish()


@pytest.mark.parametrize("chunk", [0, 1, 5])
@pytest.mark.parametrize("path", ["/api/chat", "/api/generate"])
def test_ollama_streams_lines(ask, path, chunk):
    body = {"model": "m", "messages": USER} if path.endswith("chat") else {"model": "m", "prompt": USER[0]["content"]}
    answer = ask.of("ollama", path, body, chunk=chunk)
    lines = [json.loads(line) for line in restored(answer, "ollama", path).splitlines()]
    assert "".join(line.get("response", line.get("message", {}).get("content")) for line in lines) == f"Chị {NAME}"
    assert [line["done"] for line in lines[-2:]] == [False, True]
    whole = json.loads(restored(ask.of("ollama", path, {**body, "stream": False}), "ollama", path))
    assert whole.get("response", whole.get("message", {}).get("content")) == f"Chị {NAME}"


def test_ollama_calls_tools_and_embeds(ask):
    body = {"model": "m", "messages": USER, "tools": TOOLS, "stream": False}
    message = json.loads(restored(ask.of("ollama", "/api/chat", body), "ollama", "/api/chat"))["message"]
    assert [call["function"]["arguments"]["text"] for call in message["tool_calls"]] == [f"Chị {NAME}"] * 2
    assert len(ask.json(ask.of("ollama", "/api/embed", {"model": "m", "input": ["a", "b"]}))["embeddings"]) == 2


@pytest.mark.parametrize("chunk", [0, 1, 5])
@pytest.mark.parametrize("tools", [[], TOOLS])
def test_cohere_streams_typed_events(ask, chunk, tools):
    body = {"model": "m", "stream": True, "messages": USER, "tools": tools}
    text = restored(ask.of("cohere", "/v2/chat", body, chunk=chunk), "cohere", "/v2/chat").decode()
    events = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]
    assert [event["type"] for event in events][-1] == "message-end"
    messages = [event.get("delta", {}).get("message", {}) for event in events]
    said = "".join(one.get("tool_plan", "") + one.get("content", {}).get("text", "") for one in messages)
    assert said == f"Chị {NAME}"
    calls = "".join(one.get("tool_calls", {}).get("function", {}).get("arguments", "") for one in messages)
    assert calls.count(json.dumps(NAME, ensure_ascii=False)[1:-1]) == (4 if tools else 0)
    whole = json.loads(restored(ask.of("cohere", "/v2/chat", {**body, "stream": False}), "cohere", "/v2/chat"))
    assert (
        whole["message"].get("tool_plan", whole["message"].get("content", [{}])[0].get("text") if not tools else "")
        == f"Chị {NAME}"
    )


def test_cohere_embeds_and_ranks(ask):
    assert len(ask.json(ask.of("cohere", "/v2/embed", {"model": "m", "texts": ["a", "b"]}))["embeddings"]["float"]) == 2
    assert (
        len(ask.json(ask.of("cohere", "/v2/rerank", {"model": "m", "query": "q", "documents": ["a"]}))["results"]) == 1
    )


@pytest.mark.parametrize(("name", "path"), [("ollama", "/api/chat"), ("cohere", "/v2/chat")])
def test_errors_quote_the_prompt_and_are_restored(ask, name, path):
    answer = ask.of(name, path, {"model": "m", "messages": USER}, behaviour=Behaviour.ERROR_429)
    assert answer.status == 429
    assert NAME in json.dumps(json.loads(restored(answer, name, path)), ensure_ascii=False).replace('\\"', '"')
    assert ask.of(name, "/nowhere", {"model": "m"}).status == 404
