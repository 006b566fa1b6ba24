"""`do: route`: special data goes to the company's own model instead, with nothing of the first recipient's."""

from collections.abc import Callable
from typing import Any

import pytest

from proxy.errors import RefusedError
from proxy.fakes.leaks import assert_no_leak
from proxy.fakes.server import FakeProvider
from proxy.steps.routing import renamed_model

MAIL, IBAN = "anna.schmidt@example.com", "DE89 3704 0044 0532 0130 00"
KEY = {"authorization": "Bearer sk-of-the-provider"}
POLICY = """
version: 1
name: routes
environment: test
destinations:
  openai: {extends: bundled:openai@2026-11-23}
  gemini: {extends: bundled:gemini@2026-11-23}
  own-llama:
    extends: bundled:self-hosted@2026-11-23
    models: {fake-echo: "own-\\\"70b\\\""}
unknown_applications: allow
rules:
  - id: bank-data-stays-home
    when: {entity: IBAN_CODE, destination: {operator_not: us}}
    do: route
    to: own-llama
    because: Company rule 4
  - id: people-become-placeholders
    when: {entity: any}
    do: tokenize
  - id: rest
    when: {entity: none}
    do: allow
media: {image: refuse, document: refuse, audio: refuse, video: refuse, sensor: refuse, other: refuse}
"""


@pytest.fixture
def routes(beside_own_model: Callable[..., Any]) -> Callable[..., Any]:
    """A stand with the policy above, or another; `own` is the fake that is `own-llama`."""
    return lambda own, policy=POLICY, **more: beside_own_model(own.url, policy, **more)


async def test_what_a_rule_routes_goes_to_the_other_destination_and_comes_back(
    routes: Callable[..., Any], own_model: Any, chat: Any
) -> None:
    async with routes(own_model) as it, it.client("openai", headers=KEY) as client:
        answer = await client.post("/v1/chat/completions", json=chat(f"{MAIL} pays from {IBAN}"))
        assert answer.json()["choices"][0]["message"]["content"] == f"{MAIL} pays from {IBAN}"
        await it.settled()
        assert it.received() == []
        (received,) = own_model.received
        assert_no_leak(own_model.received, [MAIL, "sk-of-the-provider"])
        assert received.json()["model"] == 'own-"70b"'
        assert received.headers.get("authorization") is None
        (record,) = it.records("transfer")
        assert (record["action"], record["destination"]["name"], record["provider"]) == (
            "route",
            "own-llama",
            "own-llama",
        )
        assert record["rules"][0] == "bank-data-stays-home"


async def test_a_stream_is_routed_as_well(routes: Callable[..., Any], own_model: Any, chat: Any) -> None:
    async with routes(own_model) as it, it.client("openai", headers=KEY) as client:
        answer = await client.post("/v1/chat/completions", json=chat(f"{IBAN} of {MAIL}", stream=True))
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert MAIL.encode() in answer.content
        assert it.received() == []


async def test_what_no_rule_routes_goes_where_the_app_wanted(
    routes: Callable[..., Any], own_model: Any, chat: Any
) -> None:
    async with routes(own_model) as it, it.client("openai", headers=KEY) as client:
        await client.post("/v1/chat/completions", json=chat(MAIL))
        assert own_model.received == []
        assert it.received()[0].headers.get("authorization") == "Bearer sk-of-the-provider"


async def test_another_wire_format_is_refused_and_recorded(routes: Callable[..., Any], own_model: Any) -> None:
    async with routes(own_model, gemini={}) as it, it.client("gemini") as client:
        body = {"contents": [{"role": "user", "parts": [{"text": IBAN}]}]}
        answer = await client.post("/v1beta/models/fake-echo:generateContent", json=body)
        assert (answer.status_code, answer.headers["dragoman-reason"]) == (403, "route_incompatible")
        assert it.received("gemini") == own_model.received == []
        assert it.records("blocked")[0]["reason"] == "route_incompatible"


async def test_a_model_that_the_other_destination_does_not_know_is_refused(
    routes: Callable[..., Any], own_model: Any, chat: Any
) -> None:
    async with routes(own_model) as it, it.client("openai") as client:
        answer = await client.post("/v1/chat/completions", json={**chat(IBAN), "model": "gpt-9"})
        assert answer.headers["dragoman-reason"] == "route_model_unknown"
        assert it.received() == own_model.received == []


