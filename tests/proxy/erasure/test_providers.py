"""Which call deletes which object, with which key, and what an answer means."""

from collections.abc import Callable, Iterator
from types import MappingProxyType
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.destination import Destination, FormatHint
from proxy.config import parse_origin
from proxy.erasure.deleting import DAY_MS
from proxy.erasure.providers import PROVIDERS, GeminiObjects, OpenAIObjects, Verdict, deletes
from redaction.vault import ProviderObject

CREATED = 1_790_000_000_000


def kept(destination: str, object_id: str) -> ProviderObject:
    return ProviderObject(destination, object_id, CREATED, CREATED)


CALLS = [
    ("openai", "resp_68af", "https://api.openai.com/v1/responses/resp_68af", "authorization", "Bearer sk-secret"),
    ("openai", "conv_1", "https://api.openai.com/v1/conversations/conv_1", "authorization", "Bearer sk-secret"),
    (
        "openai",
        "chatcmpl-B9",
        "https://api.openai.com/v1/chat/completions/chatcmpl-B9",
        "authorization",
        "Bearer sk-secret",
    ),
    ("openai", "file-abc", "https://api.openai.com/v1/files/file-abc", "authorization", "Bearer sk-secret"),
    ("openai", "vs_1", "https://api.openai.com/v1/vector_stores/vs_1", "authorization", "Bearer sk-secret"),
    ("openai", "cntr_1", "https://api.openai.com/v1/containers/cntr_1", "authorization", "Bearer sk-secret"),
    ("openai", "video_1", "https://api.openai.com/v1/videos/video_1", "authorization", "Bearer sk-secret"),
    ("openai", "eval_1", "https://api.openai.com/v1/evals/eval_1", "authorization", "Bearer sk-secret"),
    (
        "openai",
        "eval_1/runs/evalrun_2",
        "https://api.openai.com/v1/evals/eval_1/runs/evalrun_2",
        "authorization",
        "Bearer sk-secret",
    ),
    (
        "openai",
        "skill_1/versions/2",
        "https://api.openai.com/v1/skills/skill_1/versions/2",
        "authorization",
        "Bearer sk-secret",
    ),
    ("anthropic", "skill_01", "https://api.anthropic.com/v1/skills/skill_01", "x-api-key", "sk-secret"),
    (
        "anthropic",
        "skill_01/versions/skver_2",
        "https://api.anthropic.com/v1/skills/skill_01/versions/skver_2",
        "x-api-key",
        "sk-secret",
    ),
    ("groq", "resp_1", "https://api.groq.com/openai/v1/responses/resp_1", "authorization", "Bearer sk-secret"),
    (
        "gemini",
        "cachedContents/x1",
        "https://generativelanguage.googleapis.com/v1beta/cachedContents/x1",
        "x-goog-api-key",
        "sk-secret",
    ),
    (
        "gemini",
        "batches/b-1",
        "https://generativelanguage.googleapis.com/v1beta/batches/b-1",
        "x-goog-api-key",
        "sk-secret",
    ),
    (
        "gemini",
        "files/f-1",
        "https://generativelanguage.googleapis.com/v1beta/files/f-1",
        "x-goog-api-key",
        "sk-secret",
    ),
    (
        "anthropic",
        "msgbatch_013Z",
        "https://api.anthropic.com/v1/messages/batches/msgbatch_013Z",
        "x-api-key",
        "sk-secret",
    ),
    ("anthropic", "file_011C", "https://api.anthropic.com/v1/files/file_011C", "x-api-key", "sk-secret"),
]


