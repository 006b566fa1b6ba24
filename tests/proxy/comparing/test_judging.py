"""A judge is asked in both orders, and what it answers is one word or nothing."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest

from proxy.comparing.judging import ANSWER_BYTES, MOST_CHARACTERS, Judge, JudgeError, verdict_in
from proxy.comparing.pairs import Blind, Words
from proxy.control.ratings import Side


def completion(text: Any) -> bytes:
    return json.dumps({"choices": [{"message": {"content": text}}]}).encode()


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (completion('{"better": "a"}'), "a"),
        (completion('Sure:\n```json\n{ "better" : "tie" }\n```'), "tie"),
        (completion('{"better": "b"} {"better": "b"}'), "b"),
        (completion('{"better": "a"} or {"better": "b"}'), None),
        (completion('{"better": "A"}'), None),
        (completion("a"), None),
        (completion(None), None),
        (completion(["a"]), None),
        (b'{"choices": []}', None),
        (b"[]", None),
        (b"\xff", None),
        (b"[" * 5_000, None),
    ],
)
def test_a_verdict_is_one_word(answer: bytes, verdict: str | None) -> None:
    assert verdict_in(answer) == verdict


type Say = Callable[[dict[str, Any]], bytes]


@pytest.fixture
def judge() -> Iterator[Callable[..., tuple[Judge, list[Any]]]]:
    """A judge over a real socket; say: what it answers to the material, a status with it if it is not 200."""
    opened: list[Callable[[], None]] = []

    def make(say: Say, status: int = 200) -> tuple[Judge, list[Any]]:
        asked: list[Any] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                asked.append((self.path, self.headers, body))
                answer = say(json.loads(body["messages"][-1]["content"]))
                self.send_response(status)
                self.send_header("content-length", str(len(answer)))
                self.send_header("dragoman-reason", "policy_rule" if status == 403 else "")
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None: ...

        server = HTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        client = httpx.Client(trust_env=False, timeout=60)
        opened.extend((client.close, server.shutdown, thread.join, server.server_close))
        url = f"http://127.0.0.1:{server.server_port}/own-llama"
        return Judge(client, url, "llama", {"dragoman-credential": "c"}), asked

    yield make
    for end in opened:
        end()


def pair(a: str = "short", b: str = "much longer") -> Blind:
    asked = (("user", "What now?"),)
    return Blind("0" * 26, 2, False, Words(asked, (a,)), Words(asked, (b,)), Side("openai", ""), Side("own", ""))


def longer(material: dict[str, Any]) -> bytes:
    better = "a" if len(material["answer_a"]) > len(material["answer_b"]) else "b"
    return completion(json.dumps({"better": better}))


def test_what_it_says_in_both_orders_counts(judge: Any) -> None:
    asked_judge, asked = judge(longer)
    assert asked_judge.better(pair()) == "b"
    assert asked_judge.better(pair("much longer", "short")) == "a"
    path, headers, body = asked[0]
    assert (path, body["model"], body["store"]) == ("/own-llama/v1/chat/completions", "llama", False)
    assert headers["dragoman-credential"] == "c"
    assert [json.loads(one[2]["messages"][-1]["content"])["answer_a"] for one in asked[:2]] == ["short", "much longer"]


def test_whoever_likes_what_stands_first_says_nothing(judge: Any) -> None:
    asked_judge, _ = judge(lambda _: completion('{"better": "a"}'))
    assert asked_judge.better(pair()) == "tie"


def test_no_word_is_no_verdict_and_what_is_too_long_is_not_asked(judge: Any) -> None:
    asked_judge, asked = judge(lambda _: completion("I cannot decide."))
    assert asked_judge.better(pair()) is None
    assert len(asked) == 1
    assert asked_judge.better(pair(a="x" * MOST_CHARACTERS)) is None
    assert len(asked) == 1


def test_a_refusal_and_an_endless_answer_end_it(judge: Any) -> None:
    with pytest.raises(JudgeError, match="403 policy_rule"):
        judge(lambda _: b"{}", status=403)[0].better(pair())
    with pytest.raises(JudgeError, match="too long"):
        judge(lambda _: b"x" * (ANSWER_BYTES + 1))[0].better(pair())
    with pytest.raises(JudgeError, match="is dragoman running"):
        Judge(httpx.Client(trust_env=False, timeout=60), "http://127.0.0.1:9/x", "m", {}).better(pair())
