"""The official SDKs as clients of the gateway: what they get is what they would have got without us."""

from typing import Any

import pytest

from proxy.fakes.leaks import assert_no_leak

pytestmark = pytest.mark.outside

MAIL = "anna.schmidt@example.com"
TEXT = f"Grüße an {MAIL} 👋, IBAN DE89 3704 0044 0532 0130 00."
MODES = pytest.mark.parametrize("mode", ["sync", "async"])


@MODES
async def test_openai_chat_plain_and_streamed(stand: Any, sdk: Any, mode: str) -> None:
    call = {"model": "fake-echo", "messages": [{"role": "user", "content": TEXT}]}
    async with stand(openai={"chunk": 3, "wire": 5}) as it:
        base = f"{it.gateway}/openai/v1"
        value = await sdk.call("openai", "chat.completions.create", base_url=base, mode=mode, **call)
        chunks = await sdk.call("openai", "chat.completions.create", base_url=base, mode=mode, stream=True, **call)
        assert_no_leak(it.received(), [MAIL])
    assert value["choices"][0]["message"]["content"] == TEXT
    assert "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks if chunk["choices"]) == TEXT


@MODES
async def test_gemini_plain_and_streamed(stand: Any, sdk: Any, mode: str) -> None:
    call = {"model": "fake-echo", "contents": TEXT}
    async with stand(gemini={"chunk": 4}) as it:
        base = f"{it.gateway}/gemini"
        value = await sdk.call("google-genai", "models.generate_content", base_url=base, mode=mode, **call)
        chunks = await sdk.call(
            "google-genai", "models.generate_content_stream", base_url=base, mode=mode, stream=True, **call
        )
        assert_no_leak(it.received("gemini"), [MAIL])
    assert value["candidates"][0]["content"]["parts"][0]["text"] == TEXT
    parts = [chunk["candidates"][0]["content"]["parts"] for chunk in chunks]
    assert "".join(part[0]["text"] or "" for part in parts if part) == TEXT


@MODES
async def test_anthropic_plain_and_streamed(stand: Any, sdk: Any, mode: str) -> None:
    call = {"model": "fake-echo", "max_tokens": 99, "messages": [{"role": "user", "content": TEXT}]}
    async with stand(anthropic={"chunk": 3}) as it:
        base = f"{it.gateway}/anthropic"
        value = await sdk.call("anthropic", "messages.create", base_url=base, mode=mode, **call)
        chunks = await sdk.call("anthropic", "messages.create", base_url=base, mode=mode, stream=True, **call)
        assert_no_leak(it.received("anthropic"), [MAIL])
    assert value["content"][0]["text"] == TEXT
    assert "".join((chunk.get("delta") or {}).get("text") or "" for chunk in chunks) == TEXT


async def test_a_refusal_is_the_sdks_own_error_with_our_code(stand: Any, sdk: Any) -> None:
    call = {"model": "fake-echo", "messages": [{"role": "user", "content": TEXT}]}
    async with stand() as it:
        it.app.control.set_stop("destination", "openai", stopped=True)
        await it.app._refresh()
        base = f"{it.gateway}/openai/v1"
        raised = await sdk.call("openai", "chat.completions.create", base_url=base, **call)
        assert it.received() == []
    assert (raised.name, raised.status) == ("PermissionDeniedError", 403)


async def test_the_first_delta_arrives_before_the_upstream_sends_its_next(stand: Any, sdk: Any) -> None:
    from proxy.fakes.hold import Hold

    hold = Hold()
    call = {"model": "fake-echo", "messages": [{"role": "user", "content": f"Hello there {MAIL}"}]}
    async with stand(openai={"chunk": 5, "hold": hold}) as it:
        running = sdk.start(
            "openai", "chat.completions.create", base_url=f"{it.gateway}/openai/v1", stream=True, **call
        )
        hold.release(2)
        text = ""
        while not text:
            choices = (await running.chunk())["choices"]
            text = (choices[0]["delta"].get("content") or "") if choices else ""
        assert text == "Hello"
        await hold.reached(2)
        assert hold.passed == 2
        hold.open()
        assert await running.end() is None