@pytest.mark.parametrize(("destination", "object_id", "url", "carrier", "key"), CALLS)
def test_an_object_is_deleted_where_the_provider_keeps_it(
    provider: Callable[..., Any], destination: str, object_id: str, url: str, carrier: str, key: str
) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={})

    with provider(answer) as deleter:
        planned = deleter.plan([kept(destination, object_id)])
        assert seen == [], "planning asks nobody"
        assert planned[0].request == f"DELETE {url}"
        (done,) = deleter.carry_out(planned)
    assert (done.verdict, done.status, done.kept_until) == (Verdict.DELETED, 200, None)
    (request,) = seen
    assert (request.method, str(request.url), request.headers[carrier]) == ("DELETE", url, key)
    assert request.content == b""
    assert ("anthropic-version" in request.headers) is (destination == "anthropic")


@pytest.mark.parametrize(
    ("destination", "object_id", "obstacle"),
    [
        ("openai", "batch_1", "no_call"),
        ("openai", "resp_../../files", "no_call"),
        ("openai", "cachedContents/x", "no_call"),
        ("anthropic", "container_011", "no_call"),
        ("anthropic", "file_../../models", "no_call"),
        ("anthropic", "resp_1", "no_call"),
        ("openai", "msgbatch_1", "no_call"),
        ("openai", "file_011", "no_call"),
        ("gemini", "files/../models", "no_call"),
        ("gemini", "models/x", "no_call"),
        ("llama", "chatcmpl-1", "no_call"),
        ("mistral", "chatcmpl-1", "no_key"),
        ("azure-openai", "resp_1", "no_upstream"),
        ("gone", "resp_1", "unknown_destination"),
    ],
)
def test_what_nobody_can_be_asked_for_is_listed_with_the_reason(
    provider: Callable[..., Any], destination: str, object_id: str, obstacle: str
) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise AssertionError("nobody is asked")

    with provider(answer) as deleter:
        (planned,) = deleter.plan([kept(destination, object_id)])
        (done,) = deleter.carry_out([planned])
    assert (planned.obstacle, done.obstacle, done.verdict) == (obstacle, obstacle, Verdict.KEPT)


def test_until_when_a_provider_keeps_it_is_what_the_register_says(provider: Callable[..., Any]) -> None:
    with provider(lambda _: httpx.Response(403)) as deleter:
        (done,) = deleter.carry_out(deleter.plan([kept("openai", "resp_1")]))
        (unknown,) = deleter.plan([kept("ollama", "batch_1")])
    assert (done.verdict, done.kept_until) == (Verdict.REFUSED, CREATED + 30 * DAY_MS)
    assert unknown.kept_until is None


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (200, b'{"id": "resp_1", "deleted": true}', Verdict.DELETED),
        (204, b"", Verdict.DELETED),
        (200, b'{"id": "resp_1", "deleted": false}', Verdict.REFUSED),
        (200, b"<html>", Verdict.DELETED),
        (404, b'{"error": {"message": "no such"}}', Verdict.ABSENT),
        (410, b"", Verdict.ABSENT),
        (301, b"", Verdict.REFUSED),
        (401, b"", Verdict.REFUSED),
        (405, b"", Verdict.REFUSED),
        (429, b"", Verdict.REFUSED),
        (500, b"", Verdict.REFUSED),
    ],
)
def test_what_an_answer_means(provider: Callable[..., Any], status: int, body: bytes, verdict: Verdict) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(status, content=body, headers={"location": "https://elsewhere.example/"})

    with provider(answer) as deleter:
        (done,) = deleter.carry_out(deleter.plan([kept("openai", "resp_1")]))
    assert (done.verdict, done.status) == (verdict, status)
    assert len(asked) == 1, "no redirect is followed and nothing is repeated"


def test_an_answer_without_end_is_not_read_to_its_end(provider: Callable[..., Any]) -> None:
    sent: list[int] = []

    def pieces() -> Iterator[bytes]:
        for _ in range(1000):
            sent.append(1)
            yield b" " * 65_536

    with provider(lambda _: httpx.Response(200, content=pieces())) as deleter:
        (done,) = deleter.carry_out(deleter.plan([kept("openai", "resp_1")]))
    assert done.status == 200
    assert len(sent) < 20


