"""Further providers with their official SDKs as clients, through both doors, whole and streamed."""

from dataclasses import dataclass
from typing import Any

import pytest

from proxy.fakes.leaks import assert_no_leak

MAIL, PHONE = "anna.schmidt@example.com", "0171 2345678"
TEXT = f"Write to {MAIL} or call {PHONE}."
CHAT = {"model": "fake-echo", "messages": [{"role": "user", "content": TEXT}]}
MODEL = {"model": "fake-echo", "contents": TEXT}
WHOLE, PIECE = ("choices", 0, "message", "content"), ("choices", 0, "delta", "content")
PARTS = ("candidates", 0, "content", "parts", 0, "text")


@dataclass(frozen=True)
class Case:
    """destination: whose name and host. fake: the API behind it. shown: what the SDK authenticates with."""

    sdk: str
    destination: str
    fake: str = "openai"
    path: str = ""
    method: str = "chat.completions.create"
    streaming: str = ""
    kwargs: Any = None
    whole: tuple[Any, ...] = WHOLE
    piece: tuple[Any, ...] = PIECE
    target: str = ""
    shown: str = "sk-test-0000"
    header: tuple[str, str] = ("authorization", "Bearer sk-test-0000")


CASES = {
    "groq": Case("groq", "groq", target="/openai/v1/chat/completions"),
    "together": Case("together", "together", target="/v1/chat/completions"),
    "mistral": Case(
        "mistralai", "mistral", method="chat.complete", streaming="chat.stream", piece=("data", *PIECE),
        target="/v1/chat/completions",
    ),
    "cohere": Case(
        "cohere", "cohere", "cohere", method="chat", streaming="chat_stream", whole=("message", "content", 0, "text"),
        piece=("delta", "message", "content", "text"), target="/v2/chat",
    ),
    "ollama": Case("ollama", "ollama", "ollama", method="chat", whole=("message", "content"),
                   piece=("message", "content"), target="/api/chat", header=("host", "")),
    "azure": Case("azure", "azure-openai", target="/openai/deployments/fake-echo/chat/completions?api-version=2026-01-01",
                  header=("api-key", "sk-test-0000")),
    "azure with entra": Case("azure", "azure-openai", shown="entra:ey.some.token",
                             target="/openai/deployments/fake-echo/chat/completions?api-version=2026-01-01",
                             header=("authorization", "Bearer ey.some.token")),
    "azure v1": Case("openai", "azure-openai", path="/openai/v1", target="/openai/v1/chat/completions"),
    "openai on gemini": Case("openai", "gemini", path="/v1beta/openai", target="/v1beta/openai/chat/completions"),
    "vertex": Case("vertex", "vertex", "gemini", method="models.generate_content",
                   streaming="models.generate_content_stream", kwargs=MODEL, whole=PARTS, piece=PARTS,
                   target="/v1beta1/publishers/google/models/fake-echo:generateContent",
                   header=("x-goog-api-key", "sk-test-0000")),
}  # fmt: skip


def at(value: Any, path: tuple[Any, ...]) -> Any:
    """What stands at a path, "" where it leads nowhere."""
    for key in path:
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            return ""
    return value or ""


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_an_answer_and_a_stream_are_restored(each_door: Any, stand: Any, sdk: Any, case: Case) -> None:
    # Ollama is on the app's own machine, without TLS, so nothing of it goes through a proxy.
    opened = stand if case.sdk == "ollama" else each_door
    async with opened(**{case.destination: {"api": case.fake, "chunk": 3, "wire": 5}}) as it:
        route = {**it.route(case.destination, case.path), "api_key": case.shown}
        kwargs = case.kwargs or CHAT
        value = await sdk.call(case.sdk, case.method, **route, **kwargs)
        assert at(value, case.whole) == TEXT, value
        chunks = await sdk.call(case.sdk, case.streaming or case.method, **route, stream=True, **kwargs)
        assert "".join(at(chunk, case.piece) for chunk in chunks) == TEXT, chunks
        received = it.received(case.destination)
        assert_no_leak(received, [MAIL, PHONE])
        assert received[0].target.decode() == case.target
        name, shown = case.header
        assert shown in (received[0].headers.get(name) or "")
        await it.settled()
        assert {one["provider"] for one in it.records("transfer")} == {case.destination}


@pytest.mark.parametrize("case", [CASES["groq"], CASES["azure"], CASES["mistral"], CASES["cohere"]],
                         ids=["groq", "azure", "mistral", "cohere"])  # fmt: skip
async def test_a_refusal_is_an_error_of_the_sdk_with_our_code(each_door: Any, sdk: Any, case: Case) -> None:
    async with each_door(**{case.destination: {"api": case.fake}}) as it:
        await it.app.refresh()
        route = {**it.route(case.destination, case.path), "api_key": case.shown}
        if case.sdk in ("groq", "azure"):
            route["headers"] = {"dragoman-credential": "drg_unknown"}
            error = await sdk.call(case.sdk, case.method, **route, **CHAT)
            assert error.status == 401
            assert "credential_unknown" in str(error.body) + error.message
        else:
            error = await sdk.call(case.sdk, case.method, **{**route, "api_key": "drg_unknown"}, **CHAT)
            assert error.status == 401
            assert "credential_unknown" in error.message + str(error.body)
        assert it.received(case.destination) == []