async def test_a_stopped_destination_gets_nothing_by_a_detour(
    routes: Callable[..., Any], own_model: Any, chat: Any
) -> None:
    async with routes(own_model) as it, it.client("openai") as client:
        it.app.control.set_stop("destination", "own-llama", stopped=True)
        await it.app.refresh()
        answer = await client.post("/v1/chat/completions", json=chat(IBAN))
        assert answer.headers["dragoman-reason"] == "destination_stopped"
        assert own_model.received == []


@pytest.mark.outside
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_the_official_sdk_notices_nothing_of_the_route(
    routes: Callable[..., Any], sdk: Any, stream: bool
) -> None:
    """What it gets is what the own model alone would have said to it, but for the model's name."""
    asked = {"model": "fake-echo", "messages": [{"role": "user", "content": f"{MAIL} pays from {IBAN}"}]}
    async with FakeProvider("openai", chunk=3) as own, routes(own) as it:
        options = {**it.route("openai", "/v1"), "stream": stream}
        got = await sdk.call("openai", "chat.completions.create", **options, **asked)
        direct = {"base_url": f"{own.url}/v1", "stream": stream}
        wanted = await sdk.call("openai", "chat.completions.create", **direct, **asked)
        assert it.received() == []
        assert own.received[0].json()["model"] == 'own-"70b"'
        assert_no_leak(own.received[:1], [MAIL, "sk-test-0000"])
        await it.settled()
        (outcome,) = it.records("outcome")
        assert outcome["restored"] == 2
    assert said(got) == said(wanted) == f"{MAIL} pays from {IBAN}"
    shapes = [
        {key: type(value) for key, value in one.items()}
        for one in (got[0] if stream else got, wanted[0] if stream else wanted)
    ]
    assert shapes[0] == shapes[1]


def said(answer: Any) -> str:
    """The words of an answer, or of all chunks of a stream."""
    if isinstance(answer, list):
        return "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in answer if chunk["choices"])
    return str(answer["choices"][0]["message"]["content"])


SHARED = (
    POLICY.replace(
        "when: {entity: IBAN_CODE, destination: {operator_not: us}}", "when: {share: 50, destination: openai}"
    )
    + """
trust: {dragoman-session: [127.0.0.0/8]}
"""
)


async def test_a_share_of_the_sessions_is_routed_and_each_stays_where_it_is(
    routes: Callable[..., Any], own_model: Any, chat: Any
) -> None:
    sessions = [f"s-{number}" for number in range(30)]
    async with routes(own_model, SHARED) as it, it.client("openai", headers=KEY) as client:
        for turn, asking in (("Hello", sessions), (f"I am {MAIL}", sessions[:10])):
            for session in asking:
                answer = await client.post(
                    "/v1/chat/completions", json=chat(turn), headers={"dragoman-session": session}
                )
                assert answer.json()["choices"][0]["message"]["content"] == turn
        await it.settled()
        where: dict[str, set[str]] = {}
        for record in it.records("transfer"):
            where.setdefault(record["session"], set()).add(record["destination"]["name"])
    assert len(where) == len(sessions)
    assert all(len(names) == 1 for names in where.values())
    # Of 30 fair coins, fewer than 4 on one side come up once in a hundred thousand times.
    assert 4 <= sum(names == {"own-llama"} for names in where.values()) <= 26


def test_only_the_models_name_is_written_anew() -> None:
    body = b'{ "x": {"model" : "a"},"model" :\t"a" , "\\u006dodel":"a","s":"\\u00e9", "list":["a"]}'
    expected = b'{ "x": {"model" : "a"},"model" :\t"b" , "\\u006dodel":"b","s":"\\u00e9", "list":["a"]}'
    assert renamed_model(body, {"a": "b"}) == expected
    assert renamed_model(body, {}) is body
    assert renamed_model(b"\xff no json", {"a": "b"}) == b"\xff no json"
    with pytest.raises(RefusedError, match="names no model"):
        renamed_model(body, {"c": "d"})