def test_a_provider_that_is_away_is_waited_for_once(provider: Callable[..., Any]) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        if request.url.host == "api.openai.com":
            raise httpx.ConnectTimeout("away")
        return httpx.Response(200)

    objects = [kept("openai", "resp_1"), kept("openai", "resp_2"), kept("gemini", "files/1"), kept("openai", "batch_1")]
    with provider(answer) as deleter:
        done = list(deleter.carry_out(deleter.plan(objects)))
    assert asked == ["api.openai.com", "generativelanguage.googleapis.com"]
    assert [(one.verdict, one.obstacle) for one in done] == [
        (Verdict.REFUSED, "unreachable"),
        (Verdict.REFUSED, "unreachable"),
        (Verdict.DELETED, None),
        (Verdict.REFUSED, "no_call"),
    ]


def test_a_key_that_cannot_be_read_is_told_before_and_is_no_reason_to_stop(provider: Callable[..., Any]) -> None:
    keys = MappingProxyType({"openai": "env:NOT_SET_ANYWHERE"})
    with provider(lambda _: httpx.Response(200), provider_keys=keys) as deleter:
        (done,) = deleter.carry_out(deleter.plan([kept("openai", "resp_1")]))
    assert (done.verdict, done.status, done.obstacle) == (Verdict.KEPT, None, "key_unreadable")


def test_a_replaced_upstream_is_asked_instead(provider: Callable[..., Any]) -> None:
    upstreams = {"openai": parse_origin("http://127.0.0.1:9001/eu", what="openai")}
    with provider(lambda _: httpx.Response(200), upstreams=MappingProxyType(upstreams)) as deleter:
        (planned,) = deleter.plan([kept("openai", "resp_1")])
    assert planned.request == "DELETE http://127.0.0.1:9001/eu/v1/responses/resp_1"


def test_a_file_with_two_names_is_deleted_once(provider: Callable[..., Any]) -> None:
    uri = "https://generativelanguage.googleapis.com/v1beta/files/f-1"
    with provider(lambda _: httpx.Response(200)) as deleter:
        planned = deleter.plan([kept("gemini", uri), kept("gemini", "files/f-1"), kept("gemini", "files/f-2")])
        elsewhere = deleter.plan([kept("gemini", "https://evil.example/v1beta/files/f-3")])
    assert [one.request for one in planned] == [f"DELETE {uri}", f"DELETE {uri[:-1]}2"]
    assert elsewhere[0].request == f"DELETE {uri[:-1]}3", "only the provider itself is ever asked"


def test_vertex_keeps_its_caches_below_its_projects() -> None:
    vertex = Destination("vertex", formats=(FormatHint("/v1", "gemini"), FormatHint("/v1beta1", "gemini")))
    name = "projects/p-1/locations/europe-west4/cachedContents/77"
    found = GeminiObjects().call(vertex, name)
    assert found is not None
    assert found.path == f"/v1/{name}"


@given(st.text(max_size=40))
def test_no_id_leads_out_of_its_place(text: str) -> None:
    destination = Destination(
        "both",
        formats=(
            FormatHint("/v1/responses", "openai_responses"),
            FormatHint("/v1/chat/completions", "openai_chat"),
            FormatHint("/v1beta", "gemini"),
            FormatHint("/v1", "anthropic"),
        ),
    )
    openai, gemini = ("resp_", "chatcmpl-", "file-", "conv_"), ("files/", "cachedContents/", "projects/p/locations/l/")
    for start in (*openai, *gemini, "msgbatch_", "file_"):
        found = deletes(destination, start + text)
        if found is None:
            continue
        path = found[1].path
        assert found[0] in PROVIDERS
        assert path.endswith(start + text)
        assert ".." not in path.split("/")
        assert path.isascii()
        assert not set(path) & set("?#% \r\n\\")
    assert OpenAIObjects().call(destination, "resp_" + "x" * 300) is None
